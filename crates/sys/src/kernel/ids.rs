//! Objects by their ids.

use std::os::fd::OwnedFd;

use super::Kernel;
use crate::attr::Attr;
use crate::uapi::{Cmd, IdAttr, OpenFlags};
use crate::{Errno, Result};

/// What has ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// Programs.
    Prog,
    /// Maps.
    Map,
    /// BTF.
    Btf,
    /// Links.
    Link,
}

impl Kernel {
    /// The first id after `id`, `None` after the last. Since Linux 4.13 (BTF 5.4, links 5.8).
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN`; `EINVAL` for an `id` of 2³¹ - 1 or more.
    #[doc(alias = "bpf_prog_get_next_id")]
    #[doc(alias = "bpf_map_get_next_id")]
    #[doc(alias = "bpf_btf_get_next_id")]
    #[doc(alias = "bpf_link_get_next_id")]
    pub fn next_id(&self, kind: ObjectKind, id: u32) -> Result<Option<u32>> {
        let cmd = match kind {
            ObjectKind::Prog => Cmd::PROG_GET_NEXT_ID,
            ObjectKind::Map => Cmd::MAP_GET_NEXT_ID,
            ObjectKind::Btf => Cmd::BTF_GET_NEXT_ID,
            ObjectKind::Link => Cmd::LINK_GET_NEXT_ID,
        };
        let mut attr = Attr::new(cmd, &IdAttr { id, ..Default::default() });
        match self.bpf(&mut attr) {
            Ok(()) => Ok(Some(attr.view::<IdAttr>().next_id)),
            Err(e) if e.errno == Errno::ENOENT => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Opens an object by its id. Since Linux 4.13 (BTF 4.18, links 5.8). Flags are for maps.
    ///
    /// # Errors
    /// `ENOENT` if there is none any more; `EPERM` without `CAP_SYS_ADMIN`.
    #[doc(alias = "bpf_prog_get_fd_by_id")]
    #[doc(alias = "bpf_map_get_fd_by_id")]
    #[doc(alias = "bpf_btf_get_fd_by_id")]
    #[doc(alias = "bpf_link_get_fd_by_id")]
    pub fn fd_by_id(&self, kind: ObjectKind, id: u32, flags: OpenFlags) -> Result<OwnedFd> {
        let (cmd, what) = match kind {
            ObjectKind::Prog => (Cmd::PROG_GET_FD_BY_ID, "program"),
            ObjectKind::Map => (Cmd::MAP_GET_FD_BY_ID, "map"),
            ObjectKind::Btf => (Cmd::BTF_GET_FD_BY_ID, "BTF"),
            ObjectKind::Link => (Cmd::LINK_GET_FD_BY_ID, "link"),
        };
        let layout = IdAttr { id, open_flags: flags.bits(), ..Default::default() };
        self.bpf_fd(&mut Attr::new(cmd, &layout)).map_err(|e| e.with(format!("{what} {id}")))
    }
}
