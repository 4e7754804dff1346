//! Objects loaded by a program in the kernel at hand.
// What is unwrapped here and is not there fails the test.
#![allow(clippy::unwrap_used)]

mod errors;
mod options;
mod same;
mod signed;

use std::process::ExitCode;

use oxbpf::obj::LightLoader;
use oxbpf::{LoadOptions, Object, ObjectSpec};
use oxbpf_testing::{Suite, testdata};

fn main() -> ExitCode {
    let mut suite = Suite::new();
    same::tests(&mut suite);
    errors::tests(&mut suite);
    options::tests(&mut suite);
    signed::tests(&mut suite);
    suite.run()
}

/// An object of testdata, as it is.
fn spec(name: &str) -> oxbpf::Result<ObjectSpec> {
    oxbpf::open(testdata(name))
}

/// The loader of an object.
fn loader(spec: &ObjectSpec) -> oxbpf::Result<LightLoader> {
    Object::light_loader(spec, &LoadOptions::default(), false)
}
