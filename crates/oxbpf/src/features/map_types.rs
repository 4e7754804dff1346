//! Which kinds of maps a kernel makes.

use std::os::fd::AsFd;

use oxbpf_btf::{BtfBuilder, IntEncoding};
use oxbpf_obj::{MapFlags, MapType};
use oxbpf_sys::{BtfLoad, Errno, Kernel, MapCreate, SysError};

use super::{kept, loaded};
use crate::load::memlock;

/// Whether this kernel makes maps of a type, found by making the smallest one. The answer is kept in `kernel`.
///
/// # Errors
/// `EPERM`, `EACCES` (an LSM), `ENOMEM`, `EMFILE`, `ENFILE`: it cannot be found out.
///
/// ```
/// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
/// use oxbpf::{MapType, features};
///
/// // On this machine: let kernel = oxbpf::Kernel::host();
/// if !features::makes_maps_of(&kernel, MapType::RINGBUF)? {
///     eprintln!("no ring buffers before Linux 5.8");
/// }
/// # Ok::<(), oxbpf::sys::SysError>(())
/// ```
#[doc(alias = "libbpf_probe_bpf_map_type")]
pub fn makes_maps_of(kernel: &Kernel, map_type: MapType) -> Result<bool, SysError> {
    kept(kernel, "oxbpf map types", map_type, || {
        match memlock::retried(kernel, || probe(kernel, map_type)) {
            // The table of functions that was asked for is none: so tables are known.
            Err(error) if map_type == MapType::STRUCT_OPS && error.errno == Errno::ENOTSUPP => Ok(true),
            outcome => loaded(outcome),
        }
    })
}

/// Makes the smallest map of a type.
fn probe(kernel: &Kernel, map_type: MapType) -> Result<(), SysError> {
    let plain = MapCreate { map_type, key_size: 4, value_size: 4, max_entries: 1, ..MapCreate::default() };
    let page = u32::try_from(rustix::param::page_size()).unwrap_or(4096);
    let create = match map_type {
        MapType::STACK_TRACE => MapCreate { value_size: 8, ..plain },
        MapType::LPM_TRIE => MapCreate { key_size: 8, flags: MapFlags::NO_PREALLOC, ..plain },
        MapType::CGROUP_STORAGE | MapType::PERCPU_CGROUP_STORAGE => {
            MapCreate { key_size: 16, max_entries: 0, ..plain }
        }
        MapType::QUEUE | MapType::STACK | MapType::BLOOM_FILTER => MapCreate { key_size: 0, ..plain },
        MapType::RINGBUF | MapType::USER_RINGBUF => {
            MapCreate { key_size: 0, value_size: 0, max_entries: page, ..plain }
        }
        MapType::ARENA => MapCreate { key_size: 0, value_size: 0, flags: MapFlags::MMAPABLE, ..plain },
        MapType::RHASH => MapCreate { flags: MapFlags::NO_PREALLOC, ..plain },
        MapType::INSN_ARRAY => MapCreate { value_size: 16, ..plain },
        MapType::STRUCT_OPS => MapCreate { btf_vmlinux_value_type_id: 1, ..plain },
        MapType::ARRAY_OF_MAPS | MapType::HASH_OF_MAPS => {
            let inner = kernel.map_create(&MapCreate { map_type: MapType::HASH, ..plain.clone() })?;
            return kernel.map_create(&MapCreate { inner_map_fd: Some(inner.as_fd()), ..plain }).map(drop);
        }
        MapType::SK_STORAGE | MapType::TASK_STORAGE | MapType::INODE_STORAGE | MapType::CGRP_STORAGE => {
            let mut types = BtfBuilder::new();
            let int = types.add_int("int", 4, IntEncoding::SIGNED).map_or(0, |id| id.0);
            let Ok(types) = types.build() else { return Err(SysError::new("BPF_BTF_LOAD", Errno::EINVAL)) };
            let types = kernel.btf_load(&BtfLoad { btf: types.as_bytes(), ..BtfLoad::default() }, None)?;
            let create = MapCreate {
                max_entries: 0,
                flags: MapFlags::NO_PREALLOC,
                btf_fd: Some(types.as_fd()),
                btf_key_type_id: int,
                btf_value_type_id: int,
                ..plain
            };
            return kernel.map_create(&create).map(drop);
        }
        _ => plain,
    };
    kernel.map_create(&create).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oxbpf_sys::doors::{Fake, Faults, Recorder};

    use super::*;

    #[test]
    fn each_type_is_asked_for_once() {
        let door = Arc::new(Recorder::new(Arc::new(Fake::new())));
        let kernel = Kernel::with_door(door.clone());
        for _ in 0..2 {
            assert_eq!(makes_maps_of(&kernel, MapType::HASH), Ok(true));
            assert_eq!(makes_maps_of(&kernel, MapType(4000)), Ok(false));
        }
        let calls = door.take();
        assert_eq!(calls.iter().filter(|call| call.cmd.is_some()).count(), 2);
    }

    #[test]
    fn what_cannot_be_known_is_no_answer() {
        let kernel = Kernel::with_door(Arc::new(Faults::nth(Arc::new(Fake::new()), 0, Errno::EPERM)));
        let error = makes_maps_of(&kernel, MapType::ARRAY).unwrap_err();
        assert_eq!(error.errno, Errno::EPERM);
        assert_eq!(makes_maps_of(&kernel, MapType::ARRAY), Ok(true), "it is asked again");
    }
}
