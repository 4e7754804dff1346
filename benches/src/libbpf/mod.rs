//! The C libbpf behind safe faces, no more of it than the measurements need.

mod link;
mod map;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::RawFd;
use std::ptr::{self, NonNull};

use libbpf_sys as sys;

pub(crate) use link::link;
pub(crate) use map::Map;

/// Keeps libbpf from writing to standard error; forming its messages is left out on both sides.
pub(crate) fn silence() {
    // SAFETY: a null callback is what the function documents as "print nothing".
    unsafe { sys::libbpf_set_print(None) };
}

fn check(what: &str, result: c_int) -> io::Result<()> {
    if result == 0 {
        return Ok(());
    }
    let error = io::Error::from_raw_os_error(-result);
    Err(io::Error::new(error.kind(), format!("libbpf: {what}: {error}")))
}

fn not_null<T>(what: &str, pointer: *mut T) -> io::Result<NonNull<T>> {
    NonNull::new(pointer).ok_or_else(|| {
        let error = io::Error::last_os_error();
        io::Error::new(error.kind(), format!("libbpf: {what}: {error}"))
    })
}

/// `struct btf`.
pub(crate) struct Btf(NonNull<sys::btf>);

impl Btf {
    pub(crate) fn vmlinux() -> io::Result<Self> {
        // SAFETY: no arguments; gives an owned pointer or null with errno.
        not_null("btf__load_vmlinux_btf", unsafe { sys::btf__load_vmlinux_btf() }).map(Self)
    }

    pub(crate) fn parse(raw: &[u8]) -> io::Result<Self> {
        // SAFETY: the data is read, and copied, during the call.
        not_null("btf__new", unsafe { sys::btf__new(raw.as_ptr().cast(), raw.len() as u32) }).map(Self)
    }

    /// How many types there are, but for void.
    pub(crate) fn count(&self) -> u32 {
        // SAFETY: the pointer is live for as long as self.
        unsafe { sys::btf__type_cnt(self.0.as_ptr()) }.saturating_sub(1)
    }

    /// Appends all types of another.
    pub(crate) fn add(&self, other: &Btf) -> io::Result<()> {
        // SAFETY: both are live, and nothing of the first is borrowed.
        check("btf__add_btf", unsafe { sys::btf__add_btf(self.0.as_ptr(), other.0.as_ptr()) }.min(0))
    }

    pub(crate) fn dedup(&self) -> io::Result<()> {
        // SAFETY: live, nothing of it is borrowed, and null options are allowed.
        check("btf__dedup", unsafe { sys::btf__dedup(self.0.as_ptr(), ptr::null()) })
    }

    pub(crate) fn find(&self, name: &CStr, kind: u32) -> Option<u32> {
        // SAFETY: the pointer is live for as long as self, the name ends in NUL.
        let id = unsafe { sys::btf__find_by_name_kind(self.0.as_ptr(), name.as_ptr(), kind) };
        u32::try_from(id).ok()
    }
}

/// Where libbpf's text goes: each piece over the one before.
struct Sink {
    piece: [u8; 4096],
    len: usize,
}

unsafe extern "C" {
    fn vsnprintf(to: *mut c_char, size: usize, format: *const c_char, args: *mut sys::__va_list_tag)
    -> c_int;
}

unsafe extern "C" fn write(to: *mut c_void, format: *const c_char, args: *mut sys::__va_list_tag) {
    // SAFETY: the sink of the dump, which nothing else uses while libbpf prints.
    let sink = unsafe { &mut *to.cast::<Sink>() };
    // SAFETY: so many bytes are there; the format and its arguments are libbpf's.
    let len = unsafe { vsnprintf(sink.piece.as_mut_ptr().cast(), sink.piece.len(), format, args) };
    sink.len += usize::try_from(len).unwrap_or(0);
}

impl Btf {
    /// All types as C; gives the length of the text.
    pub(crate) fn dump_c(&self) -> io::Result<usize> {
        let mut sink = Sink { piece: [0; 4096], len: 0 };
        // SAFETY: the BTF and the sink outlive the dump, which is freed below.
        let dump =
            unsafe { sys::btf_dump__new(self.0.as_ptr(), Some(write), (&raw mut sink).cast(), ptr::null()) };
        let dump = not_null("btf_dump__new", dump)?;
        // SAFETY: live.
        let end = unsafe { sys::btf__type_cnt(self.0.as_ptr()) };
        let dumped = (1..end).try_for_each(|id| {
            // SAFETY: the dump is live, and the ids are those of the BTF.
            check("btf_dump__dump_type", unsafe { sys::btf_dump__dump_type(dump.as_ptr(), id) })
        });
        // SAFETY: owned, and freed once.
        unsafe { sys::btf_dump__free(dump.as_ptr()) };
        dumped.map(|()| sink.len)
    }
}

impl Drop for Btf {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once.
        unsafe { sys::btf__free(self.0.as_ptr()) };
    }
}

/// `struct bpf_object`.
pub(crate) struct Object(NonNull<sys::bpf_object>);

