//! Two interfaces joined by a cable.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};

use super::netlink::Socket;

const FAR_HARDWARE: [u8; 6] = [2, 0, 0, 0, 0, 1];
const NEAR_HARDWARE: [u8; 6] = [2, 0, 0, 0, 0, 2];
const NEAR_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const FAR_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// A pair of veth interfaces in the calling thread's network namespace, both up.
///
/// What [`Veth::send`] sends leaves through one of them, `near`, and comes in at the other, `far`, which has no
/// address: a program there sees each packet once, and nobody answers.
#[derive(Clone, Copy, Debug)]
pub struct Veth {
    /// The interface index of the receiving end.
    pub far: u32,
    /// The interface index of the sending end.
    pub near: u32,
}

impl Veth {
    /// The receiving end's name.
    pub const FAR: &str = "far";
    /// The sending end's name.
    pub const NEAR: &str = "near";

    /// Makes the pair; for a thread that has a namespace of its own.
    ///
    /// # Errors
    ///
    /// If the kernel has no veth, or there is such a pair already.
    pub fn create() -> io::Result<Veth> {
        let netlink = Socket::open()?;
        netlink.new_veth((Self::FAR, FAR_HARDWARE), (Self::NEAR, NEAR_HARDWARE))?;
        let (far, near) = (index_of(Self::FAR)?, index_of(Self::NEAR)?);
        netlink.set_up(far)?;
        netlink.set_up(near)?;
        netlink.add_address(near, NEAR_ADDRESS, 24)?;
        netlink.add_neighbour(near, FAR_ADDRESS, FAR_HARDWARE)?;
        Ok(Veth { far, near })
    }

    /// Sends so many UDP packets (IPv4) with `payload` bytes each: 42 bytes more on the wire.
    ///
    /// # Errors
    ///
    /// If they cannot be sent.
    pub fn send(&self, packets: u32, payload: usize) -> io::Result<()> {
        let socket = UdpSocket::bind((NEAR_ADDRESS, 0))?;
        let bytes = vec![0x5a; payload];
        for _ in 0..packets {
            socket.send_to(&bytes, (FAR_ADDRESS, 9))?;
        }
        Ok(())
    }
}

fn index_of(name: &str) -> io::Result<u32> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    Ok(rustix::net::netdevice::name_to_index(&socket, name)?)
}
