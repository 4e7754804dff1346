//! Ways of attaching besides the section's.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use oxbpf::sys::uapi::RawPerfEventAttr;
use oxbpf::sys::{Call, Door, HostDoor, PerfEvent, Reply};
use oxbpf::{Errno, Kernel, LinkKind, LoadOptions, Object, RingBuffer};
use oxbpf_testing::{Held, Need, Skip, Suite, TestResult, testdata};
use zerocopy::FromBytes;

use crate::support::{Loaded, refs, text, this_program, unique_path, wait_for};

pub(crate) fn tests(suite: &mut Suite) {
    let uprobe = [Need::Bpf, Need::SysAdmin, Need::Kernel(5, 8), Need::Uprobes];
    suite.test("attach_options::uprobes_by_tracefs", &uprobe, uprobes_by_tracefs);
    let kprobe = [Need::Bpf, Need::SysAdmin, Need::KernelBtf, Need::Kernel(5, 8), Need::Kprobes];
    suite.test("attach_options::kprobes_by_tracefs", &kprobe, kprobes_by_tracefs);
    suite.test(
        "attach_options::perf_events_of_the_caller",
        &[Need::Bpf, Need::Kernel(5, 2)],
        perf_events_of_the_caller,
    );
    let mount = [Need::Bpf, Need::SysAdmin, Need::Tracepoint("sched", "sched_switch")];
    suite.test("attach_options::tracefs_that_is_mounted_nowhere", &mount, tracefs_mounted_nowhere);
}

/// This kernel as it would be without the PMUs of probes.
#[derive(Debug)]
struct WithoutPmu;

// SAFETY: it refuses some calls and passes on the others.
unsafe impl Door for WithoutPmu {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        match &call {
            Call::Open(path, _) if path.starts_with("/sys/bus/event_source") => Err(Errno::ENOENT),
            _ => HostDoor.call(call),
        }
    }
}

fn load_without_pmu(file: &str) -> oxbpf::Result<Object> {
    let options = LoadOptions { kernel: Kernel::with_door(Arc::new(WithoutPmu)), ..Default::default() };
    Object::load(&oxbpf::open(testdata(file))?, &options)
}

/// The probes of this process in one of tracefs's lists.
fn listed(list: &str) -> std::io::Result<usize> {
    let own = format!("oxbpf/p{}_", std::process::id());
    let tracefs = Kernel::host().tracefs()?;
    let text = std::fs::read_to_string(tracefs.join(list))?;
    Ok(text.lines().filter(|line| line.contains(&own)).count())
}

#[derive(FromBytes)]
#[repr(C)]
struct Opened {
    pid: u32,
    failed: u8,
    _pad: [u8; 3],
    nsecs: u64,
    comm: [u8; 16],
    path: [u8; 128],
}

fn uprobes_by_tracefs() -> TestResult {
    let object = load_without_pmu("uprobe.bpf.o")?;
    let mut ring = RingBuffer::new(object.map("events")?)?;
    if Path::new("/lib/x86_64-linux-gnu/libc.so.6").exists() || object.program("on_entry")?.attach().is_ok() {
        let links = object.attach()?;
        assert_eq!(listed("uprobe_events")?, 2);
        let dir = unique_path("listed-by-tracefs");
        std::fs::create_dir(&dir)?;
        let held = Held::spawn(&["ls", &dir])?;
        let pid = held.pid();
        assert!(held.go()?.success());
        let event: Opened = wait_for(&mut ring, |e: &Opened| e.pid == pid && text(&e.path) == dir)?;
        std::fs::remove_dir(&dir)?;
        assert_eq!((text(&event.comm).as_str(), event.failed, event.nsecs > 0), ("ls", 0, true));
        links.detach()?;
        assert_eq!(listed("uprobe_events")?, 0);
        return Ok(());
    }
    Err(Skip::because("needs a libc.so.6").into())
}

#[derive(FromBytes)]
#[repr(C)]
struct Removed {
    pid: u32,
    ret: i32,
    name: [u8; 64],
}

fn kprobes_by_tracefs() -> TestResult {
    let object = load_without_pmu("tests/kprobe.bpf.o")?;
    let mut ring = RingBuffer::new(object.map("events")?)?;
    let links = object.attach()?;
    assert_eq!(listed("kprobe_events")?, 2);
    let path = unique_path("unlinked-by-tracefs");
    std::fs::write(&path, "")?;
    let held = Held::spawn(&["unlink", &path])?;
    let pid = held.pid();
    assert!(held.go()?.success());
    let event: Removed = wait_for(&mut ring, |e: &Removed| e.pid == pid && e.ret == 1)?;
    assert_eq!(text(&event.name), path);
    drop(links);
    assert_eq!(listed("kprobe_events")?, 0);
    // A function that is not there leaves nothing behind either.
    let missing = oxbpf::KprobeOptions { function: "no_such_function_anywhere", ..Default::default() };
    let error = object.program("on_entry")?.attach_kprobe(&missing).expect_err("no such function");
    assert!(error.to_string().contains("no_such_function_anywhere"), "{error}");
    assert_eq!(listed("kprobe_events")?, 0);
    Ok(())
}

fn perf_events_of_the_caller() -> TestResult {
    let held = Held::spawn(&refs(&this_program(&["spin", "100"])?))?;
    let pid = held.pid();
    let loaded = Loaded::new("tests/perf_event.bpf.o")?;
    let kernel = Kernel::host();
    let attr = RawPerfEventAttr {
        event_type: 1, // PERF_TYPE_SOFTWARE, its clock
        sample_period: 1_000_000,
        bits: 1, // not enabled yet
        ..Default::default()
    };
    let event = PerfEvent { attr, probe: None };
    let pid_of = i32::try_from(pid)?;
    let opened: OwnedFd = kernel.perf_event_open(&event, pid_of, -1, Default::default())?;
    let link = loaded.object.program("on_sample")?.attach_perf_events([opened], 0)?;
    assert_eq!(link.kind(), LinkKind::PerfEvent);
    assert!(held.go()?.success());
    drop(link);
    assert!(loaded.global::<u64>("total")? >= 10);
    // What is no perf event is refused.
    let file = std::fs::File::open("/proc/self/stat")?.into();
    let error = loaded.object.program("on_sample")?.attach_perf_events([file], 0).expect_err("a file");
    assert!(error.errno().is_some(), "{error}");
    Ok(())
}

/// In a mount namespace where nobody has mounted it.
fn tracefs_mounted_nowhere() -> TestResult {
    use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};
    use rustix::thread::UnshareFlags;
    std::thread::spawn(|| -> TestResult {
        #[expect(deprecated, reason = "for CLONE_FILES, which this has none of")]
        rustix::thread::unshare(UnshareFlags::NEWNS | UnshareFlags::FS)?;
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        for place in ["/sys/kernel/debug/tracing", "/sys/kernel/debug", "/sys/kernel/tracing"] {
            while unmount(place, UnmountFlags::DETACH).is_ok() {}
        }
        assert!(!Path::new("/sys/kernel/tracing/events").exists());
        let kernel = Kernel::with_door(Arc::new(HostDoor));
        assert_eq!(
            kernel.tracepoint_id("sched", "sched_switch")?,
            Kernel::host().tracepoint_id("sched", "sched_switch")?
        );
        assert!(!Path::new("/sys/kernel/tracing/events").exists(), "nobody else sees it");
        assert_eq!(kernel.tracepoint_id("sched", "no_such").expect_err("no").errno, Errno::ENOENT);
        Ok(())
    })
    .join()
    .expect("no panic")
}
