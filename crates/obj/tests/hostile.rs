//! Files that are cut, damaged or made to deceive: each is read, or gives an error that names what is wrong.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

mod common;

use common::elf::{EXEC, FUNC, File, GLOBAL, LOCAL, PROGBITS, RELA, SECTION, Sec, Sym};
use common::{bytes, link, objects};
use oxbpf_obj::{
    Endian, Error, Insn, ObjectSpec,
    insn::{Regs, opcode},
};

/// Reads and links; that it returns is what matters.
fn survive(bytes: &[u8]) -> Result<(), Error> {
    let spec = ObjectSpec::parse(bytes)?;
    assert!(spec.globals().count() <= bytes.len());
    link(&spec).map(drop)
}

fn message(file: &File) -> String {
    survive(&file.build()).unwrap_err().to_string()
}

#[test]
fn every_object_is_read_and_linked() {
    for path in objects() {
        let spec = ObjectSpec::parse(&std::fs::read(&path).unwrap());
        let spec = spec.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(!spec.programs.is_empty(), "{}", path.display());
        let images = link(&spec).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(images.len(), spec.programs.iter().filter(|p| p.autoload).count());
    }
}

#[test]
fn cut_at_every_length() {
    for object in ["tests/inner_maps.bpf.o", "tests/legacy_maps.bpf.o", "big_endian/globals.bpf.o"] {
        let whole = bytes(object);
        for len in 0..whole.len() {
            // The table of sections stands at the end: all that is cut is broken.
            assert!(survive(&whole[..len]).is_err(), "{object} cut at {len}");
        }
        survive(&whole).unwrap();
    }
}

#[test]
fn single_bits_flipped() {
    for object in ["tests/subprogs.bpf.o", "tests/inner_maps.bpf.o", "tests/globals.bpf.o"] {
        let mut all = bytes(object);
        let bits = all.len() * 8;
        let (mut read, mut refused) = (0, 0);
        // A prime step: all bytes and all bits have their turn.
        for bit in (0..bits).step_by(7) {
            let (byte, mask) = (bit / 8, 1 << (bit % 8));
            all[byte] ^= mask;
            match survive(&all) {
                Ok(()) => read += 1,
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty());
                }
            }
            all[byte] ^= mask;
        }
        assert!(read > 0 && refused > 0, "{object}: {read} read, {refused} refused");
    }
}

#[test]
fn other_files() {
    let error = |bytes: &[u8]| survive(bytes).unwrap_err().to_string();
    assert_eq!(error(b""), "not an ELF file but an empty file");
    assert_eq!(error(b"#include <x.h>"), "not an ELF file but text, perhaps C source");
    assert_eq!(error(&[0x9f, 0xeb, 1, 0]), "not an ELF file but raw BTF, which holds types only");
    assert_eq!(error(b"\x7fELF"), "ELF file: the header is cut off or broken");
    let mut file = File::minimal();
    file.machine = 62;
    file.kind = 2;
    assert_eq!(message(&file), "x86-64 executable, not a BPF object");
    file.machine = 247;
    assert_eq!(message(&file), "BPF executable, not a BPF object");
    file.kind = 1;
    file.class = 1;
    assert_eq!(message(&file), "32-bit ELF file, not a BPF object");
    file.class = 2;
    file.machine = 0;
    survive(&file.build()).expect("old compilers left the machine out");
}

#[test]
fn broken_tables() {
    let mut file = File::minimal();
    file.shoff = Some(u64::MAX - 63);
    let headers =
        "ELF file: the table of section headers is broken or outside of the file (is it truncated?)";
    assert_eq!(message(&file), headers);
    file.shoff = None;
    file.shnum = Some(0xfeff);
    assert_eq!(message(&file), headers);
    file.shnum = None;
    file.shstrndx = Some(77);
    let names = "ELF file: the table of section names is missing or outside of the file (is it truncated?)";
    assert_eq!(message(&file), names);
    // Names taken from instructions.
    file.shstrndx = Some(1);
    assert!(message(&file).starts_with("ELF file: name of section #"), "{}", message(&file));
    file.shstrndx = None;
    file.sym_entsize = 0;
    assert_eq!(message(&file), "section .symtab: entries of 0 bytes instead of 24");
    file.sym_entsize = 24;
    file.sections[0].offset = Some(u64::MAX - 3);
    assert!(message(&file).starts_with("section xdp: 16 bytes at offset 0xfffffffffffffffc are outside"));
    file.sections[0].offset = None;
    file.sections[0].size = Some(u64::MAX);
    assert!(message(&file).starts_with("section xdp: 18446744073709551615 bytes at offset 0x40 are outside"));
    file.sections[0].size = None;
    file.sections[0].name_offset = Some(u32::MAX);
    assert_eq!(
        message(&file),
        "ELF file: name of section #1: offset 4294967295 is outside of the string table"
    );
}

