//! Ring buffers filled by programs.

use std::ops::ControlFlow;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use oxbpf::obj::Endian;
use oxbpf::obj::insn::{Assembler, Cond, Reg::*};
use oxbpf::sys::{MapCreate, ProgLoad, TestRun};
use oxbpf::{Errno, Error, Kernel, Map, MapType, Program, ProgramType, RingBuffer, RingStatus};
use oxbpf_testing::{Need, Suite, TestResult};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zerocopy::FromBytes;

use crate::support::{Loaded, Result, allocations};

pub(crate) fn tests(suite: &mut Suite) {
    // Raw tracepoints can be run by hand since 5.10.
    let needs = [Need::Bpf, Need::Kernel(5, 10)];
    suite.test("ringbuf::two_maps_in_one_reader", &needs, two_maps_in_one_reader);
    suite.test("ringbuf::a_full_ring_loses_and_goes_on", &needs, a_full_ring_loses_and_goes_on);
    suite.test("ringbuf::poll_wakes_up_and_times_out", &needs, poll_wakes_up_and_times_out);
    suite.test("ringbuf::another_loop_can_wait_for_it", &needs, another_loop_can_wait_for_it);
    suite.test("ringbuf::a_callback_stops_early", &needs, a_callback_stops_early);
    suite.test("ringbuf::draining_allocates_nothing", &needs, draining_allocates_nothing);
    suite.test("ringbuf::nothing_is_lost_or_doubled_under_load", &needs, nothing_is_lost_or_doubled);
    suite.test("ringbuf::outlives_its_object", &needs, outlives_its_object);
    suite.test("ringbuf::a_map_twice_is_refused", &needs, a_map_twice_is_refused);
    suite.test("ringbuf::more_than_4_gib", &needs, more_than_4_gib);
}

#[derive(FromBytes)]
#[repr(C)]
struct Large {
    seq: u64,
    cpu: u32,
    text: [u8; 100],
}

fn run(program: &Program, times: u32) -> Result<()> {
    for _ in 0..times {
        program.kernel().prog_test_run(program.as_fd(), &mut TestRun::default())?;
    }
    Ok(())
}

fn seq(record: &[u8]) -> u64 {
    u64::from_ne_bytes(record.try_into().expect("a small record"))
}

fn two_maps_in_one_reader() -> TestResult {
    let loaded = Loaded::new("tests/ringbufs.bpf.o")?;
    let builder = RingBuffer::builder().add(loaded.map("small")?)?;
    let mut ring = builder.add_tagged(loaded.map("large")?, 42)?.build()?;
    run(loaded.object.program("emit_small")?, 100)?;
    run(loaded.object.program("emit_large")?, 100)?;

    let sizes: Vec<RingStatus> = ring.status().collect();
    assert_eq!(sizes[0], RingStatus { tag: 0, size: 4096, available: 100 * 16 });
    assert_eq!(sizes[1], RingStatus { tag: 42, size: 65536, available: 100 * 120 });
    let (mut small, mut large) = (Vec::new(), Vec::new());
    let count = ring.drain(|tag, record| match tag {
        0 => small.push(seq(record)),
        42 => {
            let record = Large::read_from_bytes(record).expect("a large record");
            assert!(record.text.iter().all(|&c| c == b'x'));
            assert!(record.cpu < 4096);
            large.push(record.seq);
        }
        _ => panic!("tag {tag}"),
    })?;
    assert_eq!(count, 150);
    assert!(small.iter().copied().eq(0..100), "{small:?}");
    assert!(large.iter().copied().eq((0..100).step_by(2)), "the discarded ones are passed over: {large:?}");
    assert!(ring.status().all(|s| s.available == 0));
    Ok(())
}

fn a_full_ring_loses_and_goes_on() -> TestResult {
    let loaded = Loaded::new("tests/ringbufs.bpf.o")?;
    let mut ring = RingBuffer::new(loaded.map("small")?)?;
    let program = loaded.object.program("emit_small")?;
    let mut next = 0;
    for round in 1..=5 {
        run(program, 300)?;
        let lost: u64 = loaded.global("lost")?;
        let count = ring.drain(|_, record| {
            assert_eq!(seq(record), next);
            next += 1;
        })?;
        assert!((250..=256).contains(&count), "{count}");
        assert_eq!(next + lost, round * 300);
    }
    Ok(())
}

fn poll_wakes_up_and_times_out() -> TestResult {
    let loaded = Loaded::new("tests/ringbufs.bpf.o")?;
    let mut ring = RingBuffer::new(loaded.map("small")?)?;
    let begin = Instant::now();
    assert_eq!(ring.poll(Duration::from_millis(30), |_, _| ())?, 0);
    assert!(begin.elapsed() >= Duration::from_millis(30));
    assert_eq!(ring.poll(Duration::ZERO, |_, _| ())?, 0);

    let program = loaded.object.program("emit_small")?.clone();
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        run(&program, 1).map_err(|e| e.to_string())
    });
    let begin = Instant::now();
    let mut got = Vec::new();
    let count = ring.poll(None, |_, record| got.push(seq(record)))?;
    assert_eq!((count, got), (1, vec![0]));
    assert!(begin.elapsed() >= Duration::from_millis(40));
    later.join().expect("no panic")?;
    Ok(())
}

fn is_readable(ring: &RingBuffer) -> Result<bool> {
    let none = Timespec { tv_sec: 0, tv_nsec: 0 };
    Ok(poll(&mut [PollFd::new(ring, PollFlags::IN)], Some(&none))? == 1)
}

