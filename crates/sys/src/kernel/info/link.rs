//! About links.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{Nested, text};
use crate::Result;
use crate::kernel::Kernel;
use crate::uapi::{
    AttachType, LinkType, PerfEventKind, RawLinkInfo, RawLinkIter, RawLinkKprobeMulti, RawLinkPerfEvent,
    RawLinkTracepoint, RawLinkUprobeMulti,
};

/// What the kernel tells about a link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkInfo {
    /// The kind.
    pub link_type: LinkType,
    /// The id.
    pub id: u32,
    /// The program; 0 for kinds that have several (struct_ops).
    pub prog_id: u32,
    /// What the kind has of its own.
    pub details: LinkDetails,
}

/// What a kind of link has of its own. Fields that came later than the kind say since when; they are 0 in older
/// kernels.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkDetails {
    /// A raw tracepoint.
    RawTracepoint {
        /// Its name.
        name: String,
        /// The cookie (6.10).
        cookie: u64,
    },
    /// fentry, fexit, fmod_ret, LSM, tp_btf, freplace.
    Tracing {
        /// How.
        attach_type: AttachType,
        /// The program (freplace) or the BTF object that has the function (5.13).
        target_obj_id: u32,
        /// The function there (5.13).
        target_btf_id: u32,
        /// The cookie (6.18).
        cookie: u64,
    },
    /// A cgroup.
    Cgroup {
        /// The cgroup.
        cgroup_id: u64,
        /// How.
        attach_type: AttachType,
    },
    /// An iterator.
    Iter(IterInfo),
    /// A network namespace.
    Netns {
        /// Its inode, 0 if it is gone.
        netns_ino: u32,
        /// How.
        attach_type: AttachType,
    },
    /// XDP on a network interface.
    Xdp {
        /// The interface, 0 if it is gone.
        ifindex: u32,
    },
    /// A struct_ops map.
    StructOps {
        /// The map.
        map_id: u32,
    },
    /// A netfilter hook.
    Netfilter {
        /// `NFPROTO_*`.
        pf: u32,
        /// `NF_INET_*`.
        hooknum: u32,
        /// Where among the others.
        priority: i32,
        /// Flags.
        flags: u32,
    },
    /// Many kprobes.
    KprobeMulti {
        /// Flags; 1 for return probes.
        flags: u32,
        /// How often it could not run.
        missed: u64,
        /// The functions' addresses, zeros for those who may not know (6.6).
        addrs: Vec<u64>,
        /// A cookie for each (6.8).
        cookies: Vec<u64>,
    },
    /// Many uprobes.
    UprobeMulti(UprobeMultiInfo),
    /// A perf event.
    PerfEvent(PerfEventInfo),
    /// tc on a network interface.
    Tcx {
        /// The interface, 0 if it is gone.
        ifindex: u32,
        /// How.
        attach_type: AttachType,
    },
    /// A netkit device.
    Netkit {
        /// The interface, 0 if it is gone.
        ifindex: u32,
        /// How.
        attach_type: AttachType,
    },
    /// A sockmap.
    Sockmap {
        /// The map.
        map_id: u32,
        /// How.
        attach_type: AttachType,
    },
    /// A kind that this crate does not know: the bytes from offset 16 on.
    Unknown([u64; 6]),
}

/// What an iterator walks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct IterInfo {
    /// `task`, `bpf_map_elem`…
    pub target: String,
    /// The map, of a map's elements.
    pub map_id: u32,
    /// Where it starts, of cgroups (6.1).
    pub cgroup_id: u64,
    /// In which order, of cgroups (6.1).
    pub cgroup_order: u32,
    /// One thread, of tasks (6.1).
    pub tid: u32,
    /// One process, of tasks (6.1).
    pub pid: u32,
}

/// The uprobes of a link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UprobeMultiInfo {
    /// The file.
    pub path: String,
    /// Offsets in it.
    pub offsets: Vec<u64>,
    /// Offsets of semaphores.
    pub ref_ctr_offsets: Vec<u64>,
    /// Cookies.
    pub cookies: Vec<u64>,
    /// Flags; 1 for return probes.
    pub flags: u32,
    /// One process, 0 for all.
    pub pid: u32,
}

