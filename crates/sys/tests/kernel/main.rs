//! The calls on the kernel of this machine.

mod access;
mod batches;
mod create;
mod elements;
mod ids;
mod info;
mod limits;
mod links;
mod machine;
mod maps;
#[path = "../newer/mod.rs"]
mod newer;
mod options;
mod pins;
mod progs;
mod tokens;

use std::os::fd::BorrowedFd;
use std::process::ExitCode;

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
    links::add(&mut suite);
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

/// An instruction.
const fn insn(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> [u8; 8] {
    let regs = if cfg!(target_endian = "little") { src << 4 | dst } else { dst << 4 | src };
    let (o, i) = (off.to_ne_bytes(), imm.to_ne_bytes());
    [code, regs, o[0], o[1], i[0], i[1], i[2], i[3]]
}

/// `r0 = value; exit`.
fn returns(value: i32) -> Vec<u8> {
    [insn(0xb7, 0, 0, 0, value), insn(0x95, 0, 0, 0, 0)].concat()
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
