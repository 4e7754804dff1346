//! Kinds of links that are younger than the command that makes them and than what they attach.

use super::{Since, number};
use crate::attr::Attr;
use crate::uapi::{AttachType, Cmd};

/// The kind of link that a call makes.
pub(super) fn asked(attr: &Attr<'_>) -> Option<(String, Since)> {
    if attr.cmd() != Cmd::LINK_CREATE {
        return None;
    }
    if let Some(info) = attr.bytes("iter_info")
        && info.len() > MAP_ITER
    {
        return Some(("iterators of one cgroup or of some tasks".to_owned(), (6, 1)));
    }
    let attach = number::attach_type(attr)?;
    let (_, what, since) = KINDS.iter().find(|(is, ..)| is(attach))?;
    Some(((*what).to_owned(), *since))
}

/// What an iterator of a map's elements says, before which there was no other.
const MAP_ITER: usize = 4;

type Kind = (fn(AttachType) -> bool, &'static str, Since);

static KINDS: &[Kind] = &[
    (|t| t == AttachType::FLOW_DISSECTOR, "links to network namespaces", (5, 8)),
    (|t| t == AttachType::XDP, "links of XDP programs", (5, 9)),
    (|t| t == AttachType::PERF_EVENT, "links to perf events", (5, 15)),
    (is_tracing, "links of tracing programs by BPF_LINK_CREATE", (5, 19)),
    (is_sockmap, "links to sockmaps", (6, 10)),
];

/// Programs on trampolines, which `BPF_RAW_TRACEPOINT_OPEN` attached before.
pub(super) fn is_tracing(t: AttachType) -> bool {
    matches!(
        t,
        AttachType::TRACE_RAW_TP
            | AttachType::TRACE_FENTRY
            | AttachType::TRACE_FEXIT
            | AttachType::MODIFY_RETURN
            | AttachType::LSM_MAC
    )
}

/// Programs of cgroups.
pub(super) fn is_cgroup(t: AttachType) -> bool {
    t == AttachType::LSM_CGROUP || t.name().is_some_and(|name| name.starts_with("cgroup_"))
}

fn is_sockmap(t: AttachType) -> bool {
    matches!(
        t,
        AttachType::SK_MSG_VERDICT
            | AttachType::SK_SKB_VERDICT
            | AttachType::SK_SKB_STREAM_PARSER
            | AttachType::SK_SKB_STREAM_VERDICT
    )
}
