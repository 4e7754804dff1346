//! Maps in memory: arrays, global variables, arenas.

use std::sync::atomic::{AtomicBool, Ordering};

use oxbpf::sys::Prot;
use oxbpf::{Arena, Array, Errno, Kernel, LoadOptions, Map, MapCreate, MapFlags, MapType, Object};
use oxbpf_testing::{Need, Skip, Suite, TestResult, testdata};

use super::{flagged, kinds, make, refused, run, shape};

pub(crate) fn tests(suite: &mut Suite) {
    let mmap = [Need::Bpf, Need::Kernel(5, 5)];
    suite.test("memory::arrays", &mmap, arrays);
    suite.test("memory::what_cannot_be_mapped", &mmap, refusals);
    suite.test("memory::programs_write_meanwhile", &[Need::Bpf, Need::Kernel(5, 10)], live);
    suite.test("memory::frozen_after_its_variables_were_written", &[Need::Bpf, Need::Kernel(5, 8)], freezing);
    suite.test("memory::arena", &[Need::Bpf], arena);
    suite.test("memory::arena_at_an_address", &[Need::Bpf], arena_at);
}

fn arrays() -> TestResult {
    let map = flagged(MapType::ARRAY, 4, 4, 1000, MapFlags::MMAPABLE)?;
    let array = Array::<u32>::new(&map)?;
    let live = array.mmap()?;
    assert!(live.is_writable() && live.len() == 1000 && !live.is_empty());
    array.set(999, &7)?;
    assert_eq!((live.get(999), live.get(1000)), (Some(7), None));
    live.set(998, &8)?;
    assert_eq!(array.get(998)?, Some(8));
    let error = live.set(1000, &1).expect_err("past the end").to_string();
    assert_eq!(error, "map m: index 1000 is beyond its end, it has 1000 elements");
    let mut wanted = vec![0; 1000];
    (wanted[998], wanted[999]) = (8, 7);
    assert_eq!(live.iter().collect::<Vec<_>>(), wanted);
    let shared = live.clone();
    drop(live);
    assert_eq!(shared.get(998), Some(8));

    refused(
        map.freeze(),
        Errno::EBUSY,
        "map m: BPF_MAP_FREEZE failed: EBUSY (Device or resource busy): it is frozen already, being written, or mapped \
         for writing: drop such mappings first",
    );
    drop(shared);
    map.freeze()?;
    let read_only = array.mmap()?;
    assert_eq!((read_only.is_writable(), read_only.get(999)), (false, Some(7)));
    let error = read_only.set(0, &1).expect_err("frozen").to_string();
    assert_eq!(error, "map m: it is mapped for reading only, as it was frozen");
    Ok(())
}

fn refusals() -> TestResult {
    let plain = make(MapType::ARRAY, 4, 8, 4)?;
    let error = Array::<u64>::new(&plain)?.mmap().expect_err("without BPF_F_MMAPABLE").to_string();
    assert!(
        error.ends_with("it cannot be mapped into memory: it was made without BPF_F_MMAPABLE"),
        "{error}"
    );
    let frozen = flagged(MapType::ARRAY, 4, 8, 4, MapFlags::MMAPABLE)?;
    frozen.freeze()?;
    refused(
        frozen.mmap(Prot::ReadWrite),
        Errno::EPERM,
        "map m: mmap failed: EPERM (Operation not permitted): it is frozen, or not open for that",
    );
    Ok(())
}

/// A program counts in a map while this process reads it, without a system call.
fn live() -> TestResult {
    let object = kinds(&["counters"], &["count"])?;
    let counters = Array::<u64>::new(object.map("counters")?)?.mmap()?;
    let tag = object.global("tag")?;
    let program = object.program("count")?;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| -> TestResult {
        let runner = scope.spawn(|| {
            let result = (0..5000).try_for_each(|_| run(program).map(drop));
            done.store(true, Ordering::Release);
            result
        });
        let mut last = 0;
        while !done.load(Ordering::Acquire) {
            let now = counters.get(3).ok_or("the fourth")?;
            assert!(now >= last, "it only grows");
            last = now;
            let tag = tag.get::<u16>()?;
            assert!(tag == 0 || tag == u16::MAX, "{tag:#x} is torn");
        }
        Ok(runner.join().expect("no panic")?)
    })?;
    assert_eq!((counters.get(3), counters.get(2)), (Some(5000), Some(0)));
    Ok(())
}

