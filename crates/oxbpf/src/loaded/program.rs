//! Programs that are loaded.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use oxbpf_obj::ProgramFlags;
use oxbpf_sys::{Kernel, ObjectKind, OpenFlags};

use super::Loaded;
use crate::Program;
use crate::error::Result;
use crate::program::About;

/// Programs from elsewhere. The kernel tells a program's type and the first 15 bytes of its name, and nothing of its
/// section: attach them by the methods that take the target.
impl Program {
    /// The program behind a descriptor, whatever made it.
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel) if it is no program.
    pub fn from_fd(kernel: &Kernel, fd: OwnedFd) -> Result<Self> {
        let info = kernel.prog_info(fd.as_fd())?;
        let about = About {
            name: info.name,
            section: String::new(),
            def: None,
            prog_type: info.prog_type,
            attach_type: None,
            attach_to: None,
            flags: ProgramFlags::empty(),
            autoattach: false,
            ifindex: info.ifindex,
            log: None,
        };
        Ok(Self::new(fd, kernel.clone(), about))
    }

    /// The program with this id (needs `CAP_SYS_ADMIN`).
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel): `ENOENT` if there is none.
    #[doc(alias = "bpf_prog_get_fd_by_id")]
    pub fn from_id(kernel: &Kernel, id: u32) -> Result<Self> {
        Self::from_fd(kernel, kernel.fd_by_id(ObjectKind::Prog, id, OpenFlags::empty())?)
    }

    /// The program pinned at `path`.
    ///
    /// # Errors
    /// [`Error::Pin`](crate::Error::Pin): `ENOENT` if nothing is there, `EINVAL` if something else is.
    #[doc(alias = "bpf_obj_get")]
    pub fn from_pinned(kernel: &Kernel, path: impl AsRef<Path>) -> Result<Self> {
        super::from_pinned(kernel, "program", path.as_ref(), OpenFlags::empty(), Self::from_fd)
    }

    /// All programs that the kernel has, whoever loaded them (needs `CAP_SYS_ADMIN`); see [`Loaded`] for what the items
    /// are.
    ///
    /// ```
    /// # fn main() -> Result<(), oxbpf::Error> {
    /// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/tests/raw_tp.bpf.o");
    /// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
    /// # let options = oxbpf::LoadOptions { kernel: kernel.clone(), ..Default::default() };
    /// # let _object = oxbpf::Object::load(&oxbpf::open(file)?, &options)?;
    /// use oxbpf::Program;
    ///
    /// for program in Program::iter_loaded(&kernel) {
    ///     let info = program?.info()?;
    ///     println!("{} {} {}, {} maps", info.id, info.prog_type, info.name, info.map_ids.len());
    /// }
    /// # assert_eq!(Program::iter_loaded(&kernel).count(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "bpf_prog_get_next_id")]
    pub fn iter_loaded(kernel: &Kernel) -> Loaded<Self> {
        Loaded::new(kernel, ObjectKind::Prog, Self::from_fd)
    }
}
