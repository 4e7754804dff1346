//! Maps as the kernel has them after a load.

use oxbpf::{ElemFlags, Error, LoadOptions, Map, MapFlags, Object};
use oxbpf::{Errno, MapType};
use oxbpf_testing::{Need, Suite, TestResult, mounts, testdata};

pub(crate) fn tests(suite: &mut Suite) {
    const NEEDS: &[Need] = &[Need::Bpf, Need::NetAdmin, Need::Kernel(5, 8)];
    suite.test("maps::as_defined", NEEDS, as_defined);
    suite.test("maps::global_data", NEEDS, global_data);
    suite.test("maps::mapped", NEEDS, mapped);
    suite.test("maps::variables", NEEDS, variables);
    suite.test("maps::maps_of_maps_and_program_arrays", NEEDS, slots);
    suite.test("maps::legacy", NEEDS, legacy);
    suite.test("maps::elements", NEEDS, elements);
    suite.test("maps::keys", NEEDS, keys);
    suite.test("maps::per_cpu_elements", NEEDS, per_cpu_elements);
    suite.test("maps::pinned_by_name", NEEDS, pinned_by_name);
    suite.test("maps::pinned_map_of_maps", NEEDS, pinned_map_of_maps);
    suite.test("maps::pinned_whole", NEEDS, pinned_whole);
    suite.test("maps::pinned_and_unlike", NEEDS, pinned_and_unlike);
    suite.test("maps::pins_of_a_failed_load_are_gone", NEEDS, pins_of_a_failed_load);
    suite.test("maps::given", NEEDS, given);
    suite.test("maps::not_created", NEEDS, not_created);
    suite.test("maps::huge_bss_with_one_variable_set", NEEDS, sparse);
}

/// What the kernel says of every map is what the source says, or what the loader makes of it.
fn as_defined() -> TestResult {
    let object = super::load("tests/maps.bpf.o")?;
    let cpus = object.kernel().possible_cpus()?;
    let none = MapFlags::empty();
    let rows = [
        ("hash", MapType::HASH, 8, 16, 100, none),
        ("array", MapType::ARRAY, 4, 16, 16, none),
        ("percpu_hash", MapType::PERCPU_HASH, 4, 16, 100, none),
        ("percpu_array", MapType::PERCPU_ARRAY, 4, 4, 16, none),
        ("lru", MapType::LRU_HASH, 4, 8, 128, none),
        ("lru_percpu", MapType::LRU_PERCPU_HASH, 4, 8, 128, none),
        ("by_size", MapType::HASH, 12, 20, 10, MapFlags::NO_PREALLOC),
        ("lpm", MapType::LPM_TRIE, 8, 4, 10, MapFlags::NO_PREALLOC),
        ("mmapable", MapType::ARRAY, 4, 8, 1000, MapFlags::MMAPABLE),
        ("on_node", MapType::ARRAY, 4, 8, 1, MapFlags::NUMA_NODE),
        ("queue", MapType::QUEUE, 0, 4, 10, none),
        ("stack", MapType::STACK, 0, 4, 10, none),
        ("stacks", MapType::STACK_TRACE, 4, 127 * 8, 16, none),
        ("perf", MapType::PERF_EVENT_ARRAY, 4, 4, cpus, none),
        ("ringbuf", MapType::RINGBUF, 0, 0, 8192, none),
    ];
    for (name, map_type, key, value, entries, flags) in rows {
        let map = object.map(name)?;
        let info = map.info()?;
        assert_eq!(info.map_type, map_type, "{name}");
        assert_eq!((info.key_size, info.value_size, info.max_entries), (key, value, entries), "{name}");
        assert_eq!(info.flags, flags, "{name}");
        assert_eq!(info.name, name);
        assert_eq!((map.key_size(), map.value_size(), map.max_entries()), (key, value, entries), "{name}");
    }
    assert_eq!(object.maps().len(), rows.len() + 1, "and .rodata");
    let hash = object.map("hash")?.info()?;
    assert_ne!((hash.btf_id, hash.btf_key_type_id, hash.btf_value_type_id), (0, 0, 0));
    assert_eq!(hash.btf_key_type_id, object.map("hash")?.key_type().0);
    assert_eq!(object.map("stacks")?.info()?.btf_id, 0, "the kernel takes no types for stack traces");
    Ok(())
}

