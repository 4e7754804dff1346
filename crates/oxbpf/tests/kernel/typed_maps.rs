//! Typed maps in the kernel, those of `bpf/tests/maps.bpf.c`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use oxbpf::{Array, ElemFlags, Errno, HashMap, LruHashMap, LruPerCpuHashMap, PerCpuArray, PerCpuHashMap};
use oxbpf_testing::{Need, Suite, TestResult, wait_until};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::support::{Loaded, PATIENCE, Result};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::Kernel(5, 8)];
    suite.test("typed_maps::hash", &needs, hash);
    suite.test("typed_maps::many_batches", &needs, many_batches);
    suite.test("typed_maps::entries_that_stay_come_once", &needs, entries_that_stay_come_once);
    suite.test("typed_maps::array", &needs, array);
    suite.test("typed_maps::per_cpu", &needs, per_cpu);
    suite.test("typed_maps::lru", &needs, lru);
}

#[derive(FromBytes, IntoBytes, Immutable, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(C)]
struct Key {
    id: u32,
    kind: u32,
}

#[derive(FromBytes, IntoBytes, Immutable, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
struct Value {
    packets: u64,
    bytes: u64,
}

fn key(id: u32) -> Key {
    Key { id, kind: !id }
}

fn value(id: u32) -> Value {
    Value { packets: u64::from(id), bytes: u64::from(id) << 32 }
}

/// The maps, with room for so many entries in `hash`.
fn maps(hash_entries: u32) -> Result<Loaded> {
    Loaded::with("tests/maps.bpf.o", |spec| {
        spec.map_mut("hash").ok_or("a map")?.max_entries = hash_entries;
        Ok(())
    })
}

fn hash() -> TestResult {
    let loaded = maps(3)?;
    let map = HashMap::<Key, Value>::new(loaded.map("hash")?)?;
    assert_eq!(map.iter().count(), 0);
    for id in 0..3 {
        assert_eq!(map.get(&key(id))?, None);
        map.update(&key(id), &value(id), ElemFlags::NOEXIST)?;
    }
    let full = map.insert(&key(3), &value(3)).expect_err("a full map");
    assert_eq!(full.errno(), Some(Errno::E2BIG), "{full}");
    assert_eq!(
        map.update(&key(1), &value(9), ElemFlags::NOEXIST).expect_err("it is there").errno(),
        Some(Errno::EEXIST)
    );
    map.update(&key(1), &value(7), ElemFlags::EXIST)?;
    let all: BTreeMap<Key, Value> = map.iter().collect::<oxbpf::Result<_>>()?;
    assert_eq!(all, BTreeMap::from([(key(0), value(0)), (key(1), value(7)), (key(2), value(2))]));
    assert!(map.remove(&key(0))? && !map.remove(&key(0))?);
    assert!(!map.contains_key(&key(0))? && map.contains_key(&key(1))?);
    Ok(())
}

fn many_batches() -> TestResult {
    let loaded = maps(20_000)?;
    let map = HashMap::<Key, Value>::new(loaded.map("hash")?)?;
    for id in 0..20_000 {
        map.insert(&key(id), &value(id))?;
    }
    let mut seen = vec![0u8; 20_000];
    for entry in &map {
        let (k, v) = entry?;
        assert_eq!((k, v), (key(k.id), value(k.id)));
        seen[k.id as usize] += 1;
    }
    assert!(seen.iter().all(|&n| n == 1));
    Ok(())
}

