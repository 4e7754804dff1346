//! Maps that take more than a call: arenas with variables, jump tables, maps of one program, inner maps that are given.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oxbpf::obj::insn::opcode;
use oxbpf::obj::{FixupKind, Insn};
use oxbpf::sys::doors::{Fake, Recorded, Recorder};
use oxbpf::sys::uapi::{MapCreateAttr, MapElemAttr, ProgLoadAttr};
use oxbpf::sys::{Call, Door, Reply};
use oxbpf::{Arena, Errno, Kernel, LoadOptions, Map, MapCreate, MapFlags, MapType, Object, ObjectSpec};
use sha2::{Digest as _, Sha256};

use crate::elf::File;
use crate::{lines, load, named, options, spec, version};

fn creation(calls: &[Recorded], name: &str) -> MapCreateAttr {
    let creations = named(calls, "BPF_MAP_CREATE");
    creations.iter().find(|call| call.what == name).unwrap_or_else(|| panic!("no {name}")).view()
}

fn insns(calls: &[Recorded], program: &str) -> Vec<Insn> {
    let loads = named(calls, "BPF_PROG_LOAD");
    let load = loads.iter().rfind(|call| call.what == program).unwrap();
    Insn::decode_all(load.bytes("insns").unwrap(), oxbpf::btf::Endian::NATIVE)
}

/// Where instructions point to in the arena, which is the first map to be created.
fn places(spec: &ObjectSpec, calls: &[Recorded]) -> Vec<i32> {
    let arena = spec.maps.iter().position(|map| map.name == "arena").unwrap();
    let index = spec.programs.iter().position(|program| program.name == "count").unwrap();
    let images = spec.link(&oxbpf::obj::LinkOptions::default()).unwrap();
    let image = images.iter().find(|image| image.program == index).unwrap();
    let insns = insns(calls, "count");
    let is_arena = |kind| matches!(kind, FixupKind::MapValue { map, .. } if map == arena);
    image.fixups.iter().filter(|fixup| is_arena(fixup.kind)).map(|fixup| insns[fixup.insn + 1].imm).collect()
}

/// Kernels heed a node only with its flag. Of libbpf's objects a node alone, `__uint(numa_node, 0)`, has no effect.
#[test]
fn a_numa_node_goes_with_its_flag() {
    let mut spec = spec("tests/maps.bpf.o");
    let plain = spec.maps.iter_mut().find(|map| map.numa_node.is_none() && map.flags.is_empty()).unwrap();
    let name = plain.name.clone();
    let created = |spec: &ObjectSpec| {
        let creation = creation(&load(spec, Arc::new(Fake::new())).1, &name);
        (MapFlags::from_bits_retain(creation.map_flags), creation.numa_node)
    };
    assert_eq!(created(&spec), (MapFlags::empty(), 0));
    for node in [0, 1] {
        spec.map_mut(&name).unwrap().numa_node = Some(node);
        assert_eq!(created(&spec), (MapFlags::NUMA_NODE, node));
    }
    // The flag alone means node 0, as in C.
    let map = spec.map_mut(&name).unwrap();
    (map.numa_node, map.flags) = (None, MapFlags::NUMA_NODE);
    assert_eq!(created(&spec), (MapFlags::NUMA_NODE, 0));
}

/// The last pages of the arena, or the first where instructions cannot point beyond 512 MiB.
#[test]
fn variables_of_an_arena_are_at_its_end() {
    let page = i32::try_from(rustix::param::page_size()).unwrap();
    for (kernel, base) in [(version(6, 18), 0), (version(7, 0), (16 - 5096 / page - 1) * page)] {
        let mut spec = spec("tests/arena.bpf.o");
        spec.set_global("counter", &41_u64).unwrap();
        let (object, calls) = load(&spec, Arc::new(Fake::new().with_version(kernel)));
        let object = object.unwrap();
        let (arena, table) = (creation(&calls, "arena"), spec.global("table").unwrap().offset.cast_signed());
        assert_eq!((arena.max_entries, arena.btf_fd, arena.btf_value_type_id), (16, 0, 0));
        let step = spec.global("step").unwrap().offset.cast_signed();
        let zero = spec.global("zero").unwrap().offset.cast_signed();
        assert_eq!(places(&spec, &calls), [base + step, base, base + table, base + zero], "{kernel}");
        // Mapped as a whole before the programs that need to know where.
        let text = lines(&calls);
        let mmap = text.iter().position(|line| line.starts_with("mmap")).unwrap();
        let program = text.iter().position(|line| line == "BPF_PROG_LOAD count").unwrap();
        assert!(mmap < program, "{text:#?}");
        let memory = Arena::new(object.map("arena").unwrap()).unwrap();
        assert_eq!(memory.memory().load_u64(usize::try_from(base).unwrap()), Some(41));
        let counter = object.global("counter").unwrap();
        assert_eq!(counter.get::<u64>().unwrap(), 41);
        counter.set(&42_u64).unwrap();
        assert_eq!(memory.memory().load_u64(usize::try_from(base).unwrap()), Some(42));
        assert_eq!(object.global("table").unwrap().bytes().unwrap()[..2], [1, 0]);
    }
}

