//! Types of files, printed.

use std::fs;
use std::path::Path;

use oxbpf_testing::{Need, Suite, TestResult, objects, testdata};
use serde_json::Value;

use crate::support::TempFile;
use crate::{BPFTOOL, bpftool, btf, btf_fails};

const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

pub(crate) fn add(suite: &mut Suite) {
    suite.test("dump::the_lines_of_an_object", &[], lines);
    suite.test("dump::one_type", &[], one_type);
    suite.test("dump::as_c", &[], as_c);
    suite.test("dump::raw_btf_of_either_byte_order", &[], raw_btf);
    suite.test("dump::what_is_wrong_is_said", &[], wrong);
    suite.test("dump::nobody_reads", &[Need::KernelBtf], nobody_reads);
    suite.test("dump::as_bpftool", &[BPFTOOL], as_bpftool);
    suite.test("dump::the_kernel_as_bpftool", &[BPFTOOL, Need::KernelBtf], the_kernel_as_bpftool);
    suite.test("dump::c_of_the_kernel", &[Need::KernelBtf], c_of_the_kernel);
    let modules = Need::That("needs a kernel module with BTF", || module().is_some());
    suite.test("dump::a_module_finds_its_base", &[Need::KernelBtf, modules], a_module);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the repository has a plain path")
}

fn object(name: &str) -> String {
    text(&testdata(name)).to_owned()
}

fn lines() -> TestResult {
    let out = btf(&["dump", "file", &object("execsnoop.bpf.o")])?;
    assert!(out.starts_with("[1] PTR '(anon)' type_id="), "{out:.200}");
    assert!(out.contains("\n\t'pid' type_id="), "{out}");
    let json: Value = serde_json::from_str(&btf(&["dump", "file", &object("execsnoop.bpf.o"), "-j"])?)?;
    let types = json["types"].as_array().expect("an array of types");
    let numbered = out.lines().filter(|line| line.starts_with('[')).count();
    assert_eq!(types.len(), numbered);
    let event = types.iter().find(|ty| ty["name"] == "event").expect("it has a struct event");
    assert_eq!(event["kind"], "STRUCT");
    assert_eq!(event["members"][0]["bits_offset"], 0);
    assert_eq!(event["vlen"].as_u64(), event["members"].as_array().map(|all| all.len() as u64));
    Ok(())
}

fn one_type() -> TestResult {
    let file = object("execsnoop.bpf.o");
    let whole = btf(&["dump", "file", &file, "format", "raw"])?;
    let third = whole.lines().find(|line| line.starts_with("[3] ")).expect("it has so many");
    let out = btf(&["dump", "file", &file, "root_id", "3", "format", "raw"])?;
    assert_eq!(out.lines().next(), Some(third));
    assert_eq!(out.lines().filter(|line| line.starts_with('[')).count(), 1);
    let (code, out, err) = btf_fails(&["dump", "file", &file, "root_id", "9999"])?;
    assert_eq!((code, &*out), (1, ""));
    assert!(err.starts_with("oxbpf: no type [9999]: the BTF has types up to ["), "{err}");
    Ok(())
}

fn as_c() -> TestResult {
    let out = btf(&["dump", "file", &object("execsnoop.bpf.o"), "format", "c"])?;
    assert!(out.starts_with("#ifndef __VMLINUX_H__\n"), "{out:.100}");
    assert!(out.contains("\nstruct event {\n"), "{out}");
    assert!(out.ends_with("#endif /* __VMLINUX_H__ */\n"));
    let raw = btf(&["dump", "file", &object("execsnoop.bpf.o")])?;
    let line = raw.lines().find(|line| line.contains("] STRUCT 'event'")).expect("it has a struct event");
    let id = line.trim_start_matches('[').split(']').next().unwrap_or_default();
    let one = btf(&["dump", "file", &object("execsnoop.bpf.o"), "format", "c", "root_id", id])?;
    assert!(one.contains("\nstruct event {\n") && one.len() < out.len(), "{one}");
    Ok(())
}

fn raw_btf() -> TestResult {
    for name in ["tests/core_kinds.bpf.o", "big_endian/core_kinds.bpf.o"] {
        let raw = TempFile::new(&name.replace('/', "-"));
        btf(&["dedup", &object(name), "-o", text(&raw.0)])?;
        assert!(matches!(fs::read(&raw.0)?[..2], [0x9f, 0xeb] | [0xeb, 0x9f]));
        let out = btf(&["dump", "file", text(&raw.0)])?;
        assert!(out.starts_with("[1] "), "{out:.100}");
    }
    Ok(())
}

