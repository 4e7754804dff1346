//! What the kernel has in maps and programs.

use std::os::fd::{AsRawFd, OwnedFd};

use oxbpf_obj::{MapFlags, MapType};
use oxbpf_sys::uapi::{Cmd, MapElemAttr, RawMapInfo, RawProgInfo};

use super::{fds, hook};

/// The elements of a map: keys and values. Values that are all zeros are left out.
pub(crate) type Contents = Vec<(Vec<u8>, Vec<u8>)>;

/// No more elements than so many are looked at.
const MOST: usize = 4096;

/// What a map holds, if it can be asked.
pub(crate) fn read(map: &OwnedFd) -> Contents {
    let fd = map.as_raw_fd();
    let info = fds::map_info(fd);
    let Some(value_size) = value_size(&info) else { return Vec::new() };
    let mut contents = Contents::new();
    let mut key: Option<Vec<u8>> = None;
    for _ in 0..MOST {
        let mut next = vec![0; info.key_size as usize];
        let last = key.as_ref().map_or(0, |key| key.as_ptr() as u64);
        // SAFETY: both keys have the map's size.
        if unsafe { call(Cmd::MAP_GET_NEXT_KEY, fd, last, next.as_mut_ptr() as u64) } < 0 {
            break;
        }
        let mut value = vec![0; value_size];
        // SAFETY: key and value have the map's sizes.
        let found =
            unsafe { call(Cmd::MAP_LOOKUP_ELEM, fd, next.as_ptr() as u64, value.as_mut_ptr() as u64) } >= 0;
        if found && value.iter().any(|byte| *byte != 0) {
            contents.push((next.clone(), value));
        }
        key = Some(next);
    }
    contents.sort();
    contents
}

/// How much the kernel writes for a value; `None` for maps without elements to be looked up.
fn value_size(info: &RawMapInfo) -> Option<usize> {
    let size = info.value_size as usize;
    let type_ = MapType(info.map_type);
    if MapFlags::from_bits_retain(info.map_flags).contains(MapFlags::WRONLY) {
        return None;
    }
    match type_ {
        MapType::ARRAY
        | MapType::HASH
        | MapType::LRU_HASH
        | MapType::LPM_TRIE
        | MapType::ARRAY_OF_MAPS
        | MapType::HASH_OF_MAPS
        | MapType::PROG_ARRAY => Some(size),
        MapType::PERCPU_ARRAY | MapType::PERCPU_HASH | MapType::LRU_PERCPU_HASH => {
            Some(size.next_multiple_of(8) * cpus())
        }
        _ => None,
    }
}

fn cpus() -> usize {
    oxbpf_sys::Kernel::host().possible_cpus().map_or(4096, |cpus| cpus as usize)
}

/// The ids of the maps that a loaded program uses, by its own instructions or because they were bound to it.
pub(crate) fn maps_of_program(program: &OwnedFd) -> Vec<u32> {
    let mut ids = vec![0_u32; 64];
    let mut info = RawProgInfo { nr_map_ids: 64, map_ids: ids.as_mut_ptr() as u64, ..RawProgInfo::default() };
    fds::inquire(program.as_raw_fd(), &mut info);
    ids.truncate(info.nr_map_ids as usize);
    ids
}

/// # Safety
/// The addresses lead to a key and a value (or key) of the map's sizes, a key may be null.
unsafe fn call(cmd: Cmd, fd: i32, key: u64, value: u64) -> libc::c_long {
    let mut attr = MapElemAttr { map_fd: fd.cast_unsigned(), key, value, ..MapElemAttr::default() };
    // SAFETY: what the caller promises.
    unsafe { hook::bpf(cmd, &mut attr) }
}
