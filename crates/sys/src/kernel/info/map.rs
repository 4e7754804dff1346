//! About maps.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use super::text;
use crate::Result;
use crate::kernel::{Kernel, ObjectKind};
use crate::uapi::{MapFlags, MapType, ProgramType, RawMapInfo};

/// What the kernel tells about a map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MapInfo {
    /// The kind.
    pub map_type: MapType,
    /// The id.
    pub id: u32,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// How many elements it can hold.
    pub max_entries: u32,
    /// Its flags.
    pub flags: MapFlags,
    /// The name, up to 15 bytes (4.15).
    pub name: String,
    /// The device it is offloaded to, 0 for none (4.16).
    pub ifindex: u32,
    /// The device of that device's network namespace (4.16).
    pub netns_dev: u64,
    /// The inode of that device's network namespace (4.16).
    pub netns_ino: u64,
    /// Its BTF, 0 for none (4.18).
    pub btf_id: u32,
    /// The key's type there.
    pub btf_key_type_id: u32,
    /// The value's type there.
    pub btf_value_type_id: u32,
    /// The kernel's type that a struct_ops map holds (5.6).
    pub btf_vmlinux_value_type_id: u32,
    /// The BTF object of that type (6.9).
    pub btf_vmlinux_id: u32,
    /// What else the kind has (5.16).
    pub map_extra: u64,
    /// Whether user space may no longer write to it (5.2); from fdinfo, see [`Kernel::map_info_with_fdinfo`].
    pub frozen: Option<bool>,
    /// Bytes of memory that it holds; from fdinfo, see [`Kernel::map_info_with_fdinfo`].
    pub memlock: Option<u64>,
    /// Of a program array that has or had programs: their type; from fdinfo as well.
    pub owner_prog_type: Option<ProgramType>,
    /// Of such a program array: whether they are machine code; from fdinfo as well.
    pub owner_jited: Option<bool>,
}

/// Bytes of a SHA-256.
const HASH_SIZE: usize = 32;

impl Kernel {
    /// What the kernel tells about a map. Since Linux 4.13.
    ///
    /// # Errors
    /// `EBADFD` for no descriptor, `EINVAL` for one of something else.
    #[doc(alias = "bpf_map_get_info_by_fd")]
    #[doc(alias = "bpf_obj_get_info_by_fd")]
    pub fn map_info(&self, map: BorrowedFd<'_>) -> Result<MapInfo> {
        let mut raw = RawMapInfo::default();
        self.info(ObjectKind::Map, map, &mut raw, Vec::new())?;
        Ok(MapInfo {
            map_type: MapType(raw.map_type),
            id: raw.id,
            key_size: raw.key_size,
            value_size: raw.value_size,
            max_entries: raw.max_entries,
            flags: MapFlags::from_bits_retain(raw.map_flags),
            name: text(&raw.name),
            ifindex: raw.ifindex,
            netns_dev: raw.netns_dev,
            netns_ino: raw.netns_ino,
            btf_id: raw.btf_id,
            btf_key_type_id: raw.btf_key_type_id,
            btf_value_type_id: raw.btf_value_type_id,
            btf_vmlinux_value_type_id: raw.btf_vmlinux_value_type_id,
            btf_vmlinux_id: raw.btf_vmlinux_id,
            map_extra: raw.map_extra,
            ..Default::default()
        })
    }

    /// As [`map_info`](Self::map_info), with what only the map's descriptor tells ([`fdinfo`](Self::fdinfo)): whether it
    /// is frozen, its memory, and what programs a program array takes.
    ///
    /// # Errors
    /// As there. Without /proc those are `None`.
    pub fn map_info_with_fdinfo(&self, map: BorrowedFd<'_>) -> Result<MapInfo> {
        let mut info = self.map_info(map)?;
        if let Ok(lines) = self.fdinfo(map) {
            info.frozen = lines.number("frozen").map(|n| n != 0);
            info.memlock = lines.number("memlock");
            info.owner_prog_type = lines.number("owner_prog_type").map(|n| ProgramType(n as u32));
            info.owner_jited = lines.number("owner_jited").map(|n| n != 0);
        }
        Ok(info)
    }

    /// The SHA-256 of a frozen array's content, which the kernel works out now: all values, each rounded up to 8 bytes.
    /// Since Linux 6.18.
    ///
    /// # Errors
    /// - `EPERM`: the map is not frozen
    /// - `EINVAL`: a map of another kind
    /// - `E2BIG`: before 6.18
    pub fn map_hash(&self, map: BorrowedFd<'_>) -> Result<[u8; HASH_SIZE]> {
        let mut hash = [0; HASH_SIZE];
        let mut raw = RawMapInfo { hash_size: HASH_SIZE as u32, ..Default::default() };
        let nested = vec![("hash", offset_of!(RawMapInfo, hash), &mut hash[..])];
        self.info(ObjectKind::Map, map, &mut raw, nested)?;
        Ok(hash)
    }
}
