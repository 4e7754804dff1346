//! BTF made to take for ever, or all memory.

use std::time::{Duration, Instant};

use oxbpf_btf::{Btf, BtfBuilder, DedupOptions, Endian, Error, Field, IntEncoding, Kind, TypeId};

use crate::common::{info, raw};
use crate::dedup;

#[test]
fn chains_as_long_as_the_file() {
    const LEN: u32 = 200_000;
    let mut b = BtfBuilder::new();
    // From the last to the first, so that the first waits for all others.
    for n in 1..LEN {
        b.add_ptr(TypeId(n + 1)).unwrap();
    }
    b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let (btf, _) = dedup(&mut b);
    assert_eq!(btf.types().count(), LEN as usize);

    // The same inside structs, which are compared as a whole.
    let mut b = BtfBuilder::new();
    for _ in 0..2 {
        let first = b.end_id().0;
        for n in 0..50_000 {
            b.add_struct("s", 4 + n, [Field::new("next", TypeId(first + n + 1), 0)]).unwrap();
        }
        b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    }
    let (btf, _) = dedup(&mut b);
    assert_eq!(btf.types().count(), 50_001);
}

#[test]
fn strings_that_are_the_ends_of_others() {
    // Each type's name is one byte shorter than the one before; apart they would take 20 GB.
    const LEN: u32 = 200_000;
    let mut strs = vec![b'a'; LEN as usize + 1];
    strs[0] = 0;
    strs.push(0);
    let types: Vec<u32> = (1..LEN).flat_map(|off| [off, info(Kind::Fwd, 0, false), 0]).collect();
    let btf = Btf::parse(raw(Endian::NATIVE, &types, &strs)).unwrap();
    let start = Instant::now();
    let refused = btf.dedup(DedupOptions::default()).map(drop);
    assert!(matches!(refused, Err(Error::TooMuchWork { .. })), "{refused:?}");
    let mut b = BtfBuilder::new();
    let refused = b.add_btf(&btf);
    assert!(matches!(refused, Err(Error::TooMuchWork { .. })), "{refused:?}");
    assert_eq!(b.end_id(), TypeId(1));
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn structs_that_each_have_the_next_one_twice() {
    let mut b = BtfBuilder::new();
    // Two trees of depth 40 that are told apart at the bottom, both reached from one struct by one type.
    let mut roots = Vec::new();
    for size in [4, 8] {
        let mut last = b.add_int(if size == 4 { "int" } else { "long" }, size, IntEncoding::SIGNED).unwrap();
        for _ in 0..40 {
            let fields = ["a", "b", "c", "d"].map(|name| Field::new(name, last, 0));
            last = b.add_struct("level", 64, fields).unwrap();
        }
        roots.push(last);
    }
    for pair in [[roots[0], roots[0]], [roots[0], roots[1]]] {
        b.add_struct("top", 64, [Field::new("x", pair[0], 0), Field::new("y", pair[1], 0)]).unwrap();
    }
    let start = Instant::now();
    let (btf, _) = dedup(&mut b);
    assert_eq!(btf.find_all("top").count(), 2);
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn thousands_of_structs_that_look_alike() {
    let mut b = BtfBuilder::new();
    for n in 0..4000 {
        let int = b.add_int(&format!("i{n}"), 4, IntEncoding::SIGNED).unwrap();
        let ptr = b.add_ptr(int).unwrap();
        b.add_union("", 8, [Field::new("value", ptr, 0), Field::new("bytes", int, 0)]).unwrap();
    }
    let start = Instant::now();
    let (btf, _) = dedup(&mut b);
    assert_eq!(btf.types().count(), 12_000);
    assert!(start.elapsed() < Duration::from_secs(10));
}
