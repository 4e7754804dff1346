//! Small files that ask for much memory or time: what is shared in a file is not multiplied.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

mod common;

use std::time::{Duration, Instant};

use common::elf::{File, GLOBAL, NOTYPE, OBJECT, PROGBITS, Sec, Sym};
use common::link;
use oxbpf_btf::{BtfBuilder, Endian, Field, IntEncoding, SecVar, TypeId};
use oxbpf_obj::insn::opcode;
use oxbpf_obj::{Error, Insn, ObjectSpec};

/// Reads and links within a time that even a debug build on a busy machine keeps by far.
fn survive(bytes: &[u8]) -> Result<ObjectSpec, Error> {
    let start = Instant::now();
    let spec = ObjectSpec::parse(bytes)?;
    let globals = spec.globals().count();
    assert!(globals <= bytes.len(), "{globals} globals of {} bytes", bytes.len());
    let _ = link(&spec);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    Ok(spec)
}

fn message(file: &File) -> String {
    survive(&file.build()).unwrap_err().to_string()
}

#[test]
fn sections_that_claim_the_same_bytes() {
    // 500 sections of data, each the same 100,000 bytes.
    for (name, kind) in [(".data.x", PROGBITS), (".text", PROGBITS), ("license", PROGBITS)] {
        let mut file = File::minimal();
        let first = file.data(".note", vec![1; 100_000]);
        let flags = if name == ".text" { 4 } else { 0 };
        for _ in 0..500 {
            let (offset, size) = (Some(80), Some(100_000));
            file.section(Sec { name, kind, flags, offset, size, ..Sec::default() });
        }
        assert_eq!(first, 2);
        assert_eq!(message(&file), "ELF file: sections overlap", "{name}");
    }
    let mut file = File::minimal();
    let text = file.code("tc", &[Insn::exit()]);
    file.data(".note", vec![0; 100_000]);
    for _ in 0..500 {
        let (offset, size) = (Some(96), Some(99_200));
        let info = text.into();
        file.section(Sec { name: ".reltc", kind: 9, info, entsize: 16, offset, size, ..Sec::default() });
    }
    assert!(survive(&file.build()).is_err());
}

#[test]
fn one_definition_of_thousands_of_fields() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let array = b.add_array(int, int, 1).unwrap();
    let number = b.add_ptr(array).unwrap();
    let def = b.add_struct("", 8, (0..20_000).map(|_| Field::new("type", number, 0))).unwrap();
    let vars = (0..5_000).map(|i| (b.add_var("m", def, 1).unwrap(), i));
    let vars: Vec<_> = vars.map(|(ty, i)| SecVar { ty, offset: 8 * i, size: 8 }).collect();
    b.add_datasec(".maps", 0, vars).unwrap();
    let mut file = File::minimal();
    let section = file.data(".maps", vec![0; 40_000]);
    file.symbol(Sym { name: "m", bind: GLOBAL, kind: OBJECT, section, ..Sym::default() });
    file.data(".BTF", b.to_vec(Endian::Little).unwrap());
    assert_eq!(message(&file), "map m: its struct has 20000 fields, far more than are known");
}

#[test]
fn one_variable_many_times() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let array = b.add_array(int, int, 1).unwrap();
    let number = b.add_ptr(array).unwrap();
    let def = b.add_struct("", 8, [Field::new("type", number, 0)]).unwrap();
    let ty = b.add_var("m", def, 1).unwrap();
    b.add_datasec(".maps", 0, vec![SecVar { ty, offset: 0, size: 8 }; 50_000]).unwrap();
    let mut file = File::minimal();
    let section = file.data(".maps", vec![0; 8]);
    file.symbol(Sym { name: "m", bind: GLOBAL, kind: OBJECT, section, ..Sym::default() });
    file.data(".BTF", b.to_vec(Endian::Little).unwrap());
    assert_eq!(message(&file), "map m: it overlaps the map before it");
}

