//! Making maps, and their elements one at a time.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use super::{Kernel, MapFd};
use crate::attr::{Attr, fd_or_zero, object_name, raw};
use crate::uapi::{self, Cmd, ElemFlags, MapCreateAttr, MapElemAttr, MapFlags, MapType};
use crate::{Errno, Result, SysError};

/// What a new map is to be. Everything but the type has a meaning at zero.
#[derive(Debug, Clone, Default)]
pub struct MapCreate<'a> {
    /// The kind.
    pub map_type: MapType,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// How many elements it can hold; bytes for a ring buffer.
    pub max_entries: u32,
    /// Flags. Those that say that another field is set are added by themselves.
    pub flags: MapFlags,
    /// A name of up to 15 bytes (longer ones are cut), since Linux 4.15; none if empty.
    pub name: &'a str,
    /// What else the kind wants: hash functions of a bloom filter, the address of an arena (5.16).
    pub map_extra: u64,
    /// The NUMA node for its memory (4.14).
    pub numa_node: Option<u32>,
    /// The types of key and value are of this BTF (4.18).
    pub btf_fd: Option<BorrowedFd<'a>>,
    /// The key's type there.
    pub btf_key_type_id: u32,
    /// The value's type there.
    pub btf_value_type_id: u32,
    /// The kernel's type that a struct_ops map holds (5.6).
    pub btf_vmlinux_value_type_id: u32,
    /// The BTF of the module that has that type (6.9).
    pub value_type_btf_obj_fd: Option<BorrowedFd<'a>>,
    /// A map of the kind that a map of maps will hold (4.12).
    pub inner_map_fd: Option<BorrowedFd<'a>>,
    /// The network device to offload it to (4.16).
    pub ifindex: u32,
    /// A token that stands in for privileges (6.9).
    pub token_fd: Option<BorrowedFd<'a>>,
    /// SHA-256 of the only program that may use it (6.18); empty for any.
    pub excl_prog_hash: &'a [u8],
}

impl Kernel {
    /// Makes a map.
    ///
    /// # Errors
    /// - `EPERM`: neither `CAP_BPF` nor `CAP_SYS_ADMIN`; before 5.11 also `RLIMIT_MEMLOCK` too low
    /// - `EINVAL`: a kind, size, flag or field that this kernel does not take
    /// - `E2BIG`: sizes beyond what the kind allows, or a field that this kernel does not know
    /// - `ENOMEM`: no memory
    #[doc(alias = "bpf_map_create")]
    #[doc(alias = "BPF_MAP_CREATE")]
    pub fn map_create(&self, m: &MapCreate<'_>) -> Result<MapFd> {
        let mut map_flags = m.flags.bits();
        for (set, flag) in [
            (m.numa_node.is_some(), uapi::NUMA_NODE),
            (m.value_type_btf_obj_fd.is_some(), uapi::VTYPE_BTF_OBJ_FD),
            (m.token_fd.is_some(), uapi::TOKEN_FD),
        ] {
            if set {
                map_flags |= flag;
            }
        }
        let layout = MapCreateAttr {
            map_type: m.map_type.0,
            key_size: m.key_size,
            value_size: m.value_size,
            max_entries: m.max_entries,
            map_flags,
            inner_map_fd: fd_or_zero(m.inner_map_fd),
            numa_node: m.numa_node.unwrap_or(0),
            map_name: object_name(m.name),
            map_ifindex: m.ifindex,
            btf_fd: fd_or_zero(m.btf_fd),
            btf_key_type_id: m.btf_key_type_id,
            btf_value_type_id: m.btf_value_type_id,
            btf_vmlinux_value_type_id: m.btf_vmlinux_value_type_id,
            map_extra: m.map_extra,
            value_type_btf_obj_fd: fd_or_zero(m.value_type_btf_obj_fd),
            map_token_fd: fd_or_zero(m.token_fd),
            excl_prog_hash_size: m.excl_prog_hash.len() as u32,
            ..Default::default()
        };
        let mut attr = Attr::new(Cmd::MAP_CREATE, &layout);
        attr.input("excl_prog_hash", offset_of!(MapCreateAttr, excl_prog_hash), m.excl_prog_hash);
        let named = |e: SysError| if m.name.is_empty() { e } else { e.with(format!("map {:?}", m.name)) };
        let fd = self.bpf_fd(&mut attr).map_err(named)?;
        MapFd::new(self, fd, m.map_type, m.key_size, m.value_size)
    }

