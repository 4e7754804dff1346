//! What a kernel tells about each kind of link, played.

use std::os::fd::AsFd;
use std::sync::Arc;

use oxbpf_sys::uapi::InfoAttr;
use oxbpf_sys::{
    AttachType, Call, Cmd, Door, Errno, IterInfo, Kernel, LinkDetails, LinkInfo, LinkType, PerfEventInfo,
    Reply,
};

/// A kernel with one link: what stands after type, id and program; the memory that it points to; how many bytes of the
/// structure it knows.
#[derive(Debug, Clone, Default)]
struct One {
    link_type: u32,
    words: Vec<u64>,
    memory: Vec<(&'static str, Vec<u8>)>,
    knows: usize,
}

// SAFETY: it answers nothing about maps.
unsafe impl Door for One {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        let Call::Bpf(attr) = call else { return Err(Errno::ENOENT) };
        if attr.cmd() != Cmd::OBJ_GET_INFO_BY_FD {
            return Err(Errno::EINVAL);
        }
        let room = attr.bytes("info").ok_or(Errno::EFAULT)?.to_vec();
        if room[self.knows..].iter().any(|b| *b != 0) {
            return Err(Errno::E2BIG);
        }
        for (field, bytes) in &self.memory {
            if let Some(out) = attr.bytes_mut(field) {
                let n = out.len().min(bytes.len());
                out[..n].copy_from_slice(&bytes[..n]);
            }
        }
        let head = [self.link_type, 7, 9, 0].map(u32::to_ne_bytes).concat();
        let words = self.words.iter().flat_map(|w| w.to_ne_bytes());
        let bytes: Vec<u8> = head.into_iter().chain(words).collect();
        let out = attr.bytes_mut("info").ok_or(Errno::EFAULT)?;
        let n = bytes.len().min(self.knows);
        out[..n].copy_from_slice(&bytes[..n]);
        let len = InfoAttr { info_len: self.knows as u32, ..attr.view() };
        attr.answer(&len);
        Ok(Reply::Value(0))
    }
}

fn pair(low: u32, high: u32) -> u64 {
    u64::from_ne_bytes([low.to_ne_bytes(), high.to_ne_bytes()].concat().try_into().expect("8 bytes"))
}

fn list(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_ne_bytes()).collect()
}

fn ask(one: One) -> LinkDetails {
    let link_type = LinkType(one.link_type);
    let kernel = Kernel::with_door(Arc::new(one));
    let file = std::fs::File::open("/dev/null").expect("there is one");
    let LinkInfo { link_type: told, id, prog_id, details, .. } =
        kernel.link_info(file.as_fd()).expect("it answers");
    assert_eq!((told, id, prog_id), (link_type, 7, 9));
    details
}