/// Variables have their initial values; constants cannot be changed any more.
fn global_data() -> TestResult {
    let spec = oxbpf::open(testdata("tests/globals.bpf.o"))?;
    let object = Object::load(&spec, &LoadOptions::default())?;
    let read = |name: &str, len: usize| -> Result<Vec<u8>, Error> {
        let global = spec.global(name).unwrap_or_else(|| panic!("no {name}"));
        let map = object.map(&spec.maps[global.map].name)?;
        let value = map.lookup(&0_u32.to_ne_bytes())?.expect("arrays have all elements");
        Ok(value[global.offset as usize..][..len].to_vec())
    };
    assert_eq!(read("limit", 4)?, 10_u32.to_ne_bytes());
    assert_eq!(read("name", 16)?, *b"unset\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(read("counter", 8)?, 1000_u64.to_ne_bytes());
    assert_eq!(read("zero", 8)?, [0; 8]);
    assert_eq!(read("in_data_custom", 4)?, 42_u32.to_ne_bytes());
    assert_eq!(read("in_rodata_custom", 4)?, 43_u32.to_ne_bytes());
    assert_eq!(read("in_bss_custom", 4)?, [0; 4]);

    let zero = 0_u32.to_ne_bytes();
    for section in [".rodata", ".rodata.custom"] {
        let constants = object.map(section)?;
        let value = vec![1; constants.value_len()];
        let refused = constants.update(&zero, &value, ElemFlags::empty()).unwrap_err();
        assert_eq!(refused.errno(), Some(Errno::EPERM), "{refused}");
        assert!(constants.info()?.flags.contains(MapFlags::RDONLY_PROG));
    }
    for section in [".data", ".bss", ".data.custom", ".bss.custom"] {
        let variables = object.map(section)?;
        let value = variables.lookup(&zero)?.expect("arrays have all elements");
        variables.update(&zero, &value, ElemFlags::empty())?;
    }
    Ok(())
}

/// A variable in memory is the one in the map.
fn mapped() -> TestResult {
    let spec = oxbpf::open(testdata("tests/globals.bpf.o"))?;
    let object = Object::load(&spec, &LoadOptions::default())?;
    let data = object.map(".data")?;
    let mapping = data.mmap(oxbpf::sys::Prot::ReadWrite)?;
    let at = spec.global("counter").expect("in the source").offset as usize;
    assert_eq!(mapping.load_u64(at), Some(1000));
    assert!(mapping.store_u64(at, 7));
    let value = data.lookup(&0_u32.to_ne_bytes())?.expect("arrays have all elements");
    assert_eq!(value[at..at + 8], 7_u64.to_ne_bytes());
    let constants = object.map(".rodata")?;
    assert!(constants.mmap(oxbpf::sys::Prot::Read).is_ok());
    assert!(constants.mmap(oxbpf::sys::Prot::ReadWrite).is_err(), "frozen");
    Ok(())
}

fn slots() -> TestResult {
    let object = super::load("tests/inner_maps.bpf.o")?;
    let id_at = |map: &Map, index: u32| -> Result<Option<u32>, Error> {
        let value = map.lookup(&index.to_ne_bytes())?;
        Ok(value.map(|id| u32::from_ne_bytes(id.try_into().expect("ids have 4 bytes"))))
    };
    let outer = object.map("outer_array")?;
    assert_eq!(id_at(outer, 0)?, Some(object.map("inner_a")?.info()?.id));
    assert_eq!(id_at(outer, 1)?, None);
    assert_eq!(id_at(outer, 2)?, Some(object.map("inner_b")?.info()?.id));
    let hash = object.map("outer_hash")?.info()?;
    assert_eq!((hash.map_type, hash.max_entries), (MapType::HASH_OF_MAPS, 5));
    let jumps = object.map("jumps")?;
    assert_eq!(id_at(jumps, 0)?, None);
    assert_eq!(id_at(jumps, 1)?, Some(object.program("tail_two")?.info()?.id));
    Ok(())
}

fn legacy() -> TestResult {
    let object = super::load("tests/legacy_maps.bpf.o")?;
    let hash = object.map("old_hash")?.info()?;
    assert_eq!((hash.map_type, hash.key_size, hash.value_size, hash.max_entries), (MapType::HASH, 4, 8, 64));
    assert_eq!(hash.flags, MapFlags::NO_PREALLOC);
    let iproute2 = super::load("tests/iproute2_maps.bpf.o")?;
    let array = iproute2.map("tc_array")?.info()?;
    assert_eq!(
        (array.map_type, array.key_size, array.value_size, array.max_entries),
        (MapType::ARRAY, 4, 4, 3)
    );
    Ok(())
}

fn elements() -> TestResult {
    let object = super::load("tests/maps.bpf.o")?;
    let map = object.map("by_size")?;
    let (key, value) = ([7; 12], [9; 20]);
    assert_eq!(map.lookup(&key)?, None);
    assert!(!map.delete(&key)?);
    map.update(&key, &value, ElemFlags::NOEXIST)?;
    assert_eq!(map.lookup(&key)?, Some(value.to_vec()));
    let twice = map.update(&key, &value, ElemFlags::NOEXIST).unwrap_err();
    assert_eq!(twice.errno(), Some(Errno::EEXIST));
    assert!(map.delete(&key)?);
    assert_eq!(map.lookup(&key)?, None);

    let short = map.lookup(&[0; 11]).unwrap_err();
    assert_eq!(short.to_string(), "map by_size: a key is 12 bytes, not 11");
    let long = map.update(&key, &[0; 21], ElemFlags::empty()).unwrap_err();
    assert_eq!(long.to_string(), "map by_size: a value is 20 bytes, not 21");

    let queue = object.map("queue")?;
    for n in [1_u32, 2, 3] {
        queue.update(&[], &n.to_ne_bytes(), ElemFlags::empty())?;
    }
    let mut first = [0; 4];
    assert!(queue.lookup_and_delete(&[], &mut first)?);
    assert_eq!(u32::from_ne_bytes(first), 1);
    Ok(())
}

fn keys() -> TestResult {
    let object = super::load("tests/maps.bpf.o")?;
    let map = object.map("lru")?;
    assert_eq!(map.keys().count(), 0);
    for n in 0..50_u32 {
        map.update(&n.to_ne_bytes(), &u64::from(n).to_ne_bytes(), ElemFlags::empty())?;
    }
    let mut keys: Vec<_> = map
        .keys()
        .map(|key| key.map(|key| u32::from_ne_bytes(key.try_into().unwrap())))
        .collect::<Result<_, _>>()?;
    keys.sort_unstable();
    assert_eq!(keys, (0..50).collect::<Vec<_>>());
    Ok(())
}

fn per_cpu_elements() -> TestResult {
    let object = super::load("tests/maps.bpf.o")?;
    let map = object.map("percpu_array")?;
    let cpus = object.kernel().possible_cpus()? as usize;
    assert_eq!(map.value_len(), 8 * cpus);
    let value: Vec<u8> = (0..cpus).flat_map(|cpu| (cpu as u64 + 1).to_ne_bytes()).collect();
    map.update(&3_u32.to_ne_bytes(), &value, ElemFlags::empty())?;
    assert_eq!(map.lookup(&3_u32.to_ne_bytes())?, Some(value));
    assert!(map.update(&3_u32.to_ne_bytes(), &[0; 4], ElemFlags::empty()).is_err());
    Ok(())
}

/// A directory of bpffs that is this test's own, gone at its end.
pub(crate) struct PinRoot(std::path::PathBuf);

impl PinRoot {
    pub(crate) fn new(name: &str) -> Result<Self, &'static str> {
        let bpffs = mounts::find("bpf").ok_or("no bpffs")?;
        Ok(Self(bpffs.join(format!("oxbpf-{name}-{}", std::process::id()))))
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.0
    }

    pub(crate) fn options(&self) -> LoadOptions {
        LoadOptions { pin_root: self.0.clone(), ..LoadOptions::default() }
    }
}

