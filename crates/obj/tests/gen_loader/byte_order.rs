//! Loaders for machines of either byte order.

use oxbpf_obj::{Endian, FixupKind, Insn, LightLoader, LinkOptions, ObjectSpec};

use crate::common::{bytes, spec};
use crate::loader;

#[test]
fn both_orders_do_the_same() {
    let little = loader(&spec("tests/globals.bpf.o"));
    let big = loader(&spec("big_endian/globals.bpf.o"));
    assert_eq!((little.endian, big.endian), (Endian::Little, Endian::Big));
    assert_eq!(little.steps, big.steps);
    let shape = |loader: &LightLoader| -> Vec<_> {
        loader.insns.iter().map(|insn| (insn.code, insn.dst(), insn.src(), insn.off)).collect()
    };
    assert_eq!(shape(&little), shape(&big), "all that differs is where things are in the data");
    assert_ne!(little.encoded(), big.encoded());
    assert_eq!(Insn::decode_all(&big.encoded(), Endian::Big), big.insns);
}

#[test]
fn the_data_have_the_programs() {
    for name in ["tests/globals.bpf.o", "big_endian/globals.bpf.o", "tests/subprogs.bpf.o"] {
        let spec = spec(name);
        programs_of(&spec, &loader(&spec));
    }
}

fn programs_of(spec: &ObjectSpec, loader: &LightLoader) {
    let images = spec.link(&LinkOptions::core_by_kernel()).unwrap();
    assert_eq!(images.len(), loader.programs.len());
    for (index, mut image) in images.into_iter().enumerate() {
        let stored = loader.image(index).unwrap();
        for fixup in &image.fixups {
            let (FixupKind::MapFd { .. } | FixupKind::MapValue { .. }) = fixup.kind else { continue };
            let place = stored.insns[fixup.insn];
            // By place in the table of descriptors, behind that of the types.
            assert!(matches!(place.src(), 5 | 6) && place.imm > 0);
            image.insns[fixup.insn] = place;
        }
        assert_eq!(stored.insns, image.insns);
        assert_eq!((&stored.func_info, &stored.line_info), (&image.func_info, &image.line_info));
    }
    assert_eq!(loader.image(loader.programs.len()), None);
}

#[test]
fn types_are_as_in_the_file() {
    let spec = ObjectSpec::parse(&bytes("big_endian/globals.bpf.o")).unwrap();
    let types = loader(&spec).types().unwrap().unwrap();
    assert_eq!(types.as_bytes(), spec.btf.unwrap().as_bytes());
    assert_eq!(types.endian(), Endian::Big);
}
