//! The only network interface: the loopback one.

use std::ffi::OsString;

use crate::Errno;

const NAME: &str = "lo";
const INDEX: u32 = 1;

/// `struct nlmsghdr`; `struct ifinfomsg` has as many bytes.
const HEADER: usize = 16;
const NLMSG_ERROR: u16 = 2;
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;

pub(super) fn index_of(name: &str) -> Result<u64, Errno> {
    if name == NAME { Ok(INDEX.into()) } else { Err(Errno::ENODEV) }
}

pub(super) fn name_of(index: u32) -> Result<Vec<OsString>, Errno> {
    if index == INDEX { Ok(vec![NAME.into()]) } else { Err(Errno::ENODEV) }
}

/// Answers a question about an interface: one without any attributes.
pub(super) fn route(request: &[u8]) -> Result<Vec<u8>, Errno> {
    let kind = request.get(4..).and_then(<[u8]>::first_chunk).ok_or(Errno::EINVAL)?;
    let index = request.get(HEADER + 4..).and_then(<[u8]>::first_chunk).ok_or(Errno::EINVAL)?;
    if u16::from_ne_bytes(*kind) != RTM_GETLINK {
        return Err(Errno::EOPNOTSUPP);
    }
    let there = u32::from_ne_bytes(*index) == INDEX;
    let mut answer = vec![0; 2 * HEADER];
    answer[..4].copy_from_slice(&(2 * HEADER as u32).to_ne_bytes());
    answer[4..6].copy_from_slice(&(if there { RTM_NEWLINK } else { NLMSG_ERROR }).to_ne_bytes());
    if there {
        answer[HEADER + 4..HEADER + 8].copy_from_slice(&INDEX.to_ne_bytes());
    } else {
        answer[HEADER..HEADER + 4].copy_from_slice(&(-Errno::ENODEV.0).to_ne_bytes());
    }
    Ok(answer)
}
