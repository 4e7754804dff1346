//! Attaching to a kernel that is not there: which calls, in which order, and what comes of errors.

use std::cell::RefCell;
use std::sync::Arc;

use oxbpf_obj::SectionDef;
use oxbpf_sys::doors::{Fake, Faults, Older, Recorder};
use oxbpf_sys::uapi::{LinkCreateAttr, PERF_TYPE_TRACEPOINT};
use oxbpf_sys::{Door, KernelVersion, ProgLoad};

use super::*;
use crate::LinkKind;
use crate::program::About;

/// A program of a section, loaded.
pub(crate) fn program(kernel: &Kernel, section: &str) -> Program {
    loaded_by(kernel, kernel, section)
}

/// The same, loaded by another view of the kernel, so that nothing goes wrong before it is attached.
fn loaded_by(loader: &Kernel, kernel: &Kernel, section: &str) -> Program {
    let (def, attach_to) = SectionDef::find(section).unwrap();
    let load = ProgLoad {
        prog_type: def.prog_type,
        insns: &[0; 16],
        license: "GPL",
        name: "p",
        ..Default::default()
    };
    let fd = loader.prog_load(&load, None).unwrap();
    let about = About {
        name: "p",
        section,
        def: Some(def),
        prog_type: def.prog_type,
        attach_type: def.attach_type,
        attach_to,
        flags: Default::default(),
        autoattach: true,
        ifindex: 0,
        log: None,
        handler: None,
    };
    Program::new(fd, kernel, about)
}

fn recording(door: impl Door + 'static) -> (Arc<Recorder>, Kernel) {
    let recorder = Arc::new(Recorder::new(Arc::new(door)));
    (recorder.clone(), Kernel::with_door(recorder))
}

fn reason(result: std::result::Result<Link, Error>) -> AttachReason {
    match result {
        Err(Error::Attach(e)) => e.reason,
        other => panic!("{other:?}"),
    }
}

/// The names of the calls, without the reading of files.
fn calls(recorder: &Recorder) -> Vec<String> {
    let calls = recorder.take();
    calls
        .iter()
        .map(|c| c.name.to_string())
        .filter(|n| !["open", "read", "statfs"].contains(&n.as_str()))
        .collect()
}

#[test]
fn offsets_are_split_off() {
    assert_eq!(split_offset("do_unlinkat"), ("do_unlinkat", 0));
    assert_eq!(split_offset("do_unlinkat+0x1f"), ("do_unlinkat", 31));
    assert_eq!(split_offset("f+16"), ("f", 16));
    assert_eq!(split_offset("f+010"), ("f", 8));
    assert_eq!(split_offset("operator+"), ("operator+", 0));
    assert_eq!(split_offset("a+b+4"), ("a+b", 4));
    assert_eq!(split_offset("f+-4"), ("f+-4", 0));
    assert_eq!(split_offset("f++4"), ("f+", 4));
    assert_eq!(split_offset("+4"), ("+4", 0));
}

#[test]
fn a_tracepoint_takes_two_calls_and_its_number() {
    let id = "/sys/kernel/tracing/events/sched/sched_switch/id";
    let (recorder, kernel) = recording(Fake::new().with_file(id, "314\n"));
    let p = program(&kernel, "tp/sched/sched_switch");
    recorder.take();
    let link = p.attach().unwrap();
    assert_eq!(
        (link.kind(), link.target(), link.program()),
        (LinkKind::Tracepoint, "sched/sched_switch", "p")
    );
    assert!(link.as_fd().is_some());
    let calls = recorder.take();
    let event = calls.iter().find_map(|c| c.perf).unwrap();
    assert_eq!((event.event_type, event.config), (PERF_TYPE_TRACEPOINT, 314));
    let names: Vec<_> =
        calls.iter().map(|c| c.name).filter(|n| !["open", "read", "statfs"].contains(n)).collect();
    assert_eq!(names, ["perf_event_open", "BPF_LINK_CREATE"]);
}

#[test]
fn an_older_kernel_gets_the_program_by_ioctl_and_has_no_cookies() {
    let older = Older::new(Arc::new(Fake::new()), KernelVersion::new(5, 10, 0));
    let (recorder, kernel) = recording(older);
    let p = program(&kernel, "tracepoint/a/b");
    recorder.take();
    let link = p.attach().unwrap();
    assert!(link.as_fd().is_none());
    let made = ["perf_event_open", "BPF_LINK_CREATE", "uname", "PERF_EVENT_IOC_SET_BPF"];
    assert_eq!(calls(&recorder), made, "its version is asked for the error");
    let refused = reason(p.attach_tracepoint_with_cookie("a", "b", 7));
    assert!(matches!(refused, AttachReason::NoCookies { since: "5.15" }), "{refused}");
}

