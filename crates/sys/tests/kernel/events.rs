//! Programs at perf events, tracepoints and probes.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use oxbpf_obj::insn::{Assembler, Atomic, Cond, Reg::*, Size};
use oxbpf_sys::uapi::{
    PERF_COUNT_SW_CPU_CLOCK, PERF_TYPE_SOFTWARE, PERF_TYPE_TRACEPOINT, PerfFlags, RawPerfEventAttr,
    TaskFdType,
};
use oxbpf_sys::{
    AttachType, ElemFlags, Errno, Kernel, LinkCreate, LinkDetails, LinkExtra, LinkTarget, MapCreate, MapType,
    PerfEvent, PerfEventInfo, ProgLoad, ProgramType,
};
use oxbpf_testing::{Need, Suite, TestResult};

use super::links::load;
use super::{bytes, kernel, program, refused, returns};

pub(crate) fn add(suite: &mut Suite) {
    let tracepoint = Need::Tracepoint("syscalls", "sys_enter_getpriority");
    suite.test("events::tracepoints_count", &[Need::Bpf, tracepoint], tracepoints_count);
    suite.test(
        "events::perf_event_links_tell",
        &[Need::Bpf, tracepoint, Need::Kernel(6, 6)],
        perf_event_links_tell,
    );
    suite.test("events::uprobes", &[Need::Bpf, Need::Uprobes], uprobes);
    suite.test("events::a_perf_event_takes_a_program", &[Need::Bpf], a_perf_event_takes_a_program);
    suite.test(
        "events::descriptors_of_tasks",
        &[Need::Bpf, Need::SysAdmin, tracepoint],
        descriptors_of_tasks,
    );
    suite.test(
        "events::statistics",
        &[Need::Bpf, Need::SysAdmin, tracepoint, Need::Kernel(5, 8)],
        statistics,
    );
    suite.test("events::many_uprobes", &[Need::Bpf, Need::Uprobes, Need::Kernel(6, 9)], many_uprobes);
    suite.test("events::many_kprobes", &[Need::Bpf, Need::Kprobes, Need::Kernel(6, 8)], many_kprobes);
}

/// Counts its runs in the map's first value.
fn counter(map: &impl AsRawFd) -> Vec<u8> {
    const MAP_LOOKUP_ELEM: u32 = 1;
    let program = Assembler::new()
        .store_imm(Size::W, R10, -4, 0)
        .mov64_reg(R2, R10)
        .add64_imm(R2, -4)
        .ld_map_fd(R1, map.as_raw_fd())
        .call(MAP_LOOKUP_ELEM)
        .if64_imm(Cond::Eq, R0, 0, "out")
        .mov64_imm(R1, 1)
        .atomic(Atomic::Add, Size::Dw, R0, 0, R1)
        .label("out")
        .mov64_imm(R0, 0)
        .exit();
    bytes(program)
}

pub(super) fn counts(k: &Kernel) -> Result<oxbpf_sys::MapFd, oxbpf_sys::SysError> {
    k.map_create(&MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 8,
        max_entries: 1,
        ..Default::default()
    })
}

fn count(k: &Kernel, map: &oxbpf_sys::MapFd) -> Result<u64, oxbpf_sys::SysError> {
    let mut value = [0; 8];
    k.map_lookup_elem(map, &[0; 4], &mut value, ElemFlags::empty())?;
    Ok(u64::from_ne_bytes(value))
}

/// A perf event on getpriority(2) of this thread.
fn getpriority_event(k: &Kernel) -> Result<OwnedFd, oxbpf_sys::SysError> {
    let attr = RawPerfEventAttr {
        event_type: PERF_TYPE_TRACEPOINT,
        config: k.tracepoint_id("syscalls", "sys_enter_getpriority")?,
        sample_period: 1,
        wakeup: 1,
        ..Default::default()
    };
    k.perf_event_open(&PerfEvent { attr, probe: None }, 0, -1, PerfFlags::empty())
}

fn getpriority(times: u32) {
    for _ in 0..times {
        let _ = rustix::process::getpriority_process(None);
    }
}

fn tracepoints_count() -> TestResult {
    let k = kernel();
    let map = counts(&k)?;
    let prog = k.prog_load(&program(ProgramType::TRACEPOINT, &counter(&map)), None)?;
    let event = getpriority_event(&k)?;
    k.perf_event_set_bpf(event.as_fd(), prog.as_fd())?;
    k.perf_event_enable(event.as_fd())?;
    getpriority(10);
    // Programs of a tracepoint see every thread, so there may be more.
    assert!(count(&k, &map)? >= 10);
    refused(k.perf_event_set_bpf(event.as_fd(), prog.as_fd()), Errno::EEXIST);
    drop(event);
    let before = count(&k, &map)?;
    getpriority(10);
    assert!(count(&k, &map)? < before + 10, "detached");
    let e = refused(k.tracepoint_id("syscalls", "no_such"), Errno::ENOENT);
    assert!(e.to_string().contains("events/syscalls/no_such/id"), "{e}");
    Ok(())
}

