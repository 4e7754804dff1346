//! Who is attached where.

mod xdp;

use std::os::fd::BorrowedFd;

use oxbpf_obj::AttachType;
use oxbpf_sys::uapi::{AttachFlags, XdpFlags};
use oxbpf_sys::{Errno, Kernel, LinkTarget, ProgQuery, SysError};

use crate::attach::{AttachReason, Interface};
use crate::{Error, Result};

/// A place that programs are attached to, and that tells which ones are.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::os::fd::AsFd;
/// use oxbpf::{AttachPoint, Kernel};
///
/// let kernel = Kernel::host();
/// let group = std::fs::File::open("/sys/fs/cgroup/system.slice")?;
/// for attached in AttachPoint::Cgroup(group.as_fd()).query_all(&kernel) {
///     let attached = attached?;
///     for program in &attached.programs {
///         println!("{}: program {} {:?}", attached.attach_type, program.id, program.flags);
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AttachPoint<'a> {
    /// A cgroup (v2), by a descriptor of its directory (Linux 4.15).
    Cgroup(BorrowedFd<'a>),
    /// A network namespace, by a descriptor of it: flow dissectors (5.6) and socket lookup (5.9).
    Netns(BorrowedFd<'a>),
    /// A network interface of this thread's network namespace: XDP (4.15), tcx (6.6), netkit (6.7).
    Interface(Interface),
    /// A sockmap or sockhash, by its descriptor (5.16).
    SockMap(BorrowedFd<'a>),
    /// An infrared device, by its descriptor (4.18).
    Lirc(BorrowedFd<'a>),
}

/// The programs of one kind at an attach point.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attached {
    /// The kind.
    pub attach_type: AttachType,
    /// The flags of the place itself: of cgroups, whether others may be there too.
    pub flags: AttachFlags,
    /// Counts the changes of the list (tcx and netkit 6.6, cgroups 6.17); 0 where the kernel does not.
    pub revision: u64,
    /// The programs in the order they run.
    pub programs: Vec<AttachedProgram>,
}

/// A program that is attached somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttachedProgram {
    /// Its id. It may be gone before it is asked for.
    pub id: u32,
    /// The link that holds it there, where the kernel tells (tcx and netkit).
    pub link_id: Option<u32>,
    /// The flags it was attached with (cgroups 6.1, tcx and netkit 6.6).
    pub flags: AttachFlags,
    /// Of an XDP program, where it runs: one of [`XdpFlags::SKB_MODE`], `DRV_MODE` and `HW_MODE`.
    pub xdp_mode: XdpFlags,
}

impl<'a> AttachPoint<'a> {
    /// An interface by its name or number.
    pub fn interface(interface: impl Into<Interface>) -> Self {
        Self::Interface(interface.into())
    }

    /// The attach types that are about such places.
    pub fn attach_types(&self) -> impl Iterator<Item = AttachType> + use<> {
        let of: fn(AttachType) -> bool = match self {
            Self::Cgroup(_) => {
                |t| t == AttachType::LSM_CGROUP || t.name().is_some_and(|name| name.starts_with("cgroup_"))
            }
            Self::Netns(_) => |t| matches!(t, AttachType::FLOW_DISSECTOR | AttachType::SK_LOOKUP),
            Self::Interface(_) => |t| {
                matches!(
                    t,
                    AttachType::XDP
                        | AttachType::TCX_INGRESS
                        | AttachType::TCX_EGRESS
                        | AttachType::NETKIT_PRIMARY
                        | AttachType::NETKIT_PEER
                )
            },
            Self::SockMap(_) => |t| {
                matches!(
                    t,
                    AttachType::SK_SKB_STREAM_PARSER
                        | AttachType::SK_SKB_STREAM_VERDICT
                        | AttachType::SK_SKB_VERDICT
                        | AttachType::SK_MSG_VERDICT
                )
            },
            Self::Lirc(_) => |t| t == AttachType::LIRC_MODE2,
        };
        AttachType::ALL.iter().copied().filter(move |t| of(*t))
    }

    /// The programs of one kind that are attached here.
    ///
    /// # Errors
    /// [`Error::Kernel`]: `EINVAL` for a kind that does not belong here or that this kernel cannot be asked about,
    /// `EBADF` for a descriptor of something else, `ENODEV` for an interface that is not there, `EPERM` without
    /// `CAP_NET_ADMIN`.
    #[doc(alias = "bpf_prog_query")]
    #[doc(alias = "bpf_prog_query_opts")]
    #[doc(alias = "bpf_xdp_query")]
    pub fn query(&self, kernel: &Kernel, attach_type: AttachType) -> Result<Attached> {
        self.ask(kernel, attach_type, false)
    }

    /// The programs of one kind that run here, those that cgroups above pass on included, in their order.
    ///
    /// # Errors
    /// As [`query`](Self::query); `EINVAL` for all but cgroups.
    pub fn query_effective(&self, kernel: &Kernel, attach_type: AttachType) -> Result<Attached> {
        self.ask(kernel, attach_type, true)
    }

    /// The programs of every kind that are attached here; kinds without any, and those that this kernel cannot be asked
    /// about, are left out.
    pub fn query_all(&self, kernel: &Kernel) -> impl Iterator<Item = Result<Attached>> {
        self.attach_types().filter_map(move |attach_type| match self.query(kernel, attach_type) {
            Ok(none) if none.programs.is_empty() => None,
            // Of a kind that is younger than the kernel, of a netkit on something else.
            Err(Error::Kernel(e)) if matches!(e.errno, Errno::EINVAL | Errno::ENXIO | Errno::EACCES) => None,
            other => Some(other),
        })
    }

    fn ask(&self, kernel: &Kernel, attach_type: AttachType, effective: bool) -> Result<Attached> {
        let target = match self {
            Self::Cgroup(fd) | Self::Netns(fd) | Self::SockMap(fd) | Self::Lirc(fd) => LinkTarget::Fd(*fd),
            Self::Interface(interface) => {
                let index = index(kernel, interface)?;
                if attach_type == AttachType::XDP {
                    return Ok(xdp::query(kernel, index)?);
                }
                LinkTarget::Ifindex(index)
            }
        };
        let query = ProgQuery { target, attach_type, effective };
        let answer = match kernel.prog_query(&query) {
            // Nothing was ever attached there.
            Err(e) if e.errno == Errno::ENOENT => Default::default(),
            answer => answer?,
        };
        let nth = |list: &[u32], n: usize| list.get(n).copied().unwrap_or(0);
        let programs = answer.prog_ids.iter().enumerate().map(|(n, &id)| AttachedProgram {
            id,
            link_id: Some(nth(&answer.link_ids, n)).filter(|id| *id != 0),
            flags: AttachFlags::from_bits_retain(
                nth(&answer.prog_attach_flags, n) | nth(&answer.link_attach_flags, n),
            ),
            xdp_mode: XdpFlags::empty(),
        });
        Ok(Attached {
            attach_type,
            flags: AttachFlags::from_bits_retain(answer.attach_flags),
            revision: answer.revision,
            programs: programs.collect(),
        })
    }
}

fn index(kernel: &Kernel, interface: &Interface) -> Result<u32> {
    interface.index(kernel).map_err(|reason| match reason {
        AttachReason::Kernel(e) => e.into(),
        _ => SysError::new("BPF_PROG_QUERY", Errno::ENODEV).with(format!("interface {interface}")).into(),
    })
}
