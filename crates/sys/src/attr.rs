//! The argument of one bpf(2) call: a zeroed `union bpf_attr` and the memory that it points to.

mod common;
mod elem;
mod strings;

use std::ffi::CStr;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd};

use zerocopy::{FromBytes, Immutable, IntoBytes};

pub use elem::Elem;
pub(crate) use strings::{CStrings, object_name};

use crate::Errno;
use crate::uapi::{Cmd, CommonAttr};

/// More than any kernel's `union bpf_attr` (168 bytes in Linux 6.18); a kernel accepts zeros beyond its own.
const CAPACITY: usize = 192;
/// The most buffers one command has: `BPF_OBJ_GET_INFO_BY_FD` of a program with all its arrays.
const MAX_SLOTS: usize = 12;

/// The layout of one command's part of `union bpf_attr`. The types of [`uapi`](crate::uapi) implement it.
pub trait Layout: FromBytes + IntoBytes + Immutable + Sized {
    /// How many bytes the kernel must be told of so that it fills in the fields that it answers by.
    const ANSWER_END: usize = 0;
}

/// Memory that a call lends to the kernel.
enum Slot<'a> {
    Input(&'a [u8]),
    Output(&'a mut [u8]),
    Strings(&'a [*const libc::c_char], PhantomData<&'a CStr>),
}

struct Named<'a> {
    name: &'static str,
    slot: Slot<'a>,
}

/// The argument of one bpf(2) call: a zeroed `union bpf_attr` and the memory that it points to.
///
/// The kernel reads and writes through the pointers in `bpf_attr` and takes their lengths from the numbers
/// beside them, so an attribute that anyone could fill in would make every call unsafe. Here only this
/// crate's typed functions build one, and they put in no pointer but that of a slice they borrow. So
/// whoever holds an `Attr` may look at it, forward it to another [`Door`](crate::Door) or answer in the
/// kernel's stead, all in safe code.
pub struct Attr<'a> {
    cmd: Cmd,
    words: [u64; CAPACITY / 8],
    answer_end: usize,
    slots: [Option<Named<'a>>; MAX_SLOTS],
    /// What all commands have in common, for a kernel that knows of it.
    common: Option<CommonAttr>,
    answered: bool,
    fds: PhantomData<BorrowedFd<'a>>,
}

// SAFETY: what keeps `Attr` from being `Send` are the pointers to C strings, which are borrowed for 'a and
// only read.
unsafe impl Send for Attr<'_> {}
// SAFETY: as above; `&Attr` gives out nothing but shared views.
unsafe impl Sync for Attr<'_> {}

impl<'a> Attr<'a> {
    /// An attribute with the numbers of `layout`. Every pointer field must be zero in it and comes by
    /// `input` or `output`, whose lengths the caller has written beside it.
    #[inline]
    pub(crate) fn new<L: Layout>(cmd: Cmd, layout: &L) -> Self {
        const { assert!(size_of::<L>() <= CAPACITY && align_of::<L>() <= 8) };
        let mut words = [0u64; CAPACITY / 8];
        words.as_mut_bytes()[..size_of::<L>()].copy_from_slice(layout.as_bytes());
        Self {
            cmd,
            words,
            answer_end: L::ANSWER_END,
            slots: [const { None }; MAX_SLOTS],
            common: None,
            answered: false,
            fds: PhantomData,
        }
    }

    /// Lends `bytes` to the kernel for reading, its address at offset `at`. An empty slice is a null pointer.
    #[inline]
    pub(crate) fn input(&mut self, name: &'static str, at: usize, bytes: &'a [u8]) {
        if !bytes.is_empty() {
            self.point(at, bytes.as_ptr() as u64);
            self.push(name, Slot::Input(bytes));
        }
    }

    /// Lends a NUL-terminated string.
    #[inline]
    pub(crate) fn string(&mut self, name: &'static str, at: usize, s: &'a CStr) {
        self.input(name, at, s.to_bytes_with_nul());
    }

    /// Lends `bytes` to the kernel for writing. An empty slice is a null pointer.
    #[inline]
    pub(crate) fn output(&mut self, name: &'static str, at: usize, bytes: &'a mut [u8]) {
        if !bytes.is_empty() {
            self.point(at, bytes.as_mut_ptr() as u64);
            self.push(name, Slot::Output(bytes));
        }
    }

    /// Lends `bytes`, to which a structure lent already points, to the kernel for writing.
    pub(crate) fn lend(&mut self, name: &'static str, bytes: &'a mut [u8]) {
        if !bytes.is_empty() {
            self.push(name, Slot::Output(bytes));
        }
    }

    /// Lends an array of pointers to strings.
    pub(crate) fn strings(&mut self, name: &'static str, at: usize, list: &'a CStrings<'a>) {
        if !list.pointers().is_empty() {
            self.point(at, list.pointers().as_ptr() as u64);
            self.push(name, Slot::Strings(list.pointers(), PhantomData));
        }
    }

