//! What a load asks of a kernel, over doors that play one: no privileges, any machine.
// What is unwrapped here and is not there fails the test.
#![allow(clippy::unwrap_used)]

mod calls;
#[path = "../../../obj/tests/common/elf.rs"]
#[allow(dead_code, unreachable_pub, reason = "it has more than these tests need")]
mod elf;
mod externs;
mod faults;
mod handlers;
mod hints;
mod interfaces;
mod kinds;
mod log;
mod maps;
mod older;
mod open;
mod plan;
mod prepare;
mod probes;
mod tokens;

use std::sync::Arc;

use oxbpf::sys::doors::{Recorded, Recorder};
use oxbpf::sys::{Door, KernelVersion};
use oxbpf::{Kernel, LoadOptions, Object, ObjectSpec, Result};

const fn version(major: u32, minor: u32) -> KernelVersion {
    KernelVersion::new(major, minor, 0)
}

/// An object of testdata.
fn spec(name: &str) -> ObjectSpec {
    oxbpf::open(oxbpf_testing::testdata(name)).unwrap()
}

/// Options for a kernel behind `door`. It has the types that the object has, so that CO-RE finds what it looks for.
fn options(spec: &ObjectSpec, kernel: Kernel) -> LoadOptions {
    LoadOptions {
        kernel,
        btf: spec.btf.clone(),
        threads: std::num::NonZeroUsize::new(1),
        ..LoadOptions::default()
    }
}

/// Loads `spec` behind `door` and tells what was asked of it.
fn load(spec: &ObjectSpec, door: Arc<dyn Door>) -> (Result<Object>, Vec<Recorded>) {
    let recorder = Arc::new(Recorder::new(door));
    let outcome = Object::load(spec, &options(spec, Kernel::with_door(recorder.clone())));
    (outcome, recorder.take())
}

/// The calls, one a line.
fn lines(calls: &[Recorded]) -> Vec<String> {
    calls.iter().map(ToString::to_string).collect()
}

/// The calls with this name.
fn named<'c>(calls: &'c [Recorded], name: &str) -> Vec<&'c Recorded> {
    calls.iter().filter(|call| call.name == name).collect()
}
