//! The C libbpf behind safe faces, no more of it than the comparisons need.
#![allow(dead_code, reason = "for the subjects that come next")]

use std::ffi::{CString, c_int};
use std::io;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::rc::Rc;

use libbpf_sys as sys;

/// Keeps libbpf from writing to standard error.
pub(crate) fn silence() {
    // SAFETY: a null callback is what the function documents as "print nothing".
    unsafe { sys::libbpf_set_print(None) };
}

pub(crate) fn check(what: &str, result: c_int) -> io::Result<c_int> {
    if result >= 0 {
        return Ok(result);
    }
    let error = io::Error::from_raw_os_error(-result);
    Err(io::Error::new(error.kind(), format!("libbpf: {what}: {error}")))
}

pub(crate) fn not_null<T>(what: &str, pointer: *mut T) -> io::Result<NonNull<T>> {
    NonNull::new(pointer).ok_or_else(|| {
        let error = io::Error::last_os_error();
        io::Error::new(error.kind(), format!("libbpf: {what}: {error}"))
    })
}

/// `struct btf`. A split one keeps its base alive.
pub(crate) struct Btf {
    pointer: NonNull<sys::btf>,
    base: Option<Rc<Btf>>,
}

impl Btf {
    pub(crate) fn parse(raw: &[u8], base: Option<&Rc<Btf>>) -> io::Result<Rc<Btf>> {
        let (data, size) = (raw.as_ptr().cast(), raw.len() as u32);
        let pointer = match base {
            // SAFETY: the data is read, and copied, during the call; the base outlives what is returned.
            Some(b) => not_null("btf__new_split", unsafe { sys::btf__new_split(data, size, b.as_ptr()) })?,
            // SAFETY: the data is read, and copied, during the call.
            None => not_null("btf__new", unsafe { sys::btf__new(data, size) })?,
        };
        Ok(Btf::owned(pointer, base.cloned()))
    }

    pub(crate) fn empty(base: Option<&Rc<Btf>>) -> io::Result<Rc<Btf>> {
        // SAFETY: the base is live, and outlives what is returned; null is no base.
        let pointer =
            unsafe { sys::btf__new_empty_split(base.map_or(ptr::null_mut(), |base| base.as_ptr())) };
        Ok(Btf::owned(not_null("btf__new_empty_split", pointer)?, base.cloned()))
    }

    /// The BTF of an ELF file, with its `.BTF.ext` if it has one.
    pub(crate) fn of_elf(path: &Path) -> io::Result<(Rc<Btf>, Option<Ext>)> {
        let path = CString::new(path.as_os_str().as_encoded_bytes())?;
        let mut ext = ptr::null_mut();
        // SAFETY: the path ends in NUL; the second result is written to a local.
        let pointer = unsafe { sys::btf__parse_elf(path.as_ptr(), &mut ext) };
        let btf = Btf::owned(not_null("btf__parse_elf", pointer)?, None);
        Ok((btf, NonNull::new(ext).map(Ext)))
    }