    /// Makes the size passed cover the bytes up to `end`: the kernel fills in some fields only then.
    pub(crate) fn covers(&mut self, end: usize) {
        self.answer_end = self.answer_end.max(end);
    }

    #[inline]
    fn point(&mut self, at: usize, address: u64) {
        self.words[at / 8] = address;
    }

    #[inline]
    fn push(&mut self, name: &'static str, slot: Slot<'a>) {
        let free = self.slots.iter_mut().find(|s| s.is_none());
        *free.expect("a command has at most MAX_SLOTS buffers") = Some(Named { name, slot });
    }

    /// The command.
    #[inline]
    pub fn cmd(&self) -> Cmd {
        self.cmd
    }

    /// The attribute as bytes, without the zeros at its end that the kernel need not see. What older kernels
    /// do not know stays out of it as long as it is zero.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.words.as_bytes()[..self.size()]
    }

    /// All of the attribute, with the zeros at its end.
    pub(crate) fn numbers(&self) -> &[u8] {
        self.words.as_bytes()
    }

    /// The attribute as `L`, to look at its numbers. The fields that point to memory hold addresses: use
    /// [`bytes`](Self::bytes) for what is there.
    pub fn view<L: Layout>(&self) -> L {
        L::read_from_prefix(self.words.as_bytes()).map_or_else(|_| L::new_zeroed(), |(l, _)| l)
    }

    /// The memory lent under the name of the field (`"key"`, `"insns"`), whichever way it goes.
    pub fn bytes(&self, field: &str) -> Option<&[u8]> {
        self.slots.iter().flatten().find(|s| s.name == field).and_then(|s| match &s.slot {
            Slot::Input(b) => Some(*b),
            Slot::Output(b) => Some(&**b),
            Slot::Strings(..) => None,
        })
    }

    /// The memory that the kernel would write to, under the name of its field (`"value"`, `"log_buf"`), to
    /// write an answer into. As with [`answer`](Self::answer), no kernel gets the attribute afterwards: some
    /// of this memory holds pointers itself.
    pub fn bytes_mut(&mut self, field: &str) -> Option<&mut [u8]> {
        self.answered = true;
        self.slots.iter_mut().flatten().find(|s| s.name == field).and_then(|s| match &mut s.slot {
            Slot::Output(b) => Some(&mut **b),
            _ => None,
        })
    }

    /// The strings of an array of strings (`"syms"`), `None` if there is no such field.
    pub fn strings_of(&self, field: &str) -> Option<Vec<&CStr>> {
        self.slots.iter().flatten().find(|s| s.name == field).and_then(|s| match &s.slot {
            // SAFETY: `CStrings` was made of `&'a CStr`s, so each pointer is to a NUL-terminated string that
            // lives at least as long as `self`.
            Slot::Strings(list, _) => Some(list.iter().map(|p| unsafe { CStr::from_ptr(*p) }).collect()),
            _ => None,
        })
    }

    /// All lent memory: the name of the field and, unless it is an array of strings, the bytes.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, Option<&[u8]>)> {
        self.slots.iter().flatten().map(|s| {
            let bytes = match &s.slot {
                Slot::Input(b) => Some(*b),
                Slot::Output(b) => Some(&**b),
                Slot::Strings(..) => None,
            };
            (s.name, bytes)
        })
    }

    /// Answers in the kernel's stead: replaces the numbers by those of `layout` (the addresses stay). An
    /// attribute that was answered goes to no kernel any more, so nobody can lengthen a buffer this way.
    pub fn answer<L: Layout>(&mut self, layout: &L) {
        self.answered = true;
        self.words.as_mut_bytes()[..size_of::<L>()].copy_from_slice(layout.as_bytes());
    }

    #[inline]
    fn size(&self) -> usize {
        let last = self.words.iter().rposition(|w| *w != 0).map_or(0, |i| {
            let tail = self.words[i].as_bytes().iter().rposition(|b| *b != 0).map_or(0, |b| b + 1);
            i * 8 + tail.next_multiple_of(4)
        });
        last.max(self.answer_end)
    }

    /// The real call.
    #[inline]
    pub(crate) fn syscall(&mut self) -> Result<u64, Errno> {
        if self.answered {
            return Err(Errno::EPROTO);
        }
        let size = self.size();
        // SAFETY: `words` is a zeroed, aligned `union bpf_attr` of at least `size` bytes. Its pointers come
        // from slices in `slots`, borrowed for 'a (for writing only where the slice is unique), and the
        // lengths beside them are of this crate's typed functions (`new`, `input`, `output` are private);
        // `answer` and `bytes_mut`, which are public, close this way. `common` is null with a length of 0, or
        // whole and made by `log_into` in the same way.
        let r = unsafe {
            let (cmd, common, common_size) = self.common_args();
            libc::syscall(
                libc::SYS_bpf,
                libc::c_ulong::from(cmd),
                self.words.as_mut_ptr(),
                size,
                common,
                common_size,
            )
        };
        u64::try_from(r).map_err(|_| Errno::last())
    }
}

