//! Hooks of cgroups: `cgroup_skb/ingress`, `cgroup_skb/egress` and the others.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

use oxbpf_obj::{AttachType, ProgramType};
use oxbpf_sys::uapi::AttachFlags;
use oxbpf_sys::{Errno, LinkCreate, LinkTarget, OpenHow};

use super::{AttachReason, CGROUP_TYPES, Result};
use crate::link::{LinkKind, Part};
use crate::{Error, Link, Program};

impl Program {
    /// Attaches the program to a cgroup (v2) by a descriptor of its directory, at the hook that its section names or that
    /// it was [loaded for](Self::loaded_for) (Linux 5.7). It runs for the processes of the cgroup and of those below.
    ///
    /// Kernels before 6.16 take no `flags`: links always share a hook with others.
    ///
    /// # Errors
    /// [`Error::Attach`]: not a cgroup of a v2 hierarchy, a program above that forbids others, no `CAP_NET_ADMIN`.
    #[doc(alias = "bpf_program__attach_cgroup")]
    #[doc(alias = "bpf_program__attach_cgroup_opts")]
    pub fn attach_cgroup(&self, cgroup: impl AsFd, flags: AttachFlags) -> std::result::Result<Link, Error> {
        let cgroup = cgroup.as_fd();
        let name = || format!("the file descriptor {}", cgroup.as_raw_fd());
        self.attached(attach(self, cgroup, flags, name))
    }

    /// As [`attach_cgroup`](Self::attach_cgroup), by the path of its directory.
    ///
    /// # Errors
    /// As there, and if the directory cannot be opened.
    pub fn attach_cgroup_path(
        &self,
        path: impl AsRef<Path>,
        flags: AttachFlags,
    ) -> std::result::Result<Link, Error> {
        let path = path.as_ref();
        let opened = self.kernel().open(path, OpenHow::Directory).map_err(AttachReason::Kernel);
        self.attached(opened.and_then(|fd| attach(self, fd.as_fd(), flags, || path.display().to_string())))
    }
}

/// The hook of programs that have one only.
fn only_hook(prog_type: ProgramType) -> Option<AttachType> {
    match prog_type {
        ProgramType::CGROUP_DEVICE => Some(AttachType::CGROUP_DEVICE),
        ProgramType::CGROUP_SYSCTL => Some(AttachType::CGROUP_SYSCTL),
        ProgramType::SOCK_OPS => Some(AttachType::CGROUP_SOCK_OPS),
        _ => None,
    }
}

fn attach(
    program: &Program,
    cgroup: BorrowedFd<'_>,
    flags: AttachFlags,
    name: impl Fn() -> String,
) -> Result<Link> {
    program.expect_type(CGROUP_TYPES, "cgroup", "attach_cgroup")?;
    let attach_type = match program.attach_type() {
        Some(attach_type) => attach_type,
        // `cgroup/skb` says nothing of the direction.
        None if program.prog_type() == ProgramType::CGROUP_SKB && !program.section().is_empty() => {
            let form = "cgroup_skb/ingress or cgroup_skb/egress";
            return Err(AttachReason::BadTarget { target: program.section().to_owned(), form });
        }
        None => only_hook(program.prog_type()).ok_or(AttachReason::Untold)?,
    };
    let create = LinkCreate {
        flags: flags.bits(),
        ..LinkCreate::new(program.as_fd(), LinkTarget::Fd(cgroup), attach_type)
    };
    let link = program.kernel().link_create(&create).map_err(|e| match e.errno {
        Errno::EBADF | Errno::ENOTDIR => AttachReason::NotCgroup2 { cgroup: name(), source: e },
        Errno::E2BIG => AttachReason::Crowded { target: name() },
        _ => e.into(),
    })?;
    Ok(Link::new(program, LinkKind::Cgroup, name(), vec![Part::of_link(link)]))
}
