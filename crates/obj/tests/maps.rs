//! Maps as objects define them: by types, by bytes, and by sections of data.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

mod common;

use common::elf::{File, GLOBAL, OBJECT, Sym};
use common::{image, link, spec};
use oxbpf_btf::{BtfBuilder, Endian, Field, IntEncoding, SecVar, TypeId};
use oxbpf_obj::{
    Contents, Error, FieldProblem, FixupKind, MapFlags, MapOrigin, MapProblem, MapSpec, MapType, ObjectSpec,
    Pinning, Slot, SlotTarget,
};

#[test]
fn fields_of_definitions() {
    let spec = spec("tests/maps.bpf.o");
    let get = |name| spec.map(name).unwrap_or_else(|| panic!("no map {name}"));
    let hash = get("hash");
    assert_eq!(
        (hash.map_type, hash.key_size, hash.value_size, hash.max_entries),
        (MapType::HASH, 8, 16, 100)
    );
    let btf = spec.btf.as_ref().unwrap();
    assert_eq!(btf.get(hash.key_type).unwrap().name(), "key");
    assert_eq!(btf.get(hash.value_type).unwrap().name(), "value");
    let by_size = get("by_size");
    assert_eq!((by_size.key_size, by_size.value_size, by_size.key_type), (12, 20, TypeId(0)));
    assert_eq!(by_size.flags, MapFlags::NO_PREALLOC);
    let on_node = get("on_node");
    assert_eq!((on_node.numa_node, on_node.flags), (Some(0), MapFlags::NUMA_NODE));
    assert_eq!((get("queue").key_size, get("queue").value_size), (0, 4));
    assert_eq!(get("perf").max_entries, 0, "the loader knows how many CPUs there are");
    assert_eq!(get("ringbuf").max_entries, 5000, "the loader knows the page size");
    assert_eq!((&hash.origin, hash.autocreate), (&MapOrigin::BtfDefined, true));
}

#[test]
fn pinning_is_asked_for() {
    let spec = spec("tests/pinned.bpf.o");
    assert!(spec.maps.iter().any(|m| m.pinning == Pinning::ByName));
}

#[test]
fn maps_of_maps_have_templates_and_entries() {
    for object in ["tests/inner_maps.bpf.o", "big_endian/inner_maps.bpf.o"] {
        let spec = spec(object);
        let outer = spec.map("outer_array").unwrap();
        let inner = outer.inner.as_ref().unwrap();
        assert_eq!((inner.name.as_str(), inner.map_type), ("outer_array.inner", MapType::ARRAY));
        assert_eq!((inner.key_size, inner.value_size, inner.max_entries), (4, 4, 4));
        let slot = |index, name: &str| Slot { index, target: SlotTarget::Map(name.into()) };
        assert_eq!(outer.contents, Contents::Slots(vec![slot(0, "inner_a"), slot(2, "inner_b")]), "{object}");
        let jumps = spec.map("jumps").unwrap();
        let program = Slot { index: 1, target: SlotTarget::Program("tail_two".into()) };
        assert_eq!((jumps.value_size, &jumps.contents), (4, &Contents::Slots(vec![program])));
        assert!(jumps.inner.is_none());
    }
}

#[test]
fn data_sections_are_maps() {
    let spec = spec("tests/globals.bpf.o");
    let names: Vec<_> = spec.maps.iter().map(|m| m.name.as_str()).collect();
    let expected =
        ["globals.rodata", "globals.data", "globals.bss", ".data.custom", ".rodata.custom", ".bss.custom"];
    let mut sorted = names.clone();
    sorted.sort_unstable();
    let mut wanted = expected.to_vec();
    wanted.sort_unstable();
    assert_eq!(sorted, wanted);
    for map in &spec.maps {
        assert_eq!((map.map_type, map.key_size, map.max_entries), (MapType::ARRAY, 4, 1));
        let data = map.data().unwrap();
        assert_eq!(data.len(), map.value_size);
        let section = map.origin.section().unwrap();
        assert_eq!(spec.map(section).unwrap().name, map.name, "found by its section too");
        let read_only = section.starts_with(".rodata");
        assert_eq!(map.flags.contains(MapFlags::RDONLY_PROG), read_only);
        assert_eq!(map.is_frozen(), read_only);
        assert!(map.flags.contains(MapFlags::MMAPABLE), "{}", map.name);
        assert_eq!(data.is_zeros(), section.starts_with(".bss"));
    }
}

