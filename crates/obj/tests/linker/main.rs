//! The static linker: what comes out of objects of testdata, and of files made by hand.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod kinds;
mod linked;
mod made;
mod refused;

use oxbpf_obj::{LinkerError, ObjectSpec, StaticLinker};

/// Links objects of `testdata/linked`, by the first part of their names.
fn link(names: &[&str]) -> Result<Vec<u8>, LinkerError> {
    let objects: Vec<_> = names.iter().map(|name| (*name, object(name))).collect();
    link_bytes(&objects)
}

fn link_bytes(objects: &[(&str, Vec<u8>)]) -> Result<Vec<u8>, LinkerError> {
    let mut linker = StaticLinker::new();
    for (name, bytes) in objects {
        linker.add(name, bytes)?;
    }
    linker.finish()
}

fn object(name: &str) -> Vec<u8> {
    common::bytes(&format!("linked/{name}.bpf.o"))
}

fn parse(linked: &[u8]) -> ObjectSpec {
    ObjectSpec::parse_named("linked", linked).unwrap_or_else(|error| panic!("{error}"))
}
