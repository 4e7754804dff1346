//! Finding BTF: in files, where kernels have theirs, and by its id.

use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oxbpf_btf::{Btf, Bytes};
use oxbpf_obj::BtfFile;

use super::btf::SYSFS;
use super::{Kernel, ObjectKind};
use crate::door::OpenHow;
use crate::mapping::Prot;
use crate::uapi::OpenFlags;
use crate::{Errno, Result, SysError};

/// Where a `vmlinux` with its types may be, for kernels that do not show them. `$` is the release.
const FILES: [&str; 7] = [
    "/boot/vmlinux-$",
    "/lib/modules/$/vmlinux-$",
    "/lib/modules/$/build/vmlinux",
    "/usr/lib/modules/$/kernel/vmlinux",
    "/usr/lib/debug/boot/vmlinux-$",
    "/usr/lib/debug/boot/vmlinux-$.debug",
    "/usr/lib/debug/lib/modules/$/vmlinux",
];

impl Kernel {
    /// The types in a file: raw, or in an ELF file of any machine, of which only what matters is read. `base` is
    /// what they continue, for a module; types with a distilled base of their own are relocated to it.
    ///
    /// # Errors
    /// Those of open(2) and read(2); `ENODATA` for an ELF file without BTF; `EINVAL` with the parser's complaint.
    #[doc(alias = "btf__parse")]
    #[doc(alias = "btf__parse_split")]
    pub fn read_btf(&self, path: impl AsRef<Path>, base: Option<&Btf>) -> Result<BtfFile> {
        let path = path.as_ref();
        if path.starts_with(SYSFS) {
            let bytes = self.shown_btf(path)?;
            return BtfFile::from_raw(bytes, base).map_err(|e| invalid(path, &e));
        }
        let mut file = Reader { kernel: self, fd: self.open(path, OpenHow::Read)?, failed: None };
        let read = BtfFile::read(&mut file, base);
        match file.failed {
            Some(error) => Err(error.with(path.display().to_string())),
            None => read.map_err(|e| invalid(path, &e)),
        }
    }

    /// The types of a kernel that does not show them, out of the file that it, or its build, was made from.
    ///
    /// # Errors
    /// `ENOENT` if there is none, or none with types.
    pub(super) fn find_btf(&self) -> Result<Btf> {
        let release = self.uname()?.release;
        let paths: Vec<PathBuf> = FILES.iter().map(|path| path.replace('$', &release).into()).collect();
        for path in &paths {
            match self.read_btf(path, None) {
                Ok(file) => return Ok(file.btf),
                Err(error) if error.errno == Errno::ENOENT => {}
                Err(error) => tracing::debug!(%error, "not the kernel's types"),
            }
        }
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        Err(SysError::new("open", Errno::ENOENT).with(format!("{SYSFS}/vmlinux")).because(format!(
            "the kernel shows no types (CONFIG_DEBUG_INFO_BTF), and there are none in {}",
            paths.join(", ")
        )))
    }

    /// The types with an id: those that a process loaded, the kernel's own (5.11) or a module's. The base of a
    /// module's types is the kernel's, unless another is given.
    ///
    /// # Errors
    /// As [`fd_by_id`](Self::fd_by_id); `EINVAL` with the parser's complaint.
    ///
    /// ```
    /// use std::{os::fd::AsFd, sync::Arc};
    /// use oxbpf_btf::{BtfBuilder, IntEncoding, Kind};
    /// use oxbpf_sys::{BtfLoad, Kernel, doors::Fake};
    ///
    /// let kernel = Kernel::with_door(Arc::new(Fake::new()));
    /// let mut b = BtfBuilder::new();
    /// b.add_int("int", 4, IntEncoding::SIGNED)?;
    /// let btf = b.build()?;
    /// let loaded = kernel.btf_load(&BtfLoad { btf: btf.as_bytes(), ..Default::default() }, None)?;
    /// let id = kernel.btf_info(loaded.as_fd())?.id;
    /// assert!(kernel.btf_by_id(id, None)?.find("int", Kind::Int).is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "btf__load_from_kernel_by_id")]
    #[doc(alias = "btf__load_from_kernel_by_id_split")]
    pub fn btf_by_id(&self, id: u32, base: Option<&Btf>) -> Result<Btf> {
        let fd = self.fd_by_id(ObjectKind::Btf, id, OpenFlags::empty())?;
        let info = self.btf_info(fd.as_fd())?;
        let of_module = info.kernel_btf && info.name != "vmlinux";
        let kernels = if base.is_none() && of_module { Some(self.btf()?) } else { None };
        let data = self.btf_data(fd.as_fd())?;
        let btf = match base.or(kernels.as_ref()) {
            Some(base) => Btf::parse_split(data, base),
            None => Btf::parse(data),
        };
        btf.map_err(|e| {
            SysError::new("parse", Errno::EINVAL).with(format!("BTF {id}")).because(e.to_string())
        })
    }

    /// What the kernel shows of its types or a module's: mapped where it allows that, otherwise read.
    pub(super) fn shown_btf(&self, path: &Path) -> Result<Bytes> {
        let fd = self.open(path, OpenHow::Read)?;
        // sysfs tells the true size, but the size comes from a door: it is only a hint of where to map.
        let size = rustix::fs::fstat(&fd).map(|s| s.st_size).unwrap_or(0);
        let len = usize::try_from(size).unwrap_or(0);
        if len > 0
            && let Ok(mapping) = self.mmap(fd.as_fd(), len, 0, Prot::KernelTypes)
            && let Ok(bytes) = mapping.into_bytes()
        {
            return Ok(Bytes::shared(Arc::new(bytes)));
        }
        Ok(Bytes::from(self.read_to_end(&fd, path, len)?))
    }
}

fn invalid(path: &Path, e: &oxbpf_obj::Error) -> SysError {
    let errno = if matches!(e, oxbpf_obj::Error::NoBtf) { Errno::ENODATA } else { Errno::EINVAL };
    SysError::new("parse", errno).with(path.display().to_string()).because(e.to_string())
}

/// A file of a kernel's, read where it is asked to.
struct Reader<'k> {
    kernel: &'k Kernel,
    fd: OwnedFd,
    /// Why reading failed, in the kernel's words.
    failed: Option<SysError>,
}

impl Read for Reader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.kernel.read(self.fd.as_fd(), buf).map_err(|error| {
            let os = io::Error::from_raw_os_error(error.errno.0);
            // It is asked again after a signal.
            if error.errno != Errno::EINTR {
                self.failed = Some(error);
            }
            os
        })
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(n) => rustix::fs::SeekFrom::Start(n),
            SeekFrom::End(n) => rustix::fs::SeekFrom::End(n),
            SeekFrom::Current(n) => rustix::fs::SeekFrom::Current(n),
        };
        Ok(rustix::fs::seek(&self.fd, to)?)
    }
}
