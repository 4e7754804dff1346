//! Maps whose values are descriptors: programs, maps, cgroups, perf events.

use std::os::fd::{AsFd, AsRawFd};

use oxbpf::sys::PerfEvent;
use oxbpf::sys::uapi::{PerfFlags, RawPerfEventAttr};
use oxbpf::{
    ArrayOfMaps, CgroupArray, ElemFlags, Errno, HashOfMaps, Kernel, LoadOptions, Map, MapCreate, MapType,
    Object, PerfEventArray, ProgramArray,
};
use oxbpf_testing::{Cgroup, Need, Suite, TestResult, testdata};

use super::{kinds, make, refused, shape};

pub(crate) fn tests(suite: &mut Suite) {
    suite.test(
        "descriptors::programs",
        &[Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Kernel(5, 8)],
        programs,
    );
    suite.test("descriptors::maps_by_index", &[Need::Bpf, Need::SysAdmin, Need::Kernel(5, 8)], array_of_maps);
    suite.test("descriptors::maps_by_key", &[Need::Bpf, Need::SysAdmin, Need::Kernel(5, 8)], hash_of_maps);
    suite.test("descriptors::cgroups", &[Need::Bpf, Need::SysAdmin, Need::Cgroup2], cgroups);
    suite.test("descriptors::perf_events", &[Need::Bpf], perf_events);
}

const PAST: &str = "map m: BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): the index is beyond its end, it has 3 \
                    elements";

fn programs() -> TestResult {
    let object = Object::load(&oxbpf::open(testdata("tests/inner_maps.bpf.o"))?, &LoadOptions::default())?;
    let (one, two) = (object.program("run")?, object.program("tail_two")?);
    let map = make(MapType::PROG_ARRAY, 4, 4, 3)?;
    let array = ProgramArray::new(&map)?;
    array.set(0, one)?;
    array.set(2, two)?;
    assert_eq!((array.id(0)?, array.id(1)?, array.id(3)?), (Some(one.info()?.id), None, None));
    let all = array.iter().collect::<oxbpf::Result<Vec<_>>>()?;
    assert_eq!(all, [(0, one.info()?.id), (2, two.info()?.id)]);
    let opened = array.get(2)?.ok_or("it is there")?;
    assert_eq!((opened.info()?.id, array.get(1)?.is_none()), (two.info()?.id, true));
    refused(array.set(3, one), Errno::E2BIG, PAST);
    // All programs of an array are of one type.
    let other = kinds(&["stacks"], &["trace"])?;
    refused(
        array.set(1, other.program("trace")?),
        Errno::EINVAL,
        "map m: BPF_MAP_UPDATE_ELEM failed: EINVAL (Invalid argument): a flag, key or value that a map of this kind does not take",
    );
    refused(
        map.update(&[0; 4], &object.maps()[0].as_fd().as_raw_fd().to_ne_bytes(), ElemFlags::empty()),
        Errno::EINVAL,
        "map m: BPF_MAP_UPDATE_ELEM failed: EINVAL (Invalid argument): a flag, key or value that a map of this kind does not take",
    );
    refused(
        map.update(&[0; 4], &(-1_i32).to_ne_bytes(), ElemFlags::empty()),
        Errno::EBADF,
        "map m: BPF_MAP_UPDATE_ELEM failed: EBADF (Bad file descriptor): the value is no descriptor of what the map holds",
    );
    refused(
        map.update(&[0; 4], &[0; 4], ElemFlags::NOEXIST),
        Errno::EINVAL,
        "map m: BPF_MAP_UPDATE_ELEM failed: EINVAL (Invalid argument): a flag, key or value that a map of this kind does not take",
    );
    assert!(array.clear(0)? && !array.clear(0)?);
    assert_eq!(array.clear(3).expect_err("past the end").errno(), Some(Errno::E2BIG));
    Ok(())
}

fn outer(kind: MapType, entries: u32, inner: &Map) -> oxbpf::Result<Map> {
    Map::create(
        &Kernel::host(),
        &MapCreate { inner_map_fd: Some(inner.as_fd()), ..shape(kind, 4, 4, entries) },
    )
}

