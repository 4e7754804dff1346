//! Typed maps over a kernel that is not there: sizes, fallbacks and growth.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use oxbpf_sys::doors::{Fake, Older, Recorder};
use oxbpf_sys::uapi::{Cmd, ElemFlags};
use oxbpf_sys::{Call, Door, Errno, Kernel, KernelVersion, MapCreate, Reply};

use super::*;

fn make(kernel: &Kernel, map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> Map {
    let create = MapCreate { map_type, key_size, value_size, max_entries, name: "m", ..Default::default() };
    Map::from_fd(kernel, kernel.map_create(&create).unwrap().into()).unwrap()
}

fn fake() -> Kernel {
    Kernel::with_door(Arc::new(Fake::new()))
}

#[test]
fn wrong_sizes_and_types_are_refused_with_both_named() {
    let kernel = fake();
    let map = make(&kernel, MapType::HASH, 4, 16, 10);
    assert!(HashMap::<u32, [u64; 2]>::new(&map).is_ok());
    let error = HashMap::<u64, [u64; 2]>::new(&map).unwrap_err().to_string();
    assert_eq!(error, "map m: a key is 4 bytes, not 8");
    let error = HashMap::<u32, u64>::new(&map).unwrap_err().to_string();
    assert_eq!(error, "map m: a value is 16 bytes, not 8");
    let error = LruHashMap::<u32, [u64; 2]>::new(&map).unwrap_err().to_string();
    assert_eq!(error, "map m is not an LRU hash map: its type is hash");
    let error = Array::<[u64; 2]>::new(&map).unwrap_err().to_string();
    assert_eq!(error, "map m is not an array: its type is hash");
    // A per-CPU value's size is that of one CPU.
    let map = make(&kernel, MapType::PERCPU_ARRAY, 4, 4, 3);
    assert_eq!(PerCpuArray::<u32>::new(&map).unwrap().cpus(), 4);
    assert!(matches!(PerCpuArray::<u64>::new(&map), Err(Error::Size { expected: 4, got: 8, .. })));
}

#[test]
fn per_cpu_values_come_one_for_each_cpu_whatever_their_size() {
    let kernel = fake();
    let map = make(&kernel, MapType::PERCPU_HASH, 2, 4, 10);
    let typed = PerCpuHashMap::<u16, u32>::new(&map).unwrap();
    assert_eq!(typed.get(&1).unwrap(), None);
    typed.insert(&1, &[1, 2, 3, 4]).unwrap();
    assert_eq!(typed.get(&1).unwrap(), Some(vec![1, 2, 3, 4]));
    // In the kernel each has 8 bytes.
    assert_eq!(map.lookup(&1u16.to_ne_bytes()).unwrap().unwrap().len(), 32);
    assert!(matches!(typed.insert(&1, &[1, 2, 3]), Err(Error::CpuCount { cpus: 4, got: 3, .. })));

    let map = make(&kernel, MapType::PERCPU_ARRAY, 4, 16, 2);
    let typed = PerCpuArray::<[u64; 2]>::new(&map).unwrap();
    let values = [[1, 2], [3, 4], [5, 6], [7, 8]];
    typed.set(1, &values).unwrap();
    assert_eq!(typed.get(1).unwrap().unwrap(), values);
    assert_eq!(typed.get(2).unwrap(), None);
    let all: Vec<_> = typed.iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(all, [vec![[0, 0]; 4], values.to_vec()]);
}

#[test]
fn iteration_asks_in_entries_and_key_by_key_where_there_are_none() {
    for (version, entries) in [(KernelVersion::new(6, 1, 0), true), (KernelVersion::new(5, 5, 0), false)] {
        let recorder = Arc::new(Recorder::new(Arc::new(Older::new(Arc::new(Fake::new()), version))));
        let kernel = Kernel::with_door(recorder.clone());
        let map = make(&kernel, MapType::HASH, 4, 8, 1000);
        let typed = HashMap::<u32, u64>::new(&map).unwrap();
        for i in 0..300u32 {
            typed.insert(&i, &(u64::from(i) * 2)).unwrap();
        }
        recorder.take();
        let mut all: Vec<_> = typed.iter().collect::<Result<_, _>>().unwrap();
        all.sort_unstable();
        assert!(all.iter().copied().eq((0..300).map(|i| (i, u64::from(i) * 2))));
        let calls = recorder.take();
        let count = |cmd| calls.iter().filter(|c| c.cmd == Some(cmd)).count();
        if entries {
            assert_eq!((count(Cmd::MAP_LOOKUP_BATCH), calls.len()), (1, 1));
        } else {
            assert_eq!(count(Cmd::MAP_LOOKUP_BATCH), 1, "it is tried once");
            assert_eq!((count(Cmd::MAP_GET_NEXT_KEY), count(Cmd::MAP_LOOKUP_ELEM)), (301, 300));
        }
        assert_eq!(typed.keys().count(), 300);
    }
}

/// A kernel with hash tables of few buckets: so many entries at a time, or `ENOSPC`.
#[derive(Debug)]
struct Crowded {
    inner: Fake,
    refused: AtomicU32,
}

// SAFETY: it only refuses calls of another door.
unsafe impl Door for Crowded {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        if let Call::Bpf(attr) = &call {
            let keys = attr.bytes("keys").map_or(0, <[u8]>::len);
            if attr.cmd() == Cmd::MAP_LOOKUP_BATCH && keys < 4 * 100 {
                self.refused.fetch_add(1, Ordering::Relaxed);
                return Err(Errno::ENOSPC);
            }
        }
        self.inner.call(call)
    }
}

