//! Tables of indirect jumps (clang 22 and later): moved with the functions that have them.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

mod common;

use common::elf::File;
use oxbpf_obj::insn::{disassemble, opcode};
use oxbpf_obj::{Endian, Error, FixupKind, LinkOptions, LinkProblem, ObjectSpec, ProgramImage};

fn images(file: &File) -> Result<Vec<ProgramImage>, Error> {
    ObjectSpec::parse(&file.build())?.link(&LinkOptions::default())
}

#[test]
fn entries_count_from_the_program() {
    for endian in [Endian::Little, Endian::Big] {
        // The instructions after the jumps, and the ones after these.
        let images = images(&File::jump_tables(endian, [6 * 8, 7 * 8, 5 * 8, 6 * 8])).unwrap();
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
    let error = images(&File::jump_tables(Endian::Little, [6 * 8, 8, 5 * 8, 6 * 8])).unwrap_err();
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
        let error = images(&File::jump_tables(Endian::Little, entries)).unwrap_err();
        assert!(error.to_string().starts_with("symbol BPF.JT.0.0: it is no jump table"), "{error}");
    }
}

#[test]
fn tables_without_a_size_or_too_long() {
    let entries = [6 * 8, 7 * 8, 5 * 8, 6 * 8];
    let mut short = File::jump_tables(Endian::Little, entries);
    short.symbols.iter_mut().find(|symbol| symbol.name == "BPF.JT.0.0").unwrap().size = 0;
    let error = images(&short).unwrap_err().to_string();
    assert!(error.contains("no jump table is at offset 0x0 of section .jumptables"), "{error}");
    // Beyond the section, into the next table, half an entry.
    for size in [40, 24, 12] {
        let mut long = File::jump_tables(Endian::Little, entries);
        long.symbols.iter_mut().find(|symbol| symbol.name == "BPF.JT.0.0").unwrap().size = size;
        let error = images(&long).unwrap_err().to_string();
        assert!(error.contains("it is no jump table"), "{size}: {error}");
    }
}
