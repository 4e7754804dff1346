//! Types checked, cut and merged.

use std::fs;

use oxbpf_btf::{Btf, BtfBuilder, Endian, Field, IntEncoding, Kind};
use oxbpf_testing::{Need, Suite, TestResult, testdata};
use serde_json::Value;

use crate::support::TempFile;
use crate::{btf, btf_fails};

const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

pub(crate) fn add(suite: &mut Suite) {
    suite.test("check::against_several_kernels", &[], several);
    suite.test("check::on_this_kernel", &[Need::KernelBtf], on_this_kernel);
    suite.test("check::objects_without_types", &[], without_types);
    suite.test("min::is_enough_and_small", &[Need::KernelBtf], min);
    suite.test("merge::each_type_once", &[], merge);
    suite.test("merge::on_a_base", &[], on_a_base);
}

fn path(name: &str) -> String {
    testdata(name).to_str().expect("the repository has a plain path").to_owned()
}

fn text(file: &TempFile) -> &str {
    file.0.to_str().expect("a plain path")
}

/// A file with types.
fn write(name: &str, b: &BtfBuilder) -> std::io::Result<TempFile> {
    let file = TempFile::new(name);
    fs::write(&file.0, b.to_vec(Endian::NATIVE).expect("it is small"))?;
    Ok(file)
}

fn several() -> TestResult {
    // Two kernels: one has the field, the other has not.
    let (mut with, mut without) = (BtfBuilder::new(), BtfBuilder::new());
    for (b, field) in [(&mut with, "no_such_field"), (&mut without, "pid")] {
        let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
        b.add_struct("task_struct", 8, [Field::new(field, int, 32)])?;
    }
    let (with, without) = (write("with.btf", &with)?, write("without.btf", &without)?);
    let object = path("rejected/no_such_field.bpf.o");
    let args = ["check", &object, "--btf", text(&with), "--btf", text(&without)];
    let (code, out, err) = btf_fails(&args)?;
    assert_eq!(code, 1);
    assert_eq!(err, "oxbpf: the object does not fit the types of 1 of 2\n");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 3, "{out}");
    assert_eq!(lines[0], format!("{}: 1 of 1 relocations resolve", text(&with)));
    assert!(lines[1].starts_with(&format!("{}: read: instruction 1 (no_such_field.bpf.c:", text(&without))));
    assert!(lines[1].contains("struct task_struct___no.no_such_field"), "{out}");
    assert_eq!(lines[2], format!("{}: 0 of 1 relocations resolve", text(&without)));

    let (_, out, _) = btf_fails(&[&args[..], &["--json"]].concat())?;
    let json: Value = serde_json::from_str(&out)?;
    let first = &json[0]["relocations"][0];
    assert_eq!(
        (&json[0]["resolved"], &first["resolved"], &first["value"]),
        (&true.into(), &true.into(), &4.into())
    );
    let second = &json[1]["relocations"][0];
    assert_eq!((&json[1]["resolved"], &second["value"]), (&false.into(), &Value::Null));
    assert_eq!((&second["function"], &second["insn"]), (&"read".into(), &1.into()));
    // Of all relocations, if one likes.
    let out = btf(&["check", &object, "--btf", text(&with), "--verbose"])?;
    assert_eq!(out.lines().count(), 2, "{out}");
    Ok(())
}

fn on_this_kernel() -> TestResult {
    let out = btf(&["check", &path("execsnoop.bpf.o")])?;
    assert!(out.starts_with(&format!("{VMLINUX}: ")) && out.ends_with(" relocations resolve\n"), "{out}");
    Ok(())
}

fn without_types() -> TestResult {
    let (code, _, err) =
        btf_fails(&["check", &path("tests/no_btf.bpf.o"), "--btf", &path("execsnoop.bpf.o")])?;
    assert_eq!(code, 1);
    assert!(err.ends_with("no_btf.bpf.o has no types\n"), "{err}");
    Ok(())
}

fn min() -> TestResult {
    let small = TempFile::new("small.btf");
    let objects = [path("execsnoop.bpf.o"), path("opensnoop.bpf.o")];
    btf(&["min", "--target", VMLINUX, &objects[0], &objects[1], "-o", text(&small)])?;
    assert!(fs::metadata(&small.0)?.len() < 10_000);
    for object in &objects {
        let same = |kernel: &str| -> std::io::Result<String> {
            let out = btf(&["check", object, "--btf", kernel, "--verbose"])?;
            Ok(out.replace(kernel, ""))
        };
        let (whole, cut) = (same(VMLINUX)?, same(text(&small))?);
        // The numbers are the same; only the ids of types are others.
        let numbers = |out: &str| -> Vec<String> {
            out.lines().map(|line| line.split(", in ").next().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(numbers(&whole), numbers(&cut));
    }
    Ok(())
}

fn merge() -> TestResult {
    let merged = TempFile::new("merged.btf");
    let objects = ["execsnoop.bpf.o", "opensnoop.bpf.o", "execsnoop.bpf.o"].map(path);
    btf(&["merge", &objects[0], &objects[1], &objects[2], "-o", text(&merged)])?;
    let types = Btf::parse(fs::read(&merged.0)?)?;
    let ints = types.types().filter(|ty| ty.kind() == Kind::Int && ty.name() == "int").count();
    assert_eq!(ints, 1);
    let again = TempFile::new("again.btf");
    btf(&["dedup", text(&merged), "--output", text(&again)])?;
    assert_eq!(fs::read(&merged.0)?, fs::read(&again.0)?, "nothing is left to do");
    Ok(())
}

fn on_a_base() -> TestResult {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
    b.add_ptr(int)?;
    let base = write("base.btf", &b)?;
    let mut split = BtfBuilder::split(&b.build()?);
    // The base has this one; its pointer is the split's own.
    let same = split.add_int("int", 4, IntEncoding::SIGNED)?;
    let mine = split.add_typedef("mine", same)?;
    split.add_ptr(mine)?;
    let file = write("split.btf", &split)?;
    let (code, _, err) = btf_fails(&["dump", "file", text(&file)])?;
    assert_eq!(code, 1);
    assert!(
        err.contains("\nhint: types that continue others, such as a module's, need these: --base-btf\n"),
        "{err}"
    );
    let merged = TempFile::new("split-merged.btf");
    btf(&["dedup", "-B", text(&base), text(&file), "-o", text(&merged)])?;
    let out = btf(&["dump", "file", text(&merged), "-B", text(&base)])?;
    assert_eq!(out, "[3] TYPEDEF 'mine' type_id=1\n[4] PTR '(anon)' type_id=3\n");
    Ok(())
}
