//! Making and freezing maps.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use super::{Kernel, LogBuf, MapFd};
use crate::attr::{Attr, fd_or_zero, object_name, raw};
use crate::uapi::{self, Cmd, MapCreateAttr, MapElemAttr, MapFlags, MapType};
use crate::{Errno, Result, SysError};

/// What a new map is to be. Everything but the type has a meaning at zero.
#[derive(Debug, Clone, Default)]
pub struct MapCreate<'a> {
    /// The kind.
    pub map_type: MapType,
    /// Bytes of a key: 4 for arrays, 0 for what has no keys (queue, stack, bloom filter, ring buffer, arena).
    pub key_size: u32,
    /// Bytes of a value: 4 for maps of descriptors, 0 for ring buffers and arenas.
    pub value_size: u32,
    /// How many elements it can hold; bytes for a ring buffer (a power of two, and of whole pages), pages for an
    /// arena, 0 for storage of sockets, tasks, inodes and cgroups.
    pub max_entries: u32,
    /// Flags. Those that say that another field is set are added by themselves.
    pub flags: MapFlags,
    /// A name of up to 15 letters, digits, `_` and `.` (longer ones are cut, other characters become `_`), since Linux
    /// 4.15; none if empty. Tools show it; it identifies nothing.
    pub name: &'a str,
    /// What else the kind wants: hash functions of a bloom filter, the address of an arena (5.16).
    pub map_extra: u64,
    /// The NUMA node for its memory (4.14); the flag without which kernels take no heed of it goes with it.
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

impl<'a> MapCreate<'a> {
    /// The attribute, but for memory that it points to.
    fn layout(&self, token: Option<BorrowedFd<'_>>) -> MapCreateAttr {
        let mut map_flags = self.flags.bits();
        for (set, flag) in [
            (self.numa_node.is_some(), uapi::NUMA_NODE),
            (self.value_type_btf_obj_fd.is_some(), uapi::VTYPE_BTF_OBJ_FD),
            (token.is_some(), uapi::TOKEN_FD),
        ] {
            if set {
                map_flags |= flag;
            }
        }
        MapCreateAttr {
            map_type: self.map_type.0,
            key_size: self.key_size,
            value_size: self.value_size,
            max_entries: self.max_entries,
            map_flags,
            inner_map_fd: fd_or_zero(self.inner_map_fd),
            numa_node: self.numa_node.unwrap_or(0),
            map_name: object_name(self.name),
            map_ifindex: self.ifindex,
            btf_fd: fd_or_zero(self.btf_fd),
            btf_key_type_id: self.btf_key_type_id,
            btf_value_type_id: self.btf_value_type_id,
            btf_vmlinux_value_type_id: self.btf_vmlinux_value_type_id,
            map_extra: self.map_extra,
            value_type_btf_obj_fd: fd_or_zero(self.value_type_btf_obj_fd),
            map_token_fd: fd_or_zero(token),
            excl_prog_hash_size: self.excl_prog_hash.len() as u32,
            ..Default::default()
        }
    }

    fn attr(&self, kernel: &Kernel) -> Attr<'a> {
        let token = self.token_fd.or(kernel.token());
        let mut attr = Attr::new(Cmd::MAP_CREATE, &self.layout(token));
        attr.input("excl_prog_hash", offset_of!(MapCreateAttr, excl_prog_hash), self.excl_prog_hash);
        attr
    }

    fn named(&self, e: SysError) -> SysError {
        if self.name.is_empty() { e } else { e.with(format!("map {:?}", self.name)) }
    }
}

