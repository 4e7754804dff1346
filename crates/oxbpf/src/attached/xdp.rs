//! XDP programs of an interface, which route netlink tells of.

use oxbpf_obj::AttachType;
use oxbpf_sys::uapi::{AttachFlags, XdpFlags};
use oxbpf_sys::{Errno, Kernel, SysError};

use super::{Attached, AttachedProgram};

const RTM_GETLINK: u16 = 18;
const NLM_F_REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
/// `struct nlmsghdr`.
const HEADER: usize = 16;
/// `struct ifinfomsg`.
const LINK: usize = 16;
const IFLA_XDP: u16 = 43;
const NESTED: u16 = 1 << 15;

const IFLA_XDP_ATTACHED: u16 = 2;
const IFLA_XDP_PROG_ID: u16 = 4;
/// Where programs run: what `IFLA_XDP_ATTACHED` says if it is the only one, the attribute with its id if there are
/// several.
const MODES: [(u8, u16, XdpFlags); 3] =
    [(1, 5, XdpFlags::DRV_MODE), (2, 6, XdpFlags::SKB_MODE), (3, 7, XdpFlags::HW_MODE)];

/// The XDP programs of an interface, one a mode.
pub(super) fn query(kernel: &Kernel, index: u32) -> Result<Attached, SysError> {
    let failed = |e: Errno| SysError::new("RTM_GETLINK", e).with(format!("interface {index}"));
    let answer = kernel.route_netlink(&question(index)).map_err(|e| failed(e.errno))?;
    let word = |at: usize| answer.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_ne_bytes);
    if answer.get(4..6) == Some(&NLMSG_ERROR.to_ne_bytes()) {
        let negative = word(HEADER).unwrap_or(0).cast_signed();
        return Err(failed(Errno(negative.saturating_neg())));
    }
    let links = answer.get(HEADER + LINK..).ok_or_else(|| failed(Errno::EPROTO))?;
    let xdp = attribute(links, IFLA_XDP).unwrap_or_default();
    Ok(Attached {
        attach_type: AttachType::XDP,
        flags: AttachFlags::empty(),
        revision: 0,
        programs: programs(xdp),
    })
}

/// The question for an interface.
fn question(index: u32) -> Vec<u8> {
    let mut request = Vec::with_capacity(HEADER + LINK);
    request.extend(((HEADER + LINK) as u32).to_ne_bytes());
    request.extend(RTM_GETLINK.to_ne_bytes());
    request.extend(NLM_F_REQUEST.to_ne_bytes());
    request.extend([0; 8]); // sequence number and port: there is one request
    request.extend([0; 4]); // family and type of link
    request.extend(index.to_ne_bytes());
    request.extend([0; 8]); // flags, which of them to change
    request
}

fn programs(xdp: &[u8]) -> Vec<AttachedProgram> {
    let number = |kind| attribute(xdp, kind).and_then(|b| Some(u32::from_ne_bytes(*b.first_chunk()?)));
    let single = attribute(xdp, IFLA_XDP_ATTACHED).and_then(|b| b.first().copied()).unwrap_or(0);
    let found = MODES.iter().filter_map(|&(attached, id_of_mode, mode)| {
        let only = || number(IFLA_XDP_PROG_ID).filter(|_| attached == single);
        Some((number(id_of_mode).or_else(only)?, mode))
    });
    let program =
        |(id, xdp_mode)| AttachedProgram { id, link_id: None, flags: AttachFlags::empty(), xdp_mode };
    found.map(program).collect()
}

/// The content of an attribute in a row of them.
fn attribute(mut row: &[u8], kind: u16) -> Option<&[u8]> {
    while let Some(&[l0, l1, k0, k1]) = row.first_chunk() {
        let len = usize::from(u16::from_ne_bytes([l0, l1]));
        if u16::from_ne_bytes([k0, k1]) & !NESTED == kind {
            return row.get(4..len);
        }
        row = row.get(len.next_multiple_of(4).max(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(out: &mut Vec<u8>, kind: u16, content: &[u8]) {
        out.extend((4 + content.len() as u16).to_ne_bytes());
        out.extend(kind.to_ne_bytes());
        out.extend(content);
        out.resize(out.len().next_multiple_of(4), 0);
    }

    #[test]
    fn one_program_or_one_a_mode() {
        let mut one = Vec::new();
        put(&mut one, IFLA_XDP_ATTACHED, &[2]);
        put(&mut one, IFLA_XDP_PROG_ID, &7u32.to_ne_bytes());
        let ids = |xdp: &[u8]| programs(xdp).iter().map(|p| (p.id, p.xdp_mode)).collect::<Vec<_>>();
        assert_eq!(ids(&one), [(7, XdpFlags::SKB_MODE)]);
        let mut several = Vec::new();
        put(&mut several, IFLA_XDP_ATTACHED, &[4]);
        put(&mut several, 6, &8u32.to_ne_bytes());
        put(&mut several, 5, &9u32.to_ne_bytes());
        assert_eq!(ids(&several), [(9, XdpFlags::DRV_MODE), (8, XdpFlags::SKB_MODE)]);
        let mut none = Vec::new();
        put(&mut none, IFLA_XDP_ATTACHED, &[0]);
        assert_eq!(ids(&none), []);
    }

    #[test]
    fn rows_that_are_cut_or_lie() {
        assert_eq!(attribute(&[0, 0, 0, 0], 43), None);
        assert_eq!(attribute(&[200, 0, 43, 0, 1], 43), None);
        assert_eq!(attribute(&[8, 0], 43), None);
        assert_eq!(attribute(&[2, 0, 43, 0, 1], 43), None);
    }
}
