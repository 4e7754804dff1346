//! Hash tables and LPM tries with types. (Those of objects: `tests/kernel/typed_maps.rs`.)

use std::net::{Ipv4Addr, Ipv6Addr};

use oxbpf::{
    ElemFlags, Errno, HashMap, Kernel, LpmKey, LpmTrie, LruHashMap, MapFlags, MapType, ResizableHashMap,
    features,
};
use oxbpf_testing::{Need, Skip, Suite, TestResult};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{flagged, kinds, make, refused};

pub(crate) fn tests(suite: &mut Suite) {
    suite.test("hashes::hash", &[Need::Bpf], hash);
    suite.test("hashes::taking", &[Need::Bpf, Need::Kernel(5, 14)], taking);
    suite.test("hashes::spin_locks", &[Need::Bpf, Need::Kernel(5, 8)], spin_locks);
    suite.test("hashes::lru_is_never_full", &[Need::Bpf, Need::Kernel(4, 10)], lru);
    suite.test("hashes::resizable", &[Need::Bpf], resizable);
    suite.test("hashes::lpm_trie", &[Need::Bpf, Need::Kernel(4, 16)], lpm_trie);
    suite.test("hashes::lpm_trie_refusals", &[Need::Bpf, Need::Kernel(4, 16)], lpm_refusals);
}

fn hash() -> TestResult {
    let map = HashMap::<u64, [u32; 3]>::new(&make(MapType::HASH, 8, 12, 2)?)?;
    map.insert(&1, &[1, 2, 3])?;
    map.update(&2, &[4, 5, 6], ElemFlags::NOEXIST)?;
    assert_eq!((map.get(&2)?, map.get(&3)?), (Some([4, 5, 6]), None));
    refused(
        map.insert(&3, &[0; 3]),
        Errno::E2BIG,
        "map m: BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): it is full, max_entries is 2",
    );
    let error = HashMap::<u32, [u32; 3]>::new(map.map()).expect_err("another key");
    assert_eq!(error.to_string(), "map m: a key is 8 bytes, not 4");
    let error = LruHashMap::<u64, [u32; 3]>::new(map.map()).expect_err("another type");
    assert_eq!(error.to_string(), "map m is not an LRU hash map: its type is hash");
    Ok(())
}

fn taking() -> TestResult {
    let map = HashMap::<u32, u64>::new(&make(MapType::HASH, 4, 8, 2)?)?;
    map.insert(&1, &11)?;
    assert_eq!((map.lookup_and_delete(&1)?, map.lookup_and_delete(&1)?), (Some(11), None));
    assert!(!map.contains_key(&1)?);
    Ok(())
}

#[derive(FromBytes, IntoBytes, Immutable, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
struct Locked {
    lock: u32,
    a: u32,
    b: u64,
}

/// A value that is written and read under its lock is never seen half written.
fn spin_locks() -> TestResult {
    let object = kinds(&["locked", "locked_array"], &[])?;
    let value = |n: u32| Locked { lock: 0, a: n, b: u64::from(n) };
    let map = HashMap::<u32, Locked>::new(object.map("locked")?)?;
    map.insert(&1, &value(0))?;
    let array = oxbpf::Array::<Locked>::new(object.map("locked_array")?)?;
    std::thread::scope(|scope| -> TestResult {
        let writer = scope.spawn(|| -> oxbpf::Result<()> {
            for n in 0..20_000 {
                map.update(&1, &value(n), ElemFlags::LOCK | ElemFlags::EXIST)?;
                array.set_flags(2, &value(n), ElemFlags::LOCK)?;
            }
            Ok(())
        });
        while !writer.is_finished() {
            for found in [map.get_flags(&1, ElemFlags::LOCK)?, array.get_flags(2, ElemFlags::LOCK)?] {
                let found = found.ok_or("it is there")?;
                assert_eq!(found, value(found.a), "the lock itself reads as zero");
            }
        }
        writer.join().expect("no panic")?;
        Ok(())
    })?;
    assert_eq!(map.get_flags(&1, ElemFlags::LOCK)?, Some(value(19_999)));
    Ok(())
}

fn lru() -> TestResult {
    let map = LruHashMap::<u32, u32>::new(&make(MapType::LRU_HASH, 4, 4, 64)?)?;
    for n in 0..1000 {
        map.insert(&n, &n)?;
    }
    let left: Vec<(u32, u32)> = map.iter().collect::<oxbpf::Result<_>>()?;
    assert!(!left.is_empty() && left.len() <= 64 && left.iter().all(|(k, v)| k == v), "{left:?}");
    Ok(())
}

