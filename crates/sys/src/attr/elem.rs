//! A command on one element of a map: the shortest of all, and the one that programs make most.

use std::marker::PhantomData;
use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use super::{Attr, raw};
use crate::Errno;
use crate::uapi::{Cmd, MapElemAttr};

/// A command on one element of a map, as [`Door::map_elem`](crate::Door::map_elem) gets it: what an [`Attr`] says with
/// more ado.
pub struct Elem<'a> {
    cmd: Cmd,
    fd: u32,
    flags: u64,
    key: &'a [u8],
    value: ElemValue<'a>,
    map: PhantomData<BorrowedFd<'a>>,
}

/// The memory of an element's value, or of the next key.
enum ElemValue<'a> {
    None,
    Input(&'a [u8]),
    Output(&'static str, &'a mut [u8]),
}

impl<'a> Elem<'a> {
    /// A command without a value. The key is as long as the map's, or empty for none.
    #[inline]
    pub(crate) fn new(cmd: Cmd, map: BorrowedFd<'a>, key: &'a [u8], flags: u64) -> Self {
        Self { cmd, fd: raw(map), flags, key, value: ElemValue::None, map: PhantomData }
    }

    /// With a value for the kernel to read, as long as the map's.
    #[inline]
    pub(crate) fn input(mut self, value: &'a [u8]) -> Self {
        self.value = ElemValue::Input(value);
        self
    }

    /// With room for the kernel to write to, as long as what it writes: the map's value or, as `next_key`, its key.
    #[inline]
    pub(crate) fn output(mut self, name: &'static str, value: &'a mut [u8]) -> Self {
        self.value = ElemValue::Output(name, value);
        self
    }

    /// The command.
    pub fn cmd(&self) -> Cmd {
        self.cmd
    }

    /// The same as an attribute.
    pub(crate) fn attr(&mut self) -> Attr<'_> {
        let layout = MapElemAttr { map_fd: self.fd, flags: self.flags, ..Default::default() };
        let mut attr = Attr::new(self.cmd, &layout);
        attr.input("key", offset_of!(MapElemAttr, key), self.key);
        let at = offset_of!(MapElemAttr, value);
        match &mut self.value {
            ElemValue::None => {}
            ElemValue::Input(value) => attr.input("value", at, value),
            ElemValue::Output(name, value) => attr.output(name, at, value),
        }
        attr
    }

    /// The real call.
    #[inline]
    pub(crate) fn syscall(&mut self) -> Result<(), Errno> {
        let value = match &mut self.value {
            ElemValue::None => 0,
            ElemValue::Input(value) => address(value.as_ptr(), value.len()),
            ElemValue::Output(_, value) => address(value.as_mut_ptr(), value.len()),
        };
        let mut layout = MapElemAttr {
            map_fd: self.fd,
            key: address(self.key.as_ptr(), self.key.len()),
            value,
            flags: self.flags,
            ..Default::default()
        };
        // Of the flags a kernel is told only if there are some.
        let size = if self.flags == 0 { offset_of!(MapElemAttr, flags) } else { size_of::<MapElemAttr>() };
        // SAFETY: `layout` is the part of `union bpf_attr` that these commands use, of at least `size` bytes. Its
        // pointers come from slices borrowed for 'a (for writing only where the slice is unique), and these have the
        // lengths that the kernel takes them for: only this crate's typed functions make an `Elem`, and they check
        // that against the map's own sizes.
        let r =
            unsafe { libc::syscall(libc::SYS_bpf, libc::c_ulong::from(self.cmd.0), &raw mut layout, size) };
        if r == 0 { Ok(()) } else { Err(Errno::last()) }
    }
}

/// An empty slice is a null pointer.
#[inline]
fn address(start: *const u8, len: usize) -> u64 {
    if len == 0 { 0 } else { start as u64 }
}

impl std::fmt::Debug for Elem<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut s = f.debug_struct("Elem");
        s.field("cmd", &self.cmd).field("key", &self.key).field("flags", &self.flags).finish_non_exhaustive()
    }
}
