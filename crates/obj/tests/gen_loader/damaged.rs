//! Files that are damaged: a loader is made, or an error says why not.

use crate::common::{bytes, objects, spec};
use crate::{loader, loader_walk};

#[test]
fn every_object() {
    for path in objects() {
        loader_walk::object(&std::fs::read(path).unwrap());
    }
}

#[test]
fn single_bits_flipped() {
    for object in ["tests/inner_maps.bpf.o", "tests/externs.bpf.o", "big_endian/globals.bpf.o"] {
        let mut all = bytes(object);
        // A prime step: all bytes and all bits have their turn.
        for bit in (0..all.len() * 8).step_by(101) {
            all[bit / 8] ^= 1 << (bit % 8);
            loader_walk::object(&all);
            all[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// One map or program more or less: other places in the context.
#[test]
fn a_description_of_another_loader() {
    for name in ["execsnoop.bpf.o", "tests/inner_maps.bpf.o", "tests/globals.bpf.o"] {
        let whole = loader(&spec(name));
        assert!(whole.is_consistent(), "{name}");
        let mut other = whole.clone();
        other.maps.pop();
        assert!(!other.is_consistent(), "{name}: a map less");
        let mut other = whole.clone();
        other.maps.extend(whole.maps.first().cloned());
        assert!(!other.is_consistent(), "{name}: a map more");
        let mut other = whole.clone();
        other.programs.pop();
        assert!(!other.is_consistent(), "{name}: a program less");
        let mut other = whole.clone();
        other.programs.extend(whole.programs.first().cloned());
        assert!(!other.is_consistent(), "{name}: a program more");
        let mut other = whole.clone();
        if let Some(initial) = other.maps.iter_mut().find_map(|map| map.initial.as_mut()) {
            initial.end -= 1;
            assert!(!other.is_consistent(), "{name}: a shorter value");
        }
        let mut other = whole.clone();
        other.insns.clear();
        assert!(!other.is_consistent(), "{name}: no instructions");
    }
}