    /// Takes over what libbpf has handed out. `base` is the one that it stands on, if any.
    pub(crate) fn owned(pointer: NonNull<sys::btf>, base: Option<Rc<Btf>>) -> Rc<Btf> {
        Rc::new(Btf { pointer, base })
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::btf {
        self.pointer.as_ptr()
    }

    pub(crate) fn base(&self) -> Option<&Rc<Btf>> {
        self.base.as_ref()
    }

    pub(crate) fn raw(&self) -> io::Result<Vec<u8>> {
        let mut size = 0;
        // SAFETY: live; the size is written to a local.
        let data = unsafe { sys::btf__raw_data(self.as_ptr(), &mut size) };
        let data = not_null("btf__raw_data", data.cast_mut())?;
        // SAFETY: that many bytes, which stay until the next change; they are copied here.
        Ok(unsafe { std::slice::from_raw_parts(data.as_ptr().cast::<u8>(), size as usize) }.to_vec())
    }

    /// Appends all types of another.
    pub(crate) fn add(&self, other: &Btf) -> io::Result<()> {
        // SAFETY: both are live, and nothing of the first is borrowed.
        check("btf__add_btf", unsafe { sys::btf__add_btf(self.as_ptr(), other.as_ptr()) }).map(drop)
    }

    /// Appends one type of another.
    pub(crate) fn add_type(&self, other: &Btf, id: u32) -> io::Result<()> {
        // SAFETY: both are live; the type is the other's and is copied.
        let added = unsafe {
            let ty = sys::btf__type_by_id(other.as_ptr(), id);
            sys::btf__add_type(self.as_ptr(), other.as_ptr(), ty)
        };
        check("btf__add_type", added).map(drop)
    }

    pub(crate) fn set_big_endian(&self, big: bool) -> io::Result<()> {
        let endian = if big { sys::BTF_BIG_ENDIAN } else { sys::BTF_LITTLE_ENDIAN };
        // SAFETY: live, and nothing of it is borrowed.
        check("btf__set_endianness", unsafe { sys::btf__set_endianness(self.as_ptr(), endian) }).map(drop)
    }

    /// A distilled base, and the split BTF on it.
    pub(crate) fn distill(&self) -> io::Result<(Rc<Btf>, Rc<Btf>)> {
        let (mut base, mut split) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: live; both results are written to locals.
        let done = unsafe { sys::btf__distill_base(self.as_ptr(), &mut base, &mut split) };
        check("btf__distill_base", done)?;
        let base = Btf::owned(not_null("btf__distill_base", base)?, None);
        let split = Btf::owned(not_null("btf__distill_base", split)?, Some(Rc::clone(&base)));
        Ok((base, split))
    }

    /// Moves a split BTF from its distilled base to another, which is to be kept as long as it.
    pub(crate) fn relocate(&self, base: &Btf) -> io::Result<()> {
        // SAFETY: both are live, and nothing of the first is borrowed.
        check("btf__relocate", unsafe { sys::btf__relocate(self.as_ptr(), base.as_ptr()) }).map(drop)
    }

    /// Gives types new ids, `void` the first if there is no base.
    pub(crate) fn permute(&self, ids: &mut [u32], ext: Option<&Ext>) -> io::Result<()> {
        let options = sys::btf_permute_opts {
            sz: size_of::<sys::btf_permute_opts>() as _,
            btf_ext: ext.map_or(ptr::null_mut(), |ext| ext.0.as_ptr()),
        };
        // SAFETY: both are live, nothing of them is borrowed, and the ids are as many as is said.
        let done = unsafe { sys::btf__permute(self.as_ptr(), ids.as_mut_ptr(), ids.len() as u32, &options) };
        check("btf__permute", done).map(drop)
    }

    /// The type with this name and kind.
    pub(crate) fn find(&self, name: &str, kind: u32) -> io::Result<Option<u32>> {
        let name = CString::new(name)?;
        // SAFETY: live; the name ends in NUL.
        let id = unsafe { sys::btf__find_by_name_kind(self.as_ptr(), name.as_ptr(), kind) };
        Ok(u32::try_from(id).ok())
    }

    pub(crate) fn dedup(&self, ext: Option<&Ext>) -> io::Result<()> {
        let options = sys::btf_dedup_opts {
            sz: size_of::<sys::btf_dedup_opts>() as _,
            btf_ext: ext.map_or(ptr::null_mut(), |ext| ext.0.as_ptr()),
            ..Default::default()
        };
        // SAFETY: both are live, nothing of them is borrowed, and the options tell their own size.
        check("btf__dedup", unsafe { sys::btf__dedup(self.as_ptr(), &options) }).map(drop)
    }
}

impl Drop for Btf {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once.
        unsafe { sys::btf__free(self.as_ptr()) };
    }
}

/// `struct btf_ext`.
pub(crate) struct Ext(NonNull<sys::btf_ext>);

impl Ext {
    pub(crate) fn parse(raw: &[u8]) -> io::Result<Ext> {
        // SAFETY: the data is read, and copied, during the call.
        let pointer = unsafe { sys::btf_ext__new(raw.as_ptr(), raw.len() as u32) };
        not_null("btf_ext__new", pointer).map(Ext)
    }

    pub(crate) fn raw(&self) -> io::Result<Vec<u8>> {
        let mut size = 0;
        // SAFETY: live; the size is written to a local.
        let data = unsafe { sys::btf_ext__raw_data(self.0.as_ptr(), &mut size) };
        let data = not_null("btf_ext__raw_data", data.cast_mut())?;
        // SAFETY: that many bytes, which are copied here.
        Ok(unsafe { std::slice::from_raw_parts(data.as_ptr().cast::<u8>(), size as usize) }.to_vec())
    }
}

impl Drop for Ext {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once.
        unsafe { sys::btf_ext__free(self.0.as_ptr()) };
    }
}

/// Program type and attach type of a section's name.
pub(crate) fn section(name: &str) -> Option<(u32, u32)> {
    let name = CString::new(name).ok()?;
    let (mut prog_type, mut attach_type) = (0, 0);
    // SAFETY: the name ends with NUL, and both places are written to while the call lasts.
    let result = unsafe { sys::libbpf_prog_type_by_name(name.as_ptr(), &mut prog_type, &mut attach_type) };
    (result >= 0).then_some((prog_type, attach_type))
}

/// Attach type of a section's name, for those that BPF_PROG_ATTACH takes.
pub(crate) fn attach_type(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    let mut attach_type = 0;
    // SAFETY: the name ends with NUL, and the place is written to while the call lasts.
    let result = unsafe { sys::libbpf_attach_type_by_name(name.as_ptr(), &mut attach_type) };
    (result >= 0).then_some(attach_type)
}
