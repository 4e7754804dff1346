//! Reading a ring buffer: nanoseconds an event.

use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use aya::maps::RingBuf;
use oxbpf::{LoadOptions, Object, ObjectSpec, RingBuffer};

use super::{AYA, LIBBPF, Settings, fresh_kernel};
use crate::generated::{self, EVENTS};
use crate::libbpf::{self, Tally};
use crate::pair::{Outcome, medians, timed};
use crate::row::{Row, Unit};

/// Each side has the same object in the kernel once, fills its own ring, and reads it.
pub(super) fn rows(settings: &Settings) -> Outcome<Vec<Row>> {
    let bytes = generated::ring()?;

    let options = LoadOptions { kernel: fresh_kernel(), ..LoadOptions::default() };
    let object = Object::load(&ObjectSpec::parse(&bytes)?, &options)?;
    let program = object.program("produce")?;
    let mut ring = RingBuffer::new(object.map("events")?)?;
    let mut ours = || {
        produce(program.as_fd().as_raw_fd())?;
        timed_tally(|tally| {
            ring.drain(|_, event: &[u8]| tally.add(event))?;
            Ok(())
        })
    };

    let mut c_object = libbpf::Object::open(&bytes)?;
    c_object.load()?;
    let c_program = c_object.program_fd("produce")?;
    let mut c_ring = libbpf::RingBuffer::new(c_object.map_fd("events")?)?;
    let rounds = settings.rounds(101);
    let c = medians(rounds, &mut ours, || {
        produce(c_program)?;
        timed_tally(|tally| {
            *tally = c_ring.consume()?;
            Ok(())
        })
    })?;

    let mut aya_object = aya::Ebpf::load(&bytes)?;
    let aya_program: &mut aya::programs::RawTracePoint =
        aya_object.program_mut("produce").ok_or("no program `produce`")?.try_into()?;
    aya_program.load()?;
    let aya_program = aya_program.fd()?.as_fd().as_raw_fd();
    let mut aya_ring = RingBuf::try_from(aya_object.take_map("events").ok_or("no map `events`")?)?;
    let aya = medians(rounds, &mut ours, || {
        produce(aya_program)?;
        timed_tally(|tally| {
            while let Some(event) = aya_ring.next() {
                tally.add(&event);
            }
            Ok(())
        })
    })?;
    let row = |peer, (ours, theirs): (Duration, Duration), target| {
        let each = |time: Duration| time.as_nanos() as f64 / EVENTS as f64;
        Row::new("ring-buffer-event", peer, Unit::Nanoseconds, (each(ours), each(theirs)), target)
    };
    Ok(vec![row(LIBBPF, c, Some(1.0)), row(AYA, aya, None)])
}

/// Fills the ring.
fn produce(program: i32) -> Outcome<()> {
    match libbpf::test_run(program)? {
        0 => Ok(()),
        _ => Err("the ring buffer was full".into()),
    }
}

/// Times the reading, and makes sure that all was read.
fn timed_tally(read: impl FnOnce(&mut Tally) -> Outcome<()>) -> Outcome<Duration> {
    let mut tally = Tally::default();
    let time = timed(|| read(&mut tally))?;
    let all = Tally { events: EVENTS, sum: EVENTS * (EVENTS - 1) / 2 };
    if tally == all { Ok(time) } else { Err(format!("read {tally:?}, not {all:?}").into()) }
}
