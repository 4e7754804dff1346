//! Features, maps and programs on the kernel at hand.
// What is unwrapped here and is not there fails the test.
#![allow(clippy::unwrap_used)]

mod arena;
mod aya;
mod externs;
mod features;
mod linked;
mod map_kinds;
mod maps;
mod objects;
mod plan;
mod probes;
mod programs;
mod targets;
mod tokens;

use std::process::ExitCode;

use oxbpf::{LoadOptions, Object};
use oxbpf_testing::{Suite, testdata};

fn main() -> ExitCode {
    if let Some(code) = tokens::container() {
        return code;
    }
    let mut suite = Suite::new();
    arena::tests(&mut suite);
    aya::tests(&mut suite);
    externs::tests(&mut suite);
    features::tests(&mut suite);
    linked::tests(&mut suite);
    objects::tests(&mut suite);
    map_kinds::tests(&mut suite);
    maps::tests(&mut suite);
    plan::tests(&mut suite);
    probes::tests(&mut suite);
    programs::tests(&mut suite);
    targets::tests(&mut suite);
    tokens::tests(&mut suite);
    suite.run()
}

/// An object of testdata, loaded as it is.
fn load(name: &str) -> oxbpf::Result<Object> {
    Object::load(&oxbpf::open(testdata(name))?, &LoadOptions::default())
}