impl Drop for PinRoot {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The second object to load shares the map of the first, with what is in it.
fn pinned_by_name() -> TestResult {
    let root = PinRoot::new("by-name")?;
    let spec = oxbpf::open(testdata("tests/pinned.bpf.o"))?;
    let first = Object::load(&spec, &root.options())?;
    let map = first.map("oxbpf_test_pinned")?;
    map.update(&0_u32.to_ne_bytes(), &77_u64.to_ne_bytes(), ElemFlags::empty())?;
    let id = map.info()?.id;
    drop(first);
    let second = Object::load(&spec, &root.options())?;
    let map = second.map("oxbpf_test_pinned")?;
    assert_eq!(map.info()?.id, id);
    assert_eq!(map.lookup(&0_u32.to_ne_bytes())?, Some(77_u64.to_ne_bytes().to_vec()));
    let by_path = Map::from_pinned(second.kernel(), root.0.join("oxbpf_test_pinned"))?;
    assert_eq!(by_path.info()?.id, id);
    Ok(())
}

fn pinned_and_unlike() -> TestResult {
    let root = PinRoot::new("unlike")?;
    let mut spec = oxbpf::open(testdata("tests/pinned.bpf.o"))?;
    let _first = Object::load(&spec, &root.options())?;
    spec.map_mut("oxbpf_test_pinned").expect("in the source").max_entries = 2;
    let error = Object::load(&spec, &root.options()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Reuse { field: "number of entries", .. }), "{error}");
    assert!(text.ends_with("its number of entries is 2, the other's is 1"), "{text}");
    Ok(())
}

