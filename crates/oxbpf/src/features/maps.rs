//! Probes of what maps can do.

use std::os::fd::AsRawFd;

use oxbpf_obj::insn::{Assembler, Reg::*, Size};
use oxbpf_obj::{MapFlags, MapType, ProgramType};
use oxbpf_sys::{BatchCursor, Kernel, MapCreate, MapFd, ProgLoad, SysError, uapi::ElemFlags};

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
