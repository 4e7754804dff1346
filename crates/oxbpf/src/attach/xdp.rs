//! XDP: what an interface receives, before the network stack has it.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};

use oxbpf_obj::{AttachType, ProgramType};
use oxbpf_sys::uapi::XdpFlags;
use oxbpf_sys::{Errno, LinkCreate, LinkTarget, SysError};
use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with};

use super::{AttachReason, Result};
use crate::link::{LinkKind, Part};
use crate::{Error, Link, Program};

/// A network interface of this thread's network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interface {
    /// By its number.
    Index(u32),
    /// By its name.
    Name(String),
}

impl From<u32> for Interface {
    fn from(index: u32) -> Interface {
        Interface::Index(index)
    }
}

impl From<&str> for Interface {
    fn from(name: &str) -> Interface {
        Interface::Name(name.to_owned())
    }
}

impl From<String> for Interface {
    fn from(name: String) -> Interface {
        Interface::Name(name)
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Interface::Index(index) => write!(f, "{index}"),
            Interface::Name(name) => f.write_str(name),
        }
    }
}

impl Interface {
    pub(crate) fn index(&self) -> Result<u32> {
        match self {
            Interface::Index(index) => Ok(*index),
            Interface::Name(name) => netdevice::name_to_index(socket()?, name).map_err(|_| self.missing()),
        }
    }

    fn exists(&self, index: u32) -> bool {
        socket().is_ok_and(|socket| netdevice::index_to_name(socket, index).is_ok())
    }

    fn missing(&self) -> AttachReason {
        AttachReason::NoInterface { interface: self.to_string() }
    }
}

impl From<Interface> for crate::AttachPoint<'_> {
    fn from(interface: Interface) -> Self {
        crate::AttachPoint::Interface(interface)
    }
}

/// Any socket will do to ask for interfaces of its network namespace, which is this thread's.
fn socket() -> Result<OwnedFd> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
    Ok(socket.map_err(|e| SysError::new("socket", e.into()))?)
}

impl Program {
    /// Attaches an XDP program to a network interface, by its number or its name (Linux 5.9).
    ///
    /// `flags` choose the mode; without, the kernel takes the driver's if it has one, else the generic one. The link
    /// goes with the interface.
    ///
    /// # Errors
    /// [`Error::Attach`]: no such interface, another XDP program on it, a driver without the mode, no `CAP_NET_ADMIN`.
    #[doc(alias = "bpf_program__attach_xdp")]
    pub fn attach_xdp(
        &self,
        interface: impl Into<Interface>,
        flags: XdpFlags,
    ) -> std::result::Result<Link, Error> {
        self.attached(attach(self, &interface.into(), flags))
    }
}

fn attach(program: &Program, interface: &Interface, flags: XdpFlags) -> Result<Link> {
    program.expect_type(&[ProgramType::XDP], "xdp", "attach_xdp")?;
    let index = interface.index()?;
    let target = LinkTarget::Ifindex(index);
    let create =
        LinkCreate { flags: flags.bits(), ..LinkCreate::new(program.as_fd(), target, AttachType::XDP) };
    let name = interface.to_string();
    let link = program.kernel().link_create(&create).map_err(|e| match e.errno {
        // The kernel says EINVAL for this, as for much else.
        Errno::ENODEV | Errno::EINVAL if !interface.exists(index) => interface.missing(),
        // A program without a link is EEXIST, or EBUSY like one with a link.
        Errno::EBUSY | Errno::EEXIST => AttachReason::XdpBusy { interface: name.clone() },
        Errno::EOPNOTSUPP => AttachReason::XdpMode { interface: name.clone() },
        _ => e.into(),
    })?;
    Ok(Link::new(program, LinkKind::Xdp, name, vec![Part::of_link(link)]))
}