#[test]
fn only_what_user_space_may_see_is_mapped() {
    // `secret` is hidden, `table` is not volatile but global; a section of strings has no variables.
    let spec = spec("tests/statics.bpf.o");
    assert!(spec.map(".bss").unwrap().flags.contains(MapFlags::MMAPABLE));
    let hidden = spec.global("secret").unwrap();
    assert!(hidden.is_static, "hidden variables are as static ones");
    let mut file = File::minimal();
    file.data(".rodata.str1.1", *b"text\0");
    let spec = ObjectSpec::parse_named("obj", &file.build()).unwrap();
    let map = &spec.maps[0];
    assert_eq!((map.name.as_str(), map.value_size), (".rodata.str1.1", 5));
    assert_eq!(map.flags, MapFlags::RDONLY_PROG);
    assert_eq!(map.kernel_name(), ".rodata.str1.1");
}

#[test]
fn legacy_definitions() {
    let spec = spec("tests/legacy_maps.bpf.o");
    let hash = spec.map("old_hash").unwrap();
    assert_eq!((hash.map_type, hash.key_size, hash.value_size, hash.max_entries), (MapType::HASH, 4, 8, 64));
    assert_eq!((hash.flags, &hash.origin), (MapFlags::NO_PREALLOC, &MapOrigin::Legacy));
    let image = &link(&spec).unwrap()[0];
    let referred: Vec<_> = image.fixups.iter().map(|f| f.kind).collect();
    let index = |name| spec.maps.iter().position(|m| m.name == name).unwrap();
    let wanted = |name| FixupKind::MapFd { map: index(name) };
    assert!(referred.contains(&wanted("old_hash")) && referred.contains(&wanted("old_array")));
}

