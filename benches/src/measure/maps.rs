//! Access to maps: one element, many, all of them, and without a system call.

use std::hint::black_box;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use oxbpf::{Array, ElemFlags, HashMap, Kernel, Map, MapCreate, MapFlags, MapType};

use super::{LIBBPF, Settings};
use crate::libbpf;
use crate::pair::{Outcome, medians, timed};
use crate::process::usage;
use crate::row::{Row, Unit};

/// Elements of the maps of which all are read.
const ENTRIES: u32 = 100_000;
/// Elements that are accessed in a round, one by one or in a batch: short rounds, of which few are interrupted.
const CHUNK: u32 = 1000;

/// Both sides work on the same map, by turns.
pub(super) fn rows(settings: &Settings) -> Outcome<Vec<Row>> {
    let short = settings.rounds(201);
    let mut rows = Vec::new();
    single_hash(short, &mut rows)?;
    single_array(short, &mut rows)?;
    whole(settings.rounds(9), &mut rows)?;
    batches(short, &mut rows)?;
    mapped(short, &mut rows)?;
    Ok(rows)
}

fn map(map_type: MapType, flags: MapFlags) -> Outcome<(Map, libbpf::Map)> {
    let create = MapCreate {
        map_type,
        key_size: 4,
        value_size: 8,
        max_entries: ENTRIES,
        flags,
        ..MapCreate::default()
    };
    let map = Map::create(&Kernel::host(), &create)?;
    let fd = map.as_fd().as_raw_fd();
    Ok((map, libbpf::Map(fd)))
}

/// A row of nanoseconds for each of so many elements.
fn row(name: &'static str, (ours, theirs): (Duration, Duration), elements: u32, target: f64) -> Row {
    let each = |time: Duration| time.as_nanos() as f64 / f64::from(elements);
    Row::new(name, LIBBPF, Unit::Nanoseconds, (each(ours), each(theirs)), Some(target))
}

/// Times something for every key of a round.
fn each<E: Into<Box<dyn std::error::Error>>>(
    mut work: impl FnMut(u32) -> Result<(), E>,
) -> Outcome<Duration> {
    timed(|| (0..CHUNK).try_for_each(&mut work).map_err(Into::into))
}

fn single_hash(rounds: usize, rows: &mut Vec<Row>) -> Outcome<()> {
    let (map, c) = map(MapType::HASH, MapFlags::empty())?;
    let ours = HashMap::<u32, u64>::new(&map)?;
    let update = medians(
        rounds,
        || each(|key| ours.insert(&key, &u64::from(key))),
        || each(|key| c.update(key, u64::from(key))),
    )?;
    let lookup = medians(
        rounds,
        || each(|key| ours.get(&key).map(|value| assert_eq!(value, Some(u64::from(key))))),
        || each(|key| c.lookup(key).map(|value| assert_eq!(value, u64::from(key)))),
    )?;
    let full = || -> Outcome<()> { Ok((0..CHUNK).try_for_each(|key| c.update(key, 0))?) };
    let delete = medians(
        rounds,
        || {
            full()?;
            each(|key| ours.remove(&key).map(|was| assert!(was)))
        },
        || {
            full()?;
            each(|key| c.delete(key))
        },
    )?;
    rows.push(row("map-lookup-hash", lookup, CHUNK, 1.0));
    rows.push(row("map-update-hash", update, CHUNK, 1.0));
    rows.push(row("map-delete-hash", delete, CHUNK, 1.0));
    Ok(())
}

fn single_array(rounds: usize, rows: &mut Vec<Row>) -> Outcome<()> {
    let (map, c) = map(MapType::ARRAY, MapFlags::empty())?;
    let ours = Array::<u64>::new(&map)?;
    let update = medians(
        rounds,
        || each(|key| ours.set(key, &u64::from(key))),
        || each(|key| c.update(key, u64::from(key))),
    )?;
    let lookup = medians(
        rounds,
        || each(|key| ours.get(key).map(|value| assert_eq!(value, Some(u64::from(key))))),
        || each(|key| c.lookup(key).map(|value| assert_eq!(value, u64::from(key)))),
    )?;
    rows.push(row("map-lookup-array", lookup, CHUNK, 1.0));
    rows.push(row("map-update-array", update, CHUNK, 1.0));
    Ok(())
}

/// The sum of all keys and values, by whatever means.
fn timed_sum(all: u64, sum: impl FnOnce() -> Outcome<u64>) -> Outcome<Duration> {
    let mut found = 0;
    let time = timed(|| {
        found = sum()?;
        Ok(())
    })?;
    if found == all { Ok(time) } else { Err(format!("the entries add up to {found}, not {all}").into()) }
}

/// A hash and an array that have every key with itself as the value.
fn filled(map_type: MapType) -> Outcome<(Map, libbpf::Map)> {
    let (map, c) = map(map_type, MapFlags::empty())?;
    (0..ENTRIES).try_for_each(|key| c.update(key, u64::from(key)))?;
    Ok((map, c))
}

