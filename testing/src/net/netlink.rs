//! The few route netlink requests that a test network needs.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWNEIGH: u16 = 28;

const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const NLMSG_ERROR: u16 = 2;

const IFF_UP: u32 = 1;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFA_LOCAL: u16 = 2;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NUD_PERMANENT: u16 = 0x80;
const AF_INET: u8 = 2;

/// A route netlink socket in the calling thread's network namespace.
pub(super) struct Socket(OwnedFd);

impl Socket {
    pub(super) fn open() -> io::Result<Socket> {
        // No protocol is protocol 0: NETLINK_ROUTE.
        let (family, flags) = (AddressFamily::NETLINK, SocketFlags::CLOEXEC);
        let socket = rustix::net::socket_with(family, SocketType::RAW, flags, None)?;
        Ok(Socket(socket))
    }

    /// Makes a pair of veth interfaces, each with a name and a hardware address.
    pub(super) fn new_veth(&self, one: (&str, [u8; 6]), other: (&str, [u8; 6])) -> io::Result<()> {
        let mut peer = link_header(0, 0);
        put_name_and_address(&mut peer, other);
        let mut data = Vec::new();
        put(&mut data, VETH_INFO_PEER, &peer);
        let mut info = Vec::new();
        put(&mut info, IFLA_INFO_KIND, b"veth");
        put(&mut info, IFLA_INFO_DATA, &data);
        let mut body = link_header(0, 0);
        put_name_and_address(&mut body, one);
        put(&mut body, IFLA_LINKINFO, &info);
        self.request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body)
    }

    pub(super) fn set_up(&self, interface: u32) -> io::Result<()> {
        self.request(RTM_NEWLINK, 0, &link_header(interface, IFF_UP))
    }

    pub(super) fn add_address(&self, interface: u32, address: Ipv4Addr, prefix: u8) -> io::Result<()> {
        // struct ifaddrmsg: family, prefix length, flags, scope, index
        let mut body = vec![AF_INET, prefix, 0, 0];
        body.extend(interface.to_ne_bytes());
        put(&mut body, IFA_LOCAL, &address.octets());
        self.request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body)
    }

    /// Tells which hardware address an IP address has, so that nobody needs to ask by ARP.
    pub(super) fn add_neighbour(
        &self,
        interface: u32,
        address: Ipv4Addr,
        hardware: [u8; 6],
    ) -> io::Result<()> {
        // struct ndmsg: family, padding, index, state, flags, type
        let mut body = vec![AF_INET, 0, 0, 0];
        body.extend(interface.to_ne_bytes());
        body.extend(NUD_PERMANENT.to_ne_bytes());
        body.extend([0, 0]);
        put(&mut body, NDA_DST, &address.octets());
        put(&mut body, NDA_LLADDR, &hardware);
        self.request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, &body)
    }

    /// Sends a request and waits for the kernel's answer.
    fn request(&self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        let len = u32::try_from(16 + body.len()).map_err(io::Error::other)?;
        let mut message = len.to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend((NLM_F_REQUEST | NLM_F_ACK | flags).to_ne_bytes());
        message.extend([0; 8]); // sequence number and port: one request at a time
        message.extend(body);
        rustix::net::sendto(&self.0, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;

        let mut answer = [0; 4096];
        let (len, _) = rustix::net::recv(&self.0, &mut answer, RecvFlags::empty())?;
        // struct nlmsghdr, then the error as a negative number; 0 is the acknowledgement.
        let answer = &answer[..len];
        let (Some(kind), Some(code)) = (answer.get(4..6), answer.get(16..20)) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        if kind != NLMSG_ERROR.to_ne_bytes() {
            return Err(io::Error::other("netlink answered something else"));
        }
        match i32::from_ne_bytes([code[0], code[1], code[2], code[3]]) {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(-error)),
        }
    }
}

/// struct ifinfomsg: family, type, index, flags, and which of the flags to change.
fn link_header(interface: u32, flags: u32) -> Vec<u8> {
    let mut header = vec![0; 4];
    header.extend(interface.to_ne_bytes());
    header.extend(flags.to_ne_bytes());
    header.extend(flags.to_ne_bytes());
    header
}

fn put_name_and_address(body: &mut Vec<u8>, (name, hardware): (&str, [u8; 6])) {
    put(body, IFLA_IFNAME, name.as_bytes());
    put(body, IFLA_ADDRESS, &hardware);
}

/// Adds an attribute: length, type, content, and padding to four bytes.
fn put(body: &mut Vec<u8>, kind: u16, content: &[u8]) {
    let len = u16::try_from(4 + content.len()).expect("attributes here are short");
    body.extend(len.to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(content);
    body.resize(body.len().next_multiple_of(4), 0);
}
