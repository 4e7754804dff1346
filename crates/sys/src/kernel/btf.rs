//! BTF: loading it, and the kernel's own.

use std::mem::offset_of;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::PoisonError;

use oxbpf_btf::Btf;

use super::{Kernel, LogBuf};
use crate::attr::{Attr, fd_or_zero};
use crate::uapi::{self, BtfLoadAttr, Cmd};
use crate::{Errno, Result, SysError};

/// Where kernels show their types, since Linux 5.4.
pub(super) const SYSFS: &str = "/sys/kernel/btf";

/// BTF to load.
///
/// Whole: header, types and strings, in this machine's byte order. The kernel takes a subset of what compilers emit:
/// no type refers to itself but through a pointer, names are C identifiers, and the kinds are those that it knows.
#[derive(Debug, Clone, Copy, Default)]
pub struct BtfLoad<'a> {
    /// Raw BTF in this machine's byte order.
    pub btf: &'a [u8],
    /// A token that stands in for privileges (6.9).
    pub token_fd: Option<BorrowedFd<'a>>,
}

impl Kernel {
    /// Loads BTF, for programs ([`ProgLoad::btf_fd`](crate::ProgLoad::btf_fd)) and maps
    /// ([`MapCreate::btf_fd`](crate::MapCreate::btf_fd)) to refer to. Since Linux 4.18. The kernel keeps a copy, each
    /// load another one; it lives as long as a descriptor or what refers to it. The log, if any, is filled in whether
    /// that succeeds or not; its level is [`LogBuf::ERRORS`] for what is wrong and more for all types.
    ///
    /// Needs `CAP_BPF` (`CAP_SYS_ADMIN` before 5.8), or a token that allows it.
    ///
    /// # Errors
    /// - `EINVAL`: not valid, or of a kind that this kernel does not know: the log says what; a log with room and no
    ///   level, before 6.4 also one with a level and no room
    /// - `EPERM`: missing privileges; before 5.11 also `RLIMIT_MEMLOCK` too low
    /// - `E2BIG`: more than 16 MiB, or a field that this kernel does not know
    /// - `ENOSPC`: the log did not fit, and nothing was loaded ([`LogBuf::true_size`] says what would do)
    /// - `ENOTSUPP` (524): another version of BTF, or flags in its header
    /// - `ENOMEM`: no memory
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// use std::os::fd::AsFd;
    /// use oxbpf_btf::{BtfBuilder, IntEncoding};
    /// use oxbpf_sys::{BtfLoad, Errno, LogBuf};
    ///
    /// let mut types = BtfBuilder::new();
    /// types.add_int("int", 4, IntEncoding::SIGNED)?;
    /// let btf = types.build()?;
    /// let loaded = kernel.btf_load(&BtfLoad { btf: btf.as_bytes(), ..Default::default() }, None)?;
    /// assert_eq!(kernel.btf_data(loaded.as_fd())?, btf.as_bytes());
    ///
    /// let mut log = LogBuf::new(LogBuf::ERRORS, 4096);
    /// let e = kernel.btf_load(&BtfLoad { btf: &[0; 24], ..Default::default() }, Some(&mut log)).unwrap_err();
    /// assert_eq!(e.errno, Errno::EINVAL);
    /// assert!(!log.text().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "bpf_btf_load")]
    #[doc(alias = "BPF_BTF_LOAD")]
    pub fn btf_load(&self, b: &BtfLoad<'_>, log: Option<&mut LogBuf>) -> Result<OwnedFd> {
        let mut none = LogBuf::new(0, 0);
        let log = log.unwrap_or(&mut none);
        let token = b.token_fd.or(self.token());
        let layout = BtfLoadAttr {
            btf_size: u32::try_from(b.btf.len())
                .map_err(|_| SysError::new(Cmd::BTF_LOAD.name(), Errno::E2BIG))?,
            btf_log_size: log.size() as u32,
            btf_log_level: log.level(),
            btf_flags: if token.is_some() { uapi::TOKEN_FD } else { 0 },
            btf_token_fd: fd_or_zero(token),
            ..Default::default()
        };
        log.clear();
        let (result, true_size) = {
            let (level, log_buf) = log.parts();
            let mut attr = Attr::new(Cmd::BTF_LOAD, &layout);
            attr.input("btf", offset_of!(BtfLoadAttr, btf), b.btf);
            attr.output("btf_log_buf", offset_of!(BtfLoadAttr, btf_log_buf), log_buf);
            if level != 0 {
                attr.covers(offset_of!(BtfLoadAttr, btf_log_true_size) + 4);
            }
            (self.bpf_fd(&mut attr), attr.view::<BtfLoadAttr>().btf_log_true_size)
        };
        log.set_true_size(true_size);
        result
    }

