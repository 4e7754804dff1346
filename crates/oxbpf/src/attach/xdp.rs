//! XDP: what an interface receives, before the network stack has it.

use std::fmt;
use std::os::fd::AsFd;

use oxbpf_obj::{AttachType, ProgramType};
use oxbpf_sys::uapi::XdpFlags;
use oxbpf_sys::{Errno, Kernel, LinkCreate, LinkTarget};

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
    pub(crate) fn index(&self, kernel: &Kernel) -> Result<u32> {
        match self {
            Interface::Index(index) => Ok(*index),
            Interface::Name(name) => kernel.interface_index(name).map_err(|e| match e.errno {
                Errno::ENODEV => self.missing(),
                _ => e.into(),
            }),
        }
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
    let kernel = program.kernel();
    let index = interface.index(kernel)?;
    let target = LinkTarget::Ifindex(index);
    let create =
        LinkCreate { flags: flags.bits(), ..LinkCreate::new(program.as_fd(), target, AttachType::XDP) };
    let name = interface.to_string();
    let is_gone = || kernel.interface_name(index).is_err_and(|e| e.errno == Errno::ENODEV);
    let link = kernel.link_create(&create).map_err(|e| match e.errno {
        // The kernel says EINVAL for this, as for much else.
        Errno::ENODEV | Errno::EINVAL if is_gone() => interface.missing(),
        // A program without a link is EEXIST, or EBUSY like one with a link.
        Errno::EBUSY | Errno::EEXIST => AttachReason::XdpBusy { interface: name.clone() },
        Errno::EOPNOTSUPP => AttachReason::XdpMode { interface: name.clone() },
        _ => e.into(),
    })?;
    Ok(Link::new(program, LinkKind::Xdp, name, vec![Part::of_link(link)]))
}
