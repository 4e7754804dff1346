//! The instructions.

use std::fmt::Write;

use oxbpf_obj::insn::{disassemble, opcode};
use oxbpf_obj::{Error, LightOptions};

use crate::common::{objects, spec};
use crate::loader;

#[test]
fn a_loader_as_text() {
    let loader = loader(&spec("tests/weak_externs.bpf.o"));
    let mut text = String::new();
    for step in &loader.steps {
        writeln!(text, "{step:?}").unwrap();
    }
    for map in &loader.maps {
        writeln!(text, "{map:?}").unwrap();
    }
    for program in &loader.programs {
        writeln!(text, "{program:?}").unwrap();
    }
    for line in disassemble(&loader.insns) {
        writeln!(text, "{line}").unwrap();
    }
    insta::assert_snapshot!("weak_externs", text);
}

#[test]
fn the_same_object_gives_the_same_loader() {
    for path in objects() {
        let bytes = std::fs::read(&path).unwrap();
        let make = || {
            let spec = oxbpf_obj::ObjectSpec::parse_named("same", &bytes).unwrap();
            let mut options = LightOptions::default();
            options.kconfig = Some(&[]);
            options.check_hash = true;
            spec.light_loader(&options)
        };
        match (make(), make()) {
            (Ok(first), Ok(second)) => assert_eq!(first, second, "{}", path.display()),
            (Err(first), Err(second)) => {
                assert!(matches!(first, Error::Light { .. }), "{first}");
                assert_eq!(first.to_string(), second.to_string());
            }
            (first, second) => panic!("{first:?} and {second:?}"),
        }
    }
}

/// All jumps lead to instructions, and all addresses are in the data.
#[test]
fn it_stays_inside() {
    for name in ["execsnoop.bpf.o", "tests/inner_maps.bpf.o", "tests/externs.bpf.o", "tests/map_kinds.bpf.o"]
    {
        let loader = loader(&spec(name));
        let mut second = false;
        for (at, insn) in loader.insns.iter().enumerate() {
            let to = at as i64 + 1 + i64::from(insn.off);
            let is_jump = matches!(insn.class(), opcode::CLASS_JMP | opcode::CLASS_JMP32) && !insn.is_call();
            if is_jump && !second && insn.code != opcode::CLASS_JMP | opcode::EXIT {
                assert!((0..loader.insns.len() as i64).contains(&to), "{name}: {at}");
            }
            if insn.is_ldimm64() && insn.src() == opcode::PSEUDO_MAP_IDX_VALUE {
                assert!((loader.insns[at + 1].imm as usize) < loader.data.len(), "{name}: {at}");
            }
            second = insn.is_ldimm64();
        }
        assert_eq!(loader.data.len() % 8, 0);
    }
}

#[test]
fn relocations_are_left_to_the_kernel() {
    let spec = spec("schedlat.bpf.o");
    let images = spec.link(&oxbpf_obj::LinkOptions::core_by_kernel()).unwrap();
    let relos: usize = images.iter().map(|image| image.core_relos.len()).sum();
    assert!(relos > 0);
    for image in &images {
        assert!(image.core_relos.iter().all(|relo| (relo.insn_off as usize) < image.insns.len()));
        assert!(image.poisoned.is_empty());
    }
    loader(&spec);
}