#[test]
fn broken_symbols() {
    let with = |change: fn(&mut Sym)| {
        let mut file = File::minimal();
        change(&mut file.symbols[0]);
        message(&file)
    };
    assert_eq!(with(|s| s.section = 99), "symbol #1: it is in section #99, and there are 4");
    assert_eq!(with(|s| s.section = 0xffff), "symbol #1: its section's extended index is missing");
    assert_eq!(
        with(|s| s.size = 24),
        "section xdp: function prog: 24 bytes at 0x0 are outside of the section of 16 bytes"
    );
    assert_eq!(
        with(|s| s.value = u64::MAX - 7),
        "section xdp: function prog: 16 bytes at 0xfffffffffffffff8 are outside of the section of 16 bytes"
    );
    assert_eq!(
        with(|s| s.size = 12),
        "section xdp: function prog: 12 bytes at 0x0 are no whole instructions"
    );
    assert_eq!(with(|s| s.size = 0), "section xdp: function prog: it is empty");
    assert_eq!(
        with(|s| s.name_offset = Some(1 << 31)),
        "symbol #1: offset 2147483648 is outside of the string table"
    );
}

#[test]
fn functions_that_overlap() {
    let mut file = File::default();
    let xdp = file.code("xdp", &[Insn::mov64_imm(0, 0), Insn::mov64_imm(0, 1), Insn::exit()]);
    file.func("whole", xdp, 0, 3);
    file.func("part", xdp, 1, 2);
    assert_eq!(message(&file), "section xdp: function part: it overlaps the function before it");
    // The same function under two names is no overlap.
    file.symbols[1] = Sym { name: "alias", ..file.symbols[0].clone() };
    let spec = ObjectSpec::parse(&file.build()).unwrap();
    assert_eq!(spec.programs.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["whole", "alias"]);
    assert_eq!(link(&spec).unwrap().len(), 2);
}

fn call(imm: i32) -> Insn {
    Insn::call_helper(imm).with_src(opcode::PSEUDO_CALL)
}

fn load(src: u8, imm: i32) -> [Insn; 2] {
    [Insn { code: opcode::LD_IMM64, regs: Regs::new(1, src), off: 0, imm }, Insn::default()]
}

#[test]
fn broken_relocations() {
    let base = || {
        let mut file = File::default();
        let [a, b] = load(0, 0);
        let xdp = file.code("xdp", &[a, b, call(-1), Insn::exit()]);
        file.func("prog", xdp, 0, 4);
        let data = file.data(".data", [0; 8]);
        let note = file.data(".note", [0; 8]);
        file.symbol(Sym { bind: LOCAL, kind: SECTION, section: data, ..Sym::default() });
        file.symbol(Sym { bind: LOCAL, kind: SECTION, section: note, ..Sym::default() });
        file.symbol(Sym { name: "nowhere", bind: GLOBAL, kind: FUNC, ..Sym::default() });
        (file, xdp)
    };
    let with = |relocs: &[(u64, u32, u32)]| {
        let (mut file, xdp) = base();
        file.relocs(".relxdp", xdp, relocs);
        message(&file)
    };
    let at = |offset, symbol: &str, problem: &str| {
        format!("section xdp: relocation at {offset} against {symbol}: {problem}")
    };
    assert_eq!(with(&[(3, 2, 1)]), at("0x3", ".data", "there is no instruction at that place"));
    assert_eq!(with(&[(32, 2, 1)]), at("0x20", ".data", "there is no instruction at that place"));
    assert_eq!(
        with(&[(u64::MAX - 7, 2, 1)]),
        at("0xfffffffffffffff8", ".data", "there is no instruction at that place")
    );
    assert_eq!(with(&[(0, 99, 1)]), at("0x0", "?", "symbol #99: there are only 5 symbols"));
    assert_eq!(
        with(&[(0, 2, 1), (0, 2, 1)]),
        at("0x0", "two symbols", "another relocation is about the same instruction")
    );
    assert_eq!(
        with(&[(24, 2, 1)]),
        at("0x18", ".data", "the instruction (code 0x95) is neither a call nor a 64-bit immediate load")
    );
    assert_eq!(
        with(&[(16, 2, 10)]),
        at("0x10", ".data", "the call goes to section .data, which holds no code")
    );
    assert_eq!(with(&[(0, 3, 1)]), at("0x0", ".note", "section .note holds neither maps nor data"));
    assert_eq!(
        with(&[(16, 4, 10)]),
        at(
            "0x10",
            "nowhere",
            "it is in no section: is a global variable not initialized, or a function not defined?"
        )
    );

    let (mut file, xdp) = base();
    file.relocs(".relxdp", xdp, &[(0, 2, 1)]);
    file.sections[3].entsize = 0;
    assert_eq!(message(&file), "section .relxdp: entries of 0 bytes instead of 16");
    file.sections[3].entsize = 16;
    file.sections[3].data.pop();
    assert_eq!(message(&file), "section .relxdp: its size is not a multiple of 16");
    file.sections[3].info = 500;
    assert_eq!(message(&file), "section .relxdp: it relocates section #500, and there are 7");
    file.sections[3].info = xdp.into();
    file.sections[3].kind = RELA;
    assert_eq!(message(&file), "section .relxdp: relocations with addends (SHT_RELA) are not used for BPF");
}