    /// The kernel's types, of `/sys/kernel/btf/vmlinux` (Linux 5.4 with `CONFIG_DEBUG_INFO_BTF`). Mapped, where
    /// the kernel allows it (6.16), otherwise read; parsed once. Where a kernel does not show them, they are looked
    /// for in the files `vmlinux` in `/boot`, `/lib/modules` and `/usr/lib/debug` that belong to its release.
    ///
    /// # Errors
    /// `ENOENT` for a kernel without; `EINVAL` with the parser's complaint.
    #[doc(alias = "btf__load_vmlinux_btf")]
    pub fn btf(&self) -> Result<Btf> {
        // Held while parsing: a second thread would do the same work.
        let mut cached = self.0.btf.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(btf) = &*cached {
            return Ok(btf.clone());
        }
        let btf = match self.read_btf(Path::new(SYSFS).join("vmlinux"), None) {
            Ok(file) => file.btf,
            Err(error) if error.errno == Errno::ENOENT => self.find_btf()?,
            Err(error) => return Err(error),
        };
        *cached = Some(btf.clone());
        Ok(btf)
    }

    /// Takes these for the kernel's types from now on, rather than ask it: for a kernel that does not show its own,
    /// or to spare several kernel values the reading.
    pub fn assume_btf(&self, btf: Btf) {
        *self.0.btf.lock().unwrap_or_else(PoisonError::into_inner) = Some(btf);
    }

    /// The names of the modules that have types of their own (Linux 5.11), sorted.
    ///
    /// # Errors
    /// `ENOENT` for a kernel without BTF.
    pub fn btf_modules(&self) -> Result<Vec<String>> {
        let names = self.read_dir(Path::new(SYSFS))?;
        let mut names: Vec<String> =
            names.into_iter().filter_map(|n| n.into_string().ok()).filter(|n| n != "vmlinux").collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The types of a module, on the base of the kernel's.
    ///
    /// # Errors
    /// `ENOENT` for a module that is not there or has no types; `EINVAL` with the parser's complaint.
    #[doc(alias = "btf__load_module_btf")]
    pub fn module_btf(&self, module: &str) -> Result<Btf> {
        if module.is_empty() || module.contains('/') || module.starts_with('.') {
            return Err(SysError::new("open", Errno::ENOENT).with(format!("the types of module {module:?}")));
        }
        let base = self.btf()?;
        Ok(self.read_btf(Path::new(SYSFS).join(module), Some(&base))?.btf)
    }

    /// The types of all modules, by name. A module that goes meanwhile is left out.
    ///
    /// # Errors
    /// As [`module_btf`](Self::module_btf), but for `ENOENT`.
    pub fn module_btfs(&self) -> Result<Vec<(String, Btf)>> {
        let mut all = Vec::new();
        for name in self.btf_modules()? {
            match self.module_btf(&name) {
                Ok(btf) => all.push((name, btf)),
                Err(e) if e.errno == Errno::ENOENT => {}
                Err(e) => return Err(e),
            }
        }
        Ok(all)
    }
}