    /// Copies the value of `key` into `value`, which must have [`MapFd::value_len`] bytes; with flags
    /// that name a CPU one value, rounded up to 8.
    ///
    /// # Errors
    /// - `ENOENT`: no such element
    /// - `EINVAL`: a buffer of the wrong size, or a flag the map does not take
    /// - `EPERM`: the descriptor is for writing only
    /// - `EOPNOTSUPP` (524 too): the kind cannot be read so
    #[doc(alias = "bpf_map_lookup_elem")]
    #[doc(alias = "bpf_map_lookup_elem_flags")]
    #[inline]
    pub fn map_lookup_elem(&self, map: &MapFd, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<()> {
        self.read_elem(Cmd::MAP_LOOKUP_ELEM, map, key, value, flags)
    }

    /// As [`map_lookup_elem`](Self::map_lookup_elem), and deletes the element: in one step in a queue or stack
    /// (4.20) and in hash tables (5.14).
    ///
    /// # Errors
    /// As there; before 5.14 `EOPNOTSUPP` for hash tables.
    #[doc(alias = "bpf_map_lookup_and_delete_elem")]
    pub fn map_lookup_and_delete_elem(
        &self,
        map: &MapFd,
        key: &[u8],
        value: &mut [u8],
        flags: ElemFlags,
    ) -> Result<()> {
        self.read_elem(Cmd::MAP_LOOKUP_AND_DELETE_ELEM, map, key, value, flags)
    }

    fn read_elem(&self, cmd: Cmd, map: &MapFd, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<()> {
        check(cmd, "key", key.len(), map.key_size())?;
        check(cmd, "value", value.len(), map.value_len_with(flags))?;
        let mut attr = elem(cmd, map, flags);
        attr.input("key", offset_of!(MapElemAttr, key), key);
        attr.output("value", offset_of!(MapElemAttr, value), value);
        self.bpf(&mut attr)
    }

    /// Writes the value of `key`.
    ///
    /// # Errors
    /// - `EEXIST`: exists, though [`ElemFlags::NOEXIST`]
    /// - `ENOENT`: does not, though [`ElemFlags::EXIST`]
    /// - `E2BIG`: the map is full, or an index beyond an array's end
    /// - `EINVAL`: a buffer of the wrong size, or a flag the map does not take
    /// - `EPERM`: the map is frozen, or the descriptor for reading only
    /// - `ENOMEM`, `EBUSY`: the element cannot be made right now
    #[doc(alias = "bpf_map_update_elem")]
    #[inline]
    pub fn map_update_elem(&self, map: &MapFd, key: &[u8], value: &[u8], flags: ElemFlags) -> Result<()> {
        check(Cmd::MAP_UPDATE_ELEM, "key", key.len(), map.key_size())?;
        check(Cmd::MAP_UPDATE_ELEM, "value", value.len(), map.value_len_with(flags))?;
        let mut attr = elem(Cmd::MAP_UPDATE_ELEM, map, flags);
        attr.input("key", offset_of!(MapElemAttr, key), key);
        attr.input("value", offset_of!(MapElemAttr, value), value);
        self.bpf(&mut attr)
    }

    /// Deletes the element of `key`.
    ///
    /// # Errors
    /// - `ENOENT`: no such element
    /// - `EINVAL`: a key of the wrong size; elements of this kind (an array) cannot be deleted
    /// - `EPERM`: the map is frozen, or the descriptor for reading only
    #[doc(alias = "bpf_map_delete_elem")]
    #[doc(alias = "bpf_map_delete_elem_flags")]
    pub fn map_delete_elem(&self, map: &MapFd, key: &[u8], flags: ElemFlags) -> Result<()> {
        check(Cmd::MAP_DELETE_ELEM, "key", key.len(), map.key_size())?;
        let mut attr = elem(Cmd::MAP_DELETE_ELEM, map, flags);
        attr.input("key", offset_of!(MapElemAttr, key), key);
        self.bpf(&mut attr)
    }

    /// Copies the key that follows `key` (the first one for `None`, since Linux 4.12) into `next`. False after
    /// the last one. If `key` is not in the map, as when it was deleted meanwhile, hash tables start over.
    ///
    /// # Errors
    /// - `EINVAL`: a buffer of the wrong size
    /// - `EPERM`: the descriptor is for writing only
    /// - `EOPNOTSUPP` (524 too): the kind cannot be walked
    #[doc(alias = "bpf_map_get_next_key")]
    pub fn map_get_next_key(&self, map: &MapFd, key: Option<&[u8]>, next: &mut [u8]) -> Result<bool> {
        check(Cmd::MAP_GET_NEXT_KEY, "key", key.map_or(map.key_size(), <[u8]>::len), map.key_size())?;
        check(Cmd::MAP_GET_NEXT_KEY, "next key", next.len(), map.key_size())?;
        let mut attr = elem(Cmd::MAP_GET_NEXT_KEY, map, ElemFlags::empty());
        attr.input("key", offset_of!(MapElemAttr, key), key.unwrap_or_default());
        attr.output("next_key", offset_of!(MapElemAttr, value), next);
        match self.bpf(&mut attr) {
            Ok(()) => Ok(true),
            Err(e) if e.errno == Errno::ENOENT => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Forbids further writes from user space, for good; since Linux 5.2. BPF programs may still write, unless
    /// the map was made with [`MapFlags::RDONLY_PROG`].
    ///
    /// # Errors
    /// - `EBUSY`: it is mapped for writing, or being written to
    /// - `EBUSY` or, in newer kernels, `EPERM`: it is frozen already
    /// - `EPERM`: the descriptor is for reading only
    /// - `EINVAL`: before 5.2
    #[doc(alias = "bpf_map_freeze")]
    pub fn map_freeze(&self, map: BorrowedFd<'_>) -> Result<()> {
        let layout = MapElemAttr { map_fd: raw(map), ..Default::default() };
        self.bpf(&mut Attr::new(Cmd::MAP_FREEZE, &layout))
    }
}

#[inline]
fn elem<'a>(cmd: Cmd, map: &'a MapFd, flags: ElemFlags) -> Attr<'a> {
    use std::os::fd::AsFd;
    let layout = MapElemAttr { map_fd: raw(map.as_fd()), flags: flags.bits(), ..Default::default() };
    Attr::new(cmd, &layout)
}

/// The sizes that memory safety rests on.
#[inline]
pub(super) fn check(cmd: Cmd, what: &str, got: usize, want: usize) -> Result<()> {
    if got == want { Ok(()) } else { Err(wrong_size(cmd, what, got, want)) }
}

#[cold]
fn wrong_size(cmd: Cmd, what: &str, got: usize, want: usize) -> SysError {
    SysError::invalid(cmd.name(), format!("a {what} of {got} bytes where the map's has {want}"))
}
