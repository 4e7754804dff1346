//! Writing a ring whose reader is this test.

use std::os::fd::AsFd;
use std::sync::Arc;

use oxbpf_sys::doors::Fake;
use oxbpf_sys::{Kernel, MapCreate, Mapping, Prot};

use super::*;

/// The other side: as the kernel reads.
struct Reader {
    consumer: Mapping,
    producer: Mapping,
    size: usize,
}

impl Reader {
    fn new(map: &Map) -> Reader {
        let page = rustix::param::page_size();
        let size = map.max_entries() as usize;
        let kernel = map.kernel();
        Reader {
            consumer: kernel.mmap(map.as_fd(), page, 0, Prot::ReadWrite).unwrap(),
            producer: kernel.mmap(map.as_fd(), page + size, page as u64, Prot::Read).unwrap(),
            size,
        }
    }

    /// The next record that is submitted, and not discarded. (The test's memory is not mapped twice: no records that wrap.)
    fn next(&self) -> Option<Vec<u8>> {
        let page = rustix::param::page_size();
        loop {
            let at = self.consumer.load_u64(0).unwrap();
            if at == self.producer.load_u64(0).unwrap() {
                return None;
            }
            let place = page + at as usize % self.size;
            let header = self.producer.load_u32(place).unwrap();
            if header & BUSY != 0 {
                return None;
            }
            let len = (header & !(BUSY | DISCARDED)) as usize;
            let mut record = vec![0; len];
            assert!(self.producer.read(place + HEADER, &mut record));
            let next = at + (len + HEADER).next_multiple_of(HEADER) as u64;
            assert!(self.consumer.store_u64(0, next));
            if header & DISCARDED == 0 {
                return Some(record);
            }
        }
    }
}

fn ring() -> (UserRingBuffer, Reader) {
    let kernel = Kernel::with_door(Arc::new(Fake::new()));
    let create =
        MapCreate { map_type: MapType::USER_RINGBUF, max_entries: 4096, name: "u", ..MapCreate::default() };
    let map = Map::create(&kernel, &create).unwrap();
    (UserRingBuffer::new(&map).unwrap(), Reader::new(&map))
}

#[test]
fn records_come_in_the_order_of_reservation() {
    let (mut ring, reader) = ring();
    let mut first = ring.reserve(5).unwrap().unwrap();
    let mut second = ring.reserve(8).unwrap().unwrap();
    assert_eq!((first.len(), first.is_empty(), second.len()), (5, false, 8));
    assert!(second.write(0, &2_u64));
    second.submit();
    assert_eq!(reader.next(), None, "the first is not submitted");
    assert!(first.write(0, b"hel") && first.write(3, b"lo"));
    assert!(!first.write(4, b"lo") && !first.write(usize::MAX, b"lo"), "outside");
    first.submit();
    assert_eq!(reader.next().as_deref(), Some(&b"hello"[..]));
    assert_eq!(reader.next(), Some(2_u64.to_ne_bytes().to_vec()));
    assert_eq!(reader.next(), None);
}

#[test]
fn dropped_and_discarded_records_are_not_seen() {
    let (mut ring, reader) = ring();
    drop(ring.reserve(16).unwrap().unwrap());
    ring.reserve(24).unwrap().unwrap().discard();
    assert!(ring.push(&3_u32).unwrap());
    assert_eq!(reader.next(), Some(3_u32.to_ne_bytes().to_vec()));
    assert_eq!(reader.next(), None);
    assert_eq!(ring.room(), 4096);
}

#[test]
fn a_full_ring_has_no_room_until_it_is_read() {
    let (mut ring, reader) = ring();
    // 4,096 bytes are 64 records of 56 and their headers.
    for i in 0..64_u64 {
        assert!(ring.push(&[i; 7]).unwrap());
    }
    assert_eq!(ring.room(), 0);
    assert!(!ring.push(&[0_u64; 7]).unwrap() && ring.reserve(0).unwrap().is_none());
    assert!(ring.reserve_blocking(0, Duration::ZERO).is_err(), "a file cannot be waited for");
    assert_eq!(reader.next(), Some([0_u64; 7].as_bytes().to_vec()));
    // Around the end, and again, with other contents.
    for i in 64..640_u64 {
        assert!(ring.push(&[i; 7]).unwrap());
        assert_eq!(reader.next(), Some([i - 63; 7].as_bytes().to_vec()));
    }
}

#[test]
fn what_never_fits_is_an_error() {
    let (mut ring, _reader) = ring();
    assert!(ring.reserve(4088).unwrap().is_some());
    for len in [4089, 1 << 30, 1 << 31, usize::MAX] {
        let error = ring.reserve(len).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("a record of {len} bytes does not fit into ring buffer `u`: it takes at most 4088")
        );
    }
}

#[test]
fn spoiled_positions_are_told() {
    let (mut ring, _reader) = ring();
    for position in [4_usize, 1 << 20] {
        ring.memory.set_producer(position);
        let error = ring.reserve(8).unwrap_err();
        assert!(matches!(error, Error::RingBuffer(RingBufferError::Corrupt { .. })), "{error}");
    }
}

#[test]
fn other_maps_are_refused() {
    let kernel = Kernel::with_door(Arc::new(Fake::new()));
    let create =
        MapCreate { map_type: MapType::RINGBUF, max_entries: 4096, name: "r", ..MapCreate::default() };
    let error = UserRingBuffer::new(&Map::create(&kernel, &create).unwrap()).unwrap_err().to_string();
    assert_eq!(error, "map r is not a user ring buffer: its type is ringbuf");
}
