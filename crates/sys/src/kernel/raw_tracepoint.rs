//! Raw tracepoints, and what trampolines attach.

use std::ffi::CString;
use std::mem::offset_of;
use std::os::fd::{BorrowedFd, OwnedFd};

use super::Kernel;
use crate::attr::{Attr, raw};
use crate::uapi::{Cmd, RawTracepointAttr};
use crate::{Result, SysError};

impl Kernel {
    /// Attaches to a raw tracepoint by its name, without category (`sched_switch`), or (without a name) a program of
    /// type tracing or LSM to the function it was loaded for. The descriptor is a link: with its last copy and pin the
    /// program is detached. Several programs may be on one tracepoint. Since Linux 4.17; tracing programs 5.5; `cookie`,
    /// which `bpf_get_attach_cookie` gives the program, 6.10, 0 for none.
    ///
    /// Needs `CAP_BPF` and `CAP_PERFMON`. A raw tracepoint may come millions of times a second: what the program does
    /// there is paid for by whoever comes by.
    ///
    /// ```
    /// # use std::{os::fd::AsFd, sync::Arc};
    /// # use oxbpf_sys::{Kernel, ProgLoad, ProgramType, doors::Fake};
    /// # let kernel = Kernel::with_door(Arc::new(Fake::new()));
    /// # let insns = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    /// let load = ProgLoad {
    ///     prog_type: ProgramType::RAW_TRACEPOINT, insns: &insns, license: "GPL", ..Default::default()
    /// };
    /// let program = kernel.prog_load(&load, None)?;
    /// let link = kernel.raw_tracepoint_open(Some("sched_switch"), program.as_fd(), 0)?;
    /// drop(program); // the link keeps it
    /// # drop(link);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    ///
    /// # Errors
    /// - `ENOENT`: no such tracepoint
    /// - `EINVAL`: a program of another type, or, without a name, one that was loaded for nothing; an empty name; a
    ///   cookie before 6.10
    /// - `EPERM`, `EACCES`: a privilege is missing; a trampoline that the kernel does not make
    /// - `EEXIST`: before 6.10, the program is on that tracepoint already
    /// - `EBUSY`: without a name, the program is attached already; what is at the function's entry shares it with nobody
    /// - `EBADF`: not a descriptor
    /// - `ENOMEM`
    #[doc(alias = "bpf_raw_tracepoint_open")]
    #[doc(alias = "bpf_raw_tracepoint_open_opts")]
    #[doc(alias = "BPF_RAW_TRACEPOINT_OPEN")]
    pub fn raw_tracepoint_open(
        &self,
        name: Option<&str>,
        prog: BorrowedFd<'_>,
        cookie: u64,
    ) -> Result<OwnedFd> {
        let cmd = Cmd::RAW_TRACEPOINT_OPEN;
        let c_name = match name {
            Some(n) => {
                Some(CString::new(n).map_err(|_| SysError::invalid(cmd.name(), "a name with a NUL inside"))?)
            }
            None => None,
        };
        let layout = RawTracepointAttr { prog_fd: raw(prog), cookie, ..Default::default() };
        let mut attr = Attr::new(cmd, &layout);
        if let Some(n) = &c_name {
            attr.string("name", offset_of!(RawTracepointAttr, name), n);
        }
        let about = |e: SysError| match name {
            Some(n) => e.with(format!("raw tracepoint {n:?}")),
            None => e,
        };
        self.bpf_fd(&mut attr).map_err(about)
    }
}
