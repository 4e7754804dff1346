//! Maps.

use std::os::fd::AsFd;

use oxbpf::btf::{BtfBuilder, IntEncoding, Kind};
use oxbpf::sys::BtfLoad;
use oxbpf::{ElemFlags, Errno, Kernel, LoadOptions, Map, MapCreate, MapFlags, MapType, Object};
use oxbpf_testing::{Need, Skip, Suite, TestResult, testdata};

use crate::tool::{BPFTOOL, Result, Told, show};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::SysAdmin, BPFTOOL, Need::Kernel(5, 8)];
    suite.test("maps::of_objects", &needs, of_objects);
    suite.test("maps::of_every_kind", &needs, of_every_kind);
    suite.test("maps::frozen", &needs, frozen);
    suite.test("maps::owner_of_a_program_array", &needs, owner_of_a_program_array);
    suite.test(
        "maps::struct_ops",
        &[Need::Bpf, Need::SysAdmin, BPFTOOL, Need::KernelBtf, Need::Kernel(5, 13)],
        struct_ops,
    );
}

/// Field by field.
fn compare(map: &Map) -> Result<()> {
    let info = map.info()?;
    let told = show("map", info.id)?;
    told.has("id", info.id);
    // bpftool has no names for kinds that are younger than itself.
    if told.value["type"].is_string() {
        told.has("type", info.map_type.to_string());
    } else {
        told.has("type", info.map_type.0);
    }
    told.same("name", info.name.clone(), String::new());
    told.has("flags", info.flags.bits());
    told.has("bytes_key", info.key_size);
    told.has("bytes_value", info.value_size);
    told.has("max_entries", info.max_entries);
    told.same("bytes_memlock", info.memlock, None);
    told.has("frozen", u32::from(info.frozen.ok_or("fdinfo tells")?));
    told.same("btf_id", info.btf_id, 0);
    told.same("owner_prog_type", info.owner_prog_type.map(|t| t.to_string()), None);
    told.same("owner_jited", info.owner_jited, None);
    assert!(told.value.get("dev").is_none() && info.ifindex == 0 && info.netns_ino == 0);
    let told = Told::proc(&map.kernel().fdinfo(map.as_fd())?);
    told.has("map_type", info.map_type.0);
    told.has("map_flags", info.flags.bits());
    told.same("map_extra", info.map_extra, 0);
    told.same("map_id", info.id, info.id);
    Ok(())
}

fn of_objects() -> TestResult {
    let files = ["tests/maps.bpf.o", "tests/globals.bpf.o", "tests/ringbufs.bpf.o", "execsnoop.bpf.o"];
    for file in files {
        let object = Object::load(&oxbpf::open(testdata(file))?, &LoadOptions::default())?;
        for map in object.maps() {
            compare(map)?;
            let info = map.info()?;
            if info.btf_id != 0 {
                // The types that it was created with.
                assert_eq!(info.btf_value_type_id, map.value_type().0, "{}", info.name);
                assert_eq!(info.btf_key_type_id, map.key_type().0, "{}", info.name);
            }
        }
    }
    Ok(())
}

