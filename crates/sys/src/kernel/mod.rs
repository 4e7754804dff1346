//! A kernel as a value, and all that can be asked of it.

mod attach;
mod btf;
mod btf_find;
mod files;
mod ids;
mod info;
mod interface;
mod iter;
mod link;
mod link_extra;
mod log;
mod machine;
mod map;
mod map_batch;
mod map_elem;
mod map_fd;
mod memlock;
mod memo;
mod perf;
mod pin;
mod prog;
mod prog_maps;
mod query;
mod raw_tracepoint;
mod stats;
mod stream;
mod symbols;
mod test_run;
mod token;
mod tracefs;
mod version;

use std::fmt;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

pub use attach::{ProgAttach, RelativeTo};
pub use btf::BtfLoad;
pub use ids::{FdById, Loaded, ObjectKind};
pub use info::{
    BtfInfo, FdInfo, IterInfo, KprobeMultiInfo, LinkDetails, LinkInfo, MapInfo, PerfEventInfo, ProgramDump,
    ProgramInfo, ProgramParts, TaskFd, TracingMultiInfo, UprobeMultiInfo,
};
pub use link::{LinkCreate, LinkTarget, LinkUpdate};
pub use link_extra::{IterTarget, LinkExtra};
pub use log::LogBuf;
pub use machine::{Capabilities, Lockdown};
pub use map::MapCreate;
pub use map_batch::BatchCursor;
pub use map_fd::MapFd;
pub use perf::{PerfEvent, ProbePmu};
pub use prog::{InfoRecords, ProgLoad};
pub use query::{ProgQuery, ProgQueryTarget, QueryAnswer};
pub use symbols::{Symbol, Symbols};
pub use test_run::{TestRun, TestRunAnswer};
pub use token::TokenInfo;
pub use version::KernelVersion;

use crate::attr::{Attr, Elem};
use crate::door::{Call, Door, HostDoor, Reply};
use crate::mapping::{Mapping, Prot};
use crate::{Errno, Result, SysError, options};

/// A kernel: what all calls go through. Cheap to clone; clones share what was learned of the kernel.
///
/// See the [crate's](crate) documentation for an example.
#[derive(Clone)]
pub struct Kernel(Arc<Inner>);

struct Inner {
    door: Arc<dyn Door>,
    memo: memo::Memo,
    possible_cpus: OnceLock<u32>,
    btf: Arc<Mutex<Option<oxbpf_btf::Btf>>>,
    token: Option<OwnedFd>,
}

impl Kernel {
    /// The kernel of this machine. All callers of a process share one value, and so what it has learned: the
    /// features, the types.
    pub fn host() -> Self {
        static HOST: LazyLock<Kernel> = LazyLock::new(|| Kernel::with_door(Arc::new(HostDoor)));
        HOST.clone()
    }

    /// A kernel behind a door of one's own, of which nothing is known yet.
    pub fn with_door(door: Arc<dyn Door>) -> Self {
        Self(Arc::new(Inner {
            door,
            memo: memo::Memo::default(),
            possible_cpus: OnceLock::new(),
            btf: Arc::default(),
            token: None,
        }))
    }

