//! The calls on the kernel of this machine.

mod access;
mod attaching;
mod batches;
mod create;
mod elements;
mod events;
mod ids;
mod info;
mod layouts;
mod limits;
mod linking;
mod links;
mod loading;
mod machine;
mod maps;
#[path = "../newer/mod.rs"]
mod newer;
mod options;
mod pins;
mod progs;
mod running;
mod tokens;

use std::os::fd::BorrowedFd;
use std::process::ExitCode;

use oxbpf_obj::Endian;
use oxbpf_obj::insn::{Assembler, Reg::R0};
use oxbpf_sys::{Errno, Kernel, ProgLoad, ProgramType, SysError};
use oxbpf_testing::Suite;

fn main() -> ExitCode {
    if let Some(code) = tokens::container() {
        return code;
    }
    let mut suite = Suite::new();
    create::add(&mut suite);
    elements::add(&mut suite);
    access::add(&mut suite);
    batches::add(&mut suite);
    pins::add(&mut suite);
    ids::add(&mut suite);
    limits::add(&mut suite);
    maps::add(&mut suite);
    progs::add(&mut suite);
    info::add(&mut suite);
    layouts::add(&mut suite);
    links::add(&mut suite);
    events::add(&mut suite);
    attaching::add(&mut suite);
    loading::add(&mut suite);
    linking::add(&mut suite);
    running::add(&mut suite);
    machine::add(&mut suite);
    options::add(&mut suite);
    tokens::add(&mut suite);
    suite.run()
}

/// The kernel, through whose first charge to `RLIMIT_MEMLOCK` (before 5.11) no test falls.
fn kernel() -> Kernel {
    let kernel = Kernel::host();
    kernel.memo("memlock", || kernel.set_memlock(u64::MAX).is_ok());
    kernel
}

/// The bytes of a program.
fn bytes(program: Assembler) -> Vec<u8> {
    program.encode(Endian::NATIVE).expect("its labels are there")
}

/// `r0 = value; exit`.
fn returns(value: i32) -> Vec<u8> {
    bytes(Assembler::new().mov64_imm(R0, value).exit())
}

/// A program of a type.
fn program(prog_type: ProgramType, insns: &[u8]) -> ProgLoad<'_> {
    ProgLoad { prog_type, insns, license: "GPL", name: "test", ..Default::default() }
}

/// Asserts on the errno of a refusal.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, SysError>, errno: Errno) -> SysError {
    let error = result.expect_err("it is refused");
    assert_eq!(error.errno, errno, "{error}");
    error
}

/// Asserts on all that a person would see of a refusal.
#[track_caller]
fn refused_as<T: std::fmt::Debug>(result: Result<T, SysError>, text: &str) {
    let error = result.expect_err("it is refused");
    assert_eq!(error.to_string(), text);
}

/// A descriptor that is none.
fn nowhere() -> BorrowedFd<'static> {
    // SAFETY: nothing has this number, and it goes to the kernel only, which says so.
    unsafe { BorrowedFd::borrow_raw(1_000_000) }
}