/// Reading and writing variables maps their map for writing, which would keep it from being frozen.
fn freezing() -> TestResult {
    let object = Object::load(&oxbpf::open(testdata("tests/globals.bpf.o"))?, &LoadOptions::default())?;
    let counter = object.global("counter")?;
    counter.set(&77_u64)?;
    let map = counter.map();
    map.freeze()?;
    assert_eq!(counter.get::<u64>()?, 77);
    let error = counter.set(&78_u64).expect_err("frozen");
    assert_eq!(error.errno(), Some(Errno::EPERM));
    assert!(error.to_string().ends_with("it is frozen, or opened for reading only"), "{error}");
    assert_eq!(counter.get::<u64>()?, 77);
    Ok(())
}

/// An arena, if this kernel has any.
fn new_arena(pages: u32, map_extra: u64) -> oxbpf::Result<Option<Map>> {
    let flags = MapFlags::MMAPABLE;
    let create = MapCreate { flags, map_extra, ..shape(MapType::ARENA, 0, 0, pages) };
    match Map::create(&Kernel::host(), &create) {
        Ok(map) => Ok(Some(map)),
        // Of a kernel that was built or booted without a JIT for it, EOPNOTSUPP.
        Err(error) if matches!(error.errno(), Some(Errno::EINVAL | Errno::EOPNOTSUPP | Errno::ENOTSUPP)) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn arena() -> TestResult {
    let Some(map) = new_arena(100, 0)? else { return Err(Skip::because("needs arenas (kernel 6.9)").into()) };
    let arena = Arena::new(&map)?;
    let page = rustix::param::page_size();
    assert_eq!(arena.memory().len(), 100 * page);
    assert!(arena.memory().write(5 * page + 3, b"here"));
    let mut bytes = [0; 4];
    assert!(arena.memory().read(5 * page + 3, &mut bytes));
    assert_eq!(&bytes, b"here");
    assert_eq!(arena.memory().load_u64(99 * page), Some(0), "a page that is made by reading it");
    assert_eq!(arena.offset_of(arena.address() + 8), Some(8));
    assert_eq!(arena.offset_of((arena.address() + 8) & 0xffff_ffff), Some(8), "as programs have it");
    assert_eq!(
        (arena.offset_of(arena.address() + (101 * page) as u64), arena.offset_of(1 << 60)),
        (None, None)
    );
    // The address is fixed from now on, and taken: who shares the map shares the memory, who opens it anew cannot.
    assert_eq!(Arena::new(&map.clone())?.address(), arena.address());
    let error = Arena::new(&Map::from_id(&Kernel::host(), map.info()?.id)?).expect_err("twice");
    assert!(matches!(error.errno(), Some(Errno::EBUSY | Errno::EINVAL)), "{error}");
    let error = Arena::new(&make(MapType::ARRAY, 4, 4, 1)?).expect_err("an array").to_string();
    assert_eq!(error, "map m is not an arena: its type is array");
    Ok(())
}

fn arena_at() -> TestResult {
    const ADDRESS: u64 = 1 << 44;
    let Some(map) = new_arena(4, ADDRESS)? else {
        return Err(Skip::because("needs arenas (kernel 6.9)").into());
    };
    let arena = Arena::new(&map)?;
    assert_eq!(arena.address(), ADDRESS);
    assert!(arena.memory().store_u64(0, 7));
    let other = new_arena(4, ADDRESS)?.ok_or("there are arenas")?;
    refused(Arena::new(&other), Errno::EEXIST, "map m: mmap failed: EEXIST (File exists)");
    drop(arena);
    assert_eq!(Arena::new(&map)?.memory().load_u64(0), Some(7), "the page is the map's");
    Ok(())
}
