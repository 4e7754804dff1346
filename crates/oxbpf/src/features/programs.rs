//! Probes of what BPF_PROG_LOAD takes: the smallest program that has the thing is loaded.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf_obj::insn::{Assembler, Reg::*};
use oxbpf_obj::{AttachType, Endian, MapFlags, ProgramType};
use oxbpf_sys::{BtfLoad, Errno, InfoRecords, Kernel, ProgLoad, SysError};

use super::{btf, loaded, maps};

const PROBE_READ_KERNEL: u32 = 113;
const KTIME_GET_COARSE_NS: u32 = 160;
const GET_FUNC_IP: u32 = 173;
const GET_ATTACH_COOKIE: u32 = 174;

/// The program that does nothing.
pub(super) fn empty() -> Assembler {
    Assembler::new().mov64_imm(R0, 0).exit()
}

/// Loads `program` as `prog_type` with whatever else `more` says.
pub(super) fn load(
    kernel: &Kernel,
    prog_type: ProgramType,
    program: Assembler,
    more: ProgLoad<'_>,
) -> Result<OwnedFd, SysError> {
    let insns = program.encode(Endian::NATIVE);
    let insns = insns.map_err(|e| SysError::new("BPF_PROG_LOAD", Errno::EINVAL).with(e.to_string()))?;
    kernel.prog_load(&ProgLoad { prog_type, insns: &insns, license: "GPL", ..more }, None)
}

pub(super) fn names(kernel: &Kernel) -> Result<bool, SysError> {
    let more = ProgLoad { name: "oxbpf_probe", ..ProgLoad::default() };
    loaded(load(kernel, ProgramType::SOCKET_FILTER, empty(), more))
}

/// Memory cgroups took over in the release that brought this helper, and nothing else tells.
pub(super) fn memcg_accounting(kernel: &Kernel) -> Result<bool, SysError> {
    let program = Assembler::new().call(KTIME_GET_COARSE_NS).exit();
    loaded(load(kernel, ProgramType::SOCKET_FILTER, program, ProgLoad::default()))
}

/// An attach type other than 0 that fits its program type.
pub(super) fn expected_attach_type(kernel: &Kernel) -> Result<bool, SysError> {
    let more =
        ProgLoad { expected_attach_type: Some(AttachType::CGROUP_INET_SOCK_CREATE), ..ProgLoad::default() };
    loaded(load(kernel, ProgramType::CGROUP_SOCK, empty(), more))
}

pub(super) fn probe_read_kernel(kernel: &Kernel) -> Result<bool, SysError> {
    let program = Assembler::new()
        .mov64_reg(R1, R10)
        .add64_imm(R1, -8)
        .mov64_imm(R2, 8)
        .mov64_imm(R3, 0)
        .call(PROBE_READ_KERNEL)
        .exit();
    loaded(load(kernel, ProgramType::TRACEPOINT, program, ProgLoad::default()))
}

pub(super) fn cookie(kernel: &Kernel) -> Result<bool, SysError> {
    let program = Assembler::new().call(GET_ATTACH_COOKIE).exit();
    loaded(load(kernel, ProgramType::TRACEPOINT, program, ProgLoad::default()))
}

pub(super) fn bind_map(kernel: &Kernel) -> Result<bool, SysError> {
    let map = maps::array(kernel, 4, MapFlags::empty())?;
    let program = load(kernel, ProgramType::SOCKET_FILTER, empty(), ProgLoad::default())?;
    loaded(kernel.prog_bind_map(program.as_fd(), map.as_fd()))
}

/// A global function that calls a helper which wants the program's context: only the tag can say that its argument
/// is one.
pub(super) fn arg_ctx_tag(kernel: &Kernel) -> Result<bool, SysError> {
    // [1] int a; [2] void *; [3] int (void *a); [4] global a; [5] int (void *b); [6] global b; [7] arg:ctx of b's first
    let types: &[u32] = &[
        1,
        1 << 24,
        4,
        1 << 24 | 32, //
        0,
        2 << 24,
        0, //
        0,
        13 << 24 | 1,
        1,
        1,
        2, //
        1,
        12 << 24 | 1,
        3, //
        0,
        13 << 24 | 1,
        1,
        3,
        2, //
        3,
        12 << 24 | 1,
        5, //
        5,
        17 << 24,
        6,
        0,
    ];
    let data = btf::raw(types, b"\0a\0b\0arg:ctx\0");
    let fd = match kernel.btf_load(&BtfLoad { btf: &data, ..BtfLoad::default() }, None) {
        Ok(fd) => fd,
        none => return loaded(none),
    };
    let functions: Vec<u8> = [0_u32, 4, 2, 6].iter().flat_map(|word| word.to_ne_bytes()).collect();
    let more = ProgLoad {
        btf_fd: Some(fd.as_fd()),
        func_info: InfoRecords { rec_size: 8, records: &functions },
        ..ProgLoad::default()
    };
    let program = Assembler::new().call_label("b").exit().label("b").call(GET_FUNC_IP).exit();
    match load(kernel, ProgramType::KPROBE, program, more) {
        // The verifier's: without the tag the argument is a number.
        Err(error) if error.errno == Errno::EACCES => Ok(false),
        outcome => loaded(outcome),
    }
}
