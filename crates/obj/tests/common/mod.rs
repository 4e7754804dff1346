//! What the tests of this crate share: the objects of testdata, and files made by hand.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

pub mod elf;

use std::path::{Path, PathBuf};

use oxbpf_obj::{CoreTarget, Error, LinkOptions, ObjectSpec, ProgramImage};

/// The directory of compiled objects.
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// The bytes of an object of testdata.
pub fn bytes(name: &str) -> Vec<u8> {
    let path = testdata().join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// An object of testdata.
pub fn spec(name: &str) -> ObjectSpec {
    ObjectSpec::parse_named(&ObjectSpec::name_of(name), &bytes(name))
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Links as if the kernel's types were those that the object was compiled with: nothing is missing, nothing moves.
pub fn link(spec: &ObjectSpec) -> Result<Vec<ProgramImage>, Error> {
    let targets: Vec<_> = spec.btf.iter().map(|btf| CoreTarget { name: "vmlinux", btf }).collect();
    spec.link(&LinkOptions::with_targets(&targets))
}

/// The image of one program.
pub fn image(spec: &ObjectSpec, program: &str) -> ProgramImage {
    let index = spec.programs.iter().position(|p| p.name == program).unwrap();
    let images = link(spec).unwrap_or_else(|e| panic!("{e}"));
    images.into_iter().find(|i| i.program == index).unwrap()
}

/// All objects of testdata but those that need others.
pub fn objects() -> Vec<PathBuf> {
    fn visit(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("linked") {
                continue;
            }
            if path.is_dir() {
                visit(&path, out);
            } else if path.extension().is_some_and(|e| e == "o") {
                out.push(path);
            }
        }
    }
    let mut out = Vec::new();
    visit(&testdata(), &mut out);
    out.sort();
    assert!(out.len() > 20, "testdata is missing");
    out
}
