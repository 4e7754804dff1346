//! Tables of indirect jumps (clang 22 and later): moved with the functions that have them.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

mod common;

use common::elf::{FUNC, File, LOCAL, OBJECT, Sym};
use oxbpf_obj::insn::{Regs, disassemble, opcode};
use oxbpf_obj::{Endian, Error, FixupKind, Insn, LinkOptions, LinkProblem, ObjectSpec, ProgramImage};

/// R_BPF_64_64.
const IMM64: u32 = 1;

/// A jump by table: `r1` has what is loaded, and `gotox r1` follows.
fn by_table() -> [Insn; 3] {
    let gotox =
        Insn { code: opcode::CLASS_JMP | opcode::JA | opcode::X, regs: Regs::new(1, 0), ..Insn::default() };
    let load = Insn { code: opcode::LD_IMM64, regs: Regs::new(1, 0), ..Insn::default() };
    [load, Insn::default(), gotox]
}

/// A program of its own table, after another program, and a function of `.text` that has one, too.
fn file(endian: Endian, entries: [u64; 4]) -> File {
    let mut file = File { endian, ..File::default() };
    let end = [Insn::mov64_imm(0, 0), Insn::exit()];
    let call = Insn {
        code: opcode::CLASS_JMP | opcode::CALL,
        regs: Regs::new(0, opcode::PSEUDO_CALL),
        imm: -1,
        ..Insn::default()
    };
    let text = file.code(".text", &[&end[..], &by_table(), &end].concat());
    let xdp = file.code("xdp", &[&end[..], &[call], &by_table(), &end].concat());
    file.func("other", xdp, 0, 2);
    file.func("prog", xdp, 2, 6);
    file.symbol(Sym { name: "unused", kind: FUNC, bind: LOCAL, section: text, size: 16, ..Sym::default() });
    let sub = file.func("sub", text, 2, 5);
    let bytes: Vec<u8> = entries
        .iter()
        .flat_map(|entry| if endian == Endian::Little { entry.to_le_bytes() } else { entry.to_be_bytes() })
        .collect();
    let tables = file.data(".jumptables", bytes);
    let mut table = |name, value, size| {
        file.symbol(Sym { name, bind: LOCAL, kind: OBJECT, section: tables, value, size, ..Sym::default() })
    };
    let (first, second) = (table("BPF.JT.0.0", 0, 16), table("BPF.JT.1.0", 16, 16));
    file.relocs(".reltext", text, &[(2 * 8, second, IMM64)]);
    file.relocs(".relxdp", xdp, &[(2 * 8, sub, 10), (3 * 8, first, IMM64)]);
    file
}

fn images(file: &File) -> Result<Vec<ProgramImage>, Error> {
    ObjectSpec::parse(&file.build())?.link(&LinkOptions::default())
}

#[test]
fn entries_count_from_the_program() {
    for endian in [Endian::Little, Endian::Big] {
        // The instructions after the jumps, and the ones after these.
        let images = images(&file(endian, [6 * 8, 7 * 8, 5 * 8, 6 * 8])).unwrap();
        assert!(images[0].jump_tables.is_empty() && images[0].fixups.is_empty());
        let prog = &images[1];
        assert_eq!(prog.functions, [("prog".to_owned(), 0), ("sub".to_owned(), 6)]);
        let tables: Vec<Vec<u32>> = prog.jump_tables.iter().map(|table| table.targets().collect()).collect();
        let mut sorted = tables.clone();
        sorted.sort();
        assert_eq!(sorted, [[4, 5], [9, 10]]);
        for (insn, entries) in [(1, [4, 5]), (6, [9, 10])] {
            let fixup = prog.fixups.iter().find(|fixup| fixup.insn == insn).unwrap();
            let FixupKind::JumpTable { table } = fixup.kind else { panic!("{fixup:?}") };
            assert_eq!(tables[table], entries);
            assert_eq!((prog.insns[insn].src(), prog.insns[insn + 1].imm), (opcode::PSEUDO_MAP_VALUE, 0));
        }
        let text: Vec<String> = disassemble(&prog.insns).map(|line| line.to_string()).collect();
        assert!(text.iter().any(|line| line.contains("gotox r1")), "{text:?}");
    }
}

#[test]
fn tables_that_lead_elsewhere() {
    let error = images(&file(Endian::Little, [6 * 8, 8, 5 * 8, 6 * 8])).unwrap_err();
    assert!(
        matches!(error, Error::Link { problem: LinkProblem::JumpTable { target: 1, .. }, .. }),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "program prog: instruction 1 of prog: its jump table leads to instruction 1 of section xdp, outside of the \
         function"
    );
    for entries in [[6 * 8, 7 * 8 + 1, 40, 48], [6 * 8, 1 << 40, 40, 48]] {
        let error = images(&file(Endian::Little, entries)).unwrap_err();
        assert!(error.to_string().starts_with("symbol BPF.JT.0.0: it is no jump table"), "{error}");
    }
}

#[test]
fn tables_without_a_size_or_too_long() {
    let entries = [6 * 8, 7 * 8, 5 * 8, 6 * 8];
    let mut short = file(Endian::Little, entries);
    short.symbols.iter_mut().find(|symbol| symbol.name == "BPF.JT.0.0").unwrap().size = 0;
    let error = images(&short).unwrap_err().to_string();
    assert!(error.contains("no jump table is at offset 0x0 of section .jumptables"), "{error}");
    // Beyond the section, into the next table, half an entry.
    for size in [40, 24, 12] {
        let mut long = file(Endian::Little, entries);
        long.symbols.iter_mut().find(|symbol| symbol.name == "BPF.JT.0.0").unwrap().size = size;
        let error = images(&long).unwrap_err().to_string();
        assert!(error.contains("it is no jump table"), "{size}: {error}");
    }
}
