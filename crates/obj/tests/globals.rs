//! Global variables: found by name, set before an object is loaded.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

mod common;

use common::elf::{EXEC, File, NOBITS, Sec};
use common::{image, spec};
use oxbpf_btf::Kind;
use oxbpf_obj::{Endian, Error, FixupKind, GlobalProblem, ObjectSpec};

#[test]
fn variables_are_found_with_their_types() {
    let spec = spec("tests/globals.bpf.o");
    let btf = spec.btf.as_ref().unwrap();
    let pair = spec.global("pair").unwrap();
    assert_eq!((pair.size, pair.read_only, pair.is_static), (16, true, false));
    assert_eq!(btf.resolve(pair.ty).unwrap().name(), "pair");
    let hidden = spec.global("hidden_counter").unwrap();
    assert!(hidden.is_static && !hidden.read_only);
    assert_eq!(spec.maps[spec.global("buffer").unwrap().map].name, "globals.bss");
    assert_eq!(spec.maps[spec.global("in_data_custom").unwrap().map].name, ".data.custom");
    assert!(spec.global("no_such").is_none());
    let names: Vec<_> = spec.globals().map(|g| g.name).collect();
    assert_eq!(names.len(), 11, "{names:?}");
}

#[test]
fn sections_of_variables_are_filled_in() {
    for object in ["tests/globals.bpf.o", "big_endian/globals.bpf.o"] {
        let spec = spec(object);
        let btf = spec.btf.as_ref().unwrap();
        for map in &spec.maps {
            let sec = btf.get(map.value_type).unwrap();
            assert_eq!((sec.kind(), sec.size()), (Kind::Datasec, Some(map.value_size)), "{object}");
            let vars: Vec<_> = sec.variables().collect();
            assert!(vars.is_sorted_by_key(|v| v.offset));
            assert!(vars.windows(2).all(|v| v[0].offset + v[0].size <= v[1].offset), "{object}: {vars:?}");
        }
    }
}

#[test]
fn values_are_set() {
    let mut spec = spec("tests/globals.bpf.o");
    spec.set_global("limit", &77_u32).unwrap();
    spec.set_global_bytes("name", b"sixteen bytes..\0").unwrap();
    spec.set_global("zero", &5_u64).unwrap();
    spec.set_global("hidden_counter", &3_u32).unwrap();
    let value = |name: &str| {
        let var = spec.global(name).unwrap();
        let mut bytes = vec![0; var.size as usize];
        let data = spec.maps[var.map].data().unwrap();
        assert_eq!(data.read(var.offset, &mut bytes), bytes.len());
        bytes
    };
    assert_eq!(value("limit"), 77_u32.to_le_bytes());
    assert_eq!(value("name"), b"sixteen bytes..\0");
    assert_eq!(value("zero"), 5_u64.to_le_bytes());
    assert_eq!(value("hidden_counter"), 3_u32.to_le_bytes());
    assert_eq!(value("counter"), 1000_u64.to_le_bytes(), "the neighbour is as it was");
}

#[test]
fn what_cannot_be_set_says_why() {
    let mut spec = spec("tests/globals.bpf.o");
    let error = spec.set_global("limit", &1_u64).unwrap_err();
    assert_eq!(error.to_string(), "global variable limit: it has 4 bytes, the value has 8");
    let error = spec.set_global("no_such", &1_u64).unwrap_err();
    assert_eq!(
        error.to_string(),
        "global variable no_such: there is no such variable in .data, .rodata or .bss"
    );
    let bss = spec.map_mut(".bss").unwrap();
    bss.contents = oxbpf_obj::Contents::None;
    let error = spec.set_global("zero", &1_u64).unwrap_err();
    assert!(matches!(error, Error::Global { problem: GlobalProblem::OutOfMap, .. }));
}

#[test]
fn without_types_symbols_name_variables() {
    let mut spec = spec("tests/no_btf.bpf.o");
    assert!(spec.btf.is_none());
    let names: Vec<_> = spec.globals().map(|g| (g.name, g.size)).collect();
    for var in [("step", 4), ("total", 8), ("calls", 4)] {
        assert!(names.contains(&(var.0.into(), var.1)), "{names:?}");
    }
    spec.set_global("step", &9_u32).unwrap();
    let step = spec.global("step").unwrap();
    assert!(step.read_only);
    let image = image(&spec, "count");
    assert!(image.func_info.is_empty() && image.line_info.is_empty());
    assert_eq!(image.functions.len(), 2);
    let wanted = FixupKind::MapValue { map: step.map, offset: step.offset };
    assert!(image.fixups.iter().any(|f| f.kind == wanted));
}

/// A file with a section `.bss` that claims so many bytes.
fn with_bss(size: u64) -> Result<ObjectSpec, Error> {
    let mut file = File::minimal();
    file.section(Sec { name: ".bss", kind: NOBITS, size: Some(size), ..Sec::default() });
    ObjectSpec::parse_named("huge", &file.build())
}

#[test]
fn the_size_of_bss_is_a_number() {
    let spec = with_bss(u64::from(u32::MAX)).unwrap();
    let map = spec.map("huge.bss").unwrap();
    assert_eq!(map.value_size, u32::MAX);
    assert!(map.data().unwrap().is_zeros());
    for size in [1 << 32, 4 << 40, u64::MAX] {
        let error = with_bss(size).unwrap_err();
        let wanted = format!("map .bss: {size} bytes of data do not fit a map (4 GiB - 1 at most)");
        assert_eq!(error.to_string(), wanted);
    }
}

#[test]
fn a_section_is_what_its_header_says() {
    // Executable `.data` is code, `.bss` with bytes is nothing, an empty `.rodata` is no map.
    let mut file = File::minimal();
    file.section(Sec { name: ".bss", kind: 1, data: vec![1; 8], ..Sec::default() });
    file.data(".rodata", []);
    file.section(Sec { name: ".data", kind: 1, flags: EXEC, data: vec![0; 8], ..Sec::default() });
    let spec = ObjectSpec::parse(&file.build()).unwrap();
    assert!(spec.maps.is_empty());
    assert_eq!(spec.endian, Endian::Little);
}