/// What keys and values add up to.
const ALL: u64 = ENTRIES as u64 * (ENTRIES as u64 - 1);

fn whole(rounds: usize, rows: &mut Vec<Row>) -> Outcome<()> {
    let (map, c) = filled(MapType::HASH)?;
    let hash = HashMap::<u32, u64>::new(&map)?;
    let time = medians(
        rounds,
        || {
            timed_sum(ALL, || {
                let mut sum = 0_u64;
                for entry in &hash {
                    let (key, value) = entry?;
                    sum = sum.wrapping_add(u64::from(key)).wrapping_add(value);
                }
                Ok(sum)
            })
        },
        || timed_sum(ALL, || Ok(c.sum_by_keys()?)),
    )?;
    rows.push(row("map-iterate-hash", time, ENTRIES, 0.25));

    let (map, c) = filled(MapType::ARRAY)?;
    let array = Array::<u64>::new(&map)?;
    let time = medians(
        rounds,
        || {
            timed_sum(ALL, || {
                let mut sum = 0_u64;
                for (index, value) in array.iter().enumerate() {
                    sum = sum.wrapping_add(index as u64).wrapping_add(value?);
                }
                Ok(sum)
            })
        },
        || timed_sum(ALL, || Ok(c.sum_by_keys()?)),
    )?;
    rows.push(row("map-iterate-array", time, ENTRIES, 0.25));
    Ok(())
}

fn batches(rounds: usize, rows: &mut Vec<Row>) -> Outcome<()> {
    let (map, c) = map(MapType::HASH, MapFlags::empty())?;
    let hash = HashMap::<u32, u64>::new(&map)?;
    let keys: Vec<u32> = (0..CHUNK).collect();
    let values: Vec<u64> = keys.iter().copied().map(u64::from).collect();
    let any = ElemFlags::empty();
    let update = medians(
        rounds,
        || timed(|| Ok(hash.update_batch(&keys, &values, any)?)),
        || timed(|| Ok(c.update_batch(&keys, &values)?)),
    )?;
    let all = u64::from(CHUNK) * u64::from(CHUNK - 1);
    // A little more room than there are entries: all come at once.
    let (mut found, mut of) = (vec![0; keys.len() + 24], vec![0; keys.len() + 24]);
    let (mut c_found, mut c_of) = (found.clone(), of.clone());
    let lookup = medians(
        rounds,
        || {
            timed_sum(all, || {
                let mut cursor = oxbpf_sys::BatchCursor::new();
                let mut sum = 0_u64;
                loop {
                    let batch = hash.lookup_batch(&mut cursor, &mut found, &mut of, any)?;
                    for (key, value) in found.iter().zip(&of).take(batch.count) {
                        sum = sum.wrapping_add(u64::from(*key)).wrapping_add(*value);
                    }
                    if !batch.more {
                        return Ok(sum);
                    }
                }
            })
        },
        || timed_sum(all, || Ok(c.sum_by_batches(&mut c_found, &mut c_of)?)),
    )?;
    let full = || -> Outcome<()> { Ok(c.update_batch(&keys, &values)?) };
    let delete = medians(
        rounds,
        || {
            full()?;
            timed(|| Ok(hash.remove_batch(&keys)?))
        },
        || {
            full()?;
            timed(|| Ok(c.delete_batch(&keys)?))
        },
    )?;
    rows.push(row("map-lookup-batch", lookup, CHUNK, 1.0));
    rows.push(row("map-update-batch", update, CHUNK, 1.0));
    rows.push(row("map-delete-batch", delete, CHUNK, 1.0));
    Ok(())
}

/// An array in memory: what it takes shows that there is no system call.
fn mapped(rounds: usize, rows: &mut Vec<Row>) -> Outcome<()> {
    let (map, c) = map(MapType::ARRAY, MapFlags::MMAPABLE)?;
    let array = Array::<u64>::new(&map)?;
    (0..ENTRIES).try_for_each(|key| c.update(key, u64::from(key)))?;
    let live = array.mmap()?;
    let read = |key| {
        let value = black_box(live.get(black_box(key)));
        if value == Some(u64::from(key)) { Ok(()) } else { Err("another value") }
    };
    let time = medians(
        rounds,
        || each(read),
        || each(|key| c.lookup(key).map(|value| assert_eq!(value, u64::from(key)))),
    )?;
    rows.push(row("map-read-mapped", time, CHUNK, 0.1));
    // What a process does more if it reads often, against one call for each lookup.
    let program = std::env::current_exe()?.with_file_name("mapped-oxbpf").to_string_lossy().into_owned();
    let calls =
        |times: u32| Ok::<_, Box<dyn std::error::Error>>(usage(&[program.clone(), times.to_string()])?.calls);
    let calls = calls(ENTRIES)?.saturating_sub(calls(0)?);
    rows.push(Row::new(
        "map-read-mapped-syscalls",
        LIBBPF,
        Unit::Calls,
        (calls as f64, f64::from(ENTRIES)),
        Some(0.0),
    ));
    Ok(())
}
