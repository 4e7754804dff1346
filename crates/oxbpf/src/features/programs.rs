//! Probes of what BPF_PROG_LOAD takes: the smallest program that has the thing is loaded.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf_obj::{AttachType, Endian, Insn, MapFlags, ProgramType};
use oxbpf_sys::{BtfLoad, InfoRecords, Kernel, ProgLoad, SysError};

use super::{btf, loaded, maps};

const R0: u8 = 0;
const R1: u8 = 1;
const R2: u8 = 2;
const R3: u8 = 3;
const R10: u8 = 10;

const EXIT: Insn = Insn { code: 0x95, dst: 0, src: 0, off: 0, imm: 0 };

/// `r = imm`, 64 bits.
pub(super) const fn set(dst: u8, imm: i32) -> Insn {
    Insn { code: 0xb7, dst, src: 0, off: 0, imm }
}

const fn copy(dst: u8, src: u8) -> Insn {
    Insn { code: 0xbf, dst, src, off: 0, imm: 0 }
}

const fn add(dst: u8, imm: i32) -> Insn {
    Insn { code: 0x07, dst, src: 0, off: 0, imm }
}

/// Calls a helper by its number.
const fn call(helper: i32) -> Insn {
    Insn { code: 0x85, dst: 0, src: 0, off: 0, imm: helper }
}

/// Calls the function `distance` instructions after the next.
const fn call_function(distance: i32) -> Insn {
    Insn { code: 0x85, dst: 0, src: 1, off: 0, imm: distance }
}

/// The program that does nothing.
pub(super) const EMPTY: [Insn; 2] = [set(R0, 0), EXIT];

const PROBE_READ_KERNEL: i32 = 113;
const KTIME_GET_COARSE_NS: i32 = 160;
const GET_FUNC_IP: i32 = 173;
const GET_ATTACH_COOKIE: i32 = 174;

/// Loads `insns` as `prog_type` with whatever else `more` says.
pub(super) fn load(
    kernel: &Kernel,
    prog_type: ProgramType,
    insns: &[Insn],
    more: ProgLoad<'_>,
) -> Result<OwnedFd, SysError> {
    let insns: Vec<u8> = insns.iter().flat_map(|insn| insn.encode(Endian::NATIVE)).collect();
    kernel.prog_load(&ProgLoad { prog_type, insns: &insns, license: "GPL", ..more }, None)
}

pub(super) fn names(kernel: &Kernel) -> Result<bool, SysError> {
    let more = ProgLoad { name: "oxbpf_probe", ..ProgLoad::default() };
    loaded(load(kernel, ProgramType::SOCKET_FILTER, &EMPTY, more))
}

/// Memory cgroups took over in the release that brought this helper, and nothing else tells.
pub(super) fn memcg_accounting(kernel: &Kernel) -> Result<bool, SysError> {
    Ok(load(kernel, ProgramType::SOCKET_FILTER, &[call(KTIME_GET_COARSE_NS), EXIT], ProgLoad::default())
        .is_ok())
}

/// An attach type other than 0 that fits its program type.
pub(super) fn expected_attach_type(kernel: &Kernel) -> Result<bool, SysError> {
    let more =
        ProgLoad { expected_attach_type: Some(AttachType::CGROUP_INET_SOCK_CREATE), ..ProgLoad::default() };
    loaded(load(kernel, ProgramType::CGROUP_SOCK, &EMPTY, more))
}

pub(super) fn probe_read_kernel(kernel: &Kernel) -> Result<bool, SysError> {
    let insns = [copy(R1, R10), add(R1, -8), set(R2, 8), set(R3, 0), call(PROBE_READ_KERNEL), EXIT];
    loaded(load(kernel, ProgramType::TRACEPOINT, &insns, ProgLoad::default()))
}

pub(super) fn cookie(kernel: &Kernel) -> Result<bool, SysError> {
    loaded(load(kernel, ProgramType::TRACEPOINT, &[call(GET_ATTACH_COOKIE), EXIT], ProgLoad::default()))
}

pub(super) fn bind_map(kernel: &Kernel) -> Result<bool, SysError> {
    let map = maps::array(kernel, 4, MapFlags::empty())?;
    let program = load(kernel, ProgramType::SOCKET_FILTER, &EMPTY, ProgLoad::default())?;
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
    let Ok(fd) = kernel.btf_load(&BtfLoad { btf: &data, ..BtfLoad::default() }, None) else {
        return Ok(false);
    };
    let functions: Vec<u8> = [0_u32, 4, 2, 6].iter().flat_map(|word| word.to_ne_bytes()).collect();
    let more = ProgLoad {
        btf_fd: Some(fd.as_fd()),
        func_info: InfoRecords { rec_size: 8, records: &functions },
        ..ProgLoad::default()
    };
    loaded(load(kernel, ProgramType::KPROBE, &[call_function(1), EXIT, call(GET_FUNC_IP), EXIT], more))
}
