//! What fuzzing found once. See `fuzz/src/lib.rs`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests and their helpers")]

mod fuzz_walk;

#[test]
fn objects_that_fuzzing_found() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/regressions");
    let mut n = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        let data = std::fs::read(&path).unwrap();
        fuzz_walk::object(&data);
        fuzz_walk::linked(&data);
        n += 1;
    }
    assert!(n > 0, "{dir} is empty");
}
