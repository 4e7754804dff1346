//! The default iterator, for every kind that can be walked.

use std::os::fd::AsFd;

use oxbpf::{ElemFlags, Errno, Kernel, Map, MapCreate, MapFlags, MapType};
use oxbpf_testing::{Need, Suite, TestResult};

use super::{flagged, make, shape};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::Kernel(5, 8)];
    suite.test("walks::every_kind_that_can_be_walked", &needs, kinds);
    suite.test("walks::deleting_on_the_way", &needs, deleting);
    suite.test("walks::kinds_that_cannot_be_walked", &[Need::Bpf, Need::Kernel(5, 16)], refusals);
}

/// Fills each kind with what user space can put in, and gets it all back, once.
fn kinds() -> TestResult {
    let rows = [
        (MapType::HASH, MapFlags::empty()),
        (MapType::HASH, MapFlags::NO_PREALLOC),
        (MapType::LRU_HASH, MapFlags::empty()),
        (MapType::PERCPU_HASH, MapFlags::empty()),
        (MapType::LRU_PERCPU_HASH, MapFlags::empty()),
        (MapType::ARRAY, MapFlags::empty()),
        (MapType::PERCPU_ARRAY, MapFlags::empty()),
        (MapType::LPM_TRIE, MapFlags::NO_PREALLOC),
    ];
    for (kind, flags) in rows {
        // Twice as large as it need be, so that an LRU map throws nothing out; more than one batch of them.
        let map = flagged(kind, 8, 8, 20_000, flags)
            .or_else(|_| flagged(kind, 4, 8, 10_000, flags))
            .map_err(|error| format!("{kind}: {error}"))?;
        let key = |n: u32| match map.key_size() {
            8 if kind == MapType::LPM_TRIE => [32_u32.to_ne_bytes(), n.to_ne_bytes()].concat(),
            8 => [n.to_ne_bytes(), n.to_ne_bytes()].concat(),
            _ => n.to_ne_bytes().to_vec(),
        };
        let value = |n: u32| u64::from(n).to_ne_bytes().repeat(map.value_len() / 8);
        for n in 0..10_000 {
            map.update(&key(n), &value(n), ElemFlags::empty())?;
        }
        let mut seen = vec![0; 10_000];
        for entry in &map {
            let (k, v) = entry?;
            let n = u64::from_ne_bytes(*v.first_chunk().ok_or("a value")?) as u32;
            assert_eq!((k, v), (key(n), value(n)), "{kind}");
            seen[n as usize] += 1;
        }
        assert!(seen.iter().all(|n| *n == 1), "{kind}: {} once", seen.iter().filter(|n| **n == 1).count());
        assert_eq!(map.keys().count(), 10_000, "{kind}");
    }
    // Those that have no batches, or only some elements.
    let kernel = Kernel::host();
    let inner = make(MapType::ARRAY, 4, 8, 1)?;
    for kind in [MapType::ARRAY_OF_MAPS, MapType::HASH_OF_MAPS] {
        let outer =
            Map::create(&kernel, &MapCreate { inner_map_fd: Some(inner.as_fd()), ..shape(kind, 4, 4, 8) })?;
        let fd = std::os::fd::AsRawFd::as_raw_fd(&inner.as_fd());
        for n in [1_u32, 5] {
            outer.update(&n.to_ne_bytes(), &fd.to_ne_bytes(), ElemFlags::empty())?;
        }
        let id = inner.info()?.id.to_ne_bytes().to_vec();
        let mut all = outer.iter().collect::<oxbpf::Result<Vec<_>>>()?;
        all.sort();
        assert_eq!(
            all,
            [(1_u32.to_ne_bytes().to_vec(), id.clone()), (5_u32.to_ne_bytes().to_vec(), id)],
            "{kind}"
        );
    }
    Ok(())
}

/// Whoever walks key by key may delete what it gets; by batches too.
fn deleting() -> TestResult {
    for by_keys in [true, false] {
        let map = make(MapType::HASH, 4, 4, 5000)?;
        for n in 0..5000_u32 {
            map.update(&n.to_ne_bytes(), &n.to_ne_bytes(), ElemFlags::empty())?;
        }
        let mut deleted = 0;
        if by_keys {
            for key in map.keys() {
                assert!(map.delete(&key?)?, "each key comes once");
                deleted += 1;
            }
        } else {
            let mut entries = map.iter();
            while let Some(entry) = entries.next_entry() {
                assert!(map.delete(entry?.0)?, "each key comes once");
                deleted += 1;
            }
        }
        assert_eq!((deleted, map.next_key(None)?), (5000, None));
    }
    Ok(())
}

fn refusals() -> TestResult {
    let page = rustix::param::page_size() as u32;
    for (kind, key, value, entries) in [
        (MapType::QUEUE, 0, 4, 4),
        (MapType::STACK, 0, 4, 4),
        (MapType::BLOOM_FILTER, 0, 4, 4),
        (MapType::RINGBUF, 0, 0, page),
    ] {
        let map = make(kind, key, value, entries)?;
        let items: Vec<_> = map.iter().collect();
        let [Err(error)] = &items[..] else { panic!("{kind}: {items:?}") };
        let errno = error.errno();
        assert!(
            matches!(errno, Some(Errno::EINVAL | Errno::ENOTSUPP | Errno::EOPNOTSUPP)),
            "{kind}: {error}"
        );
    }
    Ok(())
}
