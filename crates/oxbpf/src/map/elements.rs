//! Elements of a map as bytes, one at a time.

use oxbpf_sys::{Errno, SysError, uapi::ElemFlags};

use super::Map;
use crate::error::{Error, Result};

impl Map {
    /// Bytes of a value as it is read and written here: for per-CPU maps the value of every possible CPU, each rounded
    /// up to 8 bytes; 4 for maps whose values are descriptors.
    pub fn value_len(&self) -> usize {
        self.map_fd().value_len()
    }

    /// Bytes of a value as it is read and written with these flags: [`value_len`](Self::value_len), but one CPU's value,
    /// not rounded up, with [`ElemFlags::on_cpu`] and [`ElemFlags::ALL_CPUS`].
    pub fn value_len_with(&self, flags: ElemFlags) -> usize {
        self.map_fd().value_len_with(flags)
    }

    /// The value of `key`, `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Size`]; [`Error::Map`]: `EPERM` for a map that user space may not read, `ENOTSUPP` for a kind whose
    /// values cannot be looked up.
    #[doc(alias = "bpf_map_lookup_elem")]
    #[doc(alias = "bpf_map__lookup_elem")]
    pub fn lookup(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.lookup_flags(key, ElemFlags::empty())
    }

    /// As [`lookup`](Self::lookup), with flags: [`ElemFlags::LOCK`] holds the value's spin lock meanwhile (5.1),
    /// [`ElemFlags::on_cpu`] reads one CPU's value of a per-CPU map (7.0).
    ///
    /// # Errors
    /// As [`lookup`](Self::lookup); `EINVAL` for flags that the map does not take, `ERANGE` for no possible CPU.
    #[doc(alias = "bpf_map_lookup_elem_flags")]
    pub fn lookup_flags(&self, key: &[u8], flags: ElemFlags) -> Result<Option<Vec<u8>>> {
        let mut value = vec![0; self.value_len_with(flags)];
        Ok(self.lookup_into(key, &mut value, flags)?.then_some(value))
    }

    /// Reads the value of `key` into `value`, which has [`value_len_with`](Self::value_len_with) of the flags; false if
    /// there is none.
    ///
    /// A bloom filter is asked whether it has `value`, with an empty key.
    ///
    /// # Errors
    /// As [`lookup_flags`](Self::lookup_flags).
    #[inline]
    pub fn lookup_into(&self, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<bool> {
        self.check_key(key)?;
        self.check_value(value, flags)?;
        self.kernel().map_find_elem(self.map_fd(), key, value, flags).map_err(|source| self.failed(source))
    }

    /// Reads the value of `key` into `value` and deletes the element (4.20 for queues and stacks, 5.14 for hashes);
    /// false if there is none.
    ///
    /// # Errors
    /// [`Error::Size`]; [`Error::Map`]: `EOPNOTSUPP` or `ENOTSUPP` for other kinds.
    #[doc(alias = "bpf_map_lookup_and_delete_elem")]
    pub fn lookup_and_delete(&self, key: &[u8], value: &mut [u8]) -> Result<bool> {
        self.lookup_and_delete_flags(key, value, ElemFlags::empty())
    }

    /// As [`lookup_and_delete`](Self::lookup_and_delete), with flags: [`ElemFlags::LOCK`].
    ///
    /// # Errors
    /// As there; `EINVAL` for flags that the map does not take.
    #[doc(alias = "bpf_map_lookup_and_delete_elem_flags")]
    pub fn lookup_and_delete_flags(&self, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<bool> {
        self.check_key(key)?;
        self.check_value(value, flags)?;
        self.found(self.kernel().map_lookup_and_delete_elem(self.map_fd(), key, value, flags))
    }

    /// Sets the value of `key`. With [`ElemFlags::on_cpu`] and [`ElemFlags::ALL_CPUS`] `value` is that of one CPU, not
    /// rounded up (7.0).
    ///
    /// # Errors
    /// [`Error::Size`]; [`Error::Map`]: `E2BIG` if the map is full or an index is beyond its end (`ENOSPC` for LPM
    /// tries), `EEXIST` and `ENOENT` as `flags` ask, `EPERM` if it is frozen, `EINVAL` for flags that the map does not
    /// take, `ERANGE` for no possible CPU, `EBUSY` and `ENOMEM` if the element cannot be made right now.
    #[doc(alias = "bpf_map_update_elem")]
    #[doc(alias = "bpf_map__update_elem")]
    #[inline]
    pub fn update(&self, key: &[u8], value: &[u8], flags: ElemFlags) -> Result<()> {
        self.check_key(key)?;
        self.check_value(value, flags)?;
        self.kernel().map_update_elem(self.map_fd(), key, value, flags).map_err(|source| self.failed(source))
    }

    /// Deletes the element with `key`; false if there was none.
    ///
    /// # Errors
    /// [`Error::Size`]; [`Error::Map`]: `EINVAL` for arrays, whose elements stay.
    #[doc(alias = "bpf_map_delete_elem")]
    #[doc(alias = "bpf_map__delete_elem")]
    #[inline]
    pub fn delete(&self, key: &[u8]) -> Result<bool> {
        self.delete_flags(key, ElemFlags::empty())
    }

    /// As [`delete`](Self::delete), with flags. No kernel so far takes any: they are for those to come.
    ///
    /// # Errors
    /// As [`delete`](Self::delete).
    #[doc(alias = "bpf_map_delete_elem_flags")]
    pub fn delete_flags(&self, key: &[u8], flags: ElemFlags) -> Result<bool> {
        self.check_key(key)?;
        self.kernel().map_remove_elem(self.map_fd(), key, flags).map_err(|source| self.failed(source))
    }

    /// The key after `key`, or the first for `None` and for a key that is not there; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Size`]; [`Error::Map`]: `ENOTSUPP` for a kind that cannot be walked.
    #[doc(alias = "bpf_map_get_next_key")]
    #[doc(alias = "bpf_map__get_next_key")]
    pub fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        if let Some(key) = key {
            self.check_key(key)?;
        }
        let mut next = vec![0; self.key_size() as usize];
        let more = self
            .kernel()
            .map_get_next_key(self.map_fd(), key, &mut next)
            .map_err(|source| self.failed(source))?;
        Ok(more.then_some(next))
    }

    #[inline]
    fn check_key(&self, key: &[u8]) -> Result<()> {
        self.check("key", self.key_size() as usize, key.len())
    }

    #[inline]
    fn check_value(&self, value: &[u8], flags: ElemFlags) -> Result<()> {
        self.check("value", self.value_len_with(flags), value.len())
    }

    #[inline]
    pub(crate) fn check(&self, what: &'static str, expected: usize, got: usize) -> Result<()> {
        if expected == got { Ok(()) } else { Err(self.wrong_size(what, expected, got)) }
    }

    #[cold]
    fn wrong_size(&self, what: &'static str, expected: usize, got: usize) -> Error {
        Error::Size { map: self.name().to_owned(), what, expected, got }
    }

    /// "No such element" is an answer, not an error.
    #[inline]
    fn found(&self, outcome: Result<(), SysError>) -> Result<bool> {
        match outcome {
            Ok(()) => Ok(true),
            Err(error) if error.errno == Errno::ENOENT => Ok(false),
            Err(source) => Err(self.failed(source)),
        }
    }
}