/// What a perf event link is on; since Linux 6.6.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PerfEventInfo {
    /// A uprobe or uretprobe.
    Uprobe {
        /// Return probe.
        ret: bool,
        /// The file.
        file: String,
        /// The offset in it.
        offset: u32,
        /// The cookie (6.9).
        cookie: u64,
        /// The offset of a semaphore (6.16).
        ref_ctr_offset: u64,
    },
    /// A kprobe or kretprobe.
    Kprobe {
        /// Return probe.
        ret: bool,
        /// The function.
        func: String,
        /// The offset in it.
        offset: u32,
        /// The address, 0 for those who may not know.
        addr: u64,
        /// How often it could not run (6.7).
        missed: u64,
        /// The cookie (6.9).
        cookie: u64,
    },
    /// A tracepoint.
    Tracepoint {
        /// Its name.
        name: String,
        /// The cookie (6.9).
        cookie: u64,
    },
    /// Another event.
    Event {
        /// The number of the event.
        config: u64,
        /// The PMU.
        event_type: u32,
        /// The cookie (6.9).
        cookie: u64,
    },
    /// Unknown, or a kernel before 6.6.
    Unspecified,
}

/// More than any path or name that the kernel shows.
const NAME_ROOM: u32 = 4096 + 16;

impl Kernel {
    /// What the kernel tells about a link. Since Linux 5.8.
    ///
    /// # Errors
    /// `EBADF` for no descriptor, `EINVAL` for one of something else.
    #[doc(alias = "bpf_link_get_info_by_fd")]
    pub fn link_info(&self, link: BorrowedFd<'_>) -> Result<LinkInfo> {
        let mut head = RawLinkInfo::default();
        self.info(link, &mut head, Vec::new())?;
        let word = |i: usize| {
            let word = head.extra.as_bytes().get(i * 4..i * 4 + 4);
            word.and_then(|w| u32::read_from_bytes(w).ok()).unwrap_or(0)
        };
        let attach_type = |i| AttachType(word(i));
        let link_type = LinkType(head.link_type);
        let details = match link_type {
            LinkType::RAW_TRACEPOINT => self.raw_tracepoint_info(link)?,
            LinkType::TRACING => LinkDetails::Tracing {
                attach_type: attach_type(0),
                target_obj_id: word(1),
                target_btf_id: word(2),
                cookie: head.extra[2],
            },
            LinkType::CGROUP => LinkDetails::Cgroup { cgroup_id: head.extra[0], attach_type: attach_type(2) },
            LinkType::ITER => self.iter_info(link)?,
            LinkType::NETNS => LinkDetails::Netns { netns_ino: word(0), attach_type: attach_type(1) },
            LinkType::XDP => LinkDetails::Xdp { ifindex: word(0) },
            LinkType::STRUCT_OPS => LinkDetails::StructOps { map_id: word(0) },
            LinkType::NETFILTER => LinkDetails::Netfilter {
                pf: word(0),
                hooknum: word(1),
                priority: word(2).cast_signed(),
                flags: word(3),
            },
            LinkType::KPROBE_MULTI => self.kprobe_multi_info(link, word(2))?,
            LinkType::UPROBE_MULTI => self.uprobe_multi_info(link)?,
            LinkType::PERF_EVENT => {
                LinkDetails::PerfEvent(self.perf_event_info(link, PerfEventKind(word(0)))?)
            }
            LinkType::TCX => LinkDetails::Tcx { ifindex: word(0), attach_type: attach_type(1) },
            LinkType::NETKIT => LinkDetails::Netkit { ifindex: word(0), attach_type: attach_type(1) },
            LinkType::SOCKMAP => LinkDetails::Sockmap { map_id: word(0), attach_type: attach_type(1) },
            _ => LinkDetails::Unknown(head.extra),
        };
        Ok(LinkInfo { link_type, id: head.id, prog_id: head.prog_id, details })
    }

    fn raw_tracepoint_info(&self, link: BorrowedFd<'_>) -> Result<LinkDetails> {
        let mut raw = RawLinkTracepoint { name_len: NAME_ROOM, ..Default::default() };
        let name = self.named(link, &mut raw, "tp_name", offset_of!(RawLinkTracepoint, name))?;
        Ok(LinkDetails::RawTracepoint { name, cookie: raw.cookie })
    }

    fn iter_info(&self, link: BorrowedFd<'_>) -> Result<LinkDetails> {
        let mut raw = RawLinkIter { name_len: NAME_ROOM, ..Default::default() };
        let target = self.named(link, &mut raw, "target_name", offset_of!(RawLinkIter, name))?;
        let (low, high) = (raw.specific as u32, (raw.specific >> 32) as u32);
        let (tid, pid) = if cfg!(target_endian = "little") { (low, high) } else { (high, low) };
        let mut info = IterInfo { target, map_id: raw.map_id, ..Default::default() };
        // The kernel's union says nothing of what it holds: the name does.
        if info.target == "cgroup" {
            (info.cgroup_id, info.cgroup_order) = (raw.specific, raw.order);
        } else if info.target.starts_with("task") {
            (info.tid, info.pid) = (tid, pid);
        }
        Ok(LinkDetails::Iter(info))
    }