fn array_of_maps() -> TestResult {
    let (a, b) = (make(MapType::ARRAY, 4, 8, 2)?, make(MapType::ARRAY, 4, 8, 2)?);
    let maps = ArrayOfMaps::new(&outer(MapType::ARRAY_OF_MAPS, 3, &a)?)?;
    maps.set(0, &a)?;
    maps.set(2, &b)?;
    let (id_a, id_b) = (a.info()?.id, b.info()?.id);
    assert_eq!((maps.id(0)?, maps.id(1)?), (Some(id_a), None));
    assert_eq!(maps.iter().collect::<oxbpf::Result<Vec<_>>>()?, [(0, id_a), (2, id_b)]);
    let opened = maps.get(2)?.ok_or("it is there")?;
    opened.update(&[0; 4], &[9; 8], ElemFlags::empty())?;
    assert_eq!((b.lookup(&[0; 4])?, maps.get(1)?.is_none()), (Some(vec![9; 8]), true));
    refused(maps.set(3, &a), Errno::E2BIG, PAST);
    let unlike = make(MapType::ARRAY, 4, 4, 2)?;
    refused(
        maps.set(1, &unlike),
        Errno::EINVAL,
        "map m: BPF_MAP_UPDATE_ELEM failed: EINVAL (Invalid argument): a flag, key or value that a map of this kind does not take",
    );
    assert!(maps.clear(0)? && !maps.clear(0)?);
    // Maps of maps of maps there are none.
    let nested = outer(MapType::ARRAY_OF_MAPS, 1, maps.map()).expect_err("nested");
    assert_eq!(nested.errno(), Some(Errno::EINVAL), "{nested}");
    Ok(())
}

fn hash_of_maps() -> TestResult {
    let (a, b) = (make(MapType::HASH, 8, 8, 2)?, make(MapType::HASH, 8, 8, 2)?);
    let maps = HashOfMaps::<u32>::new(&outer(MapType::HASH_OF_MAPS, 2, &a)?)?;
    maps.insert(&10, &a)?;
    maps.update(&20, &b, ElemFlags::NOEXIST)?;
    let (id_a, id_b) = (a.info()?.id, b.info()?.id);
    let mut all = maps.iter().collect::<oxbpf::Result<Vec<_>>>()?;
    all.sort_unstable();
    assert_eq!(all, [(10, id_a), (20, id_b)]);
    refused(
        maps.insert(&30, &a),
        Errno::E2BIG,
        "map m: BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): it is full, max_entries is 2",
    );
    refused(
        maps.update(&10, &a, ElemFlags::NOEXIST),
        Errno::EEXIST,
        "map m: BPF_MAP_UPDATE_ELEM failed: EEXIST (File exists): the key is there already",
    );
    refused(
        maps.update(&30, &a, ElemFlags::EXIST),
        Errno::ENOENT,
        "map m: BPF_MAP_UPDATE_ELEM failed: ENOENT (No such file or directory): no such key",
    );
    assert_eq!(maps.get(&20)?.ok_or("it is there")?.info()?.id, id_b);
    assert!(maps.remove(&10)? && !maps.remove(&10)?);
    assert_eq!((maps.id(&10)?, maps.get(&10)?.is_none()), (None, true));
    Ok(())
}

fn cgroups() -> TestResult {
    let map = make(MapType::CGROUP_ARRAY, 4, 4, 3)?;
    let array = CgroupArray::new(&map)?;
    let cgroup = Cgroup::create()?;
    array.set(1, &cgroup)?;
    refused(array.set(3, &cgroup), Errno::E2BIG, PAST);
    let file = std::fs::File::open("/dev/null")?;
    refused(
        array.set(0, &file),
        Errno::EBADF,
        "map m: BPF_MAP_UPDATE_ELEM failed: EBADF (Bad file descriptor): the value is no descriptor of what the map holds",
    );
    let error = map.lookup(&1_u32.to_ne_bytes()).expect_err("it cannot be read");
    assert!(matches!(error.errno(), Some(Errno::ENOTSUPP | Errno::EOPNOTSUPP)), "{error}");
    let why = "elements of maps of type cgroup_array cannot be read from user space on this kernel";
    assert!(error.to_string().ends_with(why), "{error}");
    assert!(array.clear(1)? && !array.clear(1)?);
    Ok(())
}

fn perf_events() -> TestResult {
    let map = make(MapType::PERF_EVENT_ARRAY, 4, 4, 3)?;
    let array = PerfEventArray::new(&map)?;
    // PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK.
    let clock = RawPerfEventAttr { event_type: 1, config: 0, ..RawPerfEventAttr::default() };
    let event =
        Kernel::host().perf_event_open(&PerfEvent { attr: clock, probe: None }, 0, -1, PerfFlags::empty())?;
    array.set(0, &event)?;
    refused(array.set(3, &event), Errno::E2BIG, PAST);
    let file = std::fs::File::open("/dev/null")?;
    let error = array.set(1, &file).expect_err("no event");
    assert!(matches!(error.errno(), Some(Errno::EBADF | Errno::EINVAL)), "{error}");
    assert!(array.clear(0)? && !array.clear(0)?);
    Ok(())
}
