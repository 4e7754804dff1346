//! Network interfaces: those of the network namespace of the thread that asks.

use super::{Kernel, wrong_reply};
use crate::door::{Call, Reply};
use crate::{Result, SysError};

impl Kernel {
    /// The number of a network interface, by its name.
    ///
    /// ```
    /// # use oxbpf_sys::{Errno, Kernel, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// assert_eq!(kernel.interface_index("lo")?, 1);
    /// assert_eq!(kernel.interface_name(1)?, "lo");
    /// assert_eq!(kernel.interface_index("no such").unwrap_err().errno, Errno::ENODEV);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    ///
    /// # Errors
    /// `ENODEV`: there is none; `EMFILE`, `ENFILE`: no descriptor to ask with.
    #[doc(alias = "if_nametoindex")]
    pub fn interface_index(&self, name: &str) -> Result<u32> {
        let named = |e: SysError| e.with(format!("interface {name:?}"));
        let index = self.call_value("if_nametoindex", Call::IfIndex(name)).map_err(named)?;
        u32::try_from(index).map_err(|_| named(wrong_reply("if_nametoindex")))
    }

    /// The name of a network interface, by its number.
    ///
    /// # Errors
    /// As [`interface_index`](Self::interface_index).
    #[doc(alias = "if_indextoname")]
    pub fn interface_name(&self, index: u32) -> Result<String> {
        let op = "if_indextoname";
        let reply = self.call(op, Call::IfName(index)).map_err(|e| e.with(format!("interface {index}")))?;
        match reply {
            Reply::Names(names) if !names.is_empty() => Ok(names[0].to_string_lossy().into_owned()),
            _ => Err(wrong_reply(op)),
        }
    }

    /// Sends one request to route netlink: the first message of the answer, header included, which may be one of an error.
    ///
    /// # Errors
    /// `EMSGSIZE` for an answer of more than 64 KiB; those of sendto(2) and recv(2).
    pub fn route_netlink(&self, request: &[u8]) -> Result<Vec<u8>> {
        let op = "route netlink";
        match self.call(op, Call::RouteNetlink(request))? {
            Reply::Bytes(answer) => Ok(answer),
            _ => Err(wrong_reply(op)),
        }
    }
}
