//! BTF that is loaded.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use oxbpf_btf::Btf;
use oxbpf_sys::{BtfInfo, Errno, FdById, Kernel, ObjectKind, OpenFlags, SysError};

use super::Loaded;
use crate::error::Result;

/// BTF in the kernel: its own, a module's, or what somebody loaded with programs and maps.
///
/// ```
/// # fn main() -> Result<(), oxbpf::Error> {
/// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
/// # let own = oxbpf::btf::BtfBuilder::new().build().expect("no types are valid");
/// # let _loaded = kernel.btf_load(&oxbpf::sys::BtfLoad { btf: own.as_bytes(), ..Default::default() }, None)?;
/// use oxbpf::LoadedBtf;
///
/// for loaded in LoadedBtf::iter_loaded(&kernel) {
///     let loaded = loaded?;
///     println!("{} {:?}: {} types", loaded.id(), loaded.info()?.name, loaded.btf()?.types().count());
/// }
/// # assert_eq!(LoadedBtf::iter_loaded(&kernel).count(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LoadedBtf {
    fd: OwnedFd,
    kernel: Kernel,
    id: u32,
}

impl LoadedBtf {
    /// The BTF behind a descriptor.
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel) if it is none.
    pub fn from_fd(kernel: &Kernel, fd: OwnedFd) -> Result<Self> {
        let id = kernel.btf_info(fd.as_fd())?.id;
        Ok(Self { fd, kernel: kernel.clone(), id })
    }

    /// The BTF with this id (4.18, needs `CAP_SYS_ADMIN`).
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel): `ENOENT` if there is none.
    #[doc(alias = "bpf_btf_get_fd_by_id")]
    #[doc(alias = "btf__load_from_kernel_by_id")]
    pub fn from_id(kernel: &Kernel, id: u32) -> Result<Self> {
        Self::from_fd(kernel, kernel.fd_by_id(ObjectKind::Btf, id, OpenFlags::empty())?)
    }

    /// As [`from_id`](Self::from_id), with a token that stands in for `CAP_SYS_ADMIN` (6.15).
    ///
    /// # Errors
    /// As there; `EINVAL` before 6.15.
    #[doc(alias = "bpf_btf_get_fd_by_id_opts")]
    pub fn from_id_with_token(kernel: &Kernel, id: u32, token: BorrowedFd<'_>) -> Result<Self> {
        let how = FdById { token_fd: Some(token), ..FdById::default() };
        Self::from_fd(kernel, kernel.fd_by_id_with(ObjectKind::Btf, id, &how)?)
    }

    /// All BTF that the kernel has (5.4, needs `CAP_SYS_ADMIN`); see [`Loaded`] for what the items are. The kernel's own is
    /// among it (5.11) since a program was first verified, mostly as the first.
    #[doc(alias = "bpf_btf_get_next_id")]
    pub fn iter_loaded(kernel: &Kernel) -> Loaded<Self> {
        Loaded::new(kernel, ObjectKind::Btf, Self::from_fd)
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What the kernel tells of it.
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel).
    #[doc(alias = "bpf_btf_get_info_by_fd")]
    pub fn info(&self) -> Result<BtfInfo> {
        Ok(self.kernel.btf_info(self.as_fd()).map_err(|e| self.named(e))?)
    }

    /// Its types. Those of a module are on the base of the kernel's.
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel): `EINVAL` with the parser's complaint.
    #[doc(alias = "btf__from_kernel")]
    pub fn btf(&self) -> Result<Btf> {
        let info = self.info()?;
        let data = self.kernel.btf_data(self.as_fd()).map_err(|e| self.named(e))?;
        let parsed = if info.kernel_btf && info.name != "vmlinux" {
            Btf::parse_split(data, &self.kernel.btf()?)
        } else {
            Btf::parse(data)
        };
        parsed.map_err(|e| self.named(SysError::new("parse", Errno::EINVAL)).because(e.to_string()).into())
    }

    /// The error, with which BTF it is about.
    fn named(&self, e: SysError) -> SysError {
        e.with(format!("BTF {}", self.id))
    }
}

impl AsFd for LoadedBtf {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<LoadedBtf> for OwnedFd {
    fn from(btf: LoadedBtf) -> Self {
        btf.fd
    }
}
