//! Links.

use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use oxbpf::btf::Kind;
use oxbpf::sys::PerfEventInfo;
use oxbpf::{AttachType, Kernel, LinkDetails, LinkInfo, LinkType};
use oxbpf_testing::net::in_own_netns;
use oxbpf_testing::{Need, Suite, TestResult};

use crate::made::{COOKIE, FUNCTION, Made};
use crate::tool::{BPFTOOL, Result, Told, show};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [
        Need::Bpf,
        Need::SysAdmin,
        Need::NetAdmin,
        Need::Veth,
        Need::Cgroup2,
        Need::KernelBtf,
        BPFTOOL,
        Need::Kernel(5, 11),
    ];
    suite.test("links::fields", &needs, || in_own_netns(fields)?);
}

/// All kinds of links that this kernel makes: as they were made, as bpftool shows them, as /proc does.
fn fields() -> TestResult {
    let made = Made::all()?;
    let kernel = Kernel::host();
    let version = kernel.kernel_version()?;
    let mut compared = 0;
    for (what, link) in &made.links {
        let info = link.info()?;
        assert_eq!((info.id, info.link_type), (link.id(), link.link_type()), "{what}");
        let told = show("link", info.id)?;
        let proc = Told::proc(&kernel.fdinfo(link.as_fd())?);
        told.has("id", info.id);
        told.has("prog_id", info.prog_id);
        // bpftool has no names for kinds that are younger than itself.
        match told.value["type"].is_string() {
            true => told.has("type", info.link_type.to_string()),
            false => told.has("type", info.link_type.0),
        }
        proc.has("link_id", info.id);
        proc.has("prog_id", info.prog_id);
        assert_eq!(info.details, expected(&kernel, &made, what, &info)?, "{what}");
        compared += details(&info, &told) + details(&info, &proc);
    }
    assert!(made.links.len() >= 8, "{:?}", made.not);
    assert!(compared >= if version.at_least(6, 18) { 30 } else { 10 }, "{compared}");
    Ok(())
}

/// What the kind has of its own, in the words of bpftool and of /proc; how many fields there were to compare.
fn details(info: &LinkInfo, told: &Told) -> usize {
    let attach = |t: &AttachType| match told.value["attach_type"].as_str() {
        // A number, and sometimes a word.
        Some(text) if text.starts_with(&t.0.to_string()) => 1,
        _ => told.agrees("attach_type", t.to_string()),
    };
    match &info.details {
        LinkDetails::RawTracepoint { name, cookie } => {
            told.agrees("tp_name", name.clone()) + told.agrees("cookie", *cookie)
        }
        LinkDetails::Tracing { attach_type, target_obj_id, target_btf_id, cookie } => {
            attach(attach_type)
                + told.agrees("target_obj_id", *target_obj_id)
                + told.agrees("target_btf_id", *target_btf_id)
                + told.agrees("cookie", *cookie)
        }
        LinkDetails::Cgroup { cgroup_id, attach_type } => {
            attach(attach_type) + told.agrees("cgroup_id", *cgroup_id)
        }
        LinkDetails::Iter(iter) => {
            let order = ["", "self_only", "descendants_pre", "descendants_post", "ancestors_up"];
            told.agrees("target_name", iter.target.clone())
                + told.agrees("map_id", iter.map_id)
                + told.agrees("cgroup_id", iter.cgroup_id)
                + told.agrees("order", order[iter.cgroup_order as usize])
                + told.agrees("tid", iter.tid)
                + told.agrees("pid", iter.pid)
        }
        LinkDetails::Netns { netns_ino, attach_type } => {
            attach(attach_type) + told.agrees("netns_ino", *netns_ino)
        }
        LinkDetails::Xdp { ifindex } => told.agrees("ifindex", *ifindex),
        LinkDetails::Tcx { ifindex, attach_type } | LinkDetails::Netkit { ifindex, attach_type } => {
            attach(attach_type) + told.agrees("ifindex", *ifindex)
        }
        LinkDetails::StructOps { map_id } => told.agrees("map_id", *map_id),
        LinkDetails::Sockmap { map_id, attach_type } => attach(attach_type) + told.agrees("map_id", *map_id),
        LinkDetails::Netfilter { pf, hooknum, priority, .. } => match told.value["pf"].as_str() {
            // All on one line.
            Some(line) => {
                assert_eq!(line, format!("{pf}\thooknum:\t{hooknum}\tprio:\t{priority}"));
                3
            }
            None => 0,
        },
        LinkDetails::PerfEvent(event) => perf_event(event, told),
        LinkDetails::UprobeMulti(multi) => {
            told.agrees("path", multi.path.clone())
                + told.agrees("pid", multi.pid)
                + told.agrees("uprobe_cnt", multi.offsets.len())
        }
        LinkDetails::KprobeMulti(multi) => {
            told.agrees("kprobe_cnt", multi.count) + told.agrees("missed", multi.missed)
        }
        _ => 0,
    }
}