impl Object {
    pub(crate) fn open(bytes: &[u8]) -> io::Result<Self> {
        // SAFETY: the bytes are read during the call and copied where they are kept; null options are allowed.
        let object = unsafe {
            sys::bpf_object__open_mem(bytes.as_ptr().cast::<c_void>(), bytes.len() as _, ptr::null())
        };
        not_null("bpf_object__open_mem", object).map(Self)
    }

    /// All of a load that comes before the programs go to the kernel.
    pub(crate) fn prepare(&mut self) -> io::Result<()> {
        // SAFETY: live, and borrowed mutably.
        check("bpf_object__prepare", unsafe { sys::bpf_object__prepare(self.0.as_ptr()) })
    }

    pub(crate) fn load(&mut self) -> io::Result<()> {
        // SAFETY: live, and borrowed mutably.
        check("bpf_object__load", unsafe { sys::bpf_object__load(self.0.as_ptr()) })
    }

    pub(crate) fn map_fd(&self, name: &str) -> io::Result<RawFd> {
        let name = CString::new(name)?;
        // SAFETY: live pointer, the name ends in NUL.
        let fd = unsafe { sys::bpf_object__find_map_fd_by_name(self.0.as_ptr(), name.as_ptr()) };
        if fd < 0 { Err(io::Error::from_raw_os_error(-fd)) } else { Ok(fd) }
    }

    pub(crate) fn program_fd(&self, name: &str) -> io::Result<RawFd> {
        let name = CString::new(name)?;
        // SAFETY: live pointer, the name ends in NUL.
        let program = unsafe { sys::bpf_object__find_program_by_name(self.0.as_ptr(), name.as_ptr()) };
        let program = not_null("bpf_object__find_program_by_name", program)?;
        // SAFETY: the program lives as long as its object.
        Ok(unsafe { sys::bpf_program__fd(program.as_ptr()) })
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: owned, and closed once.
        unsafe { sys::bpf_object__close(self.0.as_ptr()) };
    }
}

/// What a ring buffer's callback adds up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) events: u64,
    /// Of the first eight bytes of each event.
    pub(crate) sum: u64,
}

impl Tally {
    #[inline]
    pub(crate) fn add(&mut self, event: &[u8]) {
        self.events += 1;
        if let Some(first) = event.first_chunk() {
            self.sum = self.sum.wrapping_add(u64::from_ne_bytes(*first));
        }
    }
}

/// `struct ring_buffer` over one map, with a [`Tally`] for a callback.
pub(crate) struct RingBuffer {
    buffer: NonNull<sys::ring_buffer>,
    /// The callback's context: a leaked box, so that nobody else has a claim on it.
    tally: NonNull<Tally>,
}

impl RingBuffer {
    pub(crate) fn new(map: RawFd) -> io::Result<Self> {
        let tally = NonNull::from(Box::leak(Box::<Tally>::default()));
        // SAFETY: the callback fits the context, which is freed after the ring buffer.
        let buffer = unsafe { sys::ring_buffer__new(map, Some(count), tally.as_ptr().cast(), ptr::null()) };
        Ok(Self { buffer: not_null("ring_buffer__new", buffer)?, tally })
    }

    /// Consumes what is there.
    pub(crate) fn consume(&mut self) -> io::Result<Tally> {
        // SAFETY: live, and borrowed mutably; the callback writes to the tally only during the call.
        let count = unsafe { sys::ring_buffer__consume(self.buffer.as_ptr()) };
        if count < 0 {
            return Err(io::Error::from_raw_os_error(-count));
        }
        // SAFETY: no call of libbpf runs, so nothing else uses the context.
        Ok(std::mem::take(unsafe { self.tally.as_mut() }))
    }
}

impl Drop for RingBuffer {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once; the context came from a box and is used no more.
        unsafe {
            sys::ring_buffer__free(self.buffer.as_ptr());
            drop(Box::from_raw(self.tally.as_ptr()));
        }
    }
}

extern "C" fn count(context: *mut c_void, data: *mut c_void, size: sys::size_t) -> c_int {
    // SAFETY: libbpf hands back the context it was given and a record of `size` bytes, both valid during the
    // call and used by nothing else meanwhile.
    let (tally, event) = unsafe {
        let tally = &mut *context.cast::<Tally>();
        (tally, std::slice::from_raw_parts(data.cast::<u8>(), size as usize))
    };
    tally.add(event);
    0
}

/// Runs the program once, `repeat` events of its own making; `BPF_PROG_TEST_RUN`.
pub(crate) fn test_run(program: RawFd) -> io::Result<u32> {
    let mut options =
        sys::bpf_test_run_opts { sz: size_of::<sys::bpf_test_run_opts>() as _, ..Default::default() };
    // SAFETY: the options are valid, tell their own size, and name no buffers.
    check("bpf_prog_test_run_opts", unsafe { sys::bpf_prog_test_run_opts(program, &mut options) })?;
    Ok(options.retval)
}
