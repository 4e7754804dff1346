//! The compiled objects.

use std::fs;
use std::path::{Path, PathBuf};

/// The path of a file below `testdata/`.
#[must_use]
pub fn testdata(name: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(name)
}

/// The objects right in a folder of `testdata/` (`""`, `"tests"`, `"rejected"`, `"big_endian"`), by name.
///
/// # Panics
///
/// If there is no such folder.
#[must_use]
pub fn objects(folder: &str) -> Vec<PathBuf> {
    let dir = testdata(folder);
    let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut objects: Vec<PathBuf> = entries
        .map(|entry| entry.expect("testdata can be listed").path())
        .filter(|path| path.to_string_lossy().ends_with(".bpf.o"))
        .collect();
    objects.sort();
    objects
}