fn entries_that_stay_come_once() -> TestResult {
    let loaded = maps(20_000)?;
    let map = HashMap::<Key, Value>::new(loaded.map("hash")?)?;
    for id in 0..5_000 {
        map.insert(&key(id), &value(id))?;
    }
    let stop = AtomicBool::new(false);
    let rounds = AtomicU32::new(0);
    std::thread::scope(|scope| -> TestResult {
        let other = map.clone();
        let (stop, rounds) = (&stop, &rounds);
        let churn = scope.spawn(move || -> oxbpf::Result<()> {
            while !stop.load(Ordering::Relaxed) {
                for id in 5_000..5_500 {
                    other.insert(&key(id), &value(id))?;
                }
                for id in 5_000..5_500 {
                    assert!(other.remove(&key(id))?);
                }
                rounds.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        // On a busy machine the thread may take its time to begin.
        let begun = wait_until(PATIENCE, || rounds.load(Ordering::Relaxed) > 0 || churn.is_finished());
        let result = (0..50).try_for_each(|_| -> TestResult {
            let mut seen = vec![0u8; 5_500];
            for entry in &map {
                let (k, v) = entry?;
                assert_eq!(v, value(k.id));
                seen[k.id as usize] += 1;
            }
            assert!(seen[..5_000].iter().all(|&n| n == 1));
            Ok(())
        });
        stop.store(true, Ordering::Relaxed);
        churn.join().expect("no panic")?;
        assert!(begun);
        result
    })
}

fn array() -> TestResult {
    let loaded = maps(1)?;
    let map = Array::<Value>::new(loaded.map("array")?)?;
    assert_eq!(map.len(), 16);
    map.set(0, &value(5))?;
    map.set(15, &value(6))?;
    let mut wanted = vec![value(0); 16];
    wanted[0] = value(5);
    wanted[15] = value(6);
    assert_eq!(map.iter().collect::<oxbpf::Result<Vec<_>>>()?, wanted);
    assert_eq!((map.get(15)?, map.get(16)?), (Some(value(6)), None));
    assert_eq!(map.set(16, &value(0)).expect_err("past the end").errno(), Some(Errno::E2BIG));
    // More than one batch: 1,000 values of 8 bytes are one, so ask for more.
    let loaded = Loaded::with("tests/maps.bpf.o", |spec| {
        spec.map_mut("array").ok_or("a map")?.max_entries = 10_000;
        Ok(())
    })?;
    let map = Array::<Value>::new(loaded.map("array")?)?;
    map.set(9_999, &value(1))?;
    assert_eq!(map.iter().count(), 10_000);
    assert_eq!(map.iter().last().ok_or("the last")??, value(1));
    Ok(())
}

fn per_cpu() -> TestResult {
    let loaded = maps(1)?;
    // 16 bytes: as the kernel has them in memory.
    let map = PerCpuHashMap::<u32, Value>::new(loaded.map("percpu_hash")?)?;
    let cpus = map.cpus();
    let values: Vec<Value> = (0..cpus as u32).map(value).collect();
    map.insert(&77, &values)?;
    assert_eq!((map.get(&77)?, map.get(&78)?), (Some(values.clone()), None));
    assert_eq!(map.iter().collect::<oxbpf::Result<Vec<_>>>()?, [(77, values)]);
    assert!(map.remove(&77)?);

    // 4 bytes, which the kernel rounds up to 8.
    let map = PerCpuArray::<u32>::new(loaded.map("percpu_array")?)?;
    let values: Vec<u32> = (1..=cpus as u32).collect();
    map.set(3, &values)?;
    let all = map.iter().collect::<oxbpf::Result<Vec<_>>>()?;
    assert_eq!(all.len(), 16);
    for (i, found) in all.into_iter().enumerate() {
        assert_eq!(found, if i == 3 { values.clone() } else { vec![0; cpus] });
    }
    assert_eq!(map.get(16)?, None);
    Ok(())
}

fn lru() -> TestResult {
    let loaded = maps(1)?;
    let map = LruHashMap::<u32, u64>::new(loaded.map("lru")?)?;
    for i in 0..2_000u32 {
        map.insert(&i, &u64::from(i))?;
    }
    let left: Vec<(u32, u64)> = map.iter().collect::<oxbpf::Result<_>>()?;
    assert!(!left.is_empty() && left.len() <= 128, "{}", left.len());
    assert!(left.iter().all(|&(k, v)| u64::from(k) == v));

    let map = LruPerCpuHashMap::<u32, u64>::new(loaded.map("lru_percpu")?)?;
    let values: Vec<u64> = (0..map.cpus() as u64).collect();
    map.insert(&5, &values)?;
    assert_eq!(map.iter().collect::<oxbpf::Result<Vec<_>>>()?, [(5, values)]);
    Ok(())
}