#[test]
fn half_of_an_immediate() {
    let mut file = File::default();
    let [first, _] = load(0, 0);
    let xdp = file.code("xdp", &[Insn::exit(), first]);
    file.func("prog", xdp, 0, 2);
    let data = file.data(".data", [0; 8]);
    let symbol = file.symbol(Sym { kind: SECTION, section: data, ..Sym::default() });
    file.relocs(".relxdp", xdp, &[(8, symbol, 1)]);
    assert!(message(&file).ends_with("the second half of the 64-bit immediate load is missing"));
}

/// A program that begins with a call, and functions in `.text`.
fn caller(imm: i32, text: &[Insn], functions: &[(u64, u64)]) -> File {
    let mut file = File::default();
    let xdp = file.code("xdp", &[call(imm), Insn::exit()]);
    file.func("prog", xdp, 0, 2);
    let section = file.code(".text", text);
    for &(start, len) in functions {
        let (value, size) = (start * 8, len * 8);
        file.symbol(Sym { name: "function", kind: FUNC, section, value, size, ..Sym::default() });
    }
    let symbol = file.symbol(Sym { kind: SECTION, section, ..Sym::default() });
    file.relocs(".relxdp", xdp, &[(0, symbol, 10)]);
    file
}

#[test]
fn calls_that_lead_astray() {
    let text = [Insn::mov64_imm(0, 0), Insn::exit(), Insn::exit()];
    let with = |imm| message(&caller(imm, &text, &[(0, 2)]));
    survive(&caller(-1, &text, &[(0, 2)]).build()).unwrap();
    assert_eq!(with(0), "program prog: instruction 0 of prog: it refers to the middle of function function");
    assert_eq!(
        with(1),
        "program prog: instruction 0 of prog: it refers to instruction 2 of section .text, where there is no function"
    );
    for imm in [i32::MAX, i32::MIN, -2, 1 << 20] {
        assert!(with(imm).contains("where there is no function"), "{imm}");
    }
    // Without a relocation, in its own section.
    let mut file = File::default();
    let xdp = file.code("xdp", &[call(i32::MIN), Insn::exit()]);
    file.func("prog", xdp, 0, 2);
    assert!(message(&file).contains("it refers to instruction -2147483647 of section xdp"));
    // A function's address that no relocation names.
    let [a, b] = load(opcode::PSEUDO_FUNC, 0);
    let mut file = File::default();
    let xdp = file.code("xdp", &[a, b, Insn::exit()]);
    file.func("prog", xdp, 0, 3);
    assert!(message(&file).ends_with("it takes a function's address, and no relocation says which"));
}

#[test]
fn functions_that_call_each_other_in_circles() {
    // Two functions, each calls the other; and the second itself.
    let text = [call(1), Insn::exit(), call(-3), call(-2), Insn::exit()];
    let file = caller(-1, &text, &[(0, 2), (2, 3)]);
    let spec = ObjectSpec::parse(&file.build()).unwrap();
    let image = link(&spec).unwrap().remove(0);
    assert_eq!(image.insns.len(), 7);
    let imms: Vec<_> = image.insns.iter().filter(|i| i.is_call()).map(|i| i.imm).collect();
    // Each call counts from the next instruction to the start of its function.
    assert_eq!(imms, [1, 1, -3, -2]);
}

#[test]
fn long_chains_of_calls() {
    // Each of 50,000 functions calls the next: no recursion can follow that.
    let count = 50_000_u64;
    let mut text = Vec::new();
    let mut functions = Vec::new();
    for i in 0..count {
        functions.push((i * 2, 2));
        text.push(if i + 1 == count { Insn::mov64_imm(0, 0) } else { call(1) });
        text.push(Insn::exit());
    }
    let spec = ObjectSpec::parse(&caller(-1, &text, &functions).build()).unwrap();
    let image = link(&spec).unwrap().remove(0);
    assert_eq!((image.functions.len(), image.insns.len()), (50_001, 100_002));
}

