//! Programs that are loaded.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use oxbpf_obj::ProgramFlags;
use oxbpf_sys::{Errno, Kernel, ObjectKind, OpenFlags, ProgramParts};

use super::{Loaded, LoadedBtf};
use crate::Program;
use crate::error::Result;
use crate::program::About;

/// Programs from elsewhere. The kernel tells a program's type and the first 15 bytes of its name
/// (see [`full_name`](Self::full_name)), and nothing of its section: attach them by the methods that take the target, some
/// of which have to be told what the program was [loaded for](Self::loaded_for).
impl Program {
    /// The program behind a descriptor, whatever made it.
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel) if it is no program.
    pub fn from_fd(kernel: &Kernel, fd: OwnedFd) -> Result<Self> {
        let info = kernel.prog_info(fd.as_fd())?;
        let about = About {
            name: &info.name,
            section: "",
            def: None,
            prog_type: info.prog_type,
            attach_type: None,
            attach_to: None,
            flags: ProgramFlags::empty(),
            autoattach: false,
            ifindex: info.ifindex,
            log: None,
            handler: None,
        };
        Ok(Self::new(fd, kernel, about))
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

    /// Its whole name where its BTF tells it (5.0): the kernel keeps 15 bytes of it. The name itself where they say no
    /// more, or withhold it.
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel).
    pub fn full_name(&self) -> Result<String> {
        /// Bytes of a name in the kernel.
        const MOST: usize = 15;
        let short = || self.name().to_owned();
        if self.name().len() != MOST {
            return Ok(short());
        }
        let Some(first) = self.dump(ProgramParts::FUNC_INFO)?.functions().next() else { return Ok(short()) };
        let id = self.kernel().prog_info(self.as_fd()).map_err(|source| self.failed(source))?.btf_id;
        let btf = match LoadedBtf::from_id(self.kernel(), id) {
            // Others may have the program, and not the right to open BTF.
            Err(error) if error.errno() == Some(Errno::EPERM) => return Ok(short()),
            opened => opened?.btf()?,
        };
        Ok(btf.get(first.ty).map_or_else(|_| short(), |function| function.name().to_owned()))
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