fn wrong() -> TestResult {
    let execsnoop = object("execsnoop.bpf.o");
    let no_btf = object("tests/no_btf.bpf.o");
    for (args, code, want) in [
        (vec!["file", "/nonexistent"], 1, "oxbpf: cannot read /nonexistent: No such file or directory"),
        (vec!["file", "/"], 1, "oxbpf: cannot read /: is a directory"),
        (vec!["file", "/etc/passwd"], 1, "oxbpf: /etc/passwd: not an ELF file but something else"),
        (vec!["file", &no_btf], 1, &*format!("oxbpf: {no_btf}: no BTF: it has no section .BTF")),
        (vec!["file", &execsnoop, "format", "x"], 2, "oxbpf: there is no format `x`: it is c, raw or json"),
        (vec!["file", &execsnoop, "raw"], 2, "oxbpf: `raw` is none of `format`, `root_id`, `unsorted`"),
        (vec!["file", &execsnoop, "format", "c", "-j"], 2, "oxbpf: C is no JSON"),
        (vec!["map", "x"], 2, "oxbpf: `id`, `name` or `pinned` and its value are missing"),
        (vec!["prog", "hash", "x"], 2, "oxbpf: `hash` is none of `id`, `tag`, `name` or `pinned`"),
        (vec!["file"], 2, "error: "),
    ] {
        let args = [vec!["dump"], args].concat();
        let (is, out, err) = btf_fails(&args)?;
        assert_eq!((is, &*out), (code, ""), "{args:?}: {err}");
        assert!(err.starts_with(want), "{args:?}: {err}");
    }
    Ok(())
}

fn nobody_reads() -> TestResult {
    let script = format!("{} btf dump file {VMLINUX} | head -n 1", env!("CARGO_BIN_EXE_oxbpf"));
    let output = std::process::Command::new("bash").args(["-o", "pipefail", "-c", &script]).output()?;
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    Ok(())
}

fn as_bpftool() -> TestResult {
    for object in ["", "tests", "big_endian", "other_arch"].into_iter().flat_map(objects) {
        if ["tests/no_btf.bpf.o", "tests/aya.bpf.o"].iter().any(|name| object.ends_with(name)) {
            continue;
        }
        let args = ["btf", "dump", "file", text(&object)];
        assert_eq!(btf(&args[1..])?, bpftool(&args)?, "{}", object.display());
    }
    Ok(())
}

fn the_kernel_as_bpftool() -> TestResult {
    let ours = btf(&["dump", "file", VMLINUX])?;
    let theirs = bpftool(&["btf", "dump", "file", VMLINUX])?;
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());

    let ours = btf(&["dump", "file", VMLINUX, "format", "json"])?;
    let theirs = bpftool(&["-j", "btf", "dump", "file", VMLINUX])?;
    let (ours, theirs) = (ours.split("{\"id\":"), theirs.split("{\"id\":"));
    assert_eq!(ours.clone().count(), theirs.clone().count());
    for (ours, theirs) in ours.zip(theirs).filter(|(ours, theirs)| ours.trim_end() != theirs.trim_end()) {
        // It takes large values for negative ones, whatever the enum says.
        let parsed = |text: &str| -> serde_json::Result<Value> {
            let object = text.trim_end_matches(',');
            serde_json::from_str(&format!("{{\"id\":{object}"))
        };
        let mut theirs = parsed(theirs)?;
        assert_eq!((&theirs["kind"], &theirs["encoding"]), (&"ENUM".into(), &"UNSIGNED".into()));
        for value in theirs["values"].as_array_mut().into_iter().flatten() {
            value["val"] = (value["val"].as_u64().unwrap_or(0) & 0xffff_ffff).into();
        }
        assert_eq!(parsed(ours)?, theirs);
    }
    Ok(())
}

fn c_of_the_kernel() -> TestResult {
    let out = btf(&["dump", "file", VMLINUX, "format", "c"])?;
    assert!(out.contains("\nstruct task_struct {\n"));
    let by_id = btf(&["dump", "file", VMLINUX, "format", "c", "unsorted"])?;
    assert!(by_id.contains("\nstruct task_struct {\n") && by_id != out);
    Ok(())
}

/// A module that the kernel shows types of.
fn module() -> Option<String> {
    let names = fs::read_dir("/sys/kernel/btf").ok()?.flatten();
    names.filter_map(|entry| entry.file_name().into_string().ok()).find(|name| name != "vmlinux")
}

fn a_module() -> TestResult {
    let path = format!("/sys/kernel/btf/{}", module().unwrap_or_default());
    let out = btf(&["dump", "file", &path])?;
    let with_base = btf(&["dump", "file", &path, "-B", VMLINUX])?;
    assert_eq!(out, with_base);
    assert!(out.starts_with('[') && !out.starts_with("[1] "), "{out:.100}");
    Ok(())
}
