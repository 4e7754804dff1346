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

/// Elements of each map, and how often one is accessed in a round.
const ENTRIES: u32 = 100_000;
/// Elements at a time in batches.
const BATCH: usize = 4096;

/// Both sides work on the same map, by turns.
pub(super) fn rows(settings: &Settings) -> Outcome<Vec<Row>> {
    let rounds = settings.rounds(15);
    let mut rows = Vec::new();
    single_hash(rounds, &mut rows)?;
    single_array(rounds, &mut rows)?;
    whole(rounds, &mut rows)?;
    batches(rounds, &mut rows)?;
    mapped(rounds, &mut rows)?;
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

/// A row of nanoseconds for each element.
fn row(name: &'static str, peer: &'static str, (ours, theirs): (Duration, Duration), target: f64) -> Row {
    let each = |time: Duration| time.as_nanos() as f64 / f64::from(ENTRIES);
    Row::new(name, peer, Unit::Nanoseconds, (each(ours), each(theirs)), Some(target))
}

/// Times something for every key.
fn each<E: Into<Box<dyn std::error::Error>>>(
    mut work: impl FnMut(u32) -> Result<(), E>,
) -> Outcome<Duration> {
    timed(|| (0..ENTRIES).try_for_each(&mut work).map_err(Into::into))
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
    let full = || -> Outcome<()> { Ok((0..ENTRIES).try_for_each(|key| c.update(key, 0))?) };
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
    rows.push(row("map-lookup-hash", LIBBPF, lookup, 1.0));
    rows.push(row("map-update-hash", LIBBPF, update, 1.0));
    rows.push(row("map-delete-hash", LIBBPF, delete, 1.0));
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
    rows.push(row("map-lookup-array", LIBBPF, lookup, 1.0));
    rows.push(row("map-update-array", LIBBPF, update, 1.0));
    Ok(())
}

/// The sum of keys and values, by whatever means, of a map that has every key with itself as the value.
fn timed_sum(sum: impl FnOnce() -> Outcome<u64>) -> Outcome<Duration> {
    let all = u64::from(ENTRIES) * u64::from(ENTRIES - 1);
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

fn whole(rounds: usize, rows: &mut Vec<Row>) -> Outcome<()> {
    let (map, c) = filled(MapType::HASH)?;
    let hash = HashMap::<u32, u64>::new(&map)?;
    let time = medians(
        rounds,
        || {
            timed_sum(|| {
                let mut sum = 0_u64;
                for entry in &hash {
                    let (key, value) = entry?;
                    sum = sum.wrapping_add(u64::from(key)).wrapping_add(value);
                }
                Ok(sum)
            })
        },
        || timed_sum(|| Ok(c.sum_by_keys()?)),
    )?;
    rows.push(row("map-iterate-hash", LIBBPF, time, 0.25));

    let (map, c) = filled(MapType::ARRAY)?;
    let array = Array::<u64>::new(&map)?;
    let time = medians(
        rounds,
        || {
            timed_sum(|| {
                let mut sum = 0_u64;
                for (index, value) in array.iter().enumerate() {
                    sum = sum.wrapping_add(index as u64).wrapping_add(value?);
                }
                Ok(sum)
            })
        },
        || timed_sum(|| Ok(c.sum_by_keys()?)),
    )?;
    rows.push(row("map-iterate-array", LIBBPF, time, 0.25));
    Ok(())
}

fn batches(rounds: usize, rows: &mut Vec<Row>) -> Outcome<()> {
    let (map, c) = filled(MapType::HASH)?;
    let hash = HashMap::<u32, u64>::new(&map)?;
    let (mut keys, mut values) = (vec![0; BATCH], vec![0; BATCH]);
    let (mut c_keys, mut c_values) = (vec![0; BATCH], vec![0; BATCH]);
    let lookup = medians(
        rounds,
        || {
            timed_sum(|| {
                let mut cursor = oxbpf_sys::BatchCursor::new();
                let mut sum = 0_u64;
                loop {
                    let batch = hash.lookup_batch(&mut cursor, &mut keys, &mut values, ElemFlags::empty())?;
                    for (key, value) in keys.iter().zip(&values).take(batch.count) {
                        sum = sum.wrapping_add(u64::from(*key)).wrapping_add(*value);
                    }
                    if !batch.more {
                        return Ok(sum);
                    }
                }
            })
        },
        || timed_sum(|| Ok(c.sum_by_batches(&mut c_keys, &mut c_values)?)),
    )?;
    let keys: Vec<u32> = (0..ENTRIES).collect();
    let values: Vec<u64> = keys.iter().copied().map(u64::from).collect();
    let parts = || keys.chunks(BATCH).zip(values.chunks(BATCH));
    let update = medians(
        rounds,
        || {
            timed(|| {
                for (keys, values) in parts() {
                    hash.update_batch(keys, values, ElemFlags::empty())?;
                }
                Ok(())
            })
        },
        || {
            timed(|| {
                for (keys, values) in parts() {
                    c.update_batch(keys, values)?;
                }
                Ok(())
            })
        },
    )?;
    let full = || -> Outcome<()> {
        for (keys, values) in parts() {
            c.update_batch(keys, values)?;
        }
        Ok(())
    };
    let delete = medians(
        rounds,
        || {
            full()?;
            timed(|| {
                for (keys, _) in parts() {
                    hash.remove_batch(keys)?;
                }
                Ok(())
            })
        },
        || {
            full()?;
            timed(|| {
                for (keys, _) in parts() {
                    c.delete_batch(keys)?;
                }
                Ok(())
            })
        },
    )?;
    rows.push(row("map-lookup-batch", LIBBPF, lookup, 1.0));
    rows.push(row("map-update-batch", LIBBPF, update, 1.0));
    rows.push(row("map-delete-batch", LIBBPF, delete, 1.0));
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
    rows.push(row("map-read-mapped", LIBBPF, time, 0.1));
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
