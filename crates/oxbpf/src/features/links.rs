//! Probes of what BPF_LINK_CREATE takes: a link that cannot be made fails in another way where its kind is known.

use std::os::fd::AsFd;

use oxbpf_obj::{AttachType, ProgramType};
use oxbpf_sys::{Errno, Kernel, LinkCreate, LinkExtra, LinkTarget, ProgLoad, SysError};

use super::programs::{empty, load};

/// On a descriptor that is none: EBADF where there are such links, EINVAL where not.
pub(super) fn perf(kernel: &Kernel) -> Result<bool, SysError> {
    let program = load(kernel, ProgramType::TRACEPOINT, empty(), ProgLoad::default())?;
    // Descriptor and interface share their place in the command.
    let nowhere = LinkTarget::Ifindex(u32::MAX);
    let link = LinkCreate::new(program.as_fd(), nowhere, AttachType::PERF_EVENT);
    Ok(refusal(kernel, &link)? == Some(Errno::EBADF))
}

/// On a file that is no program: EBADF where there are such links. The first kernels that have them take the process for
/// a thread; the others look at its number before they look at the file.
pub(super) fn uprobe_multi(kernel: &Kernel) -> Result<bool, SysError> {
    let more = ProgLoad { expected_attach_type: Some(AttachType::TRACE_UPROBE_MULTI), ..ProgLoad::default() };
    let program = match load(kernel, ProgramType::KPROBE, empty(), more) {
        Ok(program) => program,
        none => return super::loaded(none),
    };
    let on = |pid| LinkCreate {
        extra: LinkExtra::UprobeMulti {
            path: c"/",
            offsets: &[0],
            ref_ctr_offsets: &[],
            cookies: &[],
            flags: 0,
            pid,
        },
        ..LinkCreate::new(program.as_fd(), LinkTarget::None, AttachType::TRACE_UPROBE_MULTI)
    };
    let answers = (refusal(kernel, &on(0))?, refusal(kernel, &on(u32::MAX))?);
    Ok(answers == (Some(Errno::EBADF), Some(Errno::EINVAL)))
}

fn refusal(kernel: &Kernel, link: &LinkCreate<'_>) -> Result<Option<Errno>, SysError> {
    match kernel.link_create(link) {
        Ok(_) => Ok(None),
        Err(error) if super::says_nothing(&error) => Err(error),
        Err(error) => Ok(Some(error.errno)),
    }
}