#[test]
fn arenas_that_cannot_hold_their_variables() {
    let wrong = |change: fn(&mut ObjectSpec)| {
        let mut spec = spec("tests/arena.bpf.o");
        change(&mut spec);
        load(&spec, Arc::new(Fake::new())).0.unwrap_err().to_string()
    };
    if rustix::param::page_size() == 4096 {
        assert_eq!(
            wrong(|spec| spec.map_mut("arena").unwrap().max_entries = 1),
            "map arena: its variables take 8192 bytes, it has 4096 (max_entries counts pages)"
        );
    }
    assert_eq!(
        wrong(|spec| spec.map_mut("arena").unwrap().flags |= MapFlags::SEGV_ON_FAULT),
        "map arena: it has variables, and with BPF_F_SEGV_ON_FAULT user space cannot make their pages"
    );
}

/// An object with two jump tables, and no types and no maps else.
pub(crate) fn with_jump_tables() -> ObjectSpec {
    let file = File::jump_tables(oxbpf::btf::Endian::NATIVE, [6 * 8, 7 * 8, 5 * 8, 6 * 8]);
    ObjectSpec::parse_named("jumps", &file.build()).unwrap()
}

/// One map for each table of the program, filled and frozen before the program is loaded; gone after it.
#[test]
fn jump_tables_become_instruction_arrays() {
    let fake = Arc::new(Fake::new());
    let (object, calls) = load(&with_jump_tables(), fake.clone());
    let object = object.unwrap();
    let (array, set, freeze) = ("BPF_MAP_CREATE .jumptables", "BPF_MAP_UPDATE_ELEM", "BPF_MAP_FREEZE");
    let expected = [array, set, set, freeze, array, set, set, freeze];
    assert_eq!(lines(&calls), [&expected[..], &["BPF_PROG_LOAD other", "BPF_PROG_LOAD prog"]].concat());
    for create in named(&calls, "BPF_MAP_CREATE") {
        let create: MapCreateAttr = create.view();
        let shape =
            (create.map_type, create.key_size, create.value_size, create.max_entries, create.map_flags);
        assert_eq!(shape, (MapType::INSN_ARRAY.0, 4, 16, 2, 0));
    }
    // Those of the program, and those of the function that stands behind it.
    let values: Vec<u32> = named(&calls, set)
        .iter()
        .map(|call| u32::from_ne_bytes(call.bytes("value").unwrap()[..4].try_into().unwrap()))
        .collect();
    assert_eq!(values, [4, 5, 9, 10]);
    let fds: Vec<u32> = named(&calls, freeze).iter().map(|call| call.view::<MapElemAttr>().map_fd).collect();
    let insns = insns(&calls, "prog");
    for (at, fd) in [1, 6].into_iter().zip(fds) {
        assert_eq!((insns[at].src(), insns[at].imm.cast_unsigned()), (opcode::PSEUDO_MAP_VALUE, fd), "{at}");
        assert_eq!(insns[at + 1], Insn::default());
    }
    assert_eq!((fake.open_objects(), object.maps().len()), (2, 0), "the programs");
}

/// A kernel that has none says so by the map, and which kernel does.
#[test]
fn jump_tables_need_linux_6_19() {
    let older = oxbpf::sys::doors::Older::new(Arc::new(Fake::new()), version(6, 18));
    let (object, _) = load(&with_jump_tables(), Arc::new(older));
    let error = object.unwrap_err().to_string();
    assert!(error.starts_with("map .jumptables"), "{error}");
    assert!(error.ends_with("needs kernel >= 6.19 (maps of type insn_array), this is 6.18.0"), "{error}");
}