/// One of each kind that needs nothing else, with flags and numbers that only it has.
fn of_every_kind() -> TestResult {
    let kernel = Kernel::host();
    let of = |map_type, key_size, value_size, max_entries| MapCreate {
        map_type,
        key_size,
        value_size,
        max_entries,
        name: "kind",
        ..MapCreate::default()
    };
    let no_prealloc = |m: MapCreate<'static>| MapCreate { flags: MapFlags::NO_PREALLOC, ..m };
    let all = [
        of(MapType::HASH, 3, 5, 7),
        of(MapType::ARRAY, 4, 9, 3),
        of(MapType::PROG_ARRAY, 4, 4, 2),
        of(MapType::PERF_EVENT_ARRAY, 4, 4, 2),
        of(MapType::PERCPU_HASH, 2, 8, 4),
        of(MapType::PERCPU_ARRAY, 4, 16, 4),
        of(MapType::STACK_TRACE, 4, 80, 16),
        of(MapType::CGROUP_ARRAY, 4, 4, 1),
        of(MapType::LRU_HASH, 4, 4, 64),
        MapCreate { flags: MapFlags::NO_COMMON_LRU, ..of(MapType::LRU_PERCPU_HASH, 4, 8, 64) },
        no_prealloc(of(MapType::LPM_TRIE, 8, 1, 10)),
        of(MapType::DEVMAP, 4, 8, 3),
        of(MapType::SOCKMAP, 4, 8, 3),
        of(MapType::CPUMAP, 4, 8, 1),
        of(MapType::XSKMAP, 4, 4, 3),
        of(MapType::SOCKHASH, 8, 4, 3),
        of(MapType::REUSEPORT_SOCKARRAY, 4, 8, 3),
        of(MapType::QUEUE, 0, 8, 3),
        of(MapType::STACK, 0, 8, 3),
        of(MapType::DEVMAP_HASH, 4, 8, 3),
        of(MapType::RINGBUF, 0, 0, 1 << 16),
        MapCreate { map_extra: 3, ..of(MapType::BLOOM_FILTER, 0, 8, 100) },
        of(MapType::USER_RINGBUF, 0, 0, 1 << 12),
        MapCreate { flags: MapFlags::MMAPABLE, map_extra: 1 << 44, ..of(MapType::ARENA, 0, 0, 10) },
        MapCreate { numa_node: Some(0), ..of(MapType::ARRAY, 4, 4, 1) },
        MapCreate { flags: MapFlags::MMAPABLE | MapFlags::RDONLY_PROG, ..of(MapType::ARRAY, 4, 4096, 2) },
    ];
    let mut compared = 0;
    for create in all {
        match Map::create(&kernel, &create) {
            Ok(map) => {
                let info = map.info()?;
                assert_eq!((info.map_type, info.map_extra), (create.map_type, create.map_extra));
                compare(&map)?;
                compared += 1;
            }
            // Younger than this kernel, or something that it was built without.
            Err(error) => assert!(!error.to_string().contains("EPERM"), "{error}"),
        }
    }
    assert!(compared >= 20, "{compared} kinds");
    Ok(())
}

fn frozen() -> TestResult {
    let kernel = Kernel::host();
    let array = MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..MapCreate::default()
    };
    let map = Map::create(&kernel, &array)?;
    compare(&map)?;
    map.freeze()?;
    compare(&map)?;
    assert_eq!(map.info()?.frozen, Some(true));
    Ok(())
}

/// The first program that a program array gets makes it an array of such programs.
fn owner_of_a_program_array() -> TestResult {
    let kernel = Kernel::host();
    let array = MapCreate {
        map_type: MapType::PROG_ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..MapCreate::default()
    };
    let map = Map::create(&kernel, &array)?;
    assert_eq!(map.info()?.owner_prog_type, None);
    let object = Object::load(&oxbpf::open(testdata("xdp_counter.bpf.o"))?, &LoadOptions::default())?;
    let program = object.program("count")?;
    use std::os::fd::AsRawFd;
    let fd = program.as_fd().as_raw_fd();
    map.update(&[0; 4], &fd.to_ne_bytes(), ElemFlags::empty())?;
    assert_eq!(map.info()?.owner_prog_type, Some(program.prog_type()));
    assert_eq!(map.info()?.owner_jited, program.info()?.jited);
    compare(&map)?;
    Ok(())
}

fn struct_ops() -> TestResult {
    let kernel = Kernel::host();
    let skip = || Skip::because("needs TCP congestion control by BPF");
    let btf = kernel.btf()?;
    let id = btf.find("bpf_struct_ops_tcp_congestion_ops", Kind::Struct).ok_or_else(skip)?;
    // The kernel wants to see types of whoever makes it, though it uses none.
    let mut own = BtfBuilder::new();
    own.add_int("int", 4, IntEncoding::SIGNED)?;
    let own = kernel.btf_load(&BtfLoad { btf: own.build()?.as_bytes(), ..BtfLoad::default() }, None)?;
    let create = MapCreate {
        map_type: MapType::STRUCT_OPS,
        btf_fd: Some(own.as_fd()),
        key_size: 4,
        value_size: btf.get(id)?.size().unwrap_or(0),
        max_entries: 1,
        btf_vmlinux_value_type_id: id.0,
        ..MapCreate::default()
    };
    let map = match Map::create(&kernel, &create) {
        Err(error) if matches!(error.errno(), Some(Errno::ENOTSUPP | Errno::EOPNOTSUPP)) => {
            return Err(Skip::because(format!("needs struct_ops: {error}")).into());
        }
        map => map?,
    };
    compare(&map)?;
    let info = map.info()?;
    assert_eq!(info.btf_vmlinux_value_type_id, id.0);
    if kernel.kernel_version()?.at_least(6, 9) {
        assert_eq!(info.btf_vmlinux_id, 1, "the kernel's own types");
    }
    Ok(())
}