fn of(link_type: LinkType, words: &[u64], memory: &[(&'static str, Vec<u8>)]) -> LinkDetails {
    ask(One { link_type: link_type.0, words: words.to_vec(), memory: memory.to_vec(), knows: 64 })
}

#[test]
fn kinds_without_lists() {
    let attach_type = AttachType::TRACE_FENTRY;
    assert_eq!(
        of(LinkType::TRACING, &[pair(24, 3), pair(4, 0), 5], &[]),
        LinkDetails::Tracing { attach_type, target_obj_id: 3, target_btf_id: 4, cookie: 5 }
    );
    let attach_type = AttachType::CGROUP_DEVICE;
    assert_eq!(
        of(LinkType::CGROUP, &[1 << 40, 6], &[]),
        LinkDetails::Cgroup { cgroup_id: 1 << 40, attach_type }
    );
    let attach_type = AttachType::SK_LOOKUP;
    assert_eq!(of(LinkType::NETNS, &[pair(8, 36)], &[]), LinkDetails::Netns { netns_ino: 8, attach_type });
    assert_eq!(of(LinkType::XDP, &[3], &[]), LinkDetails::Xdp { ifindex: 3 });
    assert_eq!(of(LinkType::STRUCT_OPS, &[3], &[]), LinkDetails::StructOps { map_id: 3 });
    assert_eq!(
        of(LinkType::NETFILTER, &[pair(2, 1), pair(u32::MAX - 99, 1)], &[]),
        LinkDetails::Netfilter { pf: 2, hooknum: 1, priority: -100, flags: 1 }
    );
    let attach_type = AttachType::TCX_EGRESS;
    assert_eq!(of(LinkType::TCX, &[pair(3, 47)], &[]), LinkDetails::Tcx { ifindex: 3, attach_type });
    let attach_type = AttachType::NETKIT_PEER;
    assert_eq!(of(LinkType::NETKIT, &[pair(3, 55)], &[]), LinkDetails::Netkit { ifindex: 3, attach_type });
    let attach_type = AttachType::SK_MSG_VERDICT;
    assert_eq!(of(LinkType::SOCKMAP, &[pair(3, 7)], &[]), LinkDetails::Sockmap { map_id: 3, attach_type });
    assert_eq!(of(LinkType(4000), &[1, 2], &[]), LinkDetails::Unknown([1, 2, 0, 0, 0, 0]));
}

#[test]
fn raw_tracepoints() {
    let name = ("tp_name", b"sys_enter\0".to_vec());
    let told = of(LinkType::RAW_TRACEPOINT, &[0, pair(10, 0), 5], &[name]);
    assert_eq!(told, LinkDetails::RawTracepoint { name: "sys_enter".into(), cookie: 5 });
}

/// What the words mean depends on the target.
#[test]
fn iterators() {
    let iter = |target: &str, words: &[u64]| {
        let name = ("target_name", format!("{target}\0").into_bytes());
        match of(LinkType::ITER, words, &[name]) {
            LinkDetails::Iter(info) => info,
            other => panic!("{other:?}"),
        }
    };
    let map = iter("bpf_map_elem", &[0, pair(0, 12), 0, 0]);
    assert_eq!((map.target.as_str(), map.map_id), ("bpf_map_elem", 12));
    let cgroup = iter("cgroup", &[0, 0, 77, 2]);
    assert_eq!((cgroup.cgroup_id, cgroup.cgroup_order, cgroup.tid), (77, 2, 0));
    let task: IterInfo = iter("task_file", &[0, 0, pair(5, 6), 0]);
    assert_eq!((task.tid, task.pid, task.cgroup_id), (5, 6, 0));
}

#[test]
fn many_kprobes() {
    let words = [0, pair(2, 1), 3, 0];
    let memory = [("addrs", list(&[0xf00, 0xf10])), ("cookies", list(&[1, 2]))];
    let LinkDetails::KprobeMulti(info) = of(LinkType::KPROBE_MULTI, &words, &memory) else { panic!() };
    assert_eq!((info.count, info.flags, info.missed), (2, 1, 3));
    assert_eq!((info.addrs, info.cookies), (Some(vec![0xf00, 0xf10]), vec![1, 2]));
    // Addresses that this process may not know are zeros.
    let hidden = [("addrs", list(&[0, 0])), ("cookies", list(&[1, 2]))];
    let LinkDetails::KprobeMulti(info) = of(LinkType::KPROBE_MULTI, &words, &hidden) else { panic!() };
    assert_eq!((info.count, info.addrs, info.cookies), (2, None, vec![1, 2]));
    // A kernel before 6.9 ends before the cookies.
    let link_type = LinkType::KPROBE_MULTI.0;
    let old = One { link_type, words: words.to_vec(), memory: memory.to_vec(), knows: 40 };
    let LinkDetails::KprobeMulti(info) = ask(old) else { panic!() };
    assert_eq!((info.count, info.addrs, info.cookies), (2, Some(vec![0xf00, 0xf10]), vec![]));
}

#[test]
fn many_functions() {
    let ids = [5u32, 6].iter().flat_map(|n| n.to_ne_bytes()).collect();
    let memory = [("ids", ids), ("addrs", list(&[0xf00, 0xf10])), ("cookies", list(&[1, 2]))];
    let words = [pair(59, 2), pair(1, 0), 0, 0, 0];
    let LinkDetails::TracingMulti(info) = of(LinkType::TRACING_MULTI, &words, &memory) else { panic!() };
    assert_eq!((info.attach_type, info.btf_obj_id), (AttachType::TRACE_FENTRY_MULTI, 1));
    assert_eq!((info.ids, info.addrs, info.cookies), (vec![5, 6], Some(vec![0xf00, 0xf10]), vec![1, 2]));
}

#[test]
fn many_uprobes() {
    let memory = [
        ("path", b"/bin/x\0".to_vec()),
        ("offsets", list(&[0x10, 0x20])),
        ("ref_ctr_offsets", list(&[0, 0x99])),
        ("cookies", list(&[1, 2])),
    ];
    let words = [0, 0, 0, 0, pair(7, 2), pair(1, 42)];
    let LinkDetails::UprobeMulti(info) = of(LinkType::UPROBE_MULTI, &words, &memory) else { panic!() };
    assert_eq!(
        (info.path.as_str(), info.offsets, info.ref_ctr_offsets),
        ("/bin/x", vec![0x10, 0x20], vec![0, 0x99])
    );
    assert_eq!((info.cookies, info.flags, info.pid), (vec![1, 2], 1, 42));
    // A kernel before 6.8 says nothing and refuses to be asked.
    let old = One { link_type: LinkType::UPROBE_MULTI.0, knows: 56, ..One::default() };
    let LinkDetails::UprobeMulti(info) = ask(old) else { panic!() };
    assert_eq!((info.path.as_str(), info.offsets.len()), ("", 0));
}

#[test]
fn perf_events() {
    let event = |words: &[u64], name: &str| {
        let memory = [("name", format!("{name}\0").into_bytes())];
        match of(LinkType::PERF_EVENT, words, &memory) {
            LinkDetails::PerfEvent(info) => info,
            other => panic!("{other:?}"),
        }
    };
    let uprobe =
        |ret| PerfEventInfo::Uprobe { ret, file: "/x".into(), offset: 4, cookie: 5, ref_ctr_offset: 6 };
    assert_eq!(event(&[1, 0, pair(3, 4), 5, 6], "/x"), uprobe(false));
    assert_eq!(event(&[2, 0, pair(3, 4), 5, 6], "/x"), uprobe(true));
    let kprobe =
        |ret, addr| PerfEventInfo::Kprobe { ret, func: "f".into(), offset: 4, addr, missed: 6, cookie: 7 };
    assert_eq!(event(&[3, 0, pair(2, 4), 0xf00, 6, 7], "f"), kprobe(false, Some(0xf00)));
    assert_eq!(event(&[4, 0, pair(2, 4), 0, 6, 7], "f"), kprobe(true, None));
    let tracepoint = PerfEventInfo::Tracepoint { name: "sched_switch".into(), cookie: 5 };
    assert_eq!(event(&[5, 0, pair(13, 0), 5], "sched_switch"), tracepoint);
    let counter = PerfEventInfo::Event { config: 2, event_type: 1, cookie: 5 };
    assert_eq!(event(&[6, 2, pair(1, 0), 5], ""), counter);
    assert_eq!(event(&[0], ""), PerfEventInfo::Unspecified);
}
