//! Network interfaces of this machine: those of the thread's network namespace.

use std::os::fd::OwnedFd;

use rustix::io::retry_on_intr;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netdevice, recv, sendto, socket_with,
};

use crate::Errno;

/// Any socket will do to ask for interfaces of its network namespace.
fn socket() -> Result<OwnedFd, Errno> {
    Ok(socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?)
}

/// The number of an interface.
pub(super) fn index_of(name: &str) -> Result<u32, Errno> {
    Ok(netdevice::name_to_index(socket()?, name)?)
}

/// The name of an interface.
pub(super) fn name_of(index: u32) -> Result<String, Errno> {
    Ok(netdevice::index_to_name(socket()?, index)?)
}

/// The first message with which route netlink answers.
pub(super) fn route(request: &[u8]) -> Result<Vec<u8>, Errno> {
    // No protocol is protocol 0: NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    let kernel = SocketAddrNetlink::new(0, 0);
    retry_on_intr(|| sendto(&socket, request, SendFlags::empty(), &kernel))?;
    let mut answer = vec![0; 64 << 10];
    // The flag has its true length told.
    let (read, len) = retry_on_intr(|| recv(&socket, &mut answer[..], RecvFlags::TRUNC))?;
    if read < len {
        return Err(Errno::EMSGSIZE);
    }
    answer.truncate(read);
    Ok(answer)
}
