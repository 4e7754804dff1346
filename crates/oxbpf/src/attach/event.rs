//! Running a program at a perf event: what tracepoints, kprobes, uprobes and sampling have in common.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf_obj::AttachType;
use oxbpf_sys::{Errno, LinkCreate, LinkExtra, LinkTarget, SysError};

use super::{AttachReason, Result};
use crate::Program;
use crate::link::Part;

/// Attaches the program to an event that is open and enabled.
///
/// By a link, since Linux 5.15; on older kernels the event itself holds the program, and knows no cookies.
pub(super) fn attach(program: &Program, event: OwnedFd, cookie: u64, target: &str) -> Result<Part> {
    let kernel = program.kernel();
    let create = LinkCreate {
        extra: LinkExtra::PerfEvent { cookie },
        ..LinkCreate::new(program.as_fd(), LinkTarget::Fd(event.as_fd()), AttachType::PERF_EVENT)
    };
    let link = match kernel.link_create(&create) {
        Ok(link) => Some(link),
        // Too old a kernel, or what the older way refuses, too, and says why as well.
        Err(e) if e.errno == Errno::EINVAL => match kernel.perf_event_set_bpf(event.as_fd(), program.as_fd())
        {
            Ok(()) if cookie != 0 => return Err(AttachReason::NoCookies { since: "5.15" }),
            Ok(()) => None,
            Err(e) => return Err(refused(e, target)),
        },
        Err(e) => return Err(refused(e, target)),
    };
    Ok(Part { link, event: Some(event), ..Part::default() })
}

fn refused(e: SysError, target: &str) -> AttachReason {
    match e.errno {
        Errno::E2BIG => AttachReason::Crowded { target: target.to_owned() },
        // Privileges were asked for when the event was opened.
        Errno::EACCES => AttachReason::Refused {
            why: "the program reads more of its context than the event has",
            source: e,
        },
        Errno::EEXIST => AttachReason::Refused { why: "the event has a program already", source: e },
        Errno::EPROTO => AttachReason::Refused {
            why: "the program wants call chains that the event does not sample",
            source: e,
        },
        _ => e.into(),
    }
}
