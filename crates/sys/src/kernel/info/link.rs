//! Asking about a link.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::link_types::{
    IterInfo, KprobeMultiInfo, LinkDetails, LinkInfo, PerfEventInfo, TracingMultiInfo, UprobeMultiInfo,
};
use super::{Nested, info_room, text};
use crate::Result;
use crate::kernel::{Kernel, ObjectKind};
use crate::uapi::{
    AttachType, LinkType, PerfEventKind, RawLinkInfo, RawLinkIter, RawLinkKprobeMulti, RawLinkPerfEvent,
    RawLinkTracepoint, RawLinkTracingMulti, RawLinkUprobeMulti,
};

/// More than any path or name that the kernel shows.
const NAME_ROOM: u32 = 4096 + 16;

impl Kernel {
    /// What the kernel tells about a link. Since Linux 5.8.
    ///
    /// # Errors
    /// `EBADFD` for no descriptor, `EINVAL` for one of something else.
    #[doc(alias = "bpf_link_get_info_by_fd")]
    pub fn link_info(&self, link: BorrowedFd<'_>) -> Result<LinkInfo> {
        let mut head = RawLinkInfo::default();
        self.info(ObjectKind::Link, link, &mut head, Vec::new())?;
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
            LinkType::TRACING_MULTI => self.tracing_multi_info(link, word(1))?,
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
        let at = [offset_of!(RawLinkKprobeMulti, addrs), offset_of!(RawLinkKprobeMulti, cookies)];
        let raw = RawLinkKprobeMulti { count, ..Default::default() };
        let (raw, addrs, cookies) = self.addrs_and_cookies(link, &raw, count, at, &mut [])?;
        Ok(LinkDetails::KprobeMulti(KprobeMultiInfo {
            count,
            flags: raw.flags,
            missed: raw.missed,
            addrs,
            cookies,
        }))
    }

    /// `count` functions, as the first call said.
    fn tracing_multi_info(&self, link: BorrowedFd<'_>, count: u32) -> Result<LinkDetails> {
        let at = [offset_of!(RawLinkTracingMulti, addrs), offset_of!(RawLinkTracingMulti, cookies)];
        let raw = RawLinkTracingMulti { count, ..Default::default() };
        let mut ids = info_room::<u32>(count)?;
        let (raw, addrs, cookies) = {
            let ids = ("ids", offset_of!(RawLinkTracingMulti, ids), ids.as_mut_bytes());
            self.addrs_and_cookies(link, &raw, count, at, &mut [ids])?
        };
        Ok(LinkDetails::TracingMulti(TracingMultiInfo {
            attach_type: AttachType(raw.attach_type),
            btf_obj_id: raw.btf_obj_id,
            ids,
            addrs,
            cookies,
        }))
    }

    /// The addresses of `count` functions, `None` if they are withheld, and their cookies, with what else there is.
    /// `at` is where those two go.
    fn addrs_and_cookies<T: FromBytes + IntoBytes + Immutable + Copy>(
        &self,
        link: BorrowedFd<'_>,
        ask: &T,
        count: u32,
        at: [usize; 2],
        more: &mut [Nested<'_>],
    ) -> Result<(T, Option<Vec<u64>>, Vec<u64>)> {
        let mut addrs = info_room::<u64>(count)?;
        let mut cookies = info_room::<u64>(count)?;
        let mut raw = *ask;
        let asked = {
            let mut all: Vec<Nested<'_>> = more.iter_mut().map(|(n, at, m)| (*n, *at, &mut **m)).collect();
            all.push(("addrs", at[0], addrs.as_mut_bytes()));
            all.push(("cookies", at[1], cookies.as_mut_bytes()));
            self.info(ObjectKind::Link, link, &mut raw, all)
        };
        if asked.is_err() {
            // Older kernels refuse a field that they do not know, and a link may have no cookies.
            cookies.clear();
            raw = *ask;
            let mut all: Vec<Nested<'_>> = more.iter_mut().map(|(n, at, m)| (*n, *at, &mut **m)).collect();
            all.push(("addrs", at[0], addrs.as_mut_bytes()));
            self.info(ObjectKind::Link, link, &mut raw, all)?;
        }
        // No function is at address 0: those who may not know get zeros.
        let withheld = addrs.iter().all(|a| *a == 0) && count > 0;
        Ok((raw, (!withheld).then_some(addrs), cookies))
    }

    fn uprobe_multi_info(&self, link: BorrowedFd<'_>) -> Result<LinkDetails> {
        let mut first = RawLinkUprobeMulti::default();
        self.info(ObjectKind::Link, link, &mut first, Vec::new())?;
        if first.count == 0 {
            // Kernels before 6.8 say nothing of it, and refuse the fields below.
            return Ok(LinkDetails::UprobeMulti(UprobeMultiInfo::default()));
        }
        let lists = || info_room::<u64>(first.count);
        let (mut offsets, mut ref_ctr_offsets, mut cookies) = (lists()?, lists()?, lists()?);
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
        self.info(ObjectKind::Link, link, &mut raw, nested)?;
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
                self.info(ObjectKind::Link, link, &mut raw, Vec::new())?;
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
                addr: (a != 0).then_some(a),
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
        self.info(ObjectKind::Link, link, raw, vec![(name, at, &mut buf)])?;
        Ok(text(&buf))
    }
}