#[test]
fn more_instructions_than_a_kernel_takes() {
    let mut file = File::default();
    let xdp = file.code("xdp", &vec![Insn::exit(); 1_000_001]);
    file.func("prog", xdp, 0, 1_000_001);
    assert_eq!(
        message(&file),
        "program prog: instruction 0 of prog: the program has more than 1000000 instructions with the functions it \
         calls"
    );
}

#[test]
fn sections_that_are_not_what_they_should_be() {
    let with = |sec: Sec| {
        let mut file = File::minimal();
        file.section(sec);
        message(&file)
    };
    let version = Sec { name: "version", kind: PROGBITS, data: vec![1, 2], ..Sec::default() };
    assert_eq!(with(version), "section version: 2 bytes instead of 4");
    let btf = Sec { name: ".BTF", kind: 7, ..Sec::default() };
    assert_eq!(with(btf), "section .BTF: it has type 0x7 instead of SHT_PROGBITS");
    let btf = Sec { name: ".BTF", kind: PROGBITS, data: vec![1; 3], ..Sec::default() };
    assert!(with(btf).starts_with("section .BTF: "));
    let maps = Sec { name: "maps", kind: PROGBITS, data: vec![0; 20], ..Sec::default() };
    assert_eq!(with(maps), "section maps: no symbol says which maps are in it");
    // A licence without an end, and one that is no text.
    let mut file = File::minimal();
    file.data("license", *b"GP\xffL");
    assert_eq!(ObjectSpec::parse(&file.build()).unwrap().license, "GP\u{fffd}L");
}

#[test]
fn no_symbols_or_two_tables() {
    let mut file = File::minimal();
    file.section(Sec { name: ".symtab2", kind: 2, entsize: 24, ..Sec::default() });
    assert_eq!(message(&file), "ELF file: more than one symbol table");
    let mut stripped = File::minimal().build();
    // The type of the symbol table's header, the second last.
    let at = stripped.len() - 2 * 64 + 4;
    stripped[at] = 0;
    assert_eq!(
        survive(&stripped).unwrap_err().to_string(),
        "ELF file: no symbol table (was the file stripped?)"
    );
}

#[test]
fn names_that_are_shared_are_not_multiplied() {
    // 2,000 functions, all with one name of 8,000 characters: 16 MB of copies from 60 KB.
    let long: &'static str = "n".repeat(8_000).leak();
    let mut file = File::default();
    let xdp = file.code("xdp", &vec![Insn::exit(); 2_000]);
    file.func(long, xdp, 0, 1);
    for i in 1..2_000 {
        file.func("", xdp, i, 1);
        file.symbols.last_mut().unwrap().name_offset = Some(1);
    }
    assert_eq!(message(&file), "the names of symbols and sections add up to far more than the file's size");
}

#[test]
fn empty_sections_and_odd_ends() {
    let mut file = File::minimal();
    file.section(Sec { name: "kprobe/f", kind: PROGBITS, flags: EXEC, ..Sec::default() });
    file.section(Sec { name: "kprobe/g", kind: PROGBITS, flags: EXEC, data: vec![0; 13], ..Sec::default() });
    file.data(".data", []);
    let spec = ObjectSpec::parse(&file.build()).unwrap();
    assert_eq!((spec.programs.len(), spec.maps.len()), (1, 0));
}

#[test]
fn the_other_byte_order() {
    let mut file = File { endian: Endian::Big, ..File::default() };
    let data = file.data(".data", [0; 16]);
    let [a, b] = load(0, 4);
    let xdp = file.code("xdp", &[a, b, Insn::exit()]);
    file.func("prog", xdp, 0, 3);
    let symbol = file.symbol(Sym { kind: SECTION, section: data, value: 4, ..Sym::default() });
    file.relocs(".relxdp", xdp, &[(0, symbol, 1)]);
    let spec = ObjectSpec::parse(&file.build()).unwrap();
    assert_eq!(spec.endian, Endian::Big);
    let image = link(&spec).unwrap().remove(0);
    assert_eq!((image.insns[0].src(), image.insns[1].imm), (opcode::PSEUDO_MAP_VALUE, 8));
    let encoded = Insn::encode_all(&image.insns, spec.endian);
    assert_eq!(encoded[..2], [opcode::LD_IMM64, 0x12]);
    assert_eq!(Insn::decode_all(&encoded, Endian::Big), image.insns);
}
