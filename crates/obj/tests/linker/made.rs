//! Files made by hand: what compilers do not make, or not as often.

use oxbpf_obj::{Endian, Insn, StaticLinker};

use crate::common::elf::{
    EXEC, FUNC, File, GLOBAL, LOCAL, NOBITS, NOTYPE, PROGBITS, SECTION, STRTAB, Sec, Sym,
};

/// What is said of a file.
fn refused(file: &File) -> String {
    StaticLinker::new().add("file", &file.build()).unwrap_err().to_string()
}

fn linked(files: &[File]) -> Vec<u8> {
    let mut linker = StaticLinker::new();
    for (file, name) in files.iter().zip(["first", "second", "third"]) {
        linker.add(name, &file.build()).unwrap();
    }
    linker.finish().unwrap()
}

/// A program that calls a function of its own, by the section's symbol.
fn calls_by_section(endian: Endian, name: &'static str) -> File {
    let mut file = File { endian, ..File::default() };
    let text =
        file.code(".text", &[Insn::mov64_imm(0, 0), Insn::exit(), Insn::mov64_imm(0, 1), Insn::exit()]);
    // To instruction 2 of .text: counted from the slot behind the call.
    let call = Insn::call_helper(1).with_src(1);
    let xdp = file.code("xdp", &[call, Insn::exit()]);
    let (value, size) = (0, 16);
    let section = file.symbol(Sym { kind: SECTION, bind: LOCAL, section: text, ..Sym::default() });
    file.symbol(Sym { name: "a", kind: FUNC, bind: LOCAL, section: text, value, size, ..Sym::default() });
    file.symbol(Sym { name: "b", kind: FUNC, bind: LOCAL, section: text, value: 16, size, ..Sym::default() });
    file.symbol(Sym { name, kind: FUNC, bind: LOCAL, section: xdp, value, size, ..Sym::default() });
    file.relocs(".relxdp", xdp, &[(0, section, 10)]);
    file
}

#[test]
fn calls_by_section_count_from_where_the_part_starts() {
    use object::{Object as _, ObjectSection as _};
    for endian in [Endian::Little, Endian::Big] {
        let file = linked(&[calls_by_section(endian, "p"), calls_by_section(endian, "q")]);
        let file = object::File::parse(&*file).unwrap();
        let xdp = file.section_by_name("xdp").unwrap();
        let insns = Insn::decode_all(xdp.data().unwrap(), endian);
        assert_eq!(insns.iter().map(|insn| insn.imm).collect::<Vec<_>>(), [1, 0, 1 + 4, 0]);
        let relocs: Vec<u64> = xdp.relocations().map(|(at, _)| at).collect();
        assert_eq!(relocs, [0, 16]);
    }
}

#[test]
fn parts_are_aligned() {
    use object::{Object as _, ObjectSection as _};
    let mut file = File::default();
    file.data(".data", [1, 2, 3]);
    file.section(Sec { name: ".bss", kind: NOBITS, size: Some(5), ..Sec::default() });
    let file = linked(&[file.clone(), file]);
    let file = object::File::parse(&*file).unwrap();
    assert_eq!(file.section_by_name(".data").unwrap().data().unwrap(), [1, 2, 3, 0, 0, 0, 0, 0, 1, 2, 3]);
    assert_eq!(file.section_by_name(".bss").unwrap().size(), 8 + 5);
}

#[test]
fn sections_have_to_be_alike() {
    let mut linker = StaticLinker::new();
    let mut first = File::default();
    first.data("things", [0; 8]);
    linker.add("first", &first.build()).unwrap();
    let mut second = File::default();
    second.section(Sec { name: "things", kind: PROGBITS, flags: 3, data: vec![0; 8], ..Sec::default() });
    let error = linker.add("second", &second.build()).unwrap_err().to_string();
    assert_eq!(error, "second: section things: its flags is 0x3, but 0x0 in first");
}

#[test]
fn globals_need_types() {
    let text = "file: symbol prog: its type is not known: the object has no BTF about it (compile with -g)";
    assert_eq!(refused(&File::minimal()), text);
}

#[test]
fn what_is_wrong_is_named() {
    let with = |change: &dyn Fn(&mut File)| {
        let mut file = File::default();
        file.data(".data", [0; 16]);
        change(&mut file);
        refused(&file)
    };
    let section = |sec: Sec| {
        with(&|file| {
            file.section(sec.clone());
        })
    };
    assert_eq!(
        section(Sec { name: "group", kind: 17, ..Sec::default() }),
        "file: section group: type 0x11 is not known"
    );
    assert_eq!(section(Sec { kind: PROGBITS, ..Sec::default() }), "file: section #2: it has no name");
    let code = Sec { name: "xdp", kind: PROGBITS, flags: EXEC, data: vec![0; 12], ..Sec::default() };
    assert_eq!(section(code), "file: section xdp: 12 bytes of code are no whole number of instructions");
    // Strings of whatever kind are not data.
    let mut file = File::default();
    file.section(Sec { name: "more", kind: STRTAB, data: vec![0; 12], ..Sec::default() });
    assert!(StaticLinker::new().add("file", &file.build()).is_ok());

    let symbol = |sym: Sym| {
        with(&|file| {
            file.symbol(sym.clone());
        })
    };
    let local = Sym { name: "s", section: 1, ..Sym::default() };
    assert_eq!(symbol(Sym { bind: 10, ..local.clone() }), "file: symbol s: binding 10 is not known");
    assert_eq!(
        symbol(Sym { other: 3, ..local.clone() }),
        "file: symbol s: visibility 3 is not known; it can be default, hidden or internal"
    );
    assert_eq!(
        symbol(Sym { section: 77, ..local.clone() }),
        "file: symbol s: it is in section #77, which is not there"
    );
    assert_eq!(
        symbol(Sym { section: 0, ..local.clone() }),
        "file: symbol s: it is undefined, but has a type, a value or a size, or is local"
    );
    assert_eq!(
        symbol(Sym { kind: SECTION, value: 8, ..local.clone() }),
        "file: symbol s: it stands for a section, but not for its start"
    );
    assert_eq!(
        symbol(Sym { bind: GLOBAL, kind: NOTYPE, section: 0, ..local.clone() }),
        "file: symbol s: its type is not known: the object has no BTF about it (compile with -g)"
    );

    let reloc = |name: &'static str, target: u16, reloc: (u64, u32, u32)| {
        with(&|file| {
            file.symbol(local.clone());
            file.symbol(Sym { kind: SECTION, ..local.clone() });
            file.relocs(name, target, &[reloc]);
        })
    };
    let wrong = "file: section .relfoo: it relocates section #1, which is not there, has another name, or cannot be \
                 relocated";
    assert_eq!(reloc(".relfoo", 1, (0, 1, 2)), wrong);
    let at =
        |offset: u64, text: &str| format!("file: section .data: relocation at {offset:#x} against {text}");
    assert_eq!(reloc(".rel.data", 1, (0, 1, 9)), at(0, "s: type 9 is not known"));
    assert_eq!(reloc(".rel.data", 1, (0, 7, 2)), at(0, "?: there is no such symbol"));
    assert_eq!(reloc(".rel.data", 1, (13, 1, 2)), at(13, "s: there is no instruction or data to relocate"));
    assert_eq!(
        reloc(".rel.data", 1, (0, 2, 2)),
        at(0, "s: data can refer to variables and functions by name, not to a section")
    );
}