/// The kernel hashes instructions without what maps have in them; the loader does the same before it knows of any.
#[test]
fn exclusive_maps_carry_the_hash_of_their_program() {
    let mut spec = spec("tests/exclusive.bpf.o");
    spec.map_mut("own").unwrap().exclusive = Some("owner".into());
    let (object, calls) = load(&spec, Arc::new(Fake::new()));
    object.unwrap();
    let own = named(&calls, "BPF_MAP_CREATE").into_iter().find(|call| call.what == "own").unwrap();
    assert_eq!(own.view::<MapCreateAttr>().excl_prog_hash_size, 32);
    let mut insns = insns(&calls, "owner");
    for i in 0..insns.len() {
        if insns[i].code == opcode::LD_IMM64 && matches!(insns[i].src(), 1 | 2) {
            (insns[i].imm, insns[i + 1].imm) = (0, 0);
        }
    }
    let hash = Sha256::digest(Insn::encode_all(&insns, oxbpf::btf::Endian::NATIVE));
    assert_eq!(own.bytes("excl_prog_hash"), Some(&hash[..]));

    spec.map_mut("own").unwrap().exclusive = Some("other".into());
    let error = load(&spec, Arc::new(Fake::new())).0.unwrap_err().to_string();
    assert_eq!(error, "map own: it is for program other only, which is not there or not to be loaded");
}

#[test]
fn inner_maps_may_be_given() {
    let spec = spec("tests/inner_maps.bpf.o");
    let recorder = Arc::new(Recorder::new(Arc::new(Fake::new())));
    let kernel = Kernel::with_door(recorder.clone());
    let create = MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 8,
        max_entries: 10,
        name: "given",
        ..MapCreate::default()
    };
    let given = Map::create(&kernel, &create).unwrap();
    recorder.take();
    let mut options: LoadOptions = options(&spec, kernel);
    options.inner_maps.insert("outer_hash".into(), given.clone());
    Object::load(&spec, &options).unwrap();
    let calls = recorder.take();
    use std::os::fd::{AsFd, AsRawFd};
    let fd = given.as_fd().as_raw_fd().cast_unsigned();
    assert_eq!(creation(&calls, "outer_hash").inner_map_fd, fd);
    assert_ne!(creation(&calls, "outer_array").inner_map_fd, fd);
    let text = lines(&calls);
    assert!(!text.iter().any(|line| line.contains("outer_hash.")), "no template: {text:#?}");
}

/// The kernel takes the types with the new size.
#[test]
fn resized_data_is_as_large_as_its_types() {
    let mut spec = spec("tests/resized.bpf.o");
    assert!(spec.set_value_size(".data.samples", 4 + 4000).unwrap().is_none());
    let (object, calls) = load(&spec, Arc::new(Fake::new()));
    let object = object.unwrap();
    let create = creation(&calls, ".data.samples");
    assert_eq!(create.value_size, 4004);
    assert_ne!(create.btf_value_type_id, 0, "the fake insists on types of that size");
    assert_eq!(object.global("samples").unwrap().size(), 4000);
    assert_eq!(named(&calls, "BPF_MAP_CREATE").iter().filter(|call| call.errno.is_some()).count(), 0);
    let load: ProgLoadAttr = named(&calls, "BPF_PROG_LOAD")[0].view();
    assert_ne!(load.prog_btf_fd, 0);
}

/// Has no room for memory at first.
#[derive(Debug)]
struct Narrow {
    inner: Fake,
    full: AtomicBool,
}

// SAFETY: all replies are errors or those of the inner door.
unsafe impl Door for Narrow {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        match call {
            Call::Mmap { .. } if self.full.load(Ordering::Relaxed) => Err(Errno::ENOMEM),
            call => self.inner.call(call),
        }
    }
}

/// Where there is no room for it just now, the whole map is read, and the next time it is mapped.
#[test]
fn memory_that_is_not_to_be_had_is_asked_for_again() {
    let door = Arc::new(Narrow { inner: Fake::new(), full: AtomicBool::new(true) });
    let recorder = Arc::new(Recorder::new(door.clone()));
    let spec = spec("tests/globals.bpf.o");
    let object = Object::load(&spec, &options(&spec, Kernel::with_door(recorder.clone()))).unwrap();
    let counter = object.global("counter").unwrap();
    let lookups = || {
        recorder.take();
        assert_eq!(counter.get::<u64>().unwrap(), 1000);
        named(&recorder.take(), "BPF_MAP_LOOKUP_ELEM").len()
    };
    assert_eq!(lookups(), 1);
    door.full.store(false, Ordering::Relaxed);
    assert_eq!(lookups(), 0);
}

/// How many CPUs there are is asked for a map, which the error names.
#[test]
fn a_map_whose_size_cannot_be_told_is_named() {
    let cpus = "/sys/devices/system/cpu/possible";
    let kernel = Kernel::with_door(Arc::new(Fake::new().without_file(cpus)));
    let create = MapCreate { map_type: MapType::PERF_EVENT_ARRAY, name: "events", ..MapCreate::default() };
    let error = Map::create(&kernel, &create).unwrap_err().to_string();
    assert!(error.starts_with(&format!("map events: open of {cpus} failed: ENOENT")), "{error}");
}
