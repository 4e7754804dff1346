//! Variables in an arena, and whose an exclusive map is.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

mod common;

use common::elf::{File, GLOBAL, OBJECT, Sym};
use common::{image, spec};
use oxbpf_obj::{Endian, FixupKind, Insn, MapType, ObjectSpec};

#[test]
fn variables_are_in_the_only_arena() {
    let mut spec = spec("tests/arena.bpf.o");
    let arena = spec.map("arena").unwrap();
    assert_eq!((arena.map_type, arena.max_entries, arena.value_size), (MapType::ARENA, 16, 0));
    let data = arena.data().unwrap();
    assert_eq!(data.len(), 0x13d8);
    let counter = spec.global("counter").unwrap();
    assert_eq!((counter.offset, counter.size, counter.read_only), (0, 8, false));
    assert_eq!(spec.maps[counter.map].name, "arena");
    let step = spec.global("step").unwrap();
    assert!(step.is_static);
    assert_eq!(spec.maps[spec.global("runs").unwrap().map].name, "arena.bss");
    spec.set_global("counter", &77_u64).unwrap();
    let mut value = [0; 8];
    spec.map("arena").unwrap().data().unwrap().read(counter.offset, &mut value);
    assert_eq!(value, 77_u64.to_le_bytes());
}

/// A static one is found by the section's symbol and the instruction's immediate.
#[test]
fn instructions_say_which_variable() {
    let spec = spec("tests/arena.bpf.o");
    let arena = spec.maps.iter().position(|map| map.name == "arena").unwrap();
    let image = image(&spec, "count");
    let offsets: Vec<u32> = image
        .fixups
        .iter()
        .filter_map(|fixup| match fixup.kind {
            FixupKind::MapValue { map, offset } if map == arena => Some(offset),
            _ => None,
        })
        .collect();
    let at = |name: &str| spec.global(name).unwrap().offset;
    assert_eq!(offsets, [at("step"), at("counter"), at("table"), at("zero")]);
}

#[test]
fn no_arena_to_be_in() {
    let mut file = File::minimal();
    let section = file.data(".addr_space.1", [1; 8]);
    file.symbol(Sym { name: "x", bind: GLOBAL, kind: OBJECT, section, size: 8, ..Sym::default() });
    let error = ObjectSpec::parse(&file.build()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "map .addr_space.1: there are variables in an arena, and no map of type arena in .maps"
    );
}

/// The hash of programs without maps is that of their bytes; descriptors and places in values do not count.
#[test]
fn digests() {
    let bytes = File::minimal().build();
    let spec = ObjectSpec::parse(&bytes).unwrap();
    let plain = image(&spec, "prog");
    assert_eq!(plain.insns, [Insn::mov64_imm(0, 0), Insn::exit()]);
    // sha256sum of b7 00 00 00 00 00 00 00 95 00 00 00 00 00 00 00.
    let hex: String = plain.digest(Endian::Little).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "59f4a931744dcdc62944a018ed3990e666ec6444616418d3b09a82dc5c753d52");

    let spec = common::spec("tests/exclusive.bpf.o");
    let mut owner = image(&spec, "owner");
    let before = owner.digest(Endian::Little);
    assert_ne!(owner.digest(Endian::Big), before);
    let fixups = owner.fixups.clone();
    assert_eq!(fixups.len(), 2);
    for fixup in fixups {
        match fixup.kind {
            FixupKind::MapFd { .. } => owner.set_map(fixup.insn, 77),
            FixupKind::MapValue { offset, .. } => owner.set_map_value(fixup.insn, 78, offset + 16),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(owner.digest(Endian::Little), before);
    owner.insns[0].imm ^= 1;
    assert_ne!(owner.digest(Endian::Little), before);
}