fn another_loop_can_wait_for_it() -> TestResult {
    let loaded = Loaded::new("tests/ringbufs.bpf.o")?;
    let mut ring = RingBuffer::new(loaded.map("small")?)?;
    assert!(!is_readable(&ring)?);
    run(loaded.object.program("emit_small")?, 3)?;
    assert!(is_readable(&ring)?);
    assert_eq!(ring.drain(|_, _| ())?, 3);
    assert!(!is_readable(&ring)?);
    Ok(())
}

fn a_callback_stops_early() -> TestResult {
    let loaded = Loaded::new("tests/ringbufs.bpf.o")?;
    let builder = RingBuffer::builder().add(loaded.map("small")?)?;
    let mut ring = builder.add(loaded.map("large")?)?.build()?;
    run(loaded.object.program("emit_small")?, 10)?;
    run(loaded.object.program("emit_large")?, 10)?;
    let mut last = 0;
    let mut until_five = |_: usize, record: &[u8]| {
        last = seq(record);
        if last == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(ring.poll(None, &mut until_five)?, 5);
    assert_eq!(last, 4);
    // The others are still there: five here, five in the other ring.
    let mut tags = [0; 2];
    assert_eq!(ring.poll(None, |tag, _| tags[tag] += 1)?, 10);
    assert_eq!(tags, [5, 5]);
    Ok(())
}

fn draining_allocates_nothing() -> TestResult {
    let loaded = Loaded::new("tests/ringbufs.bpf.o")?;
    let mut ring = RingBuffer::new(loaded.map("small")?)?;
    run(loaded.object.program("emit_small")?, 200)?;
    let before = allocations();
    let mut sum = 0;
    let count = ring.drain(|_, record| sum += seq(record))?;
    let timed_out = ring.poll(Duration::from_millis(1), |_, _| ())?;
    assert_eq!(allocations() - before, 0);
    assert_eq!((count, sum, timed_out), (200, 199 * 200 / 2, 0));
    drop(vec![0u8; 10]);
    assert!(allocations() - before >= 1, "the count counts");
    Ok(())
}

/// A producer and a reader that are never done at the same time, in a ring that is full again and again.
fn nothing_is_lost_or_doubled() -> TestResult {
    let loaded = Loaded::new("tests/ringbufs.bpf.o")?;
    let mut ring = RingBuffer::new(loaded.map("small")?)?;
    let program = loaded.object.program("emit_small")?.clone();
    let producer = std::thread::spawn(move || run(&program, 30_000).map_err(|e| e.to_string()));
    let mut next = 0;
    loop {
        let done = producer.is_finished();
        ring.poll(Duration::from_millis(20), |_, record| {
            assert_eq!(seq(record), next);
            next += 1;
        })?;
        if done {
            break;
        }
    }
    producer.join().expect("no panic")?;
    assert_eq!(next, loaded.global::<u64>("seq_small")?);
    assert_eq!(next + loaded.global::<u64>("lost")?, 30_000);
    Ok(())
}

fn outlives_its_object() -> TestResult {
    let loaded = Loaded::new("tests/ringbufs.bpf.o")?;
    let program = loaded.object.program("emit_small")?.clone();
    let mut ring = RingBuffer::new(loaded.map("small")?)?;
    drop(loaded);
    run(&program, 1)?;
    drop(program);
    // From another thread, too.
    let count = std::thread::spawn(move || ring.poll(Duration::from_secs(5), |_, _| ()));
    assert_eq!(count.join().expect("no panic")?, 1);
    Ok(())
}

fn a_map_twice_is_refused() -> TestResult {
    let loaded = Loaded::new("tests/ringbufs.bpf.o")?;
    let small = loaded.map("small")?;
    let error = RingBuffer::builder().add(small)?.add(small)?.build().expect_err("two of one");
    assert_eq!(error.errno(), Some(Errno::EEXIST), "{error}");
    assert!(matches!(error, Error::RingBuffer(_)));
    let text = "ring buffer `small`: epoll_ctl failed: EEXIST (File exists): it was added before";
    assert_eq!(error.to_string(), text);
    Ok(())
}

/// Positions have 64 bits in such kernels, whatever they have in this process.
fn more_than_4_gib() -> TestResult {
    const RESERVE: u32 = 131;
    const DISCARD: u32 = 133;
    const RECORD: i32 = (1 << 20) - 8;
    let kernel = Kernel::host();
    let create = MapCreate { map_type: MapType::RINGBUF, max_entries: 4 << 20, ..MapCreate::default() };
    let map = Map::create(&kernel, &create)?;
    // Nothing is written to the records, so that this takes no time; it returns whether there was room.
    let insns = Assembler::new()
        .ld_map_fd(R1, map.as_fd().as_raw_fd())
        .mov64_imm(R2, RECORD)
        .mov64_imm(R3, 0)
        .call(RESERVE)
        .if64_imm(Cond::Eq, R0, 0, "full")
        .mov64_reg(R1, R0)
        .mov64_imm(R2, 0)
        .call(DISCARD)
        .mov64_imm(R0, 1)
        .label("full")
        .exit()
        .encode(Endian::NATIVE)?;
    let load = ProgLoad {
        prog_type: ProgramType::SOCKET_FILTER,
        insns: &insns,
        license: "GPL",
        ..ProgLoad::default()
    };
    let program = kernel.prog_load(&load, None)?;
    let mut ring = RingBuffer::builder().add(&map)?.build()?;
    for record in 0..(5 << 12) / 3 {
        let mut run = TestRun { data_in: &[0; 64], repeat: 3, ..TestRun::default() };
        let answer = kernel.prog_test_run(program.as_fd(), &mut run)?;
        assert_eq!(answer.retval, 1, "no room for record {}", record * 3);
        ring.drain(|_, _: &[u8]| ControlFlow::Continue(()))?;
    }
    Ok(())
}
