//! `oxbpf link`, as people use it.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn object(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/linked").join(name)
}

fn link(out: &Path, objects: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxbpf"));
    command.arg("link").arg("-o").arg(out).args(objects.iter().map(|name| object(name)));
    command.output().unwrap()
}

#[test]
fn an_object_comes_out_or_nothing() {
    let out = std::env::temp_dir().join(format!("oxbpf-link-{}.o", std::process::id()));
    let refused = link(&out, &["two.bpf.o", "other_map.bpf.o"]);
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.starts_with("oxbpf: ") && text.ends_with("two.bpf.o\n"), "{text}");
    assert!(text.contains("symbol counts: the map's max_entries is 16, but 8 in "), "{text}");
    assert!(!out.exists());

    let linked = link(&out, &["one.bpf.o", "two.bpf.o"]);
    assert!(linked.status.success() && linked.stdout.is_empty() && linked.stderr.is_empty(), "{linked:?}");
    let spec = oxbpf::open(&out).unwrap();
    std::fs::remove_file(&out).unwrap();
    assert_eq!(spec.programs.len(), 2);

    let missing = link(&out, &["three.bpf.o"]);
    let text = String::from_utf8(missing.stderr).unwrap();
    assert!(text.starts_with("oxbpf: cannot read ") && text.contains("three.bpf.o: "), "{text}");
    assert_eq!(link(&out, &[]).status.code(), Some(2));
}