#[test]
fn buffers_grow_until_a_bucket_fits() {
    let door = Arc::new(Crowded { inner: Fake::new(), refused: AtomicU32::new(0) });
    let kernel = Kernel::with_door(door.clone());
    // So large that the first buffers have room for 16 values only.
    let map = make(&kernel, MapType::HASH, 4, 8192, 200);
    let typed = HashMap::<u32, [u64; 1024]>::new(&map).unwrap();
    for i in 0..50u32 {
        typed.insert(&i, &[u64::from(i); 1024]).unwrap();
    }
    let mut keys: Vec<u32> = typed.keys().collect::<Result<_, _>>().unwrap();
    keys.sort_unstable();
    assert!(keys.into_iter().eq(0..50));
    assert_eq!(door.refused.load(Ordering::Relaxed), 3, "with 16, 32 and 64");

    // What no buffer of the map's own size holds is an error, not a loop.
    let map = make(&kernel, MapType::HASH, 4, 4, 50);
    let typed = HashMap::<u32, u32>::new(&map).unwrap();
    typed.insert(&1, &1).unwrap();
    let items: Vec<_> = typed.iter().collect();
    assert!(matches!(&items[..], [Err(e)] if e.errno() == Some(Errno::ENOSPC)), "{items:?}");
}

#[test]
fn an_error_is_the_last_item() {
    let door = Arc::new(oxbpf_sys::doors::Faults::nth(Arc::new(Fake::new()), 4, Errno::EPERM));
    let kernel = Kernel::with_door(door);
    let map = make(&kernel, MapType::HASH, 4, 4, 10);
    let typed = HashMap::<u32, u32>::new(&map).unwrap();
    typed.insert(&1, &1).unwrap();
    let items: Vec<_> = typed.iter().collect();
    assert_eq!(items.len(), 1);
    assert!(items[0].is_err());
}

#[test]
fn single_entries() {
    let kernel = fake();
    let typed = HashMap::<u32, u64>::new(&make(&kernel, MapType::HASH, 4, 8, 2)).unwrap();
    assert_eq!(typed.get(&1).unwrap(), None);
    typed.insert(&1, &10).unwrap();
    assert_eq!((typed.get(&1).unwrap(), typed.contains_key(&1).unwrap()), (Some(10), true));
    assert_eq!(typed.update(&1, &11, ElemFlags::NOEXIST).unwrap_err().errno(), Some(Errno::EEXIST));
    assert_eq!(typed.update(&2, &20, ElemFlags::EXIST).unwrap_err().errno(), Some(Errno::ENOENT));
    typed.clone().update(&1, &12, ElemFlags::EXIST).unwrap();
    assert_eq!(typed.get(&1).unwrap(), Some(12));
    assert!(typed.remove(&1).unwrap() && !typed.remove(&1).unwrap());
    assert!(typed.map().as_fd().try_clone_to_owned().is_ok());

    let array = Array::<u64>::new(&make(&kernel, MapType::ARRAY, 4, 8, 3)).unwrap();
    assert_eq!(array.len(), 3);
    array.set(2, &9).unwrap();
    assert_eq!((array.get(2).unwrap(), array.get(3).unwrap()), (Some(9), None));
    assert_eq!(array.iter().collect::<Result<Vec<_>, _>>().unwrap(), [0, 0, 9]);
    assert_eq!(array.set(3, &9).unwrap_err().errno(), Some(Errno::E2BIG));
}
