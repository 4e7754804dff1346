//! The BTF of objects that clang made, in both byte orders.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod common;

use std::path::{Path, PathBuf};

use object::{Object, ObjectSection};
use oxbpf_btf::{Btf, BtfExt, Endian, Kind, KindSupport};

fn objects(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            objects(&path, found);
        } else if path.extension().is_some_and(|e| e == "o") {
            found.push(path);
        }
    }
}

#[test]
fn every_object_of_testdata() {
    let mut paths = Vec::new();
    objects(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata"), &mut paths);
    assert!(paths.len() >= 20, "{paths:?}");
    let (mut big, mut relos, mut lines) = (0, 0, 0);
    for path in paths {
        let name = path.display();
        let file = std::fs::read(&path).unwrap();
        let elf = object::File::parse(&*file).unwrap();
        let Some(section) = elf.section_by_name(".BTF") else { continue };
        let btf = Btf::parse(section.data().unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(btf.endian() == Endian::Little, elf.is_little_endian(), "{name}");
        assert_eq!(btf.pointer_size(), 8, "{name}");
        common::walk::walk(&btf, btf.as_bytes());
        assert!(btf.sanitize(&KindSupport::NONE).is_some(), "{name}");
        big += u32::from(btf.endian() == Endian::Big);

        let Some(section) = elf.section_by_name(".BTF.ext") else { continue };
        let ext = BtfExt::parse(section.data().unwrap(), &btf).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(ext.endian(), btf.endian());
        common::walk::walk_ext(&ext, &btf);
        for s in ext.func_info() {
            assert!(elf.section_by_name(s.name).is_some(), "{name}: {}", s.name);
            assert!(s.records.clone().len() > 0, "{name}");
            assert!(s.records.into_iter().all(|r| btf.get(r.ty).unwrap().kind() == Kind::Func), "{name}");
        }
        lines += ext.line_info().map(|s| s.records.len()).sum::<usize>();
        relos += ext.core_relos().map(|s| s.records.len()).sum::<usize>();
    }
    assert!(big >= 3 && relos >= 20 && lines >= 100, "{big} big-endian, {relos} relocations, {lines} lines");
}
