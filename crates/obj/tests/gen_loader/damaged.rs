//! Files that are damaged: a loader is made, or an error says why not.

use crate::common::{bytes, objects};
use crate::loader_walk;

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
