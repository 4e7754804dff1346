//! The doors that record, fail, and play an older kernel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use oxbpf_sys::doors::{Fake, Faults, Older, Recorder};
use oxbpf_sys::uapi::{MapCreateAttr, ProgLoadAttr};
use oxbpf_sys::{
    AttachType, BtfLoad, Call, Cmd, Door, ElemFlags, Errno, InfoRecords, Kernel, KernelVersion, LogBuf,
    MapCreate, MapFlags, MapType, ProgLoad, ProgramType, Reply,
};

/// `r0 = 0; exit`.
const TRIVIAL: [u8; 16] = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];

fn program<'a>() -> ProgLoad<'a> {
    ProgLoad { prog_type: ProgramType::TRACEPOINT, insns: &TRIVIAL, license: "GPL", ..Default::default() }
}

fn array<'a>() -> MapCreate<'a> {
    MapCreate { map_type: MapType::ARRAY, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() }
}

fn older(major: u32, minor: u32) -> Kernel {
    Kernel::with_door(Arc::new(Older::new(Arc::new(Fake::new()), KernelVersion::new(major, minor, 0))))
}

fn log_of(kernel: &Kernel, p: &ProgLoad<'_>) -> (Errno, String) {
    let mut log = LogBuf::new(LogBuf::ERRORS, 4096);
    let e = kernel.prog_load(p, Some(&mut log)).expect_err("it is refused");
    (e.errno, log.text().into_owned())
}

#[test]
fn calls_are_recorded_in_order() {
    let recorder = Arc::new(Recorder::new(Arc::new(Fake::new())));
    let k = Kernel::with_door(recorder.clone());
    let map = k.map_create(&MapCreate { name: "counts", ..array() }).unwrap();
    k.map_update_elem(&map, &[0; 4], b"abcd", ElemFlags::empty()).unwrap();
    k.map_lookup_elem(&map, &[0; 4], &mut [0; 4], ElemFlags::empty()).unwrap();
    let _ = k.map_lookup_elem(&map, &[9; 4], &mut [0; 4], ElemFlags::empty());
    k.prog_load(&ProgLoad { name: "prog", ..program() }, None).unwrap();
    let _ = k.read_file("/nowhere");
    let calls = recorder.take();
    let text: Vec<String> = calls.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        [
            "BPF_MAP_CREATE counts",
            "BPF_MAP_UPDATE_ELEM",
            "BPF_MAP_LOOKUP_ELEM",
            "BPF_MAP_LOOKUP_ELEM: ENOENT",
            "BPF_PROG_LOAD prog",
            "open /nowhere: ENOENT"
        ]
    );
    let create: MapCreateAttr = calls[0].view();
    assert_eq!((create.map_type, create.max_entries, calls[0].attr.len()), (2, 1, 36));
    assert_eq!(calls[1].bytes("value"), Some(&b"abcd"[..]));
    assert_eq!(calls[2].bytes("value"), Some(&b"abcd"[..]), "as it came back");
    assert_eq!((calls[4].cmd, calls[4].bytes("insns")), (Some(Cmd::PROG_LOAD), Some(&TRIVIAL[..])));
    assert_eq!(calls[4].bytes("license"), Some(&b"GPL\0"[..]));
    assert!(recorder.take().is_empty());
}

#[test]
fn the_nth_call_fails_and_no_other() {
    let faults = Arc::new(Faults::nth(Arc::new(Fake::new()), 1, Errno::ENOMEM));
    let k = Kernel::with_door(faults.clone());
    k.map_create(&array()).unwrap();
    let e = k.map_create(&MapCreate { name: "second", ..array() }).unwrap_err();
    let text = "BPF_MAP_CREATE of map \"second\" failed: ENOMEM (Cannot allocate memory): no memory for so large a map";
    assert_eq!(e.to_string(), text);
    k.map_create(&array()).unwrap();
    assert_eq!(faults.calls(), 3);
    let fault = faults.fault().unwrap();
    assert_eq!((fault.n, fault.call, fault.what.as_str()), (1, "BPF_MAP_CREATE", "second"));
    assert_eq!(fault.to_string(), "ENOMEM of call 1, BPF_MAP_CREATE second");
}

