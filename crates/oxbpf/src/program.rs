//! Programs that are loaded.

mod kind;

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use oxbpf_obj::{AttachType, ProgramFlags, ProgramType, SectionDef};
use oxbpf_sys::{Kernel, ProgramDump, ProgramInfo, ProgramParts, SysError};

use crate::error::{Error, Result};
use crate::load::handlers::Bound;
use crate::map::pin;

pub(crate) use kind::{About, Kinds};

use kind::Kind;

/// A program in the kernel: verified, not yet attached.
///
/// It owns a file descriptor; clones share it, and it is closed with the last of them. The program itself lives as long
/// as anything holds on to it: a descriptor, a link, a pin.
///
/// ```no_run
/// # fn main() -> Result<(), oxbpf::Error> {
/// use oxbpf::{LoadOptions, Object};
///
/// let object = Object::load(&oxbpf::open("execsnoop.bpf.o")?, &LoadOptions::default())?;
/// let program = object.program("on_exec")?;
/// let link = program.attach()?; // to what its section names, until the link is dropped
/// println!("{} instructions were verified", program.info()?.verified_insns);
/// # drop(link);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "bpf_program")]
#[derive(Clone)]
pub struct Program {
    inner: Arc<Inner>,
    attach_type: Option<AttachType>,
}

/// An object may have many of these.
struct Inner {
    fd: OwnedFd,
    name: Box<str>,
    kind: Arc<Kind>,
}

impl Program {
    pub(crate) fn new(fd: OwnedFd, kernel: &Kernel, about: About<'_>) -> Self {
        Kinds::new(kernel).program(fd, about)
    }

    /// The same program, as one that was loaded for this attach type: the kernel does not tell that of programs that are
    /// opened by their id, their pin or a descriptor, and some `attach_` methods have to know.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), oxbpf::Error> {
    /// use oxbpf::{AttachFlags, AttachType, Kernel, Program};
    ///
    /// let program = Program::from_pinned(&Kernel::host(), "/sys/fs/bpf/count")?;
    /// let program = program.loaded_for(AttachType::CGROUP_INET_EGRESS);
    /// let link = program.attach_cgroup_path("/sys/fs/cgroup/system.slice", AttachFlags::empty())?;
    /// # drop(link);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "bpf_program__set_expected_attach_type")]
    #[must_use]
    pub fn loaded_for(&self, attach_type: AttachType) -> Self {
        Self { inner: Arc::clone(&self.inner), attach_type: Some(attach_type) }
    }

    /// The error of asking the kernel about it.
    pub(crate) fn failed(&self, source: SysError) -> Error {
        Error::Kernel(source.with(format!("program {}", self.name())))
    }

    /// Its name: that of the C function.
    #[doc(alias = "bpf_program__name")]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The section it stands in: `tracepoint/sched/sched_switch`.
    #[doc(alias = "bpf_program__section_name")]
    pub fn section(&self) -> &str {
        &self.inner.kind.section
    }

    /// What its section's name means; `None` for a name that is in no table.
    pub fn def(&self) -> Option<&'static SectionDef> {
        self.inner.kind.def
    }

    /// What handles its section, if that is one of the caller's own.
    pub(crate) fn handler(&self) -> Option<&Bound> {
        self.inner.kind.handler.as_ref()
    }

    /// Its type.
    #[doc(alias = "bpf_program__type")]
    pub fn prog_type(&self) -> ProgramType {
        self.inner.kind.prog_type
    }

    /// The attach type it was loaded for; `None` if it needs none, or was opened by its id, its pin or a descriptor and it
    /// was not [said](Self::loaded_for).
    #[doc(alias = "bpf_program__expected_attach_type")]
    pub fn attach_type(&self) -> Option<AttachType> {
        self.attach_type
    }

    /// What its section's name says it is for: `sched/sched_switch`, `do_unlinkat`.
    pub fn attach_to(&self) -> Option<&str> {
        self.inner.kind.attach_to.as_deref()
    }

    /// The flags it was loaded with.
    #[doc(alias = "bpf_program__flags")]
    pub fn flags(&self) -> ProgramFlags {
        self.inner.kind.flags
    }

    /// Whether [`Object::attach`](crate::Object::attach) attaches it.
    #[doc(alias = "bpf_program__autoattach")]
    pub fn autoattach(&self) -> bool {
        self.inner.kind.autoattach
    }

    /// The network device it is bound to; 0 for none.
    pub fn ifindex(&self) -> u32 {
        self.inner.kind.ifindex
    }

    /// The verifier's log, where [`LoadOptions::log_level`](crate::LoadOptions::log_level) asked for it.
    #[doc(alias = "bpf_program__log_buf")]
    pub fn log(&self) -> Option<&str> {
        self.inner.kind.log.as_deref()
    }

    /// The kernel it lives in.
    pub fn kernel(&self) -> &Kernel {
        &self.inner.kind.kernel
    }

    /// What the kernel says of it: id, tag, sizes, run count and time; with what only its descriptor tells (its memory).
    ///
    /// # Errors
    /// [`Error::Kernel`].
    #[doc(alias = "bpf_prog_get_info_by_fd")]
    pub fn info(&self) -> Result<ProgramInfo> {
        self.inner.kind.kernel.prog_info_with_fdinfo(self.as_fd()).map_err(|source| self.failed(source))
    }

    /// Its instructions as the verifier left them, its machine code, its functions and source lines: the parts that are
    /// asked for. What the kernel withholds from this process is empty, and named in [`ProgramDump::withheld`].
    ///
    /// # Errors
    /// [`Error::Kernel`].
    #[doc(alias = "bpf_prog_get_info_by_fd")]
    #[doc(alias = "bpf_prog_linfo__new")]
    pub fn dump(&self, parts: ProgramParts) -> Result<ProgramDump> {
        self.inner.kind.kernel.prog_dump(self.as_fd(), parts).map_err(|source| self.failed(source))
    }

    /// Pins it in bpffs, where it outlives this process. Missing directories are made.
    ///
    /// # Errors
    /// [`Error::Pin`]: `EEXIST` if something is there already, `EPERM` if `path` is not on bpffs.
    #[doc(alias = "bpf_program__pin")]
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<()> {
        pin::pin(&self.inner.kind.kernel, self.as_fd(), &format!("program {}", self.name()), path.as_ref())
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.fd.as_fd()
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Program");
        out.field("fd", &self.inner.fd).field("name", &self.name()).field("section", &self.section());
        out.finish_non_exhaustive()
    }
}
