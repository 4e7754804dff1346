//! Every field of the command's JSON stands in docs/json.md.

use std::collections::BTreeSet;
use std::process::{Command, ExitCode, Stdio};

use oxbpf_testing::{Need, Suite, TestResult, testdata};
use serde_json::Value;

fn main() -> ExitCode {
    let mut suite = Suite::new();
    let types = &[Need::KernelBtf];
    suite.test("json::plan", &[], || {
        documented(
            &["plan", "--json", "execsnoop", "tests/externs", "tests/inner_maps", "tests/core_kinds"],
            &[],
        )
    });
    suite.test("json::plan_for_types", types, || {
        documented(&["plan", "--json", "tests/core_kinds", "--btf", "/sys/kernel/btf/vmlinux"], &[])
    });
    suite.test("json::check", types, || documented(&["btf", "check", "--json", "execsnoop"], &[]));
    suite.test("json::feature", &[], || documented(&["feature", "--json", "--full"], &[]));
    let bpf = &[Need::Bpf, Need::Kernel(5, 8), Need::KernelBtf];
    suite.test("json::run", bpf, || {
        documented(&["run", "execsnoop", "--json", "-o", "/dev/stderr", "--", "true"], &["data"])
    });
    suite.test("json::run_with_maps", bpf, || {
        let program = ["run", "schedlat", "--json", "-o", "/dev/stderr", "--map", "ready", "--for", "300ms"];
        documented(&program, &["key", "value"])
    });
    suite.run()
}

/// Runs the command with these words, of which names of objects become paths, and looks for each field in the document;
/// what is in `free` is named by the object.
fn documented(words: &[&str], free: &[&str]) -> TestResult {
    let word = |word: &&str| {
        let object = testdata(format!("{word}.bpf.o"));
        if object.exists() { object.display().to_string() } else { (*word).to_owned() }
    };
    let output = Command::new(env!("CARGO_BIN_EXE_oxbpf"))
        .args(words.iter().map(word))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()?;
    let mut fields = BTreeSet::new();
    let printed = [output.stdout, output.stderr].concat();
    for line in String::from_utf8(printed)?.lines().filter(|line| line.starts_with(['{', '['])) {
        collect(&serde_json::from_str(line)?, free, &mut fields);
    }
    assert!(!fields.is_empty(), "{words:?}: no JSON");
    let document = include_str!("../../../docs/json.md");
    let missing: Vec<_> = fields.iter().filter(|field| !document.contains(&format!("`{field}`"))).collect();
    assert!(missing.is_empty(), "not in docs/json.md: {missing:?}");
    Ok(())
}

/// The names of fields in `value`, but for what is in a field of `free`.
fn collect(value: &Value, free: &[&str], fields: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|value| collect(value, free, fields)),
        Value::Object(all) => {
            for (name, value) in all {
                fields.insert(name.clone());
                if !free.contains(&name.as_str()) {
                    collect(value, free, fields);
                }
            }
        }
        _ => {}
    }
}