#[test]
fn cookies_reach_the_kernel() {
    let (recorder, kernel) = recording(Fake::new());
    let _link = program(&kernel, "tp").attach_tracepoint_with_cookie("a", "b", 0x1234).unwrap();
    let create = recorder.take().into_iter().find(|c| c.name == "BPF_LINK_CREATE").unwrap();
    assert_eq!(create.view::<LinkCreateAttr>().extra[0], 0x1234);
}

#[test]
fn tracing_programs_take_one_call() {
    let (recorder, kernel) = recording(Fake::new());
    for (section, kind) in [
        ("fentry/f", LinkKind::Fentry),
        ("fexit.s/f", LinkKind::Fexit),
        ("fmod_ret/f", LinkKind::FmodRet),
        ("tp_btf/f", LinkKind::RawTracepoint),
    ] {
        let p = program(&kernel, section);
        recorder.take();
        let link = p.attach().unwrap();
        assert_eq!((link.kind(), link.target()), (kind, "f"));
        assert_eq!(calls(&recorder), ["BPF_RAW_TRACEPOINT_OPEN"]);
        drop(link);
        let _link = p.attach_tracing(5).unwrap();
        let create = recorder.take().into_iter().find(|c| c.name == "BPF_LINK_CREATE").unwrap();
        assert_eq!(create.view::<LinkCreateAttr>().extra[1], 5);
    }
}

#[test]
fn probes_go_through_their_pmu() {
    let (recorder, kernel) = recording(Fake::new());
    let link = program(&kernel, "kprobe/do_work+0x10").attach().unwrap();
    assert_eq!((link.kind(), link.target()), (LinkKind::Kprobe, "do_work+0x10"));
    let event = recorder.take().iter().find_map(|c| c.perf).unwrap();
    assert_eq!((event.event_type, event.config, event.config2), (8, 0, 16));

    let link = program(&kernel, "kretprobe/do_work").attach().unwrap();
    assert_eq!(link.kind(), LinkKind::Kretprobe);
    let event = recorder.take().iter().find_map(|c| c.perf).unwrap();
    assert_eq!((event.event_type, event.config, event.config2), (8, 1, 0));

    let options = UprobeOptions {
        binary: "/bin/sh",
        offset: 0x1234,
        on_return: true,
        ref_ctr_offset: 0x77,
        ..Default::default()
    };
    let link = program(&kernel, "uprobe").attach_uprobe(&options).unwrap();
    assert_eq!((link.kind(), link.target()), (LinkKind::Uretprobe, "/bin/sh:0x1234"));
    let event = recorder.take().iter().find_map(|c| c.perf).unwrap();
    assert_eq!((event.event_type, event.config, event.config2), (9, 1 | 0x77 << 32, 0x1234));
}

#[test]
fn without_a_pmu_probes_are_written_to_tracefs_and_removed() {
    let fake = Fake::new()
        .without_file("/sys/bus/event_source/devices/uprobe/type")
        .without_file("/sys/bus/event_source/devices/kprobe/type")
        .with_file("/sys/kernel/tracing/uprobe_events", "")
        .with_file("/sys/kernel/tracing/kprobe_events", "");
    let (recorder, kernel) = recording(fake);
    let written = |recorder: &Recorder| -> Vec<String> {
        let calls = recorder.take();
        let lines = calls.iter().filter(|c| c.name == "write").filter_map(|c| c.bytes("data"));
        lines.map(|l| String::from_utf8_lossy(l).into_owned()).collect()
    };
    for (section, begin, end) in [
        ("uprobe//bin/sh:0x1234", "p:oxbpf/", " /bin/sh:0x1234"),
        ("uretprobe//bin/sh:0x1234", "r:oxbpf/", " /bin/sh:0x1234"),
        ("kprobe/do_work+4", "p:oxbpf/", " do_work+0x4"),
        ("kretprobe/do_work", "r:oxbpf/", " do_work+0x0"),
    ] {
        let p = program(&kernel, section);
        let link = p.attach().unwrap();
        let lines = written(&recorder);
        let [line] = &lines[..] else { panic!("{lines:?}") };
        let name =
            line.strip_prefix(begin).and_then(|l| l.strip_suffix(end)).unwrap_or_else(|| panic!("{line}"));
        // A tracepoint's name: no other characters are taken.
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{name}");
        let removal = format!("-:oxbpf/{name}");
        link.detach().unwrap();
        assert_eq!(written(&recorder), [removal]);
    }
    // A blank would end the path in the kernel's eyes.
    let refused = reason(program(&kernel, "uprobe//bin/a b:0x1").attach());
    assert!(matches!(&refused, AttachReason::Refused { .. }), "{refused}");
    assert!(written(&recorder).is_empty());
}

