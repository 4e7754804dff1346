//! Types of what is in the kernel.

use std::fs;
use std::path::Path;
use std::process::id;

use oxbpf::{LoadOptions, Object};
use oxbpf_testing::{Need, Suite, TestResult, mounts, testdata};

use crate::{BPFTOOL, bpftool, btf, btf_fails, btf_output};

pub(crate) fn add(suite: &mut Suite) {
    let bpf = &[Need::Bpf, Need::SysAdmin, Need::Kernel(5, 8)];
    suite.test("kernel::types_of_a_map", bpf, of_a_map);
    suite.test("kernel::types_of_a_program", bpf, of_a_program);
    let compared = &[Need::Bpf, Need::SysAdmin, Need::Kernel(5, 8), BPFTOOL];
    suite.test("kernel::as_bpftool", compared, as_bpftool);
    let bpffs = Need::That("needs a BPF file system", || mounts::find("bpf").is_some());
    let pinned_too = &[Need::Bpf, Need::SysAdmin, Need::Kernel(5, 8), bpffs];
    suite.test("kernel::by_pin_name_and_tag", pinned_too, by_other_words);
    suite.test("kernel::what_is_not_loaded", bpf, not_loaded);
}

/// An object in the kernel, with the ids of a map, of a program, and of their BTF.
struct Loaded {
    object: Object,
    map: String,
    program: String,
    btf: String,
}

fn load() -> Result<Loaded, Box<dyn std::error::Error + Send + Sync>> {
    let spec = oxbpf::open(testdata("tests/globals.bpf.o"))?;
    let object = Object::load(&spec, &LoadOptions::default())?;
    let map = object.maps().iter().find(|map| map.key_type().0 != 0 || map.value_type().0 != 0);
    let map = map.ok_or("no map with types")?.info()?.id;
    let program = object.programs().first().ok_or("no program")?.info()?;
    let (program, btf) = (program.id.to_string(), program.btf_id.to_string());
    Ok(Loaded { object, map: map.to_string(), program, btf })
}

fn of_a_map() -> TestResult {
    let loaded = load()?;
    let out = btf(&["dump", "map", "id", &loaded.map])?;
    let value = btf(&["dump", "map", "id", &loaded.map, "value"])?;
    let all = btf(&["dump", "map", "id", &loaded.map, "all"])?;
    let types = |out: &str| out.lines().filter(|line| line.starts_with('[')).count();
    assert!(types(&out) <= 2 && types(&value) == 1 && types(&all) > 2, "{out}\n{value}\n{all}");
    drop(loaded.object);
    Ok(())
}

fn of_a_program() -> TestResult {
    let loaded = load()?;
    let out = btf(&["dump", "prog", "id", &loaded.program])?;
    assert!(out.contains(" FUNC '"), "{out}");
    assert_eq!(out, btf(&["dump", "id", &loaded.btf])?);
    let c = btf(&["dump", "id", &loaded.btf, "format", "c"])?;
    assert!(c.starts_with("#ifndef __VMLINUX_H__\n"));
    drop(loaded.object);
    Ok(())
}

fn as_bpftool() -> TestResult {
    let loaded = load()?;
    for words in [
        &["map", "id", &loaded.map][..],
        &["map", "id", &loaded.map, "all", "format", "raw"],
        &["map", "id", &loaded.map, "value"],
        &["prog", "id", &loaded.program],
        &["id", &loaded.btf],
    ] {
        let args = [&["btf", "dump"], words].concat();
        // It lists `void` for a key without a type.
        let theirs = bpftool(&args)?.replace("[0] UNKNOWN '(anon)'\n", "");
        assert_eq!(btf(&args[1..])?, theirs, "{words:?}");
    }
    drop(loaded.object);
    Ok(())
}

fn by_other_words() -> TestResult {
    let loaded = load()?;
    let dir = mounts::find("bpf").ok_or("a BPF file system")?.join(format!("oxbpf-btf-{}", id()));
    let (map, program) = (dir.join("map"), dir.join("program"));
    loaded.object.programs().first().ok_or("no program")?.pin(&program)?;
    let typed = loaded.object.maps().iter().find(|map| map.value_type().0 != 0).ok_or("no map with types")?;
    typed.pin(&map)?;
    let by_pin = |kind: &str, path: &Path| btf(&["dump", kind, "pinned", &path.to_string_lossy()]);
    let outputs = (by_pin("map", &map), by_pin("prog", &program));
    fs::remove_dir_all(&dir)?;
    assert_eq!(outputs.0?, btf(&["dump", "map", "id", &loaded.map])?);
    assert_eq!(outputs.1?, btf(&["dump", "prog", "id", &loaded.program])?);

    // Whatever else is loaded just now may have the same name and tag; then the ids are told.
    let info = loaded.object.programs().first().ok_or("no program")?.info()?;
    let tag: String = info.tag.iter().map(|byte| format!("{byte:02x}")).collect();
    for words in [["name", &info.name], ["tag", &tag]] {
        let args = [&["dump", "prog"][..], &words].concat();
        match btf_output(&args)? {
            (0, out, _) => assert!(out.contains(" FUNC '"), "{out}"),
            (_, _, err) => {
                assert!(err.contains("take one by its id") && err.contains(&loaded.program), "{err}");
            }
        }
    }
    drop(loaded.object);
    Ok(())
}

fn not_loaded() -> TestResult {
    let name = format!("no_such_{}", id());
    let (code, _, err) = btf_fails(&["dump", "map", "name", &name])?;
    assert_eq!((code, err), (1, format!("oxbpf: no map `{name}` is loaded\n")));
    let (code, _, err) = btf_fails(&["dump", "prog", "tag", "0000000000000000"])?;
    assert_eq!((code, &*err), (1, "oxbpf: no program `0000000000000000` is loaded\n"));
    let (_, _, err) = btf_fails(&["dump", "id", "4294967295"])?;
    assert!(err.starts_with("oxbpf: "), "{err}");
    Ok(())
}
