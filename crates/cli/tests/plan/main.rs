//! `oxbpf plan`, as people use it: it needs no kernel and no privileges.

use std::path::PathBuf;
use std::process::Command;

fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// The exit code of `oxbpf plan ARGS…`, and what it prints on either output.
fn plan(args: &[&str]) -> (i32, String, String) {
    let args = args.iter().map(|arg| match arg.strip_suffix(".o") {
        Some(_) => testdata(arg).into_os_string(),
        None => (*arg).into(),
    });
    let output = Command::new(env!("CARGO_BIN_EXE_oxbpf")).arg("plan").args(args).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn text() {
    let (code, out, err) = plan(&["execsnoop.bpf.o", "xdp_counter.bpf.o"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.starts_with("execsnoop (Dual MIT/GPL)\nneeds Linux 5.8: maps of type ringbuf: map events\n"),
        "{out}"
    );
    assert!(out.contains("\n\nxdp_counter (Dual MIT/GPL)\n"), "{out}");
    let (_, all, _) = plan(&["execsnoop.bpf.o", "--verbose"]);
    assert!(
        all.contains("; older kernels do without\n") && !out.contains("older kernels do without"),
        "{all}"
    );
}

#[test]
fn json() {
    let own = testdata("execsnoop.bpf.o");
    let own = own.to_string_lossy();
    let (code, out, _) = plan(&["execsnoop.bpf.o", "--json", "--btf", &own]);
    assert_eq!(code, 0, "{out}");
    let all: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    let object = &all[0];
    assert_eq!((&object["oldest"]["since"], &object["oldest"]["map"]), (&"5.8".into(), &"events".into()));
    assert_eq!(object["programs"][0]["type"], "tracepoint");
    assert_eq!(object["maps"][0]["memory"]["per_cpu"], 0);
    assert_eq!(object["kernels"][0]["resolved"], true);
    assert!(object["kernels"][0]["relocations"].as_array().is_some_and(|all| !all.is_empty()), "{out}");
    assert!(object["privileges"].as_array().is_some_and(|all| all.len() > 1), "{out}");
}

/// One bad file does not hide what is known of the others.
#[test]
fn files_that_are_none() {
    let (code, out, err) = plan(&["no_such_file", "execsnoop.bpf.o", "/dev/null"]);
    assert_eq!(code, 1);
    assert!(out.starts_with("execsnoop "), "{out}");
    assert!(err.contains("no_such_file") && err.contains("/dev/null"), "{err}");
    assert_eq!(plan(&[]).0, 2);
}