#[test]
fn a_kernel_without_probes_says_so() {
    let fake = Fake::new()
        .without_file("/sys/bus/event_source/devices/uprobe/type")
        .without_file("/sys/bus/event_source/devices/kprobe/type");
    let kernel = Kernel::with_door(Arc::new(fake));
    let refused = reason(program(&kernel, "kprobe/f").attach());
    assert!(matches!(refused, AttachReason::NoKprobes), "{refused}");
    let refused = reason(program(&kernel, "uprobe//bin/sh:0x1").attach());
    assert!(matches!(refused, AttachReason::NoUprobes), "{refused}");
}

#[test]
fn sections_without_a_target_name_the_method() {
    let kernel = Kernel::with_door(Arc::new(Fake::new()));
    for (section, method) in [
        ("tp", "attach_tracepoint"),
        ("tracepoint", "attach_tracepoint"),
        ("raw_tp", "attach_raw_tracepoint"),
        ("kprobe", "attach_kprobe"),
        ("kretprobe", "attach_kprobe"),
        ("uprobe", "attach_uprobe"),
        ("uretprobe", "attach_uprobe"),
        ("xdp", "attach_xdp"),
        ("xdp.frags", "attach_xdp"),
        ("cgroup_skb/ingress", "attach_cgroup"),
        ("cgroup_skb/egress", "attach_cgroup"),
        ("perf_event", "attach_perf_event"),
    ] {
        let error = program(&kernel, section).attach().unwrap_err().to_string();
        assert!(error.contains(&format!("use `Program::{method}`")), "{error}");
    }
    let error = program(&kernel, "kprobe").attach().unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot attach program p (kprobe): the section names no function: use `Program::attach_kprobe`, \
         or name it in the section: `kprobe/FUNCTION+OFFSET`"
    );
}

#[test]
fn what_is_put_to_use_in_another_way_says_which() {
    let kernel = Kernel::with_door(Arc::new(Fake::new()));
    for (section, how) in [
        ("syscall", "Program::test_run"),
        ("xdp/devmap", "DevMap"),
        ("socket", "SO_ATTACH_BPF"),
        ("sk_reuseport", "SO_ATTACH_REUSEPORT_EBPF"),
        ("lwt_xmit", "ip-route"),
    ] {
        let refused = reason(program(&kernel, section).attach());
        assert!(
            matches!(refused, AttachReason::NotAttached { how: told } if told.contains(how)),
            "{refused}"
        );
        assert!(refused.is_waiting());
    }
    let waits = |section| reason(program(&kernel, section).attach()).is_waiting();
    assert!(waits("xdp") && waits("tc") && !waits("lsm/file_open") && !waits("tp/no_category"));
}

#[test]
fn what_cannot_be_attached_yet_says_so_by_its_section() {
    let kernel = Kernel::with_door(Arc::new(Fake::new()));
    for section in ["lsm/file_open", "tc", "usdt/a:b:c", "kprobe.multi/tcp_*"] {
        let refused = reason(program(&kernel, section).attach());
        let AttachReason::NotYet { section: named } = &refused else { panic!("{section}: {refused}") };
        assert_eq!(named, section);
        assert_eq!(refused.to_string(), format!("attaching `{section}` is not supported yet"));
    }
}

#[test]
fn targets_that_do_not_read_and_programs_of_other_types_are_refused_before_the_kernel_is_asked() {
    let (recorder, kernel) = recording(Fake::new());
    let bad = ["tp/no_category", "uprobe/no_function", "kprobe/two words"];
    let programs: Vec<Program> = bad.iter().map(|s| program(&kernel, s)).collect();
    let xdp = program(&kernel, "xdp");
    recorder.take();
    for p in &programs {
        let refused = reason(p.attach());
        assert!(matches!(refused, AttachReason::BadTarget { .. }), "{refused}");
    }
    for refused in [
        reason(xdp.attach_tracepoint("sched", "sched_switch")),
        reason(xdp.attach_kprobe(&KprobeOptions { function: "f", ..Default::default() })),
        reason(xdp.attach_perf_event(&PerfEventOptions::default())),
        reason(programs[0].attach_xdp(1, Default::default())),
    ] {
        assert!(matches!(refused, AttachReason::WrongType { .. }), "{refused}");
    }
    assert_eq!(recorder.take().len(), 0);
    let refused = reason(program(&kernel, "kretprobe/f+4").attach());
    assert!(matches!(refused, AttachReason::ReturnOffset), "{refused}");
}