impl std::fmt::Debug for Attr<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut s = f.debug_struct("Attr");
        s.field("cmd", &self.cmd).field("bytes", &self.as_bytes());
        for (name, bytes) in self.fields() {
            s.field(name, &bytes.map(<[u8]>::len));
        }
        s.finish()
    }
}

/// A file descriptor as the attribute holds it, 0 for none.
#[inline]
pub(crate) fn fd_or_zero(fd: Option<BorrowedFd<'_>>) -> u32 {
    fd.map_or(0, raw)
}

/// A file descriptor as the attribute holds it.
#[inline]
pub(crate) fn raw(fd: BorrowedFd<'_>) -> u32 {
    // A `BorrowedFd` is never negative.
    fd.as_raw_fd().cast_unsigned()
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;
    use crate::uapi::{MapCreateAttr, MapElemAttr, ProgLoadAttr, ProgTestRunAttr};

    #[test]
    fn zeros_at_the_end_are_not_passed() {
        let create = |a: MapCreateAttr| Attr::new(Cmd::MAP_CREATE, &a).as_bytes().len();
        let old =
            MapCreateAttr { map_type: 1, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() };
        assert_eq!(create(old), 16);
        assert_eq!(create(MapCreateAttr { map_flags: 1, ..old }), 20);
        assert_eq!(create(MapCreateAttr { map_name: *b"a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", ..old }), 32);
        assert_eq!(create(MapCreateAttr { map_extra: 1 << 40, ..old }), 72);
        assert_eq!(create(MapCreateAttr { excl_prog_hash_size: 32, ..old }), 92);
    }

    #[test]
    fn answers_are_covered_though_zero() {
        assert_eq!(Attr::new(Cmd::PROG_TEST_RUN, &ProgTestRunAttr::default()).as_bytes().len(), 48);
        let mut attr = Attr::new(Cmd::PROG_LOAD, &ProgLoadAttr::default());
        assert_eq!(attr.as_bytes().len(), 0);
        attr.covers(offset_of!(ProgLoadAttr, log_true_size) + 4);
        assert_eq!(attr.as_bytes().len(), 144);
    }

    #[test]
    fn layouts_are_the_kernels() {
        assert_eq!(offset_of!(MapCreateAttr, map_extra), 64);
        assert_eq!(offset_of!(MapCreateAttr, excl_prog_hash), 80);
        assert_eq!(offset_of!(ProgLoadAttr, expected_attach_type), 68);
        assert_eq!(offset_of!(ProgLoadAttr, fd_array), 120);
        assert_eq!(offset_of!(ProgLoadAttr, keyring_id), 164);
        assert_eq!(offset_of!(crate::uapi::ProgQueryAttr, revision), 56);
        assert_eq!(offset_of!(crate::uapi::TaskFdQueryAttr, probe_addr), 40);
        assert_eq!(offset_of!(crate::uapi::BtfLoadAttr, btf_token_fd), 36);
        assert_eq!(size_of::<crate::uapi::RawProgInfo>(), 232);
        assert_eq!(offset_of!(crate::uapi::RawProgInfo, attach_btf_id), 224);
        assert_eq!(offset_of!(crate::uapi::RawMapInfo, map_extra), 80);
        assert_eq!(size_of::<crate::uapi::RawBtfInfo>(), 32);
        assert_eq!(size_of::<crate::uapi::RawLinkPerfEvent>(), 64);
        assert_eq!(size_of::<crate::uapi::RawPerfEventAttr>(), 136);
    }

    #[test]
    fn lent_memory_is_found_by_name() {
        let mut value = [0u8; 8];
        let mut attr = Attr::new(Cmd::MAP_LOOKUP_ELEM, &MapElemAttr::default());
        attr.input("key", offset_of!(MapElemAttr, key), &[1, 2, 3, 4]);
        attr.output("value", offset_of!(MapElemAttr, value), &mut value);
        assert_eq!(attr.bytes("key"), Some(&[1u8, 2, 3, 4][..]));
        assert!(attr.bytes_mut("key").is_none(), "lent for reading");
        attr.bytes_mut("value").unwrap().fill(9);
        assert_eq!(attr.bytes("value"), Some(&[9u8; 8][..]));
        assert_eq!(value, [9; 8]);
    }

    #[test]
    fn what_was_answered_goes_to_no_kernel() {
        let mut long = Attr::new(Cmd::MAP_LOOKUP_ELEM, &MapElemAttr::default());
        long.answer(&MapElemAttr { value: 0xdead_beef, ..Default::default() });
        assert_eq!(long.syscall(), Err(Errno::EPROTO));
        let mut value = [0u8; 8];
        let mut changed = Attr::new(Cmd::MAP_LOOKUP_ELEM, &MapElemAttr::default());
        changed.output("value", offset_of!(MapElemAttr, value), &mut value);
        let _ = changed.bytes_mut("value");
        assert_eq!(changed.syscall(), Err(Errno::EPROTO));
    }
}
