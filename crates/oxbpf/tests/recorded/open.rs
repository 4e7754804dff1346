//! Files that are no objects.

use std::time::{Duration, Instant};

use oxbpf::Error;

fn error(path: impl AsRef<std::path::Path>) -> Error {
    oxbpf::open(path).unwrap_err()
}

/// Directories, devices and pipes are refused, and none is waited for.
#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let dir = std::env::temp_dir().join(format!("oxbpf-open-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let pipe = dir.join("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let start = Instant::now();
    for path in [dir.as_path(), &pipe, "/dev/zero".as_ref()] {
        let error = error(path);
        assert_eq!(error.to_string(), format!("cannot read {}: not a regular file", path.display()));
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() {
    let missing = error("/no/such/object.o");
    assert_eq!(missing.errno(), Some(oxbpf::Errno::ENOENT));
    let text = oxbpf_testing::testdata("MANIFEST");
    let no_elf = error(&text);
    assert!(matches!(no_elf, Error::Open { .. }), "{no_elf}");
    assert!(no_elf.to_string().starts_with(&format!("{}: ", text.display())), "{no_elf}");
}

#[test]
fn an_object_is_named_after_its_file() {
    assert_eq!(crate::spec("tests/inner_maps.bpf.o").name, "inner_maps");
}