    /// `count` functions, as the first call said.
    fn kprobe_multi_info(&self, link: BorrowedFd<'_>, count: u32) -> Result<LinkDetails> {
        let mut addrs = vec![0u64; count as usize];
        let mut raw = RawLinkKprobeMulti { count, ..Default::default() };
        self.info(
            link,
            &mut raw,
            vec![("addrs", offset_of!(RawLinkKprobeMulti, addrs), addrs.as_mut_bytes())],
        )?;
        let mut cookies = vec![0u64; count as usize];
        let mut with = RawLinkKprobeMulti { count, ..Default::default() };
        // Older kernels refuse a field that they do not know; those that know it give it with the addresses only.
        let mut again = vec![0u64; count as usize];
        let fields = vec![
            ("addrs", offset_of!(RawLinkKprobeMulti, addrs), again.as_mut_bytes()),
            ("cookies", offset_of!(RawLinkKprobeMulti, cookies), cookies.as_mut_bytes()),
        ];
        if self.info(link, &mut with, fields).is_err() {
            cookies.clear();
        }
        Ok(LinkDetails::KprobeMulti { flags: raw.flags, missed: raw.missed, addrs, cookies })
    }

    fn uprobe_multi_info(&self, link: BorrowedFd<'_>) -> Result<LinkDetails> {
        let mut first = RawLinkUprobeMulti::default();
        self.info(link, &mut first, Vec::new())?;
        let lists = || vec![0u64; first.count as usize];
        let (mut offsets, mut ref_ctr_offsets, mut cookies) = (lists(), lists(), lists());
        let mut path = vec![0; NAME_ROOM as usize];
        let mut raw = RawLinkUprobeMulti { count: first.count, path_size: NAME_ROOM, ..Default::default() };
        let nested: Vec<Nested<'_>> = vec![
            ("path", offset_of!(RawLinkUprobeMulti, path), &mut path),
            ("offsets", offset_of!(RawLinkUprobeMulti, offsets), offsets.as_mut_bytes()),
            (
                "ref_ctr_offsets",
                offset_of!(RawLinkUprobeMulti, ref_ctr_offsets),
                ref_ctr_offsets.as_mut_bytes(),
            ),
            ("cookies", offset_of!(RawLinkUprobeMulti, cookies), cookies.as_mut_bytes()),
        ];
        self.info(link, &mut raw, nested)?;
        Ok(LinkDetails::UprobeMulti(UprobeMultiInfo {
            path: text(&path),
            offsets,
            ref_ctr_offsets,
            cookies,
            flags: raw.flags,
            pid: raw.pid,
        }))
    }

    fn perf_event_info(&self, link: BorrowedFd<'_>, kind: PerfEventKind) -> Result<PerfEventInfo> {
        let mut raw = RawLinkPerfEvent::default();
        let name = match kind {
            PerfEventKind::UNSPEC => return Ok(PerfEventInfo::Unspecified),
            PerfEventKind::EVENT => {
                self.info(link, &mut raw, Vec::new())?;
                String::new()
            }
            _ => {
                raw.name_len = NAME_ROOM;
                self.named(link, &mut raw, "name", offset_of!(RawLinkPerfEvent, name))?
            }
        };
        let [a, b, c] = raw.rest;
        Ok(match kind {
            PerfEventKind::UPROBE | PerfEventKind::URETPROBE => PerfEventInfo::Uprobe {
                ret: kind == PerfEventKind::URETPROBE,
                file: name,
                offset: raw.offset,
                cookie: a,
                ref_ctr_offset: b,
            },
            PerfEventKind::KPROBE | PerfEventKind::KRETPROBE => PerfEventInfo::Kprobe {
                ret: kind == PerfEventKind::KRETPROBE,
                func: name,
                offset: raw.offset,
                addr: a,
                missed: b,
                cookie: c,
            },
            PerfEventKind::TRACEPOINT => PerfEventInfo::Tracepoint { name, cookie: a },
            PerfEventKind::EVENT => {
                PerfEventInfo::Event { config: raw.name, event_type: raw.name_len, cookie: a }
            }
            _ => PerfEventInfo::Unspecified,
        })
    }

    /// A call for a structure with one string, whose room is in the structure already.
    fn named<T: FromBytes + IntoBytes + Immutable>(
        &self,
        link: BorrowedFd<'_>,
        raw: &mut T,
        name: &'static str,
        at: usize,
    ) -> Result<String> {
        let mut buf = vec![0; NAME_ROOM as usize];
        self.info(link, raw, vec![(name, at, &mut buf)])?;
        Ok(text(&buf))
    }
}
