//! Probes of what maps can do.

use std::os::fd::AsRawFd;

use oxbpf_obj::insn::{Assembler, Reg::*, Size};
use oxbpf_obj::{Endian, MapFlags, MapType, ProgramType};
use oxbpf_sys::{BatchCursor, Errno, Kernel, LogBuf, MapCreate, MapFd, ProgLoad, SysError, uapi::ElemFlags};

use super::loaded;
use super::programs::load;

/// An array of one value.
pub(super) fn array(kernel: &Kernel, value_size: u32, flags: MapFlags) -> Result<MapFd, SysError> {
    kernel.map_create(&MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size,
        max_entries: 1,
        flags,
        ..MapCreate::default()
    })
}

pub(super) fn array_mmap(kernel: &Kernel) -> Result<bool, SysError> {
    loaded(array(kernel, 4, MapFlags::MMAPABLE))
}

/// `*(u64 *)(value + 16) = 42`, the address of the value written into the instruction.
pub(super) fn global_data(kernel: &Kernel) -> Result<bool, SysError> {
    let map = array(kernel, 32, MapFlags::empty())?;
    let program = Assembler::new()
        .ld_map_value(R1, map.as_raw_fd(), 16)
        .store_imm(Size::Dw, R1, 0, 42)
        .mov64_imm(R0, 0)
        .exit();
    loaded(load(kernel, ProgramType::SOCKET_FILTER, program, ProgLoad::default()))
}

/// The only element of an array, read as a batch.
pub(super) fn batch(kernel: &Kernel) -> Result<bool, SysError> {
    let map = array(kernel, 4, MapFlags::empty())?;
    let (mut key, mut value) = ([0; 4], [0; 4]);
    loaded(kernel.map_lookup_batch(&map, &mut BatchCursor::new(), &mut key, &mut value, ElemFlags::empty()))
}

/// A place beyond the first 512 MiB, and beyond the value too, so that the verifier refuses it in any case: older ones
/// since they allow none so far, in words of their own.
pub(super) fn direct_offsets(kernel: &Kernel) -> Result<bool, SysError> {
    let map = array(kernel, 1, MapFlags::empty())?;
    let program = Assembler::new().ld_map_value(R1, map.as_raw_fd(), 1 << 30).mov64_imm(R0, 0).exit();
    let insns = program.encode(Endian::NATIVE);
    let insns = insns.map_err(|e| SysError::new("BPF_PROG_LOAD", Errno::EINVAL).with(e.to_string()))?;
    let load = ProgLoad {
        prog_type: ProgramType::SOCKET_FILTER,
        insns: &insns,
        license: "GPL",
        ..ProgLoad::default()
    };
    let mut log = LogBuf::new(LogBuf::ERRORS, 1024);
    match kernel.prog_load(&load, Some(&mut log)) {
        // No verifier was asked.
        Ok(_) => Ok(false),
        Err(error) if error.errno == Errno::EINVAL => Ok(!log.text().contains("direct value offset of")),
        Err(error) => Err(error),
    }
}
