//! Every kind of map in the kernel at hand: what works, and what is refused, with the errno and the words for it.

mod arrays;
mod batches;
mod bytes;
mod create;
mod descriptors;
mod hashes;
mod memory;
mod network;
mod percpu;
mod programs;
mod queues;
mod rings;
mod storage;
mod stress;
mod walks;

use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use oxbpf::btf::{BtfBuilder, IntEncoding, TypeId};
use oxbpf::sys::{BtfLoad, SysError, TestRun};
use oxbpf::{Errno, Error, Kernel, LoadOptions, Map, MapCreate, MapFlags, MapType, Object, Program};
use oxbpf_testing::{Suite, testdata};

fn main() -> ExitCode {
    let mut suite = Suite::new();
    arrays::tests(&mut suite);
    batches::tests(&mut suite);
    bytes::tests(&mut suite);
    create::tests(&mut suite);
    descriptors::tests(&mut suite);
    hashes::tests(&mut suite);
    memory::tests(&mut suite);
    network::tests(&mut suite);
    percpu::tests(&mut suite);
    programs::tests(&mut suite);
    queues::tests(&mut suite);
    rings::tests(&mut suite);
    storage::tests(&mut suite);
    stress::tests(&mut suite);
    walks::tests(&mut suite);
    suite.run()
}

/// What a map named `m` is to be.
fn shape(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> MapCreate<'static> {
    MapCreate { map_type, key_size, value_size, max_entries, name: "m", ..MapCreate::default() }
}

/// A map named `m`.
fn make(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> oxbpf::Result<Map> {
    Map::create(&Kernel::host(), &shape(map_type, key_size, value_size, max_entries))
}

/// A map named `m`, with flags.
fn flagged(
    map_type: MapType,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: MapFlags,
) -> oxbpf::Result<Map> {
    Map::create(&Kernel::host(), &MapCreate { flags, ..shape(map_type, key_size, value_size, max_entries) })
}

/// Asserts on the errno of a refusal, and on all that a person would see of it.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: oxbpf::Result<T>, errno: Errno, text: &str) -> Error {
    let error = result.expect_err(text);
    assert_eq!(error.errno(), Some(errno), "{error}");
    assert_eq!(error.to_string(), text);
    error
}

/// Asserts that what a kernel before `since` refuses is refused by it alone.
fn lacks(since: (u32, u32), errno: Option<Errno>) -> bool {
    let running = Kernel::host().kernel_version().expect("a version");
    let older = (running.major, running.minor) < since;
    assert!(errno.is_none() || older, "refused with {errno:?} though this is {running}");
    errno.is_some()
}

/// Loaded BTF with an `int` and a `long`, and their ids.
fn int_and_long() -> Result<(OwnedFd, TypeId, TypeId), Box<dyn std::error::Error + Send + Sync>> {
    let mut builder = BtfBuilder::new();
    let int = builder.add_int("int", 4, IntEncoding::SIGNED)?;
    let long = builder.add_int("long", 8, IntEncoding::SIGNED)?;
    let btf = builder.build()?;
    let fd = Kernel::host().btf_load(&BtfLoad { btf: btf.as_bytes(), ..BtfLoad::default() }, None)?;
    Ok((fd, int, long))
}

/// `tests/map_kinds.bpf.o` with these of its maps and programs only, and its variables.
fn kinds(maps: &[&str], programs: &[&str]) -> oxbpf::Result<Object> {
    let mut spec = oxbpf::open(testdata("tests/map_kinds.bpf.o"))?;
    for map in &mut spec.maps {
        map.autocreate = map.is_global_data() || maps.contains(&map.name.as_str());
    }
    for program in &mut spec.programs {
        program.autoload = programs.contains(&program.name.as_str());
    }
    Object::load(&spec, &LoadOptions::default())
}

/// Runs a program without packet or context; what it returned.
fn run(program: &Program) -> Result<u32, SysError> {
    program.kernel().prog_test_run(program.as_fd(), &mut TestRun::default()).map(|answer| answer.retval)
}