#[test]
fn a_sweep_ends_when_nothing_is_left_to_fail() {
    let mut seen = Vec::new();
    let n = Faults::sweep(
        || Arc::new(Fake::new()),
        &[Errno::EPERM],
        |k| k.map_create(&array()).and_then(|_| k.map_create(&array())).map(drop),
        |fault, result| seen.push((fault.n, result.is_err())),
    );
    assert_eq!((n, seen), (2, vec![(0, true), (1, true)]));
}

/// Says `EAGAIN` a number of times.
#[derive(Debug)]
struct Busy(Fake, AtomicU32);

// SAFETY: the replies are errors or those of a fake.
unsafe impl Door for Busy {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        let left = self.1.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        if left.is_ok() { Err(Errno::EAGAIN) } else { self.0.call(call) }
    }
}

#[test]
fn a_load_is_tried_five_times() {
    let load = |times| {
        let recorder = Arc::new(Recorder::new(Arc::new(Busy(Fake::new(), AtomicU32::new(times)))));
        let result = Kernel::with_door(recorder.clone()).prog_load(&program(), None).map(drop);
        (result.map_err(|e| e.errno), recorder.take().len())
    };
    assert_eq!(load(0), (Ok(()), 1));
    assert_eq!(load(4), (Ok(()), 5));
    assert_eq!(load(5), (Err(Errno::EAGAIN), 5));
}

#[test]
fn a_map_is_not() {
    let k = Kernel::with_door(Arc::new(Busy(Fake::new(), AtomicU32::new(1))));
    assert_eq!(k.map_create(&array()).unwrap_err().errno, Errno::EAGAIN);
}

#[test]
fn older_kernels_say_so() {
    assert_eq!(older(5, 10).kernel_version().unwrap(), KernelVersion::new(5, 10, 0));
}

#[test]
fn older_kernels_lack_commands() {
    let has = |k: &Kernel| k.enable_stats(0).map(drop).map_err(|e| e.errno);
    assert_eq!(has(&older(5, 7)), Err(Errno::EINVAL));
    assert_eq!(has(&older(5, 8)), Ok(()));
}

#[test]
fn older_kernels_lack_fields() {
    let named = MapCreate { name: "a", ..array() };
    assert_eq!(older(4, 14).map_create(&named).unwrap_err().errno, Errno::EINVAL);
    older(4, 15).map_create(&named).unwrap();
    // Beyond all that it knows of any command.
    let btf_only = ProgLoad { attach_btf_id: 1, ..program() };
    assert_eq!(older(5, 4).prog_load(&btf_only, None).unwrap_err().errno, Errno::E2BIG);
    older(5, 5).prog_load(&btf_only, None).unwrap();
}

#[test]
fn older_kernels_lack_types_and_flags() {
    let ringbuf = MapCreate { map_type: MapType::RINGBUF, max_entries: 65536, ..Default::default() };
    assert_eq!(older(5, 7).map_create(&ringbuf).unwrap_err().errno, Errno::EINVAL);
    older(5, 8).map_create(&ringbuf).unwrap();
    let mmapable = MapCreate { flags: MapFlags::MMAPABLE, ..array() };
    assert!(older(5, 4).map_create(&mmapable).is_err() && older(5, 5).map_create(&mmapable).is_ok());
    let lsm = ProgLoad { prog_type: ProgramType::LSM, ..program() };
    assert!(older(5, 6).prog_load(&lsm, None).is_err() && older(5, 7).prog_load(&lsm, None).is_ok());
    let attach = ProgLoad { expected_attach_type: Some(AttachType::TRACE_ITER), ..program() };
    assert!(older(5, 7).prog_load(&attach, None).is_err() && older(5, 8).prog_load(&attach, None).is_ok());
}

