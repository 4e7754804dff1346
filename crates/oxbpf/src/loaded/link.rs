//! Links that are made.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use oxbpf_sys::uapi::LinkType;
use oxbpf_sys::{Kernel, LinkInfo, LinkUpdate, ObjectKind, OpenFlags, SysError};

use super::Loaded;
use crate::Program;
use crate::error::Result;
use crate::map::pin;

/// A link of the kernel that was opened by its id, its pin or a descriptor, whoever made it.
///
/// It owns a descriptor and nothing else: dropping it closes that. The program stays attached as long as anyone else has
/// the link, by a descriptor or a pin, so that to look at somebody's link changes nothing.
///
/// A [`Link`](crate::Link), in contrast, is what this process attached, with all that takes.
///
/// ```no_run
/// # fn main() -> Result<(), oxbpf::Error> {
/// use oxbpf::{Kernel, LoadedLink, LoadOptions, Object};
///
/// let kernel = Kernel::host();
/// let object = Object::load(&oxbpf::open("xdp_counter.bpf.o")?, &LoadOptions::default())?;
/// let link = object.program("count")?.attach_xdp("veth0", oxbpf::XdpFlags::empty())?;
/// link.pin("/sys/fs/bpf/counter")?;
/// drop(link); // it stays attached
/// // Later, in another process perhaps, a newer program takes over without a packet missed.
/// let newer = Object::load(&oxbpf::open("xdp_counter.bpf.o")?, &LoadOptions::default())?;
/// let link = LoadedLink::from_pinned(&kernel, "/sys/fs/bpf/counter")?;
/// link.update(newer.program("count")?)?;
/// println!("{:?}", link.info()?.details);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LoadedLink {
    fd: OwnedFd,
    kernel: Kernel,
    id: u32,
    link_type: LinkType,
}

impl LoadedLink {
    /// The link behind a descriptor.
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel) if it is no link.
    pub fn from_fd(kernel: &Kernel, fd: OwnedFd) -> Result<Self> {
        let LinkInfo { id, link_type, .. } = kernel.link_info(fd.as_fd())?;
        Ok(Self { fd, kernel: kernel.clone(), id, link_type })
    }

    /// The link with this id (5.8, needs `CAP_SYS_ADMIN`).
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel): `ENOENT` if there is none.
    #[doc(alias = "bpf_link_get_fd_by_id")]
    pub fn from_id(kernel: &Kernel, id: u32) -> Result<Self> {
        Self::from_fd(kernel, kernel.fd_by_id(ObjectKind::Link, id, OpenFlags::empty())?)
    }

    /// The link pinned at `path`.
    ///
    /// # Errors
    /// [`Error::Pin`](crate::Error::Pin): `ENOENT` if nothing is there, `EINVAL` if something else is.
    #[doc(alias = "bpf_link__open")]
    pub fn from_pinned(kernel: &Kernel, path: impl AsRef<Path>) -> Result<Self> {
        super::from_pinned(kernel, "link", path.as_ref(), OpenFlags::empty(), Self::from_fd)
    }

    /// All links that the kernel has, whoever made them (5.8, needs `CAP_SYS_ADMIN`); see [`Loaded`] for what the items
    /// are.
    #[doc(alias = "bpf_link_get_next_id")]
    pub fn iter_loaded(kernel: &Kernel) -> Loaded<Self> {
        Loaded::new(kernel, ObjectKind::Link, Self::from_fd)
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Its kind.
    pub fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// What the kernel tells of it: its program, and what it is attached to.
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel).
    #[doc(alias = "bpf_link_get_info_by_fd")]
    pub fn info(&self) -> Result<LinkInfo> {
        Ok(self.kernel.link_info(self.as_fd()).map_err(|e| self.named(e))?)
    }

    /// Pins it in bpffs, so that the program stays attached without any process. Missing directories are made.
    ///
    /// # Errors
    /// [`Error::Pin`](crate::Error::Pin): `EEXIST` if something is there already, `EPERM` if `path` is not on bpffs.
    #[doc(alias = "bpf_link__pin")]
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<()> {
        pin::pin(&self.kernel, self.as_fd(), &format!("link {}", self.id), path.as_ref())
    }

    /// Puts another program in the place of the one that is attached, with no event missed.
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel): `EINVAL` if the kind of link cannot do that or the programs' types differ,
    /// `ENOLINK` if what it was attached to is gone.
    #[doc(alias = "bpf_link__update_program")]
    pub fn update(&self, program: &Program) -> Result<()> {
        let update = LinkUpdate { new: program.as_fd(), old: None, flags: 0 };
        Ok(self.kernel.link_update(self.as_fd(), &update).map_err(|e| self.named(e))?)
    }

    /// Detaches the program now, whoever else has the link (5.9). The link remains, attached to nothing.
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel): `EOPNOTSUPP` for kinds that detach only with their last descriptor.
    #[doc(alias = "bpf_link__detach")]
    pub fn detach(&self) -> Result<()> {
        Ok(self.kernel.link_detach(self.as_fd()).map_err(|e| self.named(e))?)
    }

    /// The error, with which link it is about.
    fn named(&self, e: SysError) -> SysError {
        e.with(format!("link {}", self.id))
    }
}

impl AsFd for LoadedLink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<LoadedLink> for OwnedFd {
    fn from(link: LoadedLink) -> Self {
        link.fd
    }
}