impl Kernel {
    /// Makes a map. It lives as long as a descriptor, a pin, or a program that uses it.
    ///
    /// Needs `CAP_BPF` (`CAP_SYS_ADMIN` before 5.8), or a token that allows maps of the kind; maps of sockets and devices
    /// (sockmap, sockhash, xskmap, devmap, devmap_hash) need `CAP_NET_ADMIN` instead. Where
    /// `kernel.unprivileged_bpf_disabled` is 0, plain hash tables, arrays and ring buffers need nothing.
    ///
    /// # Errors
    /// - `EPERM`: missing privileges, refused by an LSM or lockdown; before 5.11 also `RLIMIT_MEMLOCK` too low
    ///   (see [`raise_memlock`](Self::raise_memlock))
    /// - `EINVAL`: a kind, size, flag or field that this kernel does not take; a size of 0 where the kind wants one
    /// - `E2BIG`: elements or a whole beyond what the kind allows, or a field that this kernel does not know
    /// - `ENOMEM`: no memory for so many elements
    /// - `EBADF`: one of the descriptors
    /// - `ENOTSUPP` (524), `EOPNOTSUPP`: types in the values (spin lock, timer, kptr) that the kind cannot hold
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// use oxbpf_sys::{Errno, MapCreate, MapType};
    ///
    /// let counts = MapCreate {
    ///     map_type: MapType::HASH, key_size: 4, value_size: 8, max_entries: 100, name: "counts", ..Default::default()
    /// };
    /// let map = kernel.map_create(&counts)?;
    /// assert_eq!((map.key_size(), map.value_len()), (4, 8));
    ///
    /// let e = kernel.map_create(&MapCreate { key_size: 0, ..counts }).unwrap_err();
    /// assert_eq!(e.errno, Errno::EINVAL);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_map_create")]
    #[doc(alias = "BPF_MAP_CREATE")]
    pub fn map_create(&self, m: &MapCreate<'_>) -> Result<MapFd> {
        let fd = self.bpf_fd(&mut m.attr(self)).map_err(|e| m.named(e))?;
        MapFd::new(self, fd, m.map_type, m.key_size, m.value_size)
    }

    /// As [`map_create`](Self::map_create), with a log in which the kernel says what it does not like: since Linux
    /// 7.2, as one of the attributes that all commands have in common. An older kernel makes the map without, and
    /// the log stays empty.
    ///
    /// # Errors
    /// As there, and `ENOSPC`: the log did not fit, and no map was made ([`LogBuf::true_size`] says what would do).
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// use oxbpf_sys::{LogBuf, MapCreate, MapType};
    ///
    /// let mut log = LogBuf::new(LogBuf::ERRORS, 4096);
    /// let queue = MapCreate { map_type: MapType::QUEUE, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() };
    /// kernel.map_create_logged(&queue, &mut log).unwrap_err();
    /// assert!(log.text().contains("key_size"), "{}", log.text());
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_map_create")]
    #[doc(alias = "BPF_COMMON_ATTRS")]
    pub fn map_create_logged(&self, m: &MapCreate<'_>, log: &mut LogBuf) -> Result<MapFd> {
        log.clear();
        let (result, true_size) = {
            let (level, buf) = log.parts();
            let mut attr = m.attr(self);
            attr.log_into(level, buf);
            (self.bpf_fd(&mut attr), attr.common().log_true_size)
        };
        log.set_true_size(true_size);
        match result {
            // A kernel without common attributes takes their flag for a command that it does not know.
            Err(e) if e.errno == Errno::EINVAL && true_size == 0 && log.text().is_empty() => {
                self.map_create(m)
            }
            Err(e) => Err(m.named(e)),
            Ok(fd) => MapFd::new(self, fd, m.map_type, m.key_size, m.value_size),
        }
    }

    /// Forbids writing from user space, for good and whoever has a descriptor; since Linux 5.2. Lookups go on, BPF
    /// programs may still write unless the map was made with [`MapFlags::RDONLY_PROG`]. A program that is loaded
    /// afterwards and may not write the map either is verified with its values as constants.
    ///
    /// Of several callers the first freezes, the others get an error that means "frozen already". Needs a
    /// descriptor that may write (since 6.5; before, `CAP_BPF` instead).
    ///
    /// # Errors
    /// - `EBUSY`: it is mapped for writing, being written to, or (before 6.5) frozen already
    /// - `EPERM`: the descriptor is for reading only, or the map frozen already; before 6.5: no `CAP_BPF`
    /// - `ENOTSUPP` (524): a struct_ops map, or one with timers or kptrs in its values
    /// - `EBADF`: no descriptor
    /// - `EINVAL`: a descriptor of something else, or a kernel before 5.2
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, MapCreate, MapType, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// # let config = MapCreate { map_type: MapType::ARRAY, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() };
    /// use std::os::fd::AsFd;
    /// use oxbpf_sys::{ElemFlags, Errno};
    ///
    /// let map = kernel.map_create(&config)?;
    /// kernel.map_freeze(map.as_fd())?;
    /// let e = kernel.map_update_elem(&map, &[0; 4], b"late", ElemFlags::empty()).unwrap_err();
    /// assert_eq!(e.errno, Errno::EPERM);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_map_freeze")]
    #[doc(alias = "BPF_MAP_FREEZE")]
    pub fn map_freeze(&self, map: BorrowedFd<'_>) -> Result<()> {
        let layout = MapElemAttr { map_fd: raw(map), ..Default::default() };
        self.bpf(&mut Attr::new(Cmd::MAP_FREEZE, &layout))
    }
}
