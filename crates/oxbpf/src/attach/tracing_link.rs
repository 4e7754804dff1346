//! What the kernel was told at load already: `fentry/FUNCTION`, `fexit/…`, `fmod_ret/…`, `tp_btf/NAME`.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf_obj::{AttachType, ProgramType};
use oxbpf_sys::{Errno, LinkCreate, LinkDetails, LinkExtra, LinkTarget};

use super::{AttachReason, Result};
use crate::link::{LinkKind, Part};
use crate::{Error, Link, Program};

impl Program {
    /// Attaches a program of the sections `fentry`, `fexit`, `fmod_ret` or `tp_btf` to the function or tracepoint
    /// that it was loaded for (Linux 5.5, `fmod_ret` 5.7); `bpf_get_attach_cookie` gives it the cookie if that is not 0
    /// (Linux 5.19, `tp_btf` 6.10).
    ///
    /// Of a program that was opened by its id, its pin or a descriptor, the kernel tells what it was loaded for (5.8), but
    /// a cookie asks for [`loaded_for`](Self::loaded_for).
    ///
    /// # Errors
    /// [`Error::Attach`]: no `CAP_PERFMON`, too many programs on the function, [`AttachReason::NoCookies`].
    #[doc(alias = "bpf_program__attach_trace")]
    #[doc(alias = "bpf_program__attach_trace_opts")]
    pub fn attach_tracing(&self, cookie: u64) -> std::result::Result<Link, Error> {
        self.attached(attach(self, cookie))
    }
}

pub(super) fn attach(program: &Program, cookie: u64) -> Result<Link> {
    program.expect_type(&[ProgramType::TRACING], "tracing", "attach_tracing")?;
    let kind = match program.attach_type() {
        Some(AttachType::TRACE_ITER) => {
            return Err(AttachReason::NotAttached { how: "it is an iterator, for `Program::attach_iter`" });
        }
        Some(other) => match kind(other) {
            None => return Err(AttachReason::NotYet { section: program.section().to_owned() }),
            kind => kind,
        },
        None if cookie != 0 => return Err(AttachReason::Untold),
        // The kernel knows.
        None => None,
    };
    let cookies = if kind == Some(LinkKind::RawTracepoint) { "6.10" } else { "5.19" };
    let target = program.attach_to().unwrap_or_default().to_owned();
    let kernel = program.kernel();
    // The same link either way. The older command needs no attach type and works since 5.5, the newer one takes these
    // attach types since 5.16 or so, and cookies.
    let link = if cookie == 0 {
        kernel.raw_tracepoint_open(None, program.as_fd(), 0)
    } else {
        let attach_type = program.attach_type().unwrap_or_default();
        let extra = LinkExtra::Tracing { target_btf_id: 0, cookie };
        let create = LinkCreate { extra, ..LinkCreate::new(program.as_fd(), LinkTarget::None, attach_type) };
        kernel.link_create(&create)
    };
    let link = link.map_err(|e| match e.errno {
        Errno::EINVAL | Errno::E2BIG if cookie != 0 => AttachReason::NoCookies { since: cookies },
        Errno::E2BIG => AttachReason::Crowded { target: target.clone() },
        Errno::EBUSY => AttachReason::Refused {
            why: "the function's entry is taken by something that does not share it (ftrace, live patching, freplace)",
            source: e,
        },
        _ => e.into(),
    })?;
    let (kind, target) = match kind {
        Some(kind) => (kind, target),
        None => told(program, &link)?,
    };
    Ok(Link::new(program, kind, target, vec![Part::of_link(link)]))
}

/// What programs of an attach type are attached to, of those that are attached here.
fn kind(attach_type: AttachType) -> Option<LinkKind> {
    match attach_type {
        AttachType::TRACE_RAW_TP => Some(LinkKind::RawTracepoint),
        AttachType::TRACE_FENTRY => Some(LinkKind::Fentry),
        AttachType::TRACE_FEXIT => Some(LinkKind::Fexit),
        AttachType::MODIFY_RETURN => Some(LinkKind::FmodRet),
        _ => None,
    }
}

/// The same and the target, as the kernel tells of the link (5.8).
fn told(program: &Program, link: &OwnedFd) -> Result<(LinkKind, String)> {
    match program.kernel().link_info(link.as_fd())?.details {
        LinkDetails::RawTracepoint { name, .. } => Ok((LinkKind::RawTracepoint, name)),
        LinkDetails::Tracing { attach_type, target_obj_id, target_btf_id, .. } => {
            let kind = kind(attach_type).ok_or(AttachReason::Untold)?;
            Ok((kind, format!("type {target_btf_id} of BTF {target_obj_id}")))
        }
        _ => Err(AttachReason::Untold),
    }
}