fn resizable() -> TestResult {
    if !features::makes_maps_of(&Kernel::host(), MapType::RHASH)? {
        return Err(Skip::because("needs maps of type rhash (kernel 7.2)").into());
    }
    let map =
        ResizableHashMap::<u32, u64>::new(&flagged(MapType::RHASH, 4, 8, 1000, MapFlags::NO_PREALLOC)?)?;
    for n in 0..1000 {
        map.insert(&n, &u64::from(n))?;
    }
    assert!(map.insert(&1000, &0).is_err_and(|error| error.errno() == Some(Errno::E2BIG)));
    let mut keys: Vec<u32> = map.keys().collect::<oxbpf::Result<_>>()?;
    keys.sort_unstable();
    keys.dedup();
    assert!(keys.into_iter().eq(0..1000));
    assert_eq!((map.lookup_and_delete(&5)?, map.get(&5)?), (Some(5), None));
    Ok(())
}

fn lpm_trie() -> TestResult {
    let map = flagged(MapType::LPM_TRIE, 8, 4, 100, MapFlags::NO_PREALLOC)?;
    let trie = LpmTrie::<LpmKey<[u8; 4]>, u32>::new(&map)?;
    let v4 = |a: [u8; 4], bits: u32| LpmKey::from((Ipv4Addr::from(a), bits));
    trie.insert(&v4([10, 0, 0, 0], 8), &8)?;
    trie.insert(&v4([10, 1, 0, 0], 16), &16)?;
    trie.insert(&v4([0, 0, 0, 0], 0), &0)?;
    for (address, wanted) in [([10, 1, 2, 3], 16), ([10, 2, 2, 3], 8), ([11, 0, 0, 1], 0)] {
        assert_eq!(trie.get(&v4(address, 32))?, Some(wanted), "{address:?}");
    }
    let mut all: Vec<(u32, [u8; 4], u32)> = trie
        .iter()
        .map(|entry| entry.map(|(key, value)| (key.prefix_len(), key.data(), value)))
        .collect::<oxbpf::Result<_>>()?;
    all.sort_unstable();
    assert_eq!(all, [(0, [0; 4], 0), (8, [10, 0, 0, 0], 8), (16, [10, 1, 0, 0], 16)]);
    assert!(trie.remove(&v4([10, 1, 0, 0], 16))? && !trie.remove(&v4([10, 1, 0, 0], 16))?);
    assert_eq!(trie.get(&v4([10, 1, 2, 3], 32))?, Some(8));

    let map = flagged(MapType::LPM_TRIE, 20, 4, 100, MapFlags::NO_PREALLOC)?;
    let trie = LpmTrie::<LpmKey<[u8; 16]>, u32>::new(&map)?;
    trie.insert(&LpmKey::from((Ipv6Addr::LOCALHOST, 128)), &1)?;
    assert_eq!(trie.get(&LpmKey::from((Ipv6Addr::LOCALHOST, 128)))?, Some(1));
    assert_eq!(trie.get(&LpmKey::from((Ipv6Addr::UNSPECIFIED, 128)))?, None);
    Ok(())
}

fn lpm_refusals() -> TestResult {
    let map = flagged(MapType::LPM_TRIE, 8, 4, 1, MapFlags::NO_PREALLOC)?;
    let trie = LpmTrie::<LpmKey<[u8; 4]>, u32>::new(&map)?;
    refused(
        trie.insert(&LpmKey::new(33, [0; 4]), &1),
        Errno::EINVAL,
        "map m: BPF_MAP_UPDATE_ELEM failed: EINVAL (Invalid argument): a flag, key or value that a map of this kind does not take",
    );
    trie.insert(&LpmKey::new(1, [0; 4]), &1)?;
    refused(
        trie.insert(&LpmKey::new(2, [0; 4]), &1),
        Errno::ENOSPC,
        "map m: BPF_MAP_UPDATE_ELEM failed: ENOSPC (No space left on device): it is full, max_entries is 1",
    );
    refused(
        make(MapType::LPM_TRIE, 8, 4, 1),
        Errno::EINVAL,
        "map m (lpm_trie): BPF_MAP_CREATE failed: EINVAL (Invalid argument): this kernel makes no map of this kind, these sizes and these flags",
    );
    let error = trie.lookup_and_delete(&LpmKey::new(1, [0; 4])).expect_err("of a trie");
    assert!(matches!(error.errno(), Some(Errno::ENOTSUPP | Errno::EOPNOTSUPP)), "{error}");
    Ok(())
}