/// A file with a legacy map for each definition.
fn legacy(maps: &[(&'static str, &[u32])]) -> Result<ObjectSpec, Error> {
    let mut file = File::minimal();
    let mut data = Vec::new();
    let mut symbols = Vec::new();
    for (name, words) in maps {
        let (value, size) = (data.len() as u64, words.len() as u64 * 4);
        data.extend(words.iter().flat_map(|w| w.to_le_bytes()));
        symbols.push(Sym { name, bind: GLOBAL, kind: OBJECT, value, size, ..Sym::default() });
    }
    let section = file.data("maps", data);
    for symbol in symbols {
        file.symbol(Sym { section, ..symbol });
    }
    ObjectSpec::parse(&file.build())
}

#[test]
fn legacy_layouts_are_told_apart_by_size() {
    let spec = legacy(&[
        ("samples", &[1, 4, 8, 100, 1]),
        ("aya", &[2, 4, 8, 3, 0, 7, 1]),
        ("iproute2", &[2, 4, 8, 3, 0, 9, 2, 0, 0]),
        ("cilium", &[2, 4, 8, 3, 0, 0, 1, 0, u32::MAX]),
    ])
    .unwrap();
    let pinning: Vec<_> = spec.maps.iter().map(|m| m.pinning).collect();
    assert_eq!(pinning, [Pinning::None, Pinning::ByName, Pinning::Global, Pinning::Object]);
    assert_eq!(spec.maps[0].flags, MapFlags::NO_PREALLOC);
    let short = legacy(&[("short", &[1, 4, 8, 100])]).unwrap_err();
    assert_eq!(
        short.to_string(),
        "map short: a definition of 16 bytes in section maps is of no known layout (20 or more expected)"
    );
    let pinned = legacy(&[("odd", &[2, 4, 8, 3, 0, 7, 2])]).unwrap_err();
    assert_eq!(pinned.to_string(), "map odd: pinning 2 does not exist");
}

#[test]
fn iproute2_names_inner_maps_by_id() {
    let spec = legacy(&[
        ("inner", &[2, 4, 8, 1, 0, 42, 0, 0, 3]),
        ("outer", &[12, 4, 4, 8, 0, 0, 0, 42, 0]),
        ("template_only", &[2, 4, 8, 1, 0, 42, 0, 0, u32::MAX]),
    ])
    .unwrap();
    let outer = spec.map("outer").unwrap();
    assert_eq!(outer.map_type, MapType::ARRAY_OF_MAPS);
    let inner = outer.inner.as_ref().unwrap();
    assert_eq!((inner.name.as_str(), inner.map_type, inner.value_size), ("outer.inner", MapType::ARRAY, 8));
    let slot = Slot { index: 3, target: SlotTarget::Map("inner".into()) };
    assert_eq!(outer.contents, Contents::Slots(vec![slot]));
    let missing = legacy(&[("outer", &[12, 4, 4, 8, 0, 0, 0, 42, 0])]).unwrap_err();
    assert_eq!(missing.to_string(), "map outer: no map has id 42, which is to be its inner map");
}

/// What the fields of a definition are made of.
struct Types {
    b: BtfBuilder,
    int: TypeId,
}

impl Types {
    fn number(&mut self, n: u32) -> TypeId {
        let array = self.b.add_array(self.int, self.int, n).unwrap();
        self.b.add_ptr(array).unwrap()
    }

    fn pointer(&mut self, to: TypeId) -> TypeId {
        self.b.add_ptr(to).unwrap()
    }

    /// An array of so many bytes.
    fn bytes(&mut self, n: u32) -> TypeId {
        let byte = self.b.add_int("byte", 1, IntEncoding::UNSIGNED).unwrap();
        self.b.add_array(byte, self.int, n).unwrap()
    }
}

/// A map `m` with these fields.
fn defined(fields: impl FnOnce(&mut Types) -> Vec<(&'static str, TypeId)>) -> Result<MapSpec, Error> {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let mut types = Types { b, int };
    let fields = fields(&mut types);
    let size = 8 * fields.len() as u32;
    let fields = fields.iter().enumerate().map(|(i, (name, ty))| Field::new(name, *ty, 64 * i as u32));
    let fields: Vec<_> = fields.collect();
    let def = types.b.add_struct("", size, fields).unwrap();
    let var = types.b.add_var("m", def, 1).unwrap();
    types.b.add_datasec(".maps", 0, [SecVar { ty: var, offset: 0, size }]).unwrap();
    let mut file = File::minimal();
    let section = file.data(".maps", vec![0; size as usize]);
    file.symbol(Sym { name: "m", bind: GLOBAL, kind: OBJECT, section, size: size.into(), ..Sym::default() });
    file.data(".BTF", types.b.to_vec(Endian::Little).unwrap());
    ObjectSpec::parse(&file.build()).map(|spec| spec.maps[0].clone())
}

#[test]
fn key_and_key_size_have_to_agree() {
    let both = |size| {
        defined(move |t| {
            let (ty, key, key_size) = (t.number(1), t.pointer(t.int), t.number(size));
            vec![("type", ty), ("key", key), ("key_size", key_size)]
        })
    };
    assert_eq!(both(4).unwrap().key_size, 4);
    let error = both(8).unwrap_err();
    assert_eq!(
        error.to_string(),
        "map m: field key_size: a size of 8 bytes contradicts the 4 bytes given before"
    );
    assert!(matches!(error, Error::MapField { problem: FieldProblem::Conflict { size: 8, other: 4 }, .. }));
}

#[test]
fn sizes_of_two_gibibytes_and_more_are_numbers() {
    let value = |bytes, twice| {
        defined(move |t| {
            let array = t.bytes(bytes);
            let value = if twice { t.b.add_array(array, t.int, 2).unwrap() } else { array };
            let (ty, value) = (t.number(2), t.pointer(value));
            vec![("type", ty), ("value", value)]
        })
    };
    assert_eq!(value(1 << 31, false).unwrap().value_size, 1 << 31);
    assert_eq!(value(u32::MAX, false).unwrap().value_size, u32::MAX);
    let error = value(1 << 31, true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "map m: field value: a size of 4294967296 bytes is too large (4 GiB - 1 at most)"
    );
}

#[test]
fn wrong_definitions_say_what_is_wrong() {
    let message =
        |fields: fn(&mut Types) -> Vec<(&'static str, TypeId)>| defined(fields).unwrap_err().to_string();
    assert_eq!(message(|t| vec![("type", t.number(0))]), "map m: no type is given");
    assert_eq!(
        message(|t| vec![("type", t.int)]),
        "map m: field type: expected a pointer (use __uint), found INT"
    );
    assert_eq!(
        message(|t| vec![("type", t.pointer(t.int))]),
        "map m: field type: expected a pointer to an array (use __uint), found INT"
    );
    assert_eq!(
        message(|t| vec![("type", t.number(1)), ("key", t.int)]),
        "map m: field key: expected a pointer (use __type), found INT"
    );
    assert_eq!(
        message(|t| vec![("type", t.number(1)), ("colour", t.number(1))]),
        "map m: field colour: no such field is known"
    );
    assert_eq!(
        message(|t| vec![("type", t.number(1)), ("pinning", t.number(2))]),
        "map m: field pinning: value 2 does not exist"
    );
    assert_eq!(
        message(|t| vec![("type", t.number(1)), ("values", t.bytes(0))]),
        "map m: field values: only maps of maps and program arrays have values"
    );
    assert_eq!(
        message(|t| vec![("type", t.number(12)), ("values", t.bytes(0)), ("max_entries", t.number(1))]),
        "map m: field values: it has to be the last field"
    );
    assert_eq!(
        message(|t| vec![("type", t.number(12)), ("values", t.bytes(3))]),
        "map m: field values: expected an array without a length (use __array), found ARRAY"
    );
    let forward = message(|t| {
        let fwd = t.b.add_fwd("gone", false).unwrap();
        vec![("type", t.number(1)), ("key", t.pointer(fwd))]
    });
    assert!(forward.starts_with("map m: field key: type "), "{forward}");
}

#[test]
fn inner_maps_have_limits() {
    let with_inner = |field: &'static str| {
        defined(move |t| {
            let (ty, value) = (t.number(1), t.number(1));
            let inner = [Field::new("type", ty, 0), Field::new(field, value, 64)];
            let inner = t.b.add_struct("inner", 16, inner).unwrap();
            let pointer = t.pointer(inner);
            let values = t.b.add_array(pointer, t.int, 0).unwrap();
            vec![("type", t.number(13)), ("values", values)]
        })
    };
    assert_eq!(with_inner("max_entries").unwrap().inner.unwrap().max_entries, 1);
    assert_eq!(
        with_inner("pinning").unwrap_err().to_string(),
        "map m.inner: field pinning: inner maps cannot be pinned"
    );
    assert_eq!(
        with_inner("values").unwrap_err().to_string(),
        "map m.inner: field values: inner maps cannot have inner maps or values"
    );
}

#[test]
fn long_numbers_are_enums() {
    let extra = defined(|t| {
        let value = t.b.add_enum64("", 8, false, [("v", 0x1_2345_6789_u64)]).unwrap();
        vec![("type", t.number(33)), ("map_extra", value)]
    });
    assert_eq!(extra.unwrap().map_extra, 0x1_2345_6789);
}

#[test]
fn maps_that_are_not_created_poison_their_users() {
    let mut spec = spec("tests/maps.bpf.o");
    spec.map_mut("array").unwrap().autocreate = false;
    let index = spec.maps.iter().position(|m| m.name == "array").unwrap();
    let image = image(&spec, "run");
    assert!(!image.fixups.iter().any(|f| f.kind == FixupKind::MapFd { map: index }));
    let [poisoned] = &image.poisoned[..] else { panic!("{:?}", image.poisoned) };
    assert_eq!(poisoned.imm, 2_001_000_000 + index as i32);
    assert_eq!(poisoned.description, "map array is not created (autocreate is off)");
    assert_eq!(image.insns[poisoned.insn], image.insns[poisoned.insn + 1], "both halves are replaced");
}

#[test]
fn references_survive_changes_of_the_spec() {
    let mut spec = spec("tests/maps.bpf.o");
    let before: Vec<_> = image(&spec, "run").fixups.iter().map(|f| f.insn).collect();
    let name = spec.maps[0].name.clone();
    spec.maps.reverse();
    spec.map_mut(&name).unwrap().name = "renamed".into();
    let image = image(&spec, "run");
    assert_eq!(image.fixups.iter().map(|f| f.insn).collect::<Vec<_>>(), before);
    let FixupKind::MapFd { map } = image.fixups[0].kind else { panic!() };
    assert_eq!(spec.maps[map].name, "renamed");
    spec.maps.remove(map);
    let error = link(&spec).unwrap_err();
    assert!(error.to_string().ends_with("it refers to a map that was removed from the spec"), "{error}");
}

#[test]
fn maps_need_types() {
    let mut file = File::minimal();
    file.data(".maps", vec![0; 32]);
    let error = ObjectSpec::parse(&file.build()).unwrap_err();
    assert!(matches!(error, Error::Map { problem: MapProblem::NoDatasec, .. }));
}