    /// The same kernel with a token ([`token_create`](Self::token_create)) in place of privileges: what makes maps,
    /// programs and BTF, and what opens BTF by its id, is asked for with it unless the call brings one. What was learnt
    /// of the kernel's features does not go along, as it may have been learnt without privileges.
    ///
    /// ```no_run
    /// use std::os::fd::AsFd;
    /// use std::path::Path;
    /// use oxbpf_sys::{Kernel, OpenHow};
    ///
    /// let kernel = Kernel::host();
    /// let bpffs = kernel.open(Path::new("/sys/fs/bpf"), OpenHow::Read)?;
    /// let kernel = kernel.with_token(kernel.token_create(bpffs.as_fd())?);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    pub fn with_token(&self, token: OwnedFd) -> Self {
        Self(Arc::new(Inner {
            door: Arc::clone(&self.0.door),
            memo: memo::Memo::default(),
            possible_cpus: self.0.possible_cpus.clone(),
            btf: Arc::clone(&self.0.btf),
            token: Some(token),
        }))
    }

    /// The token that stands in for privileges, if it has one.
    #[doc(alias = "bpf_object__token_fd")]
    pub fn token(&self) -> Option<BorrowedFd<'_>> {
        self.0.token.as_ref().map(AsFd::as_fd)
    }

    /// What stands behind it.
    pub fn door(&self) -> &Arc<dyn Door> {
        &self.0.door
    }

    /// Remembers what `init` finds out, under `key` and the type: later calls with both get a clone of that.
    /// For what takes effort to learn and does not change while the kernel runs, as features do.
    ///
    /// Threads that come meanwhile wait. `init` may call `memo` with other keys, not with its own.
    pub fn memo<T: Clone + Send + Sync + 'static>(&self, key: &'static str, init: impl FnOnce() -> T) -> T {
        match self.0.memo.get(key, || Ok::<T, std::convert::Infallible>(init())) {
            Ok(value) => value,
        }
    }

    /// As [`memo`](Self::memo), but an error is not remembered: the next call tries again.
    ///
    /// # Errors
    /// Those of `init`.
    pub fn try_memo<T: Clone + Send + Sync + 'static, E>(
        &self,
        key: &'static str,
        init: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.0.memo.get(key, init)
    }

    /// Maps `len` bytes of a descriptor (map, perf event, file), from `offset` on.
    ///
    /// # Errors
    /// See [`Mapping::of`].
    pub fn mmap(&self, fd: BorrowedFd<'_>, len: usize, offset: u64, prot: Prot) -> Result<Mapping> {
        self.mmap_call(Call::Mmap { fd, at: None, offset, len, prot }, len)
    }

    /// As [`mmap`](Self::mmap), to a certain address, where nothing may be yet (4.17): for arenas, whose pointers hold for
    /// programs and user space both.
    ///
    /// # Errors
    /// See [`Mapping::at_address`].
    pub fn mmap_at(
        &self,
        fd: BorrowedFd<'_>,
        address: NonZeroUsize,
        len: usize,
        offset: u64,
        prot: Prot,
    ) -> Result<Mapping> {
        self.mmap_call(Call::Mmap { fd, at: Some(address), offset, len, prot }, len)
    }

    fn mmap_call(&self, call: Call<'_, '_>, len: usize) -> Result<Mapping> {
        match self.call("mmap", call)? {
            Reply::Mapping(m) if m.len() >= len => Ok(m),
            _ => Err(wrong_reply("mmap")),
        }
    }

    #[inline]
    pub(crate) fn call(&self, op: &'static str, call: Call<'_, '_>) -> Result<Reply> {
        self.0.door.call(call).map_err(|e| SysError::new(op, e))
    }

    pub(crate) fn call_value(&self, op: &'static str, call: Call<'_, '_>) -> Result<u64> {
        self.call(op, call)?.value().map_err(|e| SysError::new(op, e))
    }

    pub(crate) fn call_fd(&self, op: &'static str, call: Call<'_, '_>) -> Result<OwnedFd> {
        self.call(op, call)?.fd().map_err(|e| SysError::new(op, e))
    }

    /// A command that answers by success or failure.
    #[inline]
    pub(crate) fn bpf(&self, attr: &mut Attr<'_>) -> Result<()> {
        match self.0.door.call(Call::Bpf(attr)) {
            Ok(_) => Ok(()),
            Err(e) => Err(self.refused(attr, e)),
        }
    }

    /// A command on one element of a map.
    #[inline]
    pub(crate) fn elem(&self, elem: &mut Elem<'_>) -> Result<()> {
        match self.0.door.map_elem(elem) {
            Ok(()) => Ok(()),
            Err(e) => Err(self.refused(&elem.attr(), e)),
        }
    }

    /// A command that answers by a number.
    pub(crate) fn bpf_value(&self, attr: &mut Attr<'_>) -> Result<u64> {
        let reply = self.0.door.call(Call::Bpf(attr)).and_then(Reply::value);
        reply.map_err(|e| self.refused(attr, e))
    }

    /// A command that makes a descriptor.
    pub(crate) fn bpf_fd(&self, attr: &mut Attr<'_>) -> Result<OwnedFd> {
        let reply = self.0.door.call(Call::Bpf(attr)).and_then(Reply::fd);
        reply.map_err(|e| self.refused(attr, e))
    }

    /// The error of a command, with what this kernel is too old for.
    #[cold]
    fn refused(&self, attr: &Attr<'_>, errno: Errno) -> SysError {
        let mut error = SysError::new(attr.cmd().name(), errno);
        if matches!(errno, Errno::EINVAL | Errno::E2BIG)
            && let Ok(running) = self.kernel_version()
        {
            error.unsupported = options::too_new(attr, running).map(Box::new);
        }
        error
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::host()
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kernel").field(&self.0.door).finish()
    }
}

fn wrong_reply(op: &'static str) -> SysError {
    SysError::new(op, Errno::EPROTO)
}