#[test]
fn older_kernels_lack_helpers_and_instructions() {
    // bpf_probe_read_kernel, number 113.
    let call = [&[0x85, 0, 0, 0, 113, 0, 0, 0], &TRIVIAL[8..]].concat();
    let p = ProgLoad { insns: &call, ..program() };
    assert_eq!(log_of(&older(5, 4), &p), (Errno::EINVAL, "0: unknown func: Linux 5.5\n".into()));
    older(5, 5).prog_load(&p, None).unwrap();
    // if w1 == 0 goto +0.
    let jump = [&[0x16, 1, 0, 0, 0, 0, 0, 0], &TRIVIAL[..]].concat();
    let p = ProgLoad { insns: &jump, ..program() };
    assert_eq!(log_of(&older(5, 0), &p), (Errno::EINVAL, "0: 32-bit jump: Linux 5.1\n".into()));
    older(5, 1).prog_load(&p, None).unwrap();
    // The second half of a wide instruction is none.
    let wide = [&[0x18, 1, 0, 0, 0, 0, 0, 0, 0x16, 0, 0, 0, 0, 0, 0, 0], &TRIVIAL[..]].concat();
    older(4, 18).prog_load(&ProgLoad { insns: &wide, ..program() }, None).unwrap();
}

#[test]
fn older_kernels_lack_kinds_of_types() {
    let mut b = oxbpf_btf::BtfBuilder::new();
    b.add_float("double", 8).unwrap();
    let btf = b.build().unwrap();
    let load = |k: Kernel| k.btf_load(&BtfLoad { btf: btf.as_bytes(), ..Default::default() }, None).map(drop);
    assert_eq!(load(older(5, 12)).unwrap_err().errno, Errno::EINVAL);
    load(older(5, 13)).unwrap();
}

#[test]
fn older_kernels_lack_files() {
    let fake = || Arc::new(Fake::new().with_file("/sys/kernel/btf/vmlinux", "x"));
    let k =
        |major, minor| Kernel::with_door(Arc::new(Older::new(fake(), KernelVersion::new(major, minor, 0))));
    assert_eq!(k(5, 3).read_file("/sys/kernel/btf/vmlinux").unwrap_err().errno, Errno::ENOENT);
    assert_eq!(k(5, 4).read_file("/sys/kernel/btf/vmlinux").unwrap(), b"x");
    assert_eq!(k(4, 16).uprobe_pmu().unwrap_err().errno, Errno::ENOENT);
    k(4, 17).uprobe_pmu().unwrap();
}

#[test]
fn records_of_no_whole_record_are_left_out() {
    let recorder = Arc::new(Recorder::new(Arc::new(Fake::new())));
    let k = Kernel::with_door(recorder.clone());
    let cut = InfoRecords { rec_size: 8, records: &[0; 7] };
    k.prog_load(
        &ProgLoad { func_info: cut, line_info: InfoRecords { rec_size: 0, records: &[0; 7] }, ..program() },
        None,
    )
    .unwrap();
    let a: ProgLoadAttr = recorder.take()[0].view();
    assert_eq!((a.func_info_rec_size, a.func_info_cnt, a.func_info, a.line_info_cnt), (0, 0, 0, 0));
}

#[test]
fn a_log_that_a_kernel_cannot_give_is_no_trouble() {
    let create = |major, minor, map: &MapCreate<'_>| {
        let older = Older::new(Arc::new(Fake::new()), KernelVersion::new(major, minor, 0));
        let recorder = Arc::new(Recorder::new(Arc::new(older)));
        let k = Kernel::with_door(recorder.clone());
        let mut log = LogBuf::new(LogBuf::ERRORS, 256);
        let errno = k.map_create_logged(map, &mut log).map(drop).map_err(|e| e.errno);
        let creates = recorder.take().iter().filter(|call| call.cmd == Some(Cmd::MAP_CREATE)).count();
        (errno, creates, log.text().into_owned(), log.true_size())
    };
    let wrong = MapCreate { max_entries: 0, ..array() };
    assert_eq!(create(7, 1, &array()), (Ok(()), 2, String::new(), None));
    assert_eq!(create(7, 1, &wrong), (Err(Errno::EINVAL), 2, String::new(), None));
    assert_eq!(create(7, 2, &array()), (Ok(()), 1, String::new(), None));
    let (errno, creates, text, true_size) = create(7, 2, &wrong);
    assert_eq!((errno, creates), (Err(Errno::EINVAL), 1));
    assert!(
        text.contains("max_entries") && true_size == Some(text.len() as u32 + 1),
        "{text:?} {true_size:?}"
    );
}
