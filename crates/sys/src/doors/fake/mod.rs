//! A kernel that is not there.

mod commands;
mod files;
mod info;
mod interfaces;
mod maps;
mod objects;
mod values;

use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use files::Files;
use objects::{Kind, Objects};

use crate::mapping::{Mapping, Prot};
use crate::{Call, Door, Errno, KernelVersion, OpenHow, PerfIoctl, Reply, Uname};

/// Plays a kernel, well enough for an object to be loaded, attached and looked at without one.
///
/// Descriptors are memfds. Maps hold what is put into them, and those that can be mapped share it with the
/// mapping. BTF is parsed. Programs are taken as they come: nobody verifies or runs them. The capabilities are
/// all there, sysfs has four CPUs and the PMUs of probes, tracefs has every tracepoint that is asked for. The only network
/// interface is `lo`, with the number 1.
///
/// ```
/// use std::sync::Arc;
/// use oxbpf_sys::{Kernel, MapCreate, MapType, ElemFlags, doors::Fake};
///
/// let kernel = Kernel::with_door(Arc::new(Fake::new()));
/// let map = kernel.map_create(&MapCreate {
///     map_type: MapType::ARRAY, key_size: 4, value_size: 4, max_entries: 2, ..Default::default()
/// })?;
/// kernel.map_update_elem(&map, &[1, 0, 0, 0], b"four", ElemFlags::empty())?;
/// let mut value = [0; 4];
/// kernel.map_lookup_elem(&map, &[1, 0, 0, 0], &mut value, ElemFlags::empty())?;
/// assert_eq!(&value, b"four");
/// # Ok::<(), oxbpf_sys::SysError>(())
/// ```
#[derive(Debug)]
pub struct Fake {
    version: KernelVersion,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    objects: Objects,
    files: Files,
    memlock: u64,
}

impl Default for Fake {
    fn default() -> Self {
        Self::new()
    }
}

impl Fake {
    /// A Linux 6.18 without types of its own: see [`with_file`](Self::with_file) for those.
    pub fn new() -> Self {
        let state = State { files: Files::usual(), memlock: 8 << 20, ..Default::default() };
        Self { version: KernelVersion::new(6, 18, 0), state: Mutex::new(state) }
    }

    /// With another version in its uname. What it takes stays the same: wrap it in [`Older`](super::Older) for
    /// that.
    #[must_use]
    pub fn with_version(mut self, version: KernelVersion) -> Self {
        self.version = version;
        self
    }

    /// With a file of a certain content: `/sys/kernel/btf/vmlinux` and the types that CO-RE is to find.
    #[must_use]
    pub fn with_file(self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        self.state().files.put(path.into(), content.into());
        self
    }

    /// Without a file.
    #[must_use]
    pub fn without_file(self, path: impl AsRef<Path>) -> Self {
        self.state().files.remove(path.as_ref());
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much is left of what was made: maps, programs, BTF, links and events with an open descriptor of this
    /// process. 0 when everything was given back.
    pub fn open_objects(&self) -> usize {
        self.state().objects.open()
    }
}

// SAFETY: its descriptors are memfds, which are maps to no kernel.
unsafe impl Door for Fake {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        // A descriptor may keep its reader waiting, which nobody else should.
        match call {
            Call::Read(fd, buf) => Ok(Reply::Value(rustix::io::read(fd, buf)? as u64)),
            Call::Write(fd, buf) => Ok(Reply::Value(rustix::io::write(fd, buf)? as u64)),
            call => self.locked(call),
        }
    }
}

impl Fake {
    fn locked(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        let mut state = self.state();
        let nothing = Reply::Value(0);
        match call {
            Call::Bpf(attr) => state.bpf(attr),
            Call::PerfEventOpen(_) => state.objects.add(Kind::PerfEvent).map(Reply::Fd),
            Call::PerfIoctl(event, request) => {
                state.objects.find(event)?.perf_event()?;
                if let PerfIoctl::SetBpf(prog) = request {
                    state.objects.find(prog)?.prog()?;
                }
                Ok(nothing)
            }
            Call::Mmap { fd, at: _, offset, len, prot } => state.mmap(fd, offset, len, prot),
            Call::Open(path, how) => state.files.open(path, how).map(Reply::Fd),
            // Without the lock, above.
            Call::Read(..) | Call::Write(..) => Err(Errno::EPROTO),
            Call::ReadDir(path) => state.files.read_dir(path).map(Reply::Names),
            Call::Mkdir(path) => state.files.mkdir(path).map(|()| nothing),
            Call::Unlink(path) => state.unpin(path).map(|()| nothing),
            Call::FsMagic(path) => {
                Ok(Reply::Value(if path.starts_with(BPFFS) { 0xcafe_4a11 } else { 0x0102_1994 }))
            }
            Call::Uname => Ok(Reply::Uname(Uname::of(self.version))),
            Call::MountTracefs => Err(Errno::EPERM),
            Call::IfIndex(name) => interfaces::index_of(name).map(Reply::Value),
            Call::IfName(index) => interfaces::name_of(index).map(Reply::Names),
            Call::RouteNetlink(request) => interfaces::route(request).map(Reply::Bytes),
            Call::Memlock(new) => {
                let old = state.memlock;
                state.memlock = new.unwrap_or(old);
                Ok(Reply::Value(old))
            }
        }
    }
}

/// Where it has a BPF file system.
const BPFFS: &str = "/sys/fs/bpf";

impl State {
    fn mmap(&mut self, fd: BorrowedFd<'_>, offset: u64, len: usize, prot: Prot) -> Result<Reply, Errno> {
        // Of files nothing can be mapped, as in kernels before 6.16.
        let object = self.objects.find(fd).map_err(|_| Errno::ENODEV)?;
        if object.perf_event().is_ok() {
            // The buffer is as long as its first mapping.
            let end = offset.checked_add(len as u64).ok_or(Errno::EINVAL)?;
            if rustix::fs::fstat(fd)?.st_size.cast_unsigned() < end {
                rustix::fs::ftruncate(fd, end)?;
            }
        } else if !object.can_map(offset, len as u64, prot) {
            return Err(Errno::EINVAL);
        }
        Mapping::of(fd, offset, len, prot).map(Reply::Mapping)
    }

    fn unpin(&mut self, path: &Path) -> Result<(), Errno> {
        self.objects.pins.remove(path).map(drop).ok_or(Errno::ENOENT)
    }
}

/// A descriptor of nothing but memory.
fn memfd(name: &str) -> Result<OwnedFd, Errno> {
    let fd = rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC)?;
    if fd.as_raw_fd() > 2 { Ok(fd) } else { Ok(rustix::io::fcntl_dupfd_cloexec(fd.as_fd(), 3)?) }
}

/// The files of a directory, as names.
fn names<'a>(paths: impl Iterator<Item = &'a Path>, dir: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> = paths
        .filter_map(|p| p.strip_prefix(dir).ok()?.components().next().map(|c| c.as_os_str().to_owned()))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a file is opened for writing.
fn writes(how: OpenHow) -> bool {
    matches!(how, OpenHow::Write | OpenHow::Append)
}
