//! The ring, with this test as the kernel: a memfd laid out as the map's memory, its data written twice.

use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use oxbpf_sys::doors::Fake;
use oxbpf_sys::{Kernel, MapCreate, Mapping, Prot};

use super::memory::{Memory, moved_to};
use super::ring::Ring;
use super::*;

const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;

/// The kernel's side of a ring.
struct Producer {
    memory: Mapping,
    page: usize,
    size: usize,
    position: u64,
}

impl Producer {
    fn new(size: usize) -> (Producer, Ring) {
        Producer::starting_at(size, 0)
    }

    fn starting_at(size: usize, position: u64) -> (Producer, Ring) {
        let page = rustix::param::page_size();
        let fd = rustix::fs::memfd_create("ring", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        rustix::fs::ftruncate(&fd, (2 * page + 2 * size) as u64).unwrap();
        let memory = Mapping::of(fd.as_fd(), 0, 2 * page + 2 * size, Prot::ReadWrite).unwrap();
        let producer = Producer { memory, page, size, position };
        producer.memory.store_u64(0, position);
        producer.set_position(position);
        let ring = Ring::new(Memory::map(&Kernel::host(), fd.as_fd(), size).unwrap(), 7, "ring".into());
        (producer, ring)
    }

    fn set_position(&self, position: u64) {
        assert!(self.memory.store_u64(self.page, position));
    }

    fn consumer(&self) -> u64 {
        self.memory.load_u64(0).unwrap()
    }

    fn set_consumer(&self, position: u64) {
        assert!(self.memory.store_u64(0, position));
    }

    /// Bytes at a position, in both copies of the data.
    fn write(&self, position: u64, bytes: &[u8]) {
        for (i, byte) in bytes.iter().enumerate() {
            let at = (position as usize).wrapping_add(i) & (self.size - 1);
            assert!(self.memory.write(2 * self.page + at, &[*byte]));
            assert!(self.memory.write(2 * self.page + self.size + at, &[*byte]));
        }
    }

    fn header(&self, position: u64, word: u32) {
        self.write(position, &u64::from(word).to_le_bytes());
    }

    /// Adds a record and returns where it is; false if there is no room.
    fn push(&mut self, bytes: &[u8], flags: u32) -> Option<u64> {
        let whole = (bytes.len() as u64 + 8).next_multiple_of(8);
        let end = self.position.wrapping_add(whole);
        if end.wrapping_sub(self.consumer()) > self.size as u64 {
            return None;
        }
        let at = self.position;
        self.header(at, bytes.len() as u32 | flags);
        self.write(at.wrapping_add(8), bytes);
        self.position = end;
        self.set_position(end);
        Some(at)
    }
}

fn drain(ring: &mut Ring) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let (count, _) = ring
        .drain(&mut |tag, record: &[u8]| {
            assert_eq!(tag, 7);
            records.push(record.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(count, records.len());
    records
}

fn corrupt(ring: &mut Ring) -> &'static str {
    let result = ring.drain(&mut |_, record: &[u8]| {
        // To touch every byte is to find those that are not there.
        std::hint::black_box(record.iter().map(|&b| u64::from(b)).sum::<u64>());
        ControlFlow::Continue(())
    });
    match result {
        Err(RingBufferError::Corrupt { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn records_come_in_order_and_whole_through_many_wraps() {
    let (mut producer, mut ring) = Producer::new(4096);
    let mut sent = 0u32;
    let mut got = 0u32;
    while got < 20_000 {
        // Lengths of every kind, also none and odd ones.
        let length = |n: u32| (n as usize * 37) % 300;
        while producer.push(&vec![sent as u8; length(sent)], 0).is_some() {
            sent += 1;
        }
        for record in drain(&mut ring) {
            assert_eq!(record, vec![got as u8; length(got)]);
            got += 1;
        }
        assert_eq!(got, sent);
        assert_eq!(producer.consumer(), producer.position);
        assert_eq!(ring.available(), 0);
    }
}

#[test]
fn a_record_may_fill_the_ring() {
    let (mut producer, mut ring) = Producer::new(4096);
    for start in [0usize, 8, 2048] {
        if start > 0 {
            producer.push(&vec![0; start - 8], 0).unwrap();
            drain(&mut ring);
        }
        let all: Vec<u8> = (0..4088u32).map(|i| i as u8).collect();
        producer.push(&all, 0).unwrap();
        assert_eq!(ring.available(), 4096);
        assert_eq!(drain(&mut ring), [all]);
    }
}

#[test]
fn reading_stops_at_a_record_that_is_not_committed() {
    let (mut producer, mut ring) = Producer::new(4096);
    producer.push(b"one", 0).unwrap();
    let second = producer.push(b"two", BUSY).unwrap();
    producer.push(b"three", 0).unwrap();
    assert_eq!(drain(&mut ring), [b"one"]);
    assert_eq!(producer.consumer(), second);
    assert!(drain(&mut ring).is_empty());
    producer.header(second, 3);
    assert_eq!(drain(&mut ring), [&b"two"[..], b"three"]);
}

#[test]
fn what_was_given_up_is_passed_over() {
    let (mut producer, mut ring) = Producer::new(4096);
    producer.push(b"no", DISCARDED).unwrap();
    producer.push(b"yes", 0).unwrap();
    producer.push(b"no", DISCARDED).unwrap();
    assert_eq!(drain(&mut ring), [b"yes"]);
    assert_eq!(producer.consumer(), producer.position);
}

#[test]
fn a_callback_may_stop_and_another_goes_on() {
    let (mut producer, mut ring) = Producer::new(4096);
    for text in ["a", "b", "c"] {
        producer.push(text.as_bytes(), 0).unwrap();
    }
    let mut seen = Vec::new();
    let (count, flow) = ring
        .drain(&mut |_, record: &[u8]| {
            seen.push(record.to_vec());
            if seen.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((count, flow), (2, ControlFlow::Break(())));
    assert_eq!(seen, [b"a", b"b"]);
    assert_eq!(drain(&mut ring), [b"c"]);
}

#[test]
fn a_callback_that_panics_has_had_its_record() {
    let (mut producer, mut ring) = Producer::new(4096);
    producer.push(b"bad", 0).unwrap();
    producer.push(b"good", 0).unwrap();
    let panics = catch_unwind(AssertUnwindSafe(|| {
        let _ = ring.drain(&mut |_, _: &[u8]| -> ControlFlow<()> { panic!("as it should") });
    }));
    assert!(panics.is_err());
    assert_eq!(producer.consumer(), 16);
    assert_eq!(drain(&mut ring), [b"good"]);
}

#[test]
fn a_producer_that_never_stops_does_not_keep_the_reader() {
    let (mut producer, mut ring) = Producer::new(4096);
    producer.push(&[0; 8], 0).unwrap();
    let mut count = 0;
    let _ = ring.drain(&mut |_, _: &[u8]| {
        count += 1;
        assert!(count < 10_000);
        // Room is given back as reading goes on, or this would fail.
        producer.push(&[0; 8], 0).unwrap();
        ControlFlow::Continue(())
    });
    assert!((256..=512).contains(&count), "{count}");
}

#[test]
fn positions_may_wrap() {
    // No ring runs that long, but another process may have written anything.
    let (mut producer, mut ring) = Producer::starting_at(4096, u64::MAX - 4095 - 24);
    for i in 0..1000u32 {
        producer.push(&i.to_le_bytes(), 0).unwrap();
        assert_eq!(drain(&mut ring), [i.to_le_bytes()]);
    }
    assert!(producer.position < 1 << 20);
}

/// The kernel's positions have 64 bits if it has, whatever this process has.
#[test]
fn positions_go_on_after_4_gib() {
    let (mut producer, mut ring) = Producer::starting_at(4096, (1 << 32) - 40);
    for i in 0..10u32 {
        producer.push(&i.to_le_bytes(), 0).unwrap();
        assert_eq!(drain(&mut ring), [i.to_le_bytes()]);
        assert_eq!(producer.consumer(), producer.position);
    }
    assert!(producer.position > 1 << 32);
}

#[test]
fn the_high_half_of_a_position_follows() {
    let high = |n: u64| n << 32;
    assert_eq!(moved_to(high(3) | 8, 24), high(3) | 24);
    assert_eq!(moved_to(high(3) | 8, 8), high(3) | 8);
    assert_eq!(moved_to(high(3) | 0xffff_fff8, 16), high(4) | 16);
    assert_eq!(moved_to(u64::MAX - 7, 0), 0);
}

#[test]
fn contradictions_are_errors_and_nothing_is_read_out_of_bounds() {
    // Ahead by more than the ring has.
    let (producer, mut ring) = Producer::new(4096);
    producer.set_position(4104);
    assert_eq!(corrupt(&mut ring), "the producer is ahead by more than the ring's size");
    assert_eq!(ring.available(), 4096);
    producer.set_position(0u64.wrapping_sub(8));
    assert_eq!(corrupt(&mut ring), "the producer is ahead by more than the ring's size");

    // A record longer than what is there, by every amount.
    for length in [1u32, 9, 4089, 5000, (1 << 30) - 1] {
        let (producer, mut ring) = Producer::starting_at(4096, 4096 - 8);
        producer.header(4096 - 8, length);
        producer.set_position(4096);
        assert_eq!(corrupt(&mut ring), "a record is longer than what the producer has written", "{length}");
        // It stays where it was.
        assert_eq!(producer.consumer(), 4096 - 8);
    }

    let (mut producer, mut ring) = Producer::new(4096);
    producer.push(b"fine", 0).unwrap();
    producer.set_consumer(3);
    assert_eq!(corrupt(&mut ring), "the consumer's position is not a multiple of 8");
}

#[test]
fn garbage_is_survived() {
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut outcomes = [0; 2];
    for _ in 0..1000 {
        let (producer, mut ring) = Producer::new(4096);
        for at in (0..4096).step_by(8) {
            // Often short lengths, so that reading gets far.
            let shift = 32 + next() % 32;
            producer.write(at, &(next() >> shift).to_le_bytes());
        }
        let start = next() & !7;
        producer.set_consumer(start);
        producer.set_position(start.wrapping_add(next() % 5000));
        let mut sum = 0u64;
        let result = ring.drain(&mut |_, record: &[u8]| {
            assert!(record.len() <= 4088);
            sum += record.iter().map(|&b| u64::from(b)).sum::<u64>();
            ControlFlow::Continue(())
        });
        std::hint::black_box(sum);
        outcomes[usize::from(result.is_ok())] += 1;
    }
    assert!(outcomes.iter().all(|&n| n > 10), "{outcomes:?}");
}

#[test]
fn only_ring_buffers_are_taken() {
    let kernel = Kernel::with_door(Arc::new(Fake::new()));
    let create = MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        name: "numbers",
        ..Default::default()
    };
    let map = Map::from_fd(&kernel, kernel.map_create(&create).unwrap().into()).unwrap();
    let error = RingBuffer::new(&map).unwrap_err();
    assert_eq!(error.to_string(), "map numbers is not a ring buffer: its type is array");
    let create = MapCreate {
        map_type: MapType::RINGBUF,
        max_entries: 4096,
        flags: MapFlags::RB_OVERWRITE,
        name: "latest",
        ..Default::default()
    };
    let map = Map::from_fd(&kernel, kernel.map_create(&create).unwrap().into()).unwrap();
    let error = RingBuffer::new(&map).unwrap_err();
    assert!(error.to_string().starts_with("ring buffer `latest` overwrites its oldest records"), "{error}");
}

#[test]
fn timeouts_are_whole_milliseconds_rounded_up() {
    let ts = |d: Duration| {
        let t = to_timespec(d);
        (t.tv_sec, t.tv_nsec)
    };
    assert_eq!(ts(Duration::ZERO), (0, 0));
    assert_eq!(ts(Duration::from_nanos(1)), (0, 1_000_000));
    assert_eq!(ts(Duration::from_millis(1500)), (1, 500_000_000));
    assert_eq!(ts(Duration::MAX), (2_147_483, 647_000_000));
}
