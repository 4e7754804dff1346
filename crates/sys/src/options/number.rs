//! What the numbers of types, and the flags of maps and programs, ask for.

use super::Since;
use crate::attr::Attr;
use crate::uapi::{
    AttachType, Cmd, LinkCreateAttr, MapCreateAttr, MapFlags, MapType, ProgAttachAttr, ProgLoadAttr,
    ProgQueryAttr, ProgramFlags, ProgramType,
};

/// What a call's types and flags are, and the releases that brought them.
pub(super) fn asked(attr: &Attr<'_>) -> Vec<(String, Since)> {
    let mut all = Vec::new();
    let mut add = |what: String, since: Option<Since>| all.extend(since.map(|s| (what, s)));
    match attr.cmd() {
        Cmd::MAP_CREATE => {
            let map = attr.view::<MapCreateAttr>();
            match MapType(map.map_type) {
                t @ MapType::RINGBUF => add("ring buffer".to_owned(), t.since()),
                t => add(format!("maps of type {t}"), t.since()),
            }
            let flags = MapFlags::from_bits_retain(map.map_flags);
            flags.since().for_each(|(since, what)| add(what.to_owned(), Some(since)));
        }
        Cmd::PROG_LOAD => {
            let program = attr.view::<ProgLoadAttr>();
            let t = ProgramType(program.prog_type);
            add(format!("programs of type {t}"), t.since());
            let flags = ProgramFlags::from_bits_retain(program.prog_flags);
            flags.since(t).for_each(|(since, what)| add(what.to_owned(), Some(since)));
        }
        Cmd::OBJ_GET_INFO_BY_FD if attr.bytes("hash").is_some() => {
            add("hashes of maps".to_owned(), Some((6, 18)));
        }
        _ => {}
    }
    if let Some(t) = attach_type(attr).filter(|t| attr.cmd() != Cmd::PROG_LOAD || ties_to_release(*t)) {
        add(format!("attach type {t}"), t.since());
    }
    all
}

/// The attach type of a call that has one.
pub(super) fn attach_type(attr: &Attr<'_>) -> Option<AttachType> {
    let number = match attr.cmd() {
        Cmd::PROG_LOAD => Some(attr.view::<ProgLoadAttr>().expected_attach_type).filter(|t| *t != 0),
        Cmd::LINK_CREATE => Some(attr.view::<LinkCreateAttr>().attach_type),
        Cmd::PROG_ATTACH | Cmd::PROG_DETACH => Some(attr.view::<ProgAttachAttr>().attach_type),
        Cmd::PROG_QUERY => Some(attr.view::<ProgQueryAttr>().attach_type),
        _ => None,
    };
    number.map(AttachType)
}

/// Older kernels load programs for the others all the same: they do not look at the attach type.
fn ties_to_release(attach: AttachType) -> bool {
    !matches!(
        attach,
        AttachType::XDP
            | AttachType::PERF_EVENT
            | AttachType::SK_REUSEPORT_SELECT
            | AttachType::STRUCT_OPS
            | AttachType::TCX_INGRESS
            | AttachType::TCX_EGRESS
            | AttachType::NETKIT_PRIMARY
            | AttachType::NETKIT_PEER
    )
}