/// A map of maps that is shared keeps the maps that are in it.
fn pinned_map_of_maps() -> TestResult {
    let root = PinRoot::new("outer")?;
    let mut spec = oxbpf::open(testdata("tests/inner_maps.bpf.o"))?;
    spec.map_mut("outer_array").expect("in the source").pin_path = Some(root.0.join("outer_array"));
    let inner = |object: &Object| object.map("outer_array")?.lookup(&0_u32.to_ne_bytes());
    let first = Object::load(&spec, &root.options())?;
    let before = inner(&first)?;
    assert_eq!(before, Some(first.map("inner_a")?.info()?.id.to_ne_bytes().to_vec()));
    let second = Object::load(&spec, &root.options())?;
    assert_ne!(second.map("inner_a")?.info()?.id, first.map("inner_a")?.info()?.id);
    assert_eq!(inner(&second)?, before);

    let mut options = LoadOptions::default();
    spec.map_mut("outer_array").expect("in the source").pin_path = None;
    options.maps.insert("outer_array".into(), first.map("outer_array")?.clone());
    assert_eq!(inner(&Object::load(&spec, &options)?)?, before, "nor does one that is handed in");
    Ok(())
}

/// A load that fails after its maps were pinned takes the pins back.
fn pins_of_a_failed_load() -> TestResult {
    let root = PinRoot::new("failed")?;
    let mut spec = oxbpf::open(testdata("rejected/no_null_check.bpf.o"))?;
    spec.map_mut("counts").expect("in the source").pin_path = Some(root.0.join("counts"));
    let error = Object::load(&spec, &root.options()).unwrap_err();
    assert!(matches!(error, Error::Rejected(_)), "{error}");
    assert!(root.0.exists(), "it was pinned");
    assert!(!root.0.join("counts").exists());
    Ok(())
}

/// All maps and programs of an object, or none.
fn pinned_whole() -> TestResult {
    let root = PinRoot::new("whole")?;
    let object = Object::load(&oxbpf::open(testdata("tests/globals.bpf.o"))?, &root.options())?;
    object.pin(root.path())?;
    let count = || std::fs::read_dir(root.path()).map(Iterator::count);
    assert_eq!(count()?, object.maps().len() + object.programs().len());
    let bss = Map::from_pinned(object.kernel(), root.path().join("globals_bss"))?;
    assert_eq!(bss.info()?.id, object.map(".bss")?.info()?.id);
    object.unpin(root.path())?;
    assert_eq!(count()?, 0);

    let program = object.programs().last().ok_or("no program")?;
    program.pin(root.path().join(program.name()))?;
    let error = object.pin(root.path()).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EEXIST), "{error}");
    assert_eq!(count()?, 1, "what was pinned before is gone again");
    Ok(())
}