fn perf_event(event: &PerfEventInfo, told: &Told) -> usize {
    // bpftool says nothing of its own here, and its `type` is that of the link.
    if told.value.get("event_type").is_none() {
        return 0;
    }
    let kind = |ret: bool, probe: &str, retprobe: &str| {
        told.agrees("event_type", if ret { retprobe } else { probe }.to_owned())
    };
    match event {
        PerfEventInfo::Uprobe { ret, file, offset, cookie, ref_ctr_offset } => {
            kind(*ret, "uprobe", "uretprobe")
                + told.agrees("name", file.clone())
                + told.agrees("offset", *offset)
                + told.agrees("cookie", *cookie)
                + told.agrees("ref_ctr_offset", *ref_ctr_offset)
        }
        PerfEventInfo::Kprobe { ret, func, offset, addr, missed, cookie } => {
            kind(*ret, "kprobe", "kretprobe")
                + told.agrees("name", func.clone())
                + told.agrees("offset", *offset)
                + addr.map_or(0, |addr| told.agrees("addr", addr))
                + told.agrees("missed", *missed)
                + told.agrees("cookie", *cookie)
        }
        PerfEventInfo::Tracepoint { name, cookie } => {
            told.agrees("event_type", "tracepoint")
                + told.agrees("tp_name", name.clone())
                + told.agrees("cookie", *cookie)
        }
        PerfEventInfo::Event { config, event_type, cookie } => {
            told.agrees("event_type", "event")
                + told.agrees("type", *event_type)
                + told.agrees("config", *config)
                + told.agrees("cookie", *cookie)
        }
        _ => 0,
    }
}

/// What the link was made with, as far as this kernel tells it.
fn expected(kernel: &Kernel, made: &Made, what: &str, info: &LinkInfo) -> Result<LinkDetails> {
    let version = kernel.kernel_version()?;
    let since = |major, minor, value: u64| if version.at_least(major, minor) { value } else { 0 };
    let cookie = since(6, 9, COOKIE);
    let ifindex = made.ifindex();
    let mut told = info.details.clone();
    match &mut told {
        LinkDetails::RawTracepoint { name, cookie } => {
            *name = "sched_process_exec".to_owned();
            *cookie = since(6, 17, COOKIE);
        }
        LinkDetails::Tracing { attach_type, target_obj_id, target_btf_id, .. } => {
            (*attach_type, *target_obj_id) = (AttachType::TRACE_FENTRY, 1);
            *target_btf_id = kernel.btf()?.find("vfs_read", Kind::Func).ok_or("a function")?.0;
        }
        LinkDetails::Cgroup { cgroup_id, attach_type } => {
            // A cgroup's id is the number of its directory.
            *cgroup_id = std::fs::metadata(made.cgroup.path())?.ino();
            *attach_type = AttachType::CGROUP_INET_EGRESS;
        }
        LinkDetails::Iter(iter) => {
            let own = std::process::id();
            match what {
                "elements of a map" => {
                    (iter.target, iter.map_id) = ("bpf_map_elem".to_owned(), made.map.info()?.id);
                }
                "a task" => (iter.target, iter.pid) = ("task".to_owned(), own),
                "cgroups" => {
                    iter.target = "cgroup".to_owned();
                    (iter.cgroup_id, iter.cgroup_order) = (std::fs::metadata(made.cgroup.path())?.ino(), 2);
                }
                _ => (iter.target, iter.pid, iter.tid) = ("task".to_owned(), 0, 0),
            }
        }
        LinkDetails::Netns { netns_ino, attach_type } => {
            *netns_ino = std::fs::metadata("/proc/thread-self/ns/net")?.ino() as u32;
            *attach_type = AttachType::SK_LOOKUP;
        }
        LinkDetails::Xdp { ifindex: index } => *index = ifindex,
        LinkDetails::Tcx { ifindex: index, attach_type } => {
            (*index, *attach_type) = (ifindex, AttachType::TCX_EGRESS);
        }
        LinkDetails::Netfilter { pf, hooknum, priority, flags } => {
            (*pf, *hooknum, *priority, *flags) = (2, 3, -150, 0);
        }
        LinkDetails::Sockmap { map_id, attach_type } => {
            (*map_id, *attach_type) = (made.sockmap.info()?.id, AttachType::SK_MSG_VERDICT);
        }
        LinkDetails::UprobeMulti(multi) if version.at_least(6, 8) => {
            (multi.path, multi.offsets) = (made.exe.clone(), vec![made.offset]);
            (multi.cookies, multi.pid) = (vec![COOKIE], std::process::id());
            (multi.ref_ctr_offsets, multi.flags) = (vec![0], 0);
        }
        LinkDetails::KprobeMulti(multi) if version.at_least(6, 6) => {
            (multi.count, multi.flags) = (2, 0);
            if version.at_least(6, 9) {
                // The kernel sorts them by address.
                multi.cookies.sort_unstable();
                assert_eq!(multi.cookies, [COOKIE, COOKIE + 1]);
            }
            multi.cookies = match &info.details {
                LinkDetails::KprobeMulti(told) => told.cookies.clone(),
                _ => Vec::new(),
            };
        }
        LinkDetails::PerfEvent(event) if version.at_least(6, 6) => {
            *event = match what {
                "tracepoint" => {
                    PerfEventInfo::Tracepoint { name: "sys_enter_getpriority".to_owned(), cookie }
                }
                "uprobe" | "uretprobe" => PerfEventInfo::Uprobe {
                    ret: what == "uretprobe",
                    file: made.exe.clone(),
                    offset: made.offset as u32,
                    cookie,
                    ref_ctr_offset: 0,
                },
                _ => match event.clone() {
                    PerfEventInfo::Kprobe { addr, missed, .. } => PerfEventInfo::Kprobe {
                        ret: what == "kretprobe",
                        func: FUNCTION.to_owned(),
                        offset: 0,
                        addr,
                        missed,
                        cookie,
                    },
                    // The kernel may move a clock from the software events to a PMU of its own.
                    PerfEventInfo::Event { event_type, .. } => {
                        PerfEventInfo::Event { config: 0, event_type, cookie }
                    }
                    other => other,
                },
            };
        }
        _ => {}
    }
    assert!(info.link_type != LinkType::UNSPEC);
    Ok(told)
}
