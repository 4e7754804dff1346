//! Ring buffers as maps, and those that user space writes.

use std::time::{Duration, Instant};

use oxbpf::{ElemFlags, Errno, MapType, RingPositions, UserRingBuffer};
use oxbpf_testing::{Need, Suite, TestResult};

use super::{kinds, make, run};

pub(crate) fn tests(suite: &mut Suite) {
    suite.test("rings::positions", &[Need::Bpf, Need::Kernel(5, 8)], positions);
    let user = [Need::Bpf, Need::Kernel(6, 1)];
    suite.test("rings::a_program_gets_what_user_space_wrote", &user, written);
    suite.test("rings::around_the_end", &user, around);
    suite.test("rings::waiting_for_room", &user, waiting);
    suite.test("rings::order_and_discards", &user, order);
    suite.test("rings::user_ring_refusals", &user, refusals);
}

fn positions() -> TestResult {
    let size = rustix::param::page_size() as u32;
    let map = make(MapType::RINGBUF, 0, 0, size)?;
    let positions = map.ring_positions()?;
    assert_eq!(positions, RingPositions { consumer: 0, producer: 0, size });
    assert_eq!(positions.available(), 0);
    // Its reader was at another place when its writer was asked.
    let far = RingPositions { consumer: 0, producer: 3 * u64::from(size), size };
    assert_eq!(far.available(), u64::from(size));
    let error = make(MapType::HASH, 4, 4, 1)?.ring_positions().expect_err("a hash").to_string();
    assert_eq!(error, "map m is not a ring buffer: its type is hash");
    // Nothing of it can be read element by element.
    for error in [
        map.lookup(&[]).expect_err("no elements"),
        map.update(&[], &[], ElemFlags::empty()).expect_err("no elements"),
        map.delete(&[]).map(|_| ()).expect_err("no elements"),
    ] {
        assert!(
            matches!(error.errno(), Some(Errno::ENOTSUPP | Errno::EOPNOTSUPP | Errno::EINVAL)),
            "{error}"
        );
    }
    Ok(())
}

fn written() -> TestResult {
    let object = kinds(&["requests"], &["drain"])?;
    let map = object.map("requests")?;
    let mut ring = UserRingBuffer::new(map)?;
    for n in 1..=10_u64 {
        assert!(ring.push(&n)?);
    }
    assert_eq!(map.ring_positions()?, RingPositions { consumer: 0, producer: 160, size: 4096 });
    assert_eq!(run(object.program("drain")?)?, 10);
    assert_eq!((object.global("drained")?.get::<u64>()?, object.global("sum")?.get::<u64>()?), (10, 55));
    assert_eq!(map.ring_positions()?.available(), 0);
    assert_eq!(run(object.program("drain")?)?, 0);
    Ok(())
}

/// Records of 24 bytes with their headers, which do not divide the ring: some lie across its end.
fn around() -> TestResult {
    let object = kinds(&["requests"], &["drain"])?;
    let mut ring = UserRingBuffer::new(object.map("requests")?)?;
    let (mut number, mut sum) = (0_u64, 0);
    for _ in 0..50 {
        while ring.push(&[number, !number, 0][..2 + number as usize % 2])? {
            sum += number;
            number += 1;
        }
        assert!(ring.room() < 32);
        run(object.program("drain")?)?;
        assert_eq!(
            (object.global("drained")?.get::<u64>()?, object.global("sum")?.get::<u64>()?),
            (number, sum)
        );
    }
    assert!(number > 5000, "{number}");
    Ok(())
}

fn waiting() -> TestResult {
    let object = kinds(&["requests"], &["drain"])?;
    let mut ring = UserRingBuffer::new(object.map("requests")?)?;
    while ring.push(&1_u64)? {}
    let start = Instant::now();
    assert!(ring.reserve_blocking(8, Duration::from_millis(30))?.is_none());
    assert!(start.elapsed() >= Duration::from_millis(30));
    // There is some room, but not enough: waiting does not spin.
    run(object.program("drain")?)?;
    while ring.room() > 64 {
        assert!(ring.push(&1_u64)?);
    }
    assert!(ring.reserve_blocking(100, Duration::from_millis(30))?.is_none());
    let waited = std::thread::scope(|scope| -> Result<Duration, Box<dyn std::error::Error + Send + Sync>> {
        let start = Instant::now();
        let drainer = scope.spawn(|| -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
            std::thread::sleep(Duration::from_millis(50));
            Ok(run(object.program("drain")?)?)
        });
        let record = ring.reserve_blocking(100, Duration::from_secs(20))?;
        let waited = start.elapsed();
        assert!(drainer.join().expect("no panic")? > 200);
        record.ok_or("there is room now")?.submit();
        Ok(waited)
    })?;
    assert!(waited < Duration::from_secs(10), "it was woken, {waited:?}");
    Ok(())
}

fn order() -> TestResult {
    let object = kinds(&["requests"], &["drain"])?;
    let program = object.program("drain")?;
    let sums = || -> oxbpf::Result<(u64, u64)> {
        Ok((object.global("drained")?.get()?, object.global("sum")?.get()?))
    };
    let mut ring = UserRingBuffer::new(object.map("requests")?)?;
    let mut first = ring.reserve(8)?.ok_or("room")?;
    assert!(ring.push(&20_u64)?);
    run(program)?;
    assert_eq!(sums()?, (0, 0), "the first is not submitted yet");
    first.write(0, &1_u64);
    first.submit();
    run(program)?;
    assert_eq!(sums()?, (2, 21));
    drop(ring.reserve(1000)?);
    ring.reserve(8)?.ok_or("room")?.discard();
    assert!(ring.push(&300_u64)?);
    run(program)?;
    // A run may end at a discarded record.
    run(program)?;
    run(program)?;
    assert_eq!(sums()?, (3, 321));
    assert_eq!(ring.room(), 4096);
    Ok(())
}

fn refusals() -> TestResult {
    let map = make(MapType::USER_RINGBUF, 0, 0, 4096)?;
    let mut ring = UserRingBuffer::new(&map)?;
    let error = ring.reserve(4089).expect_err("too long").to_string();
    assert_eq!(error, "a record of 4089 bytes does not fit into ring buffer `m`: it takes at most 4088");
    let error =
        UserRingBuffer::new(&make(MapType::RINGBUF, 0, 0, 4096)?).expect_err("the other kind").to_string();
    assert_eq!(error, "map m is not a user ring buffer: its type is ringbuf");
    let frozen = make(MapType::USER_RINGBUF, 0, 0, 4096)?;
    frozen.freeze()?;
    let error = UserRingBuffer::new(&frozen).expect_err("frozen");
    assert_eq!(error.errno(), Some(Errno::EPERM));
    assert_eq!(
        error.to_string(),
        "ring buffer `m`: mmap failed: EPERM (Operation not permitted): it is frozen, or not open for that"
    );
    Ok(())
}
