//! Objects that clang made: the instructions it uses for what is relocated.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use object::{Object as _, ObjectSection as _, ObjectSymbol as _};
use oxbpf_btf::{Btf, BtfExt, CoreRelo, Endian};
use oxbpf_obj::CoreTarget;
use oxbpf_obj::insn::{Insn, opcode as op};
use oxbpf_obj::relo_core::{Applied, POISON, Relocator};

use crate::decl::Decl;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// Code of one section of an object with its relocations.
struct Code {
    name: String,
    insns: Vec<Insn>,
    relos: Vec<CoreRelo>,
    /// Name, first instruction and the one after the last of each function.
    functions: Vec<(String, usize, usize)>,
}

fn read(path: &Path) -> Option<(Btf, Endian, Vec<Code>)> {
    let data = std::fs::read(path).unwrap();
    let file = object::File::parse(data.as_slice()).unwrap();
    let endian = if file.is_little_endian() { Endian::Little } else { Endian::Big };
    let section = |name: &str| Some(file.section_by_name(name)?.data().unwrap().to_vec());
    let btf = Btf::parse(section(".BTF")?).unwrap();
    let ext = BtfExt::parse(section(".BTF.ext")?, &btf).unwrap();
    let code = ext.core_relos().map(|part| {
        let section = file.section_by_name(part.name).unwrap();
        let functions = file.symbols().filter(|s| s.section_index() == Some(section.index()) && s.size() > 0);
        Code {
            name: part.name.to_owned(),
            insns: Insn::decode_all(section.data().unwrap(), endian),
            relos: part.records.collect(),
            functions: functions
                .map(|s| {
                    let (start, size) = (s.address() as usize / 8, s.size() as usize / 8);
                    (s.name().unwrap().to_owned(), start, start + size)
                })
                .collect(),
        }
    });
    let code = code.collect();
    Some((btf, endian, code))
}

/// Relocates the object; gives what each relocated instruction of a function then has.
fn relocated(path: &str, kernel: &str) -> impl Fn(&str) -> String {
    let (local, _, mut code) = read(&testdata(path)).unwrap();
    let kernel = Decl::new(kernel).builder.build().unwrap();
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let all: Vec<CoreRelo> = code.iter().flat_map(|c| c.relos.clone()).collect();
    let mut relocator = Relocator::new(&local, all, &targets);
    for Code { insns, relos, .. } in &mut code {
        for relo in relos {
            relocator.apply(insns, relo.insn_off as usize / 8, relo).unwrap();
        }
    }
    move |function| {
        let mut out = String::new();
        for Code { insns, relos, functions, .. } in &code {
            let Some((_, start, end)) = functions.iter().find(|(name, ..)| name == function) else {
                continue;
            };
            for at in relos.iter().map(|r| r.insn_off as usize / 8).filter(|at| (*start..*end).contains(at)) {
                write!(out, " {}", show(&insns[at..])).unwrap();
            }
        }
        out.trim_start().to_owned()
    }
}

fn show(insns: &[Insn]) -> String {
    let insn = insns[0];
    let size = ["w", "h", "b", "dw"][usize::from(insn.code >> 3 & 3)];
    match insn.class() {
        op::CLASS_ALU | op::CLASS_ALU64 => insn.imm.to_string(),
        op::CLASS_LDX => format!("{size}@{}", insn.off),
        op::CLASS_ST | op::CLASS_STX => format!("{size}@{}=", insn.off),
        op::CLASS_LD => format!("{:#x}", u64::from(insns[1].imm as u32) << 32 | u64::from(insn.imm as u32)),
        _ if insn == Insn::call_helper(POISON) => "poison".to_owned(),
        _ => format!("{insn:?}"),
    }
}

/// Another version of the types of `core_access.bpf.c`.
const NEWER: &str = "
    struct core_inner { extra: long, first: int, second: u16 }
    typedef core_inner_t = struct core_inner
    enum core_choice { CORE_TWO = 20, CORE_ONE = 10 }
    enum64 core_wide { CORE_WIDE = 0x9876543210 }
    struct core_sample {
        before: u64, pointer: *void, byte: u16, half: u8, word: u64, wide: u32, number: long,
        low: u32 : 5, high: u32 : 9, signed_bits: int, inners: [struct core_inner; 4],
        inner: struct core_inner, deep: u32, grid: [[u32; 3]; 5], tail: [u32; 0] }";

#[test]
fn every_form_of_access_little_endian() {
    let values = relocated("tests/core_access.bpf.o", NEWER);
    assert_eq!(values("loads"), "1 h@16 b@18 dw@24 w@32 poison dw@8");
    assert_eq!(values("stores"), "1 h@16= b@18= dw@24= w@32= poison");
    assert_eq!(values("places"), "1 132 100 136 152 220 424");
    assert_eq!(values("bits"), LITTLE_BITS);
    assert_eq!(values("questions"), QUESTIONS);
}

#[test]
fn every_form_of_access_big_endian() {
    let values = relocated("big_endian/core_access.bpf.o", NEWER);
    assert_eq!(values("loads"), "1 h@16 b@18 dw@24 w@32 poison dw@8");
    assert_eq!(values("stores"), "1 h@16= b@18= dw@24= w@32= poison");
    assert_eq!(values("places"), "1 132 100 136 152 220 424");
    assert_eq!(values("bits"), BIG_BITS);
    assert_eq!(values("questions"), QUESTIONS);
}

/// Existence of the struct; then for each of four fields: offset, size, left shift, sign, right shift twice.
const LITTLE_BITS: &str = "1 48 4 59 0 59 59 48 4 50 0 55 55 52 4 32 1 32 32 24 8 0 0 0 0";
const BIG_BITS: &str = "1 48 4 32 0 59 59 48 4 37 0 55 55 52 4 32 1 32 32 24 8 0 0 0 0";
const QUESTIONS: &str = "1 1 64 16 1 0x14 0x9876543210 0x1 1";

#[test]
fn against_its_own_types_an_object_stays_as_it_is() {
    let mut sites = 0;
    for dir in ["", "tests", "big_endian"] {
        for entry in std::fs::read_dir(testdata(dir)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|e| e != "o") {
                continue;
            }
            let Some((btf, _, code)) = read(&path) else { continue };
            let targets = [CoreTarget { name: "itself", btf: &btf }];
            let all: Vec<CoreRelo> = code.iter().flat_map(|c| c.relos.clone()).collect();
            let mut relocator = Relocator::new(&btf, all, &targets);
            for Code { name, insns, relos, .. } in &code {
                let mut after = insns.clone();
                for relo in relos {
                    let applied = relocator.apply(&mut after, relo.insn_off as usize / 8, relo);
                    let applied = applied.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                    assert_eq!(applied, Applied::Patched, "{}", path.display());
                    sites += 1;
                }
                // Left shifts and bytes of bit fields, where clang chose other loads, are the exception.
                if !path.ends_with("core_access.bpf.o") && !path.ends_with("core_kinds.bpf.o") {
                    assert_eq!(&after, insns, "{} {name}", path.display());
                }
            }
        }
    }
    assert!(sites > 100, "{sites}");
}
