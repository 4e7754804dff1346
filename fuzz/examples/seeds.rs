//! Fills `corpus/` with what fuzzing starts from: the objects of `../testdata`, and their BTF; objects that no compiler
//! here makes; a few configurations.

#[path = "../../crates/obj/tests/common/elf.rs"]
#[allow(dead_code, reason = "it has more than this needs")]
mod elf;

use std::{
    fs,
    path::{Path, PathBuf},
};

use object::{Object, ObjectSection};
use oxbpf_btf::{Btf, BtfBuilder, Endian, Field, Kind};

fn objects(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("testdata can be read") {
        let path = entry.expect("testdata can be read").path();
        if path.is_dir() {
            objects(&path, found);
        } else if path.extension().is_some_and(|e| e == "o") {
            found.push(path);
        }
    }
}

/// A BTF that continues this one: the same types once more.
fn continued(raw: &[u8]) -> Option<Vec<u8>> {
    let btf = Btf::parse(raw).ok()?;
    let mut split = BtfBuilder::split(&btf);
    for ty in btf.types() {
        split.add_type(ty).ok()?;
    }
    split.to_vec(btf.endian()).ok()
}

/// A distilled base, and the BTF on it of which much was the base's.
fn distilled(raw: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let base = Btf::parse(raw).ok()?;
    let mut split = BtfBuilder::split(&base);
    for ty in
        base.types().filter(|ty| !matches!(ty.kind(), Kind::Func | Kind::Var | Kind::Datasec | Kind::DeclTag))
    {
        let own = [Field::new("base", ty.id(), 0)];
        split.add_struct(ty.name(), 16, own).ok()?;
    }
    let distilled = split.build_as(base.endian()).ok()?.distill().ok()?;
    Some((distilled.base.as_bytes().to_vec(), distilled.split.as_bytes().to_vec()))
}

fn main() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let write = |target: &str, name: &str, data: &[u8]| {
        let dir = here.join("corpus").join(target);
        fs::create_dir_all(&dir).expect("corpus can be made");
        fs::write(dir.join(name), data).expect("corpus can be written");
    };
    let mut paths = Vec::new();
    objects(&here.join("../testdata"), &mut paths);
    for path in &paths {
        let dir = path.parent().and_then(Path::file_name).unwrap_or_default();
        let name = format!("{}-{}", dir.display(), path.file_stem().unwrap_or_default().display());
        let file = fs::read(path).expect("an object can be read");
        for target in ["elf_open", "gen_loader"] {
            write(target, &name, &file);
        }
        let Ok(elf) = object::File::parse(&*file) else { continue };
        let section = |name| elf.section_by_name(name).and_then(|s| s.data().ok());
        let Some(btf) = section(".BTF") else { continue };
        for target in ["btf", "btf_split", "btf_dedup", "btf_rebase", "btf_dump"] {
            write(target, &name, btf);
        }
        // These targets take a length, a BTF of it, and one that continues it, too.
        if let (Some(split), Ok(len)) = (continued(btf), u16::try_from(btf.len())) {
            for target in ["btf_split", "btf_dedup", "btf_rebase", "btf_dump"] {
                write(target, &format!("{name}-split"), &[&len.to_le_bytes(), btf, &split].concat());
            }
        }
        if let Some((base, split)) = distilled(btf)
            && let Ok(len) = u16::try_from(base.len())
        {
            write(
                "btf_rebase",
                &format!("{name}-distilled"),
                &[&len.to_le_bytes()[..], &base, &split].concat(),
            );
        }
        if let Ok(len) = u16::try_from(btf.len()) {
            // The target takes a length, a BTF of it, and data for its types.
            let data: Vec<u8> = (0..200).collect();
            write("btf_data", &name, &[&len.to_le_bytes(), btf, &data].concat());
        }
        if let (Some(ext), Ok(len)) = (section(".BTF.ext"), u16::try_from(btf.len())) {
            // The target takes a length, a BTF of it, and a `.BTF.ext`.
            write("btf_ext", &name, &[&len.to_le_bytes(), btf, ext].concat());
        }
    }
    let jumps = |endian| elf::File::jump_tables(endian, [6 * 8, 7 * 8, 5 * 8, 6 * 8]).build();
    write("elf_open", "jump_tables", &jumps(Endian::Little));
    write("elf_open", "jump_tables-big", &jumps(Endian::Big));
    write("kconfig", "numbers", b"CONFIG_HZ=250\nCONFIG_NO_SUCH_OPTION=0xffffffffffffffff\nCONFIG_NET=m\n");
    write(
        "kconfig",
        "texts",
        b"# c\nCONFIG_BPF=y\0CONFIG_BPF_SYSCALL=n\0CONFIG_CC_VERSION_TEXT=\"gcc \"12\"\"\n",
    );
    // The target takes objects, each behind its length.
    for [a, b] in [["one", "two"], ["two", "one"], ["two", "other_map"], ["big_endian_one", "big_endian_two"]]
    {
        let part = |name: &str| {
            let file = here.join("../testdata/linked").join(format!("{name}.bpf.o"));
            let file = fs::read(file).expect("an object can be read");
            let len = u16::try_from(file.len()).expect("it is small");
            [&len.to_le_bytes()[..], &file].concat()
        };
        write("linker", &format!("{a}-{b}"), &[part(a), part(b)].concat());
    }
    println!("seeds of {} objects are in {}", paths.len(), here.join("corpus").display());
}
