//! What objects need of a kernel's types: the check, and the part that is cut out for them.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod check;
mod min_core;

use oxbpf_obj::{Btf, ObjectSpec};

fn testdata(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

fn object(name: &str) -> ObjectSpec {
    ObjectSpec::parse_named(&ObjectSpec::name_of(name), &std::fs::read(testdata(name)).unwrap()).unwrap()
}

/// All objects of the test data that have CO-RE relocations for a little-endian kernel.
fn objects() -> Vec<(String, ObjectSpec)> {
    let mut found = Vec::new();
    for folder in [".", "tests", "rejected"] {
        for entry in std::fs::read_dir(testdata(folder)).unwrap() {
            let path = entry.unwrap().path();
            let Ok(bytes) = std::fs::read(&path) else { continue };
            if let Ok(spec) = ObjectSpec::parse(&bytes)
                && !spec.core_check(&[]).relos.is_empty()
            {
                found.push((path.display().to_string(), spec));
            }
        }
    }
    assert!(found.len() >= 5, "{} objects", found.len());
    found
}

/// The running kernel's types where they can be read, and those that the objects bring along.
fn kernels() -> Vec<Btf> {
    let mut all = Vec::new();
    // Elsewhere those of the objects have to do.
    if let Ok(raw) = std::fs::read("/sys/kernel/btf/vmlinux") {
        all.push(Btf::parse(raw).unwrap());
    }
    all.extend(objects().into_iter().filter_map(|(_, spec)| spec.btf));
    all
}
