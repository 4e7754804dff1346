//! What fuzzing found once. See `fuzz/src/lib.rs`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests and their helpers")]

mod common;

fn each(target: &str, f: fn(&[u8])) {
    let dir = format!("{}/tests/regressions/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut n = 0;
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        f(&std::fs::read(&path).unwrap());
        n += 1;
    }
    assert!(n > 0, "{dir} is empty");
}

#[test]
fn btf_that_fuzzing_found() {
    each("btf", common::walk::btf);
    each("btf", common::walk::btf_split);
}

#[test]
fn btf_ext_that_fuzzing_found() {
    each("btf_ext", common::walk::btf_ext);
}