/// A map handed in is used in place of a new one, if it is alike.
fn given() -> TestResult {
    let mut spec = oxbpf::open(testdata("tests/maps.bpf.o"))?;
    let first = Object::load(&spec, &LoadOptions::default())?;
    let shared = first.map("hash")?;
    let mut options = LoadOptions::default();
    options.maps.insert("hash".into(), shared.clone());
    let second = Object::load(&spec, &options)?;
    assert_eq!(second.map("hash")?.info()?.id, shared.info()?.id);
    assert_ne!(second.map("array")?.info()?.id, first.map("array")?.info()?.id);

    options.maps.insert("hsh".into(), shared.clone());
    let error = Object::load(&spec, &options).unwrap_err();
    assert!(matches!(&error, Error::NoSuchMap { name, .. } if name == "hsh"), "{error}");
    options.maps.remove("hsh");

    spec.map_mut("hash").expect("in the source").value_size = 24;
    let error = Object::load(&spec, &options).unwrap_err();
    assert!(matches!(error, Error::Reuse { field: "value size", .. }), "{error}");
    Ok(())
}

/// A program that reaches for a map that is not created is refused, and told so.
fn not_created() -> TestResult {
    let mut spec = oxbpf::open(testdata("tests/maps.bpf.o"))?;
    spec.map_mut("stacks").expect("in the source").autocreate = false;
    let object = Object::load(&spec, &LoadOptions::default())?;
    assert!(matches!(object.map("stacks"), Err(Error::NoSuchMap { .. })));
    drop(object);
    spec.map_mut("array").expect("in the source").autocreate = false;
    let error = Object::load(&spec, &LoadOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Rejected(_)), "{error}");
    Ok(())
}

/// What is written into a huge section is written there, and nothing else is touched.
fn sparse() -> TestResult {
    // More than what is written along, less than what 5.10 refuses.
    const SIZE: u32 = 3 << 20;
    let mut spec = oxbpf::open(testdata("tests/globals.bpf.o"))?;
    let (at, map) =
        spec.global("in_bss_custom").map(|global| (global.offset, global.map)).expect("in the source");
    spec.set_global("in_bss_custom", &5_u32)?;
    let bss = &mut spec.maps[map];
    bss.value_size = SIZE;
    if let oxbpf::obj::Contents::Data(data) = &mut bss.contents {
        data.resize(SIZE);
        assert!(data.write(SIZE - 4, &[1, 2, 3, 4]));
    }
    // Its type in BTF is smaller.
    bss.value_type = oxbpf::btf::TypeId(0);
    let object = Object::load(&spec, &LoadOptions::default())?;
    let value = object.map(".bss.custom")?.lookup(&0_u32.to_ne_bytes())?.expect("arrays have all elements");
    assert_eq!(value[at as usize..at as usize + 4], 5_u32.to_ne_bytes());
    assert_eq!(value[SIZE as usize - 4..], [1, 2, 3, 4]);
    assert_eq!(value.iter().filter(|byte| **byte != 0).count(), 5);
    Ok(())
}

/// Variables by name, before and after a program changes them.
fn variables() -> TestResult {
    let object = super::load("tests/globals.bpf.o")?;
    let get = |name: &str| object.global(name)?.get::<u64>();
    assert_eq!((get("counter")?, get("zero")?), (1000, 0));
    assert_eq!(object.global("limit")?.get::<u32>()?, 10);
    object.global("counter")?.set(&2000_u64)?;
    super::programs::run(&object, "run")?;
    assert_eq!((get("counter")?, get("zero")?), (2010, 3));
    assert_eq!(object.global("in_bss_custom")?.get::<u32>()?, 42 + 43);
    assert_eq!(object.global("buffer")?.bytes()?[299], b'u');
    let text = |error: Error| error.to_string();
    assert_eq!(
        text(object.global("limit")?.set(&1_u32).unwrap_err()),
        "variable limit: it is a constant, set it before the load"
    );
    assert_eq!(
        text(object.global("limit")?.get::<u64>().unwrap_err()),
        "variable limit: it has 4 bytes, not 8"
    );
    assert_eq!(
        text(object.global("none").unwrap_err()),
        "variable none: object globals has none of that name"
    );
    Ok(())
}
