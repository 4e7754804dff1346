//! Elements of a map, one at a time.

use std::os::fd::AsFd;

use super::{Kernel, MapFd};
use crate::attr::Elem;
use crate::meaning::of_elements;
use crate::uapi::{Cmd, ElemFlags};
use crate::{Errno, Result, SysError};

// What all functions here have in common: the kernel copies keys and values during the call, and as many bytes as
// the map says. So buffers of another size than the map's are refused (`EINVAL`) before the kernel sees them, and
// `EFAULT` cannot happen.

impl Kernel {
    /// Copies the value of `key` into `value`, which must have [`MapFd::value_len`] bytes, or
    /// [`MapFd::value_size`] with a flag that names a CPU. A queue or stack has no key, and shows what comes next
    /// without taking it; a bloom filter has none either, and says whether the value *in* `value` was added.
    ///
    /// With [`ElemFlags::LOCK`] the value is copied under its `bpf_spin_lock` (5.1), so that it is of one piece;
    /// without, another CPU may write half of it meanwhile. With [`ElemFlags::on_cpu`] a per-CPU map gives the value
    /// of that CPU only (7.0).
    ///
    /// Needs a descriptor that may read; before 5.19 `CAP_BPF`, too, where `kernel.unprivileged_bpf_disabled` is set.
    ///
    /// # Errors
    /// - `ENOENT`: no such key, an index beyond an array's end, an empty queue
    /// - `EINVAL`: a buffer of the wrong size, or a flag the map does not take
    /// - `EPERM`: the descriptor is for writing only; an LSM refuses
    /// - `ENOTSUPP` (524), `EOPNOTSUPP`: elements of this kind cannot be read so
    /// - `ENOSPC`: a sockmap whose values have 4 bytes, where a socket's cookie has 8
    /// - `EBADF`: no descriptor of a map; `ENOMEM`: no memory to copy through
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, MapCreate, MapType, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// # let hash = MapCreate { map_type: MapType::HASH, key_size: 4, value_size: 8, max_entries: 9, ..Default::default() };
    /// use oxbpf_sys::{ElemFlags, Errno};
    ///
    /// let map = kernel.map_create(&hash)?;
    /// let (key, mut value) = (7u32.to_ne_bytes(), [0; 8]);
    /// let e = kernel.map_lookup_elem(&map, &key, &mut value, ElemFlags::empty()).unwrap_err();
    /// assert_eq!(
    ///     e.to_string(),
    ///     "BPF_MAP_LOOKUP_ELEM failed: ENOENT (No such file or directory): no such key"
    /// );
    /// kernel.map_update_elem(&map, &key, &42u64.to_ne_bytes(), ElemFlags::empty())?;
    /// kernel.map_lookup_elem(&map, &key, &mut value, ElemFlags::empty())?;
    /// assert_eq!(u64::from_ne_bytes(value), 42);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_map_lookup_elem")]
    #[doc(alias = "bpf_map_lookup_elem_flags")]
    #[doc(alias = "BPF_MAP_LOOKUP_ELEM")]
    #[inline]
    pub fn map_lookup_elem(&self, map: &MapFd, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<()> {
        self.read_elem(Cmd::MAP_LOOKUP_ELEM, map, key, value, flags)
    }

    /// As [`map_lookup_elem`](Self::map_lookup_elem), and deletes the element in the same step, so that of several
    /// callers one gets it: takes from a queue or stack (4.20), or an element out of a hash table (5.14), of a
    /// per-CPU table with the values of all CPUs. The kernel always wants room for the value.
    ///
    /// Needs a descriptor that may read and write.
    ///
    /// # Errors
    /// - `ENOENT`: no such key; the queue is empty. Nothing was deleted
    /// - `EINVAL`: a buffer of the wrong size, or a flag the map does not take; before 5.14 any flag
    /// - `EPERM`: the map is frozen, or the descriptor is not for both
    /// - `ENOTSUPP` (524), `EOPNOTSUPP`: other kinds of maps; before 5.14 hash tables
    /// - `EBUSY`: a program that this one interrupted holds the bucket: try again
    /// - `EBADF`, `ENOMEM` as there
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, MapCreate, MapType, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// use oxbpf_sys::{ElemFlags, Errno};
    ///
    /// let queue = MapCreate { map_type: MapType::QUEUE, value_size: 4, max_entries: 9, ..Default::default() };
    /// let map = kernel.map_create(&queue)?;
    /// kernel.map_update_elem(&map, &[], b"work", ElemFlags::empty())?;
    /// let mut value = [0; 4];
    /// kernel.map_lookup_and_delete_elem(&map, &[], &mut value, ElemFlags::empty())?;
    /// assert_eq!(&value, b"work");
    /// let e = kernel.map_lookup_and_delete_elem(&map, &[], &mut value, ElemFlags::empty()).unwrap_err();
    /// assert_eq!((e.errno, e.meaning()), (Errno::ENOENT, Some("it is empty")));
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_map_lookup_and_delete_elem")]
    #[doc(alias = "bpf_map_lookup_and_delete_elem_flags")]
    #[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_ELEM")]
    pub fn map_lookup_and_delete_elem(
        &self,
        map: &MapFd,
        key: &[u8],
        value: &mut [u8],
        flags: ElemFlags,
    ) -> Result<()> {
        self.read_elem(Cmd::MAP_LOOKUP_AND_DELETE_ELEM, map, key, value, flags)
    }

    /// As [`map_lookup_elem`](Self::map_lookup_elem), but an element that is not there is no error: false.
    ///
    /// # Errors
    /// As there, but for `ENOENT`.
    #[inline]
    pub fn map_find_elem(&self, map: &MapFd, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<bool> {
        let cmd = Cmd::MAP_LOOKUP_ELEM;
        check(cmd, "key", key.len(), map.key_size())?;
        check(cmd, "value", value.len(), map.value_len_with(flags))?;
        let mut elem = Elem::new(cmd, map.as_fd(), key, flags.bits()).output("value", value);
        self.found(&mut elem, map, flags)
    }

    #[inline]
    fn read_elem(&self, cmd: Cmd, map: &MapFd, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<()> {
        check(cmd, "key", key.len(), map.key_size())?;
        check(cmd, "value", value.len(), map.value_len_with(flags))?;
        let mut elem = Elem::new(cmd, map.as_fd(), key, flags.bits()).output("value", value);
        self.elem(&mut elem).map_err(|e| explained(cmd, map, flags, e))
    }

    /// Does a command for which "not there" is an answer.
    #[inline]
    fn found(&self, elem: &mut Elem<'_>, map: &MapFd, flags: ElemFlags) -> Result<bool> {
        match self.door().map_elem(elem) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(explained(elem.cmd(), map, flags, self.refused(&elem.attr(), errno))),
        }
    }

    /// Writes the value of `key`: adds it or replaces what is there, or with [`ElemFlags::NOEXIST`] only the
    /// one, with [`ElemFlags::EXIST`] only the other. A queue or stack has no key; `EXIST` makes room in a full
    /// one by dropping its oldest element.
    ///
    /// Readers see the old value or the new one in a hash table; an array's value is written in place, and only
    /// under [`ElemFlags::LOCK`] (5.1) of one piece. A per-CPU map takes the values of all CPUs, or with
    /// [`ElemFlags::on_cpu`] that of one, with [`ElemFlags::ALL_CPUS`] one for all (7.0). Maps of maps, programs,
    /// events and sockets take a descriptor as their value.
    ///
    /// Needs a descriptor that may write; before 5.19 `CAP_BPF`, too, where `kernel.unprivileged_bpf_disabled` is set.
    ///
    /// # Errors
    /// - `EEXIST`: exists, though [`ElemFlags::NOEXIST`]; always so in an array
    /// - `ENOENT`: does not, though [`ElemFlags::EXIST`]
    /// - `E2BIG`: the map is full, or an index beyond an array's end
    /// - `EINVAL`: a buffer of the wrong size, or a flag the map does not take; a map or program that does not fit
    /// - `EPERM`: the map is frozen, or the descriptor for reading only; an LSM refuses
    /// - `EBADF`: no descriptor of a map; a value that is no descriptor of what it holds
    /// - `ENOMEM`: no memory for another element right now; `EBUSY`: a program that this one interrupted holds the
    ///   bucket: try again
    /// - `ENOTSUPP` (524), `EOPNOTSUPP`: elements of this kind cannot be set so
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, MapCreate, MapType, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// use oxbpf_sys::{ElemFlags, Errno};
    ///
    /// let one = MapCreate { map_type: MapType::HASH, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() };
    /// let map = kernel.map_create(&one)?;
    /// kernel.map_update_elem(&map, &[1; 4], b"here", ElemFlags::NOEXIST)?;
    /// let e = kernel.map_update_elem(&map, &[1; 4], b"once", ElemFlags::NOEXIST).unwrap_err();
    /// assert_eq!(e.errno, Errno::EEXIST);
    /// let e = kernel.map_update_elem(&map, &[2; 4], b"more", ElemFlags::empty()).unwrap_err();
    /// assert_eq!((e.errno, e.meaning()), (Errno::E2BIG, Some("the map is full")));
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_map_update_elem")]
    #[doc(alias = "BPF_MAP_UPDATE_ELEM")]
    #[inline]
    pub fn map_update_elem(&self, map: &MapFd, key: &[u8], value: &[u8], flags: ElemFlags) -> Result<()> {
        let cmd = Cmd::MAP_UPDATE_ELEM;
        check(cmd, "key", key.len(), map.key_size())?;
        check(cmd, "value", value.len(), map.value_len_with(flags))?;
        let mut padded = Vec::new();
        let value = if value.len() < map.value_len() {
            // Kernels before 7.0 copy the values of all CPUs before they refuse the flag that asks for one.
            pad(&mut padded, value, map.value_len());
            &*padded
        } else {
            value
        };
        let mut elem = Elem::new(cmd, map.as_fd(), key, flags.bits()).input(value);
        self.elem(&mut elem).map_err(|e| explained(cmd, map, flags, e))
    }

    /// Deletes the element of `key`, of a per-CPU table for all CPUs. Lookups at the same time find it or do not.
    /// No kernel so far takes flags here.
    ///
    /// Needs a descriptor that may write; before 5.19 `CAP_BPF`, too, where `kernel.unprivileged_bpf_disabled` is set.
    ///
    /// # Errors
    /// - `ENOENT`: no such key
    /// - `EINVAL`: a key of the wrong size, a flag; elements of this kind (array, queue, stack) cannot be deleted
    /// - `EPERM`: the map is frozen, or the descriptor for reading only; an LSM refuses
    /// - `EBUSY`: a program that this one interrupted holds the bucket: try again
    /// - `ENOTSUPP` (524), `EOPNOTSUPP`: elements of this kind cannot be deleted so
    /// - `EBADF`: no descriptor of a map; `ENOMEM`: no memory to copy the key to
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, MapCreate, MapType, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// # let hash = MapCreate { map_type: MapType::HASH, key_size: 4, value_size: 4, max_entries: 9, ..Default::default() };
    /// use oxbpf_sys::{ElemFlags, Errno};
    ///
    /// let map = kernel.map_create(&hash)?;
    /// kernel.map_update_elem(&map, &[1; 4], b"gone", ElemFlags::empty())?;
    /// kernel.map_delete_elem(&map, &[1; 4], ElemFlags::empty())?;
    /// assert_eq!(kernel.map_delete_elem(&map, &[1; 4], ElemFlags::empty()).unwrap_err().errno, Errno::ENOENT);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_map_delete_elem")]
    #[doc(alias = "bpf_map_delete_elem_flags")]
    #[doc(alias = "BPF_MAP_DELETE_ELEM")]
    #[inline]
    pub fn map_delete_elem(&self, map: &MapFd, key: &[u8], flags: ElemFlags) -> Result<()> {
        let cmd = Cmd::MAP_DELETE_ELEM;
        check(cmd, "key", key.len(), map.key_size())?;
        let mut elem = Elem::new(cmd, map.as_fd(), key, flags.bits());
        self.elem(&mut elem).map_err(|e| explained(cmd, map, flags, e))
    }

    /// As [`map_delete_elem`](Self::map_delete_elem), but an element that is not there is no error: false.
    ///
    /// # Errors
    /// As there, but for `ENOENT`.
    #[inline]
    pub fn map_remove_elem(&self, map: &MapFd, key: &[u8], flags: ElemFlags) -> Result<bool> {
        check(Cmd::MAP_DELETE_ELEM, "key", key.len(), map.key_size())?;
        let mut elem = Elem::new(Cmd::MAP_DELETE_ELEM, map.as_fd(), key, flags.bits());
        self.found(&mut elem, map, flags)
    }

    /// Copies the key that follows `key` (the first one for `None`, since Linux 4.12) into `next`. False after the
    /// last one, and in an empty map. An array's keys go by number, a hash table's by bucket.
    ///
    /// This is no snapshot: what is added or deleted meanwhile is seen or not. If `key` itself was deleted, a hash
    /// table starts over with its first key, so a walk beside writers that delete may see keys twice and need not
    /// end; batches ([`map_lookup_batch`](Self::map_lookup_batch)) do.
    ///
    /// # Errors
    /// - `EINVAL`: a buffer of the wrong size; a queue or stack, which has no keys
    /// - `EPERM`: the descriptor is for writing only; an LSM refuses
    /// - `ENOTSUPP` (524), `EOPNOTSUPP`: the kind cannot be walked
    /// - `EBADF`: no descriptor of a map; `ENOMEM`: no memory to copy through
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{ElemFlags, Kernel, MapCreate, MapType, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// # let hash = MapCreate { map_type: MapType::HASH, key_size: 4, value_size: 4, max_entries: 9, ..Default::default() };
    /// let map = kernel.map_create(&hash)?;
    /// for key in [1u32, 2, 3] {
    ///     kernel.map_update_elem(&map, &key.to_ne_bytes(), b"data", ElemFlags::empty())?;
    /// }
    /// let (mut key, mut next, mut seen) = (None, [0; 4], Vec::new());
    /// while kernel.map_get_next_key(&map, key.as_ref().map(|k: &[u8; 4]| &k[..]), &mut next)? {
    ///     seen.push(u32::from_ne_bytes(next));
    ///     key = Some(next);
    /// }
    /// seen.sort_unstable();
    /// assert_eq!(seen, [1, 2, 3]);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_map_get_next_key")]
    #[doc(alias = "BPF_MAP_GET_NEXT_KEY")]
    pub fn map_get_next_key(&self, map: &MapFd, key: Option<&[u8]>, next: &mut [u8]) -> Result<bool> {
        let cmd = Cmd::MAP_GET_NEXT_KEY;
        check(cmd, "key", key.map_or(map.key_size(), <[u8]>::len), map.key_size())?;
        check(cmd, "next key", next.len(), map.key_size())?;
        let mut elem = Elem::new(cmd, map.as_fd(), key.unwrap_or_default(), 0).output("next_key", next);
        match self.elem(&mut elem) {
            Ok(()) => Ok(true),
            Err(e) if e.errno == Errno::ENOENT => Ok(false),
            Err(e) => Err(explained(cmd, map, ElemFlags::empty(), e)),
        }
    }
}

/// The error, with what it means of an element of such a map.
#[cold]
pub(super) fn explained(cmd: Cmd, map: &MapFd, flags: ElemFlags, e: SysError) -> SysError {
    let meaning = of_elements(cmd, map.map_type(), flags, e.errno);
    e.meaning_of(meaning)
}

#[cold]
fn pad(to: &mut Vec<u8>, value: &[u8], len: usize) {
    to.extend_from_slice(value);
    to.resize(len, 0);
}

/// The sizes that memory safety rests on.
#[inline]
fn check(cmd: Cmd, what: &str, got: usize, want: usize) -> Result<()> {
    if got == want { Ok(()) } else { Err(wrong_size(cmd, what, got, want)) }
}

#[cold]
fn wrong_size(cmd: Cmd, what: &str, got: usize, want: usize) -> SysError {
    SysError::invalid(cmd.name(), format!("a {what} of {got} bytes where the map's has {want}"))
}