#[test]
fn missing_privileges_and_missing_tracefs_are_named() {
    for section in
        ["tp/sched/sched_switch", "raw_tp/sched_switch", "fentry/f", "kprobe/f", "uprobe//bin/sh:0x1"]
    {
        let mut hinted = false;
        for n in 0..20 {
            let fake =
                Arc::new(Fake::new().with_file("/proc/thread-self/status", "CapEff:\t0000000000000000\n"));
            let door = Arc::new(Faults::nth(fake.clone(), n, Errno::EACCES));
            let p = loaded_by(&Kernel::with_door(fake), &Kernel::with_door(door.clone()), section);
            let Err(error) = p.attach() else { continue };
            // The event, or the link, is what needs it.
            if door.fault().is_some_and(|f| ["perf_event_open", "BPF_RAW_TRACEPOINT_OPEN"].contains(&f.call))
            {
                assert!(error.to_string().ends_with("; needs CAP_PERFMON; run as root"), "{error}");
                assert_eq!(error.errno(), Some(Errno::EACCES));
                hinted = true;
            }
        }
        assert!(hinted, "{section}");
    }
    let unprivileged = Fake::new().with_file("/proc/thread-self/status", "CapEff:\t0000000000000000\n");
    let unprivileged = Arc::new(unprivileged);
    let door = Arc::new(Faults::nth(unprivileged.clone(), 0, Errno::EPERM));
    let p = loaded_by(&Kernel::with_door(unprivileged), &Kernel::with_door(door), "xdp");
    let error = p.attach_xdp(1, Default::default()).unwrap_err().to_string();
    assert!(error.ends_with("EPERM (Operation not permitted); needs CAP_NET_ADMIN; run as root"), "{error}");

    let fake = Fake::new().with_file("/proc/thread-self/mounts", "proc /proc proc rw 0 0\n");
    let kernel = Kernel::with_door(Arc::new(fake));
    let refused = reason(program(&kernel, "tp/sched/sched_switch").attach());
    assert!(matches!(refused, AttachReason::NoTracefs(_)), "{refused}");
    assert!(refused.to_string().contains("mount -t tracefs"), "{refused}");
}

#[test]
fn every_call_that_fails_is_an_error_and_leaves_nothing_open() {
    let fresh = |with_pmu: bool| {
        let mut fake = Fake::new();
        for file in ["available_events", "uprobe_events", "kprobe_events"] {
            fake = fake.with_file(format!("/sys/kernel/tracing/{file}"), "");
        }
        for pmu in ["uprobe", "kprobe"] {
            if !with_pmu {
                fake = fake.without_file(format!("/sys/bus/event_source/devices/{pmu}/type"));
            }
        }
        Arc::new(fake)
    };
    let sections =
        ["tp/a/b", "raw_tp/a", "tp_btf/a", "fentry/a", "kprobe/a", "uprobe//bin/sh:0x1", "perf_event", "xdp"];
    for (with_pmu, section) in [true, false].iter().flat_map(|&p| sections.map(|s| (p, s))) {
        let fake = RefCell::new(fresh(with_pmu));
        let faults = Faults::sweep(
            || {
                let new = fresh(with_pmu);
                *fake.borrow_mut() = new.clone();
                new
            },
            &[Errno::ENOMEM, Errno::EPERM, Errno::EINVAL, Errno::ENOENT],
            |kernel| {
                let fake = fake.borrow().clone();
                let p = loaded_by(&Kernel::with_door(fake.clone()), &kernel, section);
                let before = fake.open_objects();
                let link = match section {
                    "perf_event" => p.attach_perf_event(&PerfEventOptions::default()),
                    "xdp" => p.attach_xdp(1, Default::default()),
                    _ => p.attach(),
                };
                let result = link.and_then(Link::detach);
                (result, before, fake.open_objects())
            },
            |fault, (result, before, after)| {
                assert_eq!(before, after, "{section}: something is left open after {fault}");
                // Some answers mean that the kernel has another way: it is older, tracefs is elsewhere, there is no
                // PMU.
                let another_way = fault.errno == Errno::EINVAL
                    && ["BPF_LINK_CREATE", "BPF_LINK_DETACH"].contains(&fault.call)
                    || fault.call == "statfs"
                    || fault.what.contains("event_source")
                    // No read fails so; it is taken for a PMU that is not there.
                    || fault.errno == Errno::ENOENT && fault.call == "read";
                assert!(result.is_err() || another_way, "{section}: nobody noticed {fault}");
            },
        );
        assert!(faults >= 4, "{section}: {faults}");
    }
}
