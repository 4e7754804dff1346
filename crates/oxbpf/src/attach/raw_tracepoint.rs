//! Raw tracepoints: `raw_tp/NAME`.

use std::os::fd::AsFd;

use oxbpf_obj::ProgramType;
use oxbpf_sys::Errno;

use super::{AttachReason, Result, needs, tracepoint};
use crate::link::{LinkKind, Part};
use crate::{Error, Link, Program};

impl Program {
    /// Attaches the program to a raw tracepoint by its name, without a category: `"sched_switch"` (Linux 4.17).
    ///
    /// # Errors
    /// [`Error::Attach`]: no such tracepoint (the error offers names like it), no `CAP_PERFMON`.
    #[doc(alias = "bpf_program__attach_raw_tracepoint")]
    pub fn attach_raw_tracepoint(&self, name: &str) -> std::result::Result<Link, Error> {
        self.attached(attach(self, name, 0))
    }

    /// As [`attach_raw_tracepoint`](Self::attach_raw_tracepoint); `bpf_get_attach_cookie` gives the program the
    /// cookie (Linux 6.10).
    ///
    /// # Errors
    /// As there, and [`AttachReason::NoCookies`].
    #[doc(alias = "bpf_program__attach_raw_tracepoint_opts")]
    pub fn attach_raw_tracepoint_with_cookie(
        &self,
        name: &str,
        cookie: u64,
    ) -> std::result::Result<Link, Error> {
        self.attached(attach(self, name, cookie))
    }
}

pub(super) fn by_section(program: &Program) -> Result<Link> {
    let name = program
        .attach_to()
        .ok_or_else(|| needs("tracepoint", "attach_raw_tracepoint", Some("raw_tp/NAME")))?;
    attach(program, name, 0)
}

fn attach(program: &Program, name: &str, cookie: u64) -> Result<Link> {
    let types = [ProgramType::RAW_TRACEPOINT, ProgramType::RAW_TRACEPOINT_WRITABLE];
    program.expect_type(&types, "raw_tracepoint", "attach_raw_tracepoint")?;
    let kernel = program.kernel();
    let link =
        kernel.raw_tracepoint_open(Some(name), program.as_fd(), cookie).map_err(|e| match e.errno {
            Errno::ENOENT => tracepoint::not_found(kernel, name),
            // An older kernel refuses a longer argument, or bytes in it that it does not know.
            Errno::EINVAL | Errno::E2BIG if cookie != 0 => AttachReason::NoCookies { since: "6.10" },
            _ => e.into(),
        })?;
    Ok(Link::new(program, LinkKind::RawTracepoint, name, vec![Part::of_link(link)]))
}