fn perf_event_links_tell() -> TestResult {
    let k = kernel();
    let prog = load(&k, ProgramType::TRACEPOINT)?;
    let event = getpriority_event(&k)?;
    let link = k.link_create(&LinkCreate {
        extra: LinkExtra::PerfEvent { cookie: 0x1234 },
        ..LinkCreate::new(prog.as_fd(), LinkTarget::Fd(event.as_fd()), AttachType::PERF_EVENT)
    })?;
    match k.link_info(link.as_fd())?.details {
        LinkDetails::PerfEvent(PerfEventInfo::Tracepoint { name, .. }) => {
            assert_eq!(name, "sys_enter_getpriority");
        }
        other => panic!("{other:?}"),
    }
    let exe = std::env::current_exe()?;
    let path = exe.to_str().ok_or("a path in UTF-8")?;
    let Ok(uprobe) = uprobe_event(&k, path, 0x40, false) else { return Ok(()) };
    let prog = load(&k, ProgramType::KPROBE)?;
    let link = k.link_create(&LinkCreate::new(
        prog.as_fd(),
        LinkTarget::Fd(uprobe.as_fd()),
        AttachType::PERF_EVENT,
    ))?;
    match k.link_info(link.as_fd())?.details {
        LinkDetails::PerfEvent(PerfEventInfo::Uprobe { ret, file, offset, .. }) => {
            assert_eq!((ret, file.as_str(), offset), (false, path, 0x40));
        }
        other => panic!("{other:?}"),
    }
    Ok(())
}

fn uprobe_event(k: &Kernel, path: &str, offset: u64, ret: bool) -> Result<OwnedFd, oxbpf_sys::SysError> {
    let pmu = k.uprobe_pmu()?;
    let attr = RawPerfEventAttr {
        event_type: pmu.event_type,
        config: u64::from(ret) << pmu.retprobe_bit,
        config2: offset,
        ..Default::default()
    };
    k.perf_event_open(&PerfEvent { attr, probe: Some(path) }, 0, -1, PerfFlags::empty())
}

#[inline(never)]
extern "C" fn probed(n: u64) -> u64 {
    std::hint::black_box(n) + 1
}

/// The offset of `probed` in this program's file.
fn offset_of_probed() -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    // Where the function is in the file: by the mapping that it is in.
    let address = probed as extern "C" fn(u64) -> u64 as usize as u64;
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let hex = |t: &str| u64::from_str_radix(t, 16);
    let offset = maps.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let (start, end) = (hex(start).ok()?, hex(end).ok()?);
        let offset = hex(fields.nth(1)?).ok()?;
        (start..end).contains(&address).then(|| address - start + offset)
    });
    Ok(offset.ok_or("the function is mapped")?)
}

fn uprobes() -> TestResult {
    let k = kernel();
    let exe = std::env::current_exe()?;
    let path = exe.to_str().ok_or("a path in UTF-8")?;
    let map = counts(&k)?;
    let prog = k.prog_load(&program(ProgramType::KPROBE, &counter(&map)), None)?;
    let event = uprobe_event(&k, path, offset_of_probed()?, true)?;
    k.perf_event_set_bpf(event.as_fd(), prog.as_fd())?;
    k.perf_event_enable(event.as_fd())?;
    for i in 0..7 {
        probed(i);
    }
    assert_eq!(count(&k, &map)?, 7);
    let e = uprobe_event(&k, "/no/such/file", 0, false).expect_err("no such file");
    assert_eq!(
        e.to_string(),
        "perf_event_open of \"/no/such/file\" failed: ENOENT (No such file or directory)"
    );
    Ok(())
}

fn a_perf_event_takes_a_program() -> TestResult {
    let k = kernel();
    let attr = RawPerfEventAttr {
        event_type: PERF_TYPE_SOFTWARE,
        config: PERF_COUNT_SW_CPU_CLOCK,
        sample_period: 1_000_000,
        ..Default::default()
    };
    let event = k.perf_event_open(&PerfEvent { attr, probe: None }, -1, 0, PerfFlags::empty())?;
    let prog = load(&k, ProgramType::PERF_EVENT)?;
    k.perf_event_set_bpf(event.as_fd(), prog.as_fd())?;
    k.perf_event_enable(event.as_fd())?;
    k.perf_event_disable(event.as_fd())?;
    let wrong = load(&k, ProgramType::SOCKET_FILTER)?;
    let other = k.perf_event_open(&PerfEvent { attr, probe: None }, -1, 0, PerfFlags::empty())?;
    refused(k.perf_event_set_bpf(other.as_fd(), wrong.as_fd()), Errno::EINVAL);
    refused(k.perf_event_open(&PerfEvent { attr, probe: None }, -1, -1, PerfFlags::empty()), Errno::EINVAL);
    Ok(())
}

