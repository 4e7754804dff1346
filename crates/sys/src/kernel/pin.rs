//! Objects by path, in a BPF file system.

use std::ffi::CString;
use std::mem::offset_of;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Kernel;
use super::files::about;
use crate::attr::{Attr, raw};
use crate::door::Call;
use crate::uapi::{self, Cmd, ObjAttr, OpenFlags};
use crate::{Result, SysError};

/// `BPF_FS_MAGIC`.
const BPF_FS_MAGIC: u64 = 0xcafe_4a11;

impl Kernel {
    /// Gives a map, program or link a path in a BPF file system, so that it outlives this process: until
    /// [`unpin`](Self::unpin), or until the file system is unmounted. Since Linux 4.4 (links 5.7). BTF cannot be pinned;
    /// it lives as long as what uses it.
    ///
    /// The file has mode 0600 and belongs to the caller; chmod(2) and chown(2) let others in.
    ///
    /// # Errors
    /// - `EEXIST`: the path is taken
    /// - `ENOENT`: its directory does not exist
    /// - `EPERM`: the directory is not in a BPF file system, or the name has a dot in it; before 5.19 also
    ///   without `CAP_BPF` where `kernel.unprivileged_bpf_disabled` is set
    /// - `EACCES`: may not write to the directory
    /// - `EINVAL`: a descriptor of something else, or none
    /// - `ENAMETOOLONG`, `ENOTDIR`, `ELOOP`: of the path
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, MapCreate, MapType, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// # let map = MapCreate { map_type: MapType::ARRAY, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() };
    /// use std::os::fd::AsFd;
    /// use std::path::Path;
    /// use oxbpf_sys::OpenFlags;
    ///
    /// let path = Path::new("/sys/fs/bpf/config");
    /// kernel.obj_pin(kernel.map_create(&map)?.as_fd(), path)?;
    /// let again = kernel.map_from_fd(kernel.obj_get(path, OpenFlags::empty())?)?;
    /// assert_eq!(again.key_size(), 4);
    /// kernel.unpin(path)?;
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_obj_pin")]
    #[doc(alias = "BPF_OBJ_PIN")]
    pub fn obj_pin(&self, fd: BorrowedFd<'_>, path: &Path) -> Result<()> {
        self.obj_pin_at(fd, None, path)
    }

    /// As [`obj_pin`](Self::obj_pin), with a path that is relative to a directory's descriptor (6.5): one of a BPF file
    /// system that is mounted nowhere, for one.
    ///
    /// # Errors
    /// As there, `EINVAL` before 6.5 and `EBADF` for a directory's descriptor that is none.
    #[doc(alias = "bpf_obj_pin_opts")]
    pub fn obj_pin_at(&self, fd: BorrowedFd<'_>, dir: Option<BorrowedFd<'_>>, path: &Path) -> Result<()> {
        let name = c_path(Cmd::OBJ_PIN, path)?;
        let layout = ObjAttr { bpf_fd: raw(fd), ..place(dir, 0) };
        let mut attr = Attr::new(Cmd::OBJ_PIN, &layout);
        attr.string("pathname", offset_of!(ObjAttr, pathname), &name);
        self.bpf(&mut attr).map_err(about(path))
    }

    /// Opens what is pinned at a path. Since Linux 4.4. The flags (4.15) say what a map's descriptor allows; to open a
    /// link takes the right to write to its file, and no flags.
    ///
    /// # Errors
    /// - `ENOENT`: nothing there
    /// - `EACCES`: may not read (or write) it, or it is no BPF object
    /// - `EINVAL`: flags that the object is not opened with
    /// - `EPERM`: before 5.19, without `CAP_BPF` where `kernel.unprivileged_bpf_disabled` is set
    /// - `ENOTDIR`, `ELOOP`, `ENAMETOOLONG`: of the path; `EMFILE`: no room for a descriptor
    ///
    /// # Examples
    /// See [`obj_pin`](Self::obj_pin).
    #[doc(alias = "bpf_obj_get")]
    #[doc(alias = "BPF_OBJ_GET")]
    pub fn obj_get(&self, path: &Path, flags: OpenFlags) -> Result<OwnedFd> {
        self.obj_get_at(None, path, flags)
    }

    /// As [`obj_get`](Self::obj_get), with a path that is relative to a directory's descriptor (6.5).
    ///
    /// # Errors
    /// As there, `EINVAL` before 6.5 and `EBADF` for a directory's descriptor that is none.
    #[doc(alias = "bpf_obj_get_opts")]
    pub fn obj_get_at(&self, dir: Option<BorrowedFd<'_>>, path: &Path, flags: OpenFlags) -> Result<OwnedFd> {
        let name = c_path(Cmd::OBJ_GET, path)?;
        let mut attr = Attr::new(Cmd::OBJ_GET, &place(dir, flags.bits()));
        attr.string("pathname", offset_of!(ObjAttr, pathname), &name);
        self.bpf_fd(&mut attr).map_err(about(path))
    }

    /// Removes a pin; the object lives on as long as anyone uses it.
    ///
    /// # Errors
    /// Those of unlink(2).
    pub fn unpin(&self, path: &Path) -> Result<()> {
        self.call_value("unlink", Call::Unlink(path)).map_err(about(path)).map(drop)
    }

    /// Makes a directory for pins, private to its owner.
    ///
    /// # Errors
    /// Those of mkdir(2), `EEXIST` among them.
    pub fn mkdir(&self, path: &Path) -> Result<()> {
        self.call_value("mkdir", Call::Mkdir(path)).map_err(about(path)).map(drop)
    }

    /// Whether a path is in a BPF file system.
    ///
    /// # Errors
    /// Those of statfs(2).
    pub fn is_bpffs(&self, path: &Path) -> Result<bool> {
        Ok(self.call_value("statfs", Call::FsMagic(path)).map_err(about(path))? == BPF_FS_MAGIC)
    }
}

fn place(dir: Option<BorrowedFd<'_>>, flags: u32) -> ObjAttr {
    match dir {
        Some(dir) => {
            ObjAttr { path_fd: dir.as_raw_fd(), file_flags: flags | uapi::PATH_FD, ..Default::default() }
        }
        None => ObjAttr { file_flags: flags, ..Default::default() },
    }
}

pub(super) fn c_path(cmd: Cmd, path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| {
        SysError::invalid(cmd.name(), "a path with a NUL inside").with(path.display().to_string())
    })
}