#[test]
fn one_description_for_many_sections() {
    // 2,000 sections `.data`, and 20,000 variables that BTF puts into it.
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let ty = b.add_var("v", int, 0).unwrap();
    b.add_datasec(".data", 0, vec![SecVar { ty, offset: 0, size: 4 }; 20_000]).unwrap();
    let mut file = File::minimal();
    for _ in 0..2_000 {
        file.data(".data", [0; 8]);
    }
    file.data(".BTF", b.to_vec(Endian::Little).unwrap());
    let spec = survive(&file.build()).unwrap();
    assert_eq!(spec.maps.len(), 2_000);
    assert_eq!(spec.maps.iter().filter(|m| m.value_type != TypeId(0)).count(), 1);
}

#[test]
fn many_legacy_sections_and_symbols() {
    let mut file = File::minimal();
    let mut section = 0;
    for _ in 0..3_000 {
        section = file.data("maps/m", [1; 20]);
    }
    for _ in 0..30_000 {
        file.symbol(Sym { name: "m", bind: GLOBAL, kind: OBJECT, section, size: 20, ..Sym::default() });
    }
    assert_eq!(message(&file), "section maps/m: no symbol says which maps are in it");
}

#[test]
fn one_prototype_for_many_functions() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let proto = b.add_func_proto(int, vec![("", int); 20_000]).unwrap();
    let func = b.add_func("f", 2, proto).unwrap();
    b.add_datasec(".ksyms", 0, vec![SecVar { ty: func, offset: 0, size: 0 }; 20_000]).unwrap();
    let mut file = File::minimal();
    file.symbol(Sym { name: "f", bind: GLOBAL, kind: NOTYPE, ..Sym::default() });
    file.data(".BTF", b.to_vec(Endian::Little).unwrap());
    let spec = survive(&file.build()).unwrap();
    assert_eq!(spec.externs.len(), 1);
}

/// A table of 50,000 entries for each of 2,000 programs, or as many tables that share entries.
#[test]
fn one_jump_table_for_many_programs() {
    let mut file = File::default();
    let load = Insn { code: opcode::LD_IMM64, ..Insn::default() };
    let code = [load, Insn::default(), Insn::mov64_imm(0, 0), Insn::exit()];
    let xdp = file.code("xdp", &code.repeat(2_000));
    for i in 0..2_000 {
        file.func("prog", xdp, 4 * i, 4);
    }
    // All lead to the end of the first.
    let entries: Vec<u8> = (0..50_000).flat_map(|_| 24_u64.to_le_bytes()).collect();
    let size = entries.len() as u64;
    let section = file.data(".jumptables", entries);
    let table = file.symbol(Sym { name: "t", kind: OBJECT, section, size, ..Sym::default() });
    let relocs: Vec<_> = (0..2_000).map(|i| (32 * i, table, 1)).collect();
    file.relocs(".relxdp", xdp, &relocs);
    let spec = survive(&file.build()).unwrap();
    let error = link(&spec).unwrap_err().to_string();
    assert!(error.contains("outside of the function"), "{error}");
    for i in 0..2_000 {
        file.symbol(Sym {
            name: "t",
            kind: OBJECT,
            section,
            value: 8 * i,
            size: size - 8 * i,
            ..Sym::default()
        });
    }
    assert!(message(&file).starts_with("symbol t: it is no jump table"));
}

#[test]
fn a_configuration_value_of_gigabytes() {
    let open = |len: u32| {
        let mut b = BtfBuilder::new();
        let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
        let char = b.add_int("char", 1, IntEncoding::SIGNED).unwrap();
        let text = b.add_array(char, int, len).unwrap();
        let ty = b.add_var("CONFIG_X", text, 2).unwrap();
        b.add_datasec(".kconfig", 0, [SecVar { ty, offset: 0, size: len }]).unwrap();
        let mut file = File::minimal();
        file.data(".BTF", b.to_vec(Endian::Little).unwrap());
        file.symbol(Sym { name: "CONFIG_X", bind: GLOBAL, kind: NOTYPE, ..Sym::default() });
        ObjectSpec::parse(&file.build()).map(|spec| spec.kconfig_values(&[], &|_| None).unwrap().bytes.len())
    };
    assert_eq!(open(1 << 20).unwrap(), 1 << 20);
    for len in [(1 << 20) + 1, 1 << 30, u32::MAX] {
        let error = open(len).unwrap_err().to_string();
        assert_eq!(error, format!("extern CONFIG_X: {len} bytes are too large"));
    }
}