fn descriptors_of_tasks() -> TestResult {
    let k = kernel();
    let event = getpriority_event(&k)?;
    let prog = load(&k, ProgramType::TRACEPOINT)?;
    refused(k.task_fd_query(std::process::id(), event.as_raw_fd(), 64), Errno::ENOENT);
    k.perf_event_set_bpf(event.as_fd(), prog.as_fd())?;
    let found = k.task_fd_query(std::process::id(), event.as_raw_fd(), 64)?;
    assert_eq!((found.fd_type, found.name.as_str()), (TaskFdType::TRACEPOINT, "sys_enter_getpriority"));
    assert_eq!((found.prog_id, found.truncated), (k.prog_info(prog.as_fd())?.id, false));
    let cut = k.task_fd_query(std::process::id(), event.as_raw_fd(), 10)?;
    assert_eq!((cut.name.as_str(), cut.truncated), ("sys_enter", true));
    refused(k.task_fd_query(std::process::id(), 9999, 64), Errno::EBADF);
    refused(k.task_fd_query(u32::MAX >> 1, 0, 64), Errno::ENOENT);
    Ok(())
}

fn statistics() -> TestResult {
    let k = kernel();
    let map = counts(&k)?;
    let prog = k.prog_load(&program(ProgramType::TRACEPOINT, &counter(&map)), None)?;
    let event = getpriority_event(&k)?;
    k.perf_event_set_bpf(event.as_fd(), prog.as_fd())?;
    k.perf_event_enable(event.as_fd())?;
    let stats = k.enable_stats(0)?;
    getpriority(20);
    drop(stats);
    let info = k.prog_info(prog.as_fd())?;
    assert!(info.run_cnt >= 20 && info.run_time_ns > 0, "{} runs in {} ns", info.run_cnt, info.run_time_ns);
    refused(k.enable_stats(99), Errno::EINVAL);
    Ok(())
}

fn many_uprobes() -> TestResult {
    let k = kernel();
    let exe = std::env::current_exe()?;
    let path = std::ffi::CString::new(exe.to_str().ok_or("a path in UTF-8")?)?;
    let map = counts(&k)?;
    let insns = counter(&map);
    let load = ProgLoad {
        expected_attach_type: Some(AttachType::TRACE_UPROBE_MULTI),
        ..program(ProgramType::KPROBE, &insns)
    };
    let prog = k.prog_load(&load, None)?;
    let offsets = [offset_of_probed()?];
    let extra = LinkExtra::UprobeMulti {
        path: &path,
        offsets: &offsets,
        ref_ctr_offsets: &[],
        cookies: &[77],
        flags: 0,
        pid: std::process::id(),
    };
    let create = LinkCreate {
        extra,
        ..LinkCreate::new(prog.as_fd(), LinkTarget::None, AttachType::TRACE_UPROBE_MULTI)
    };
    let link = k.link_create(&create)?;
    probed(1);
    probed(2);
    assert_eq!(count(&k, &map)?, 2);
    let LinkDetails::UprobeMulti(info) = k.link_info(link.as_fd())?.details else { panic!("another kind") };
    assert_eq!(
        (info.path.as_bytes(), info.offsets, info.cookies),
        (path.to_bytes(), offsets.to_vec(), vec![77])
    );
    assert_eq!(info.pid, std::process::id());
    let uneven = LinkExtra::UprobeMulti {
        path: &path,
        offsets: &offsets,
        ref_ctr_offsets: &[],
        cookies: &[1, 2],
        flags: 0,
        pid: 0,
    };
    let e = refused(k.link_create(&LinkCreate { extra: uneven, ..create }), Errno::EINVAL);
    assert_eq!(e.reason(), Some("2 values for 1 functions"));
    Ok(())
}

fn many_kprobes() -> TestResult {
    let k = kernel();
    let insns = returns(0);
    let load = ProgLoad {
        expected_attach_type: Some(AttachType::TRACE_KPROBE_MULTI),
        ..program(ProgramType::KPROBE, &insns)
    };
    let prog = k.prog_load(&load, None)?;
    let create = |syms: &[&std::ffi::CStr]| {
        let extra = LinkExtra::KprobeMulti { flags: 0, syms, addrs: &[], cookies: &[] };
        k.link_create(&LinkCreate {
            extra,
            ..LinkCreate::new(prog.as_fd(), LinkTarget::None, AttachType::TRACE_KPROBE_MULTI)
        })
    };
    let link = create(&[c"vfs_read", c"vfs_write"])?;
    let LinkDetails::KprobeMulti(info) = k.link_info(link.as_fd())?.details else { panic!("another kind") };
    assert_eq!((info.count, info.flags), (2, 0));
    assert!(info.addrs.is_none_or(|a| a.len() == 2), "all or none");
    assert!(create(&[c"no_such_function"]).is_err());
    Ok(())
}
