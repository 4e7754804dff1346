//! Input that no compiler makes: errors, never a panic, and never a wait.

use std::time::{Duration, Instant};

use oxbpf_btf::{Btf, BtfBuilder, CoreRelo, Endian, Field, IntEncoding, TypeId};
use oxbpf_obj::CoreTarget;
use oxbpf_obj::insn::Insn;
use oxbpf_obj::relo_core::{Problem, Relocator, describe};

use crate::decl::Decl;
use crate::run::{
    Got::{self, Error},
    K, Object, load, relocate, target,
};

#[test]
fn access_strings() {
    let types = "struct s { a: int, b: [int; 2] }";
    let one = |access: &str| relocate(types, types, K::FieldByteOffset, "struct s", access, 0);
    for access in ["", ":", "0:", ":0", "0::1", "-1", "0:x", "x", "4294967296", " 0", "0 "] {
        assert_eq!(one(access), Error(Problem::BadAccessString { text: access.to_owned() }), "{access:?}");
    }
    assert!(matches!(one("0:2"), Error(Problem::NoSuchEntry { what: "member", index: 2, len: 2, .. })));
    assert!(matches!(one("0:4294967295"), Error(Problem::NoSuchEntry { what: "member", .. })));
    assert!(matches!(one("0:0:0"), Error(Problem::NotAggregate { .. })));
    assert!(matches!(one("0:1:2"), Error(Problem::NoSuchEntry { what: "element", index: 2, len: 2, .. })));
    assert_eq!(one(&vec!["0"; 65].join(":")), Error(Problem::TooDeep));
    // Past what 64 bits can say: 2^31 structs of almost 2^32 bytes, in bits.
    let mut builder = BtfBuilder::new();
    builder.add_struct("s", u32::MAX, []).unwrap();
    let mut local = builder.clone();
    let access_str_off = local.add_str("2147483647").unwrap();
    let (local, kernel) = (local.build().unwrap(), builder.build().unwrap());
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let relo = CoreRelo { insn_off: 0, ty: TypeId(1), access_str_off, kind: K::FieldByteOffset };
    let error = Relocator::new(&local, [relo], &targets).apply(&mut load(0), 0, &relo).unwrap_err();
    assert_eq!(error.problem, Problem::Overflow);
}

#[test]
fn numbers_that_the_btf_does_not_have() {
    let object = Object::new("struct s { a: int }").relo(K::FieldExists, "struct s", "0");
    let local = object.btf();
    let kernel = target("struct s { a: int }");
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let good = object.relos()[0];
    for kind in K::ALL {
        for bad in [
            CoreRelo { ty: TypeId(1000), kind, ..good },
            CoreRelo { ty: TypeId(u32::MAX), kind, ..good },
            CoreRelo { access_str_off: u32::MAX, kind, ..good },
        ] {
            let mut relocator = Relocator::new(&local, [bad], &targets);
            let error = relocator.apply(&mut load(0), 0, &bad).unwrap_err();
            assert!(matches!(error.problem, Problem::Btf(_)), "{kind}: {error}");
            assert!(!describe(&local, &bad).is_empty());
        }
        let void = CoreRelo { ty: TypeId::VOID, kind, ..good };
        let mut relocator = Relocator::new(&local, [void], &targets);
        assert_eq!(relocator.apply(&mut load(0), 0, &void).is_ok(), kind == K::TypeIdLocal, "{kind}");
    }
}

#[test]
fn descriptions_of_what_can_and_cannot_be_relocated() {
    let types =
        "struct s { a: [struct { x: int, _: union { y: int } }; 3] } enum e { A, B } typedef t = struct s
        struct m___f { a: int }";
    for (kind, root, access, expected) in [
        (K::FieldByteOffset, "struct s", "0:0:2:1:0", "byte_off of struct s.a[2].y (0:0:2:1:0)"),
        (K::FieldByteSize, "struct s", "3", "byte_sz of struct s[3] (3)"),
        (K::FieldExists, "struct s", "4294967295:0", "field_exists of struct s[-1].a (4294967295:0)"),
        (K::FieldSigned, "t", "0:0", "signed of typedef t.a (0:0)"),
        (K::FieldLshiftU64, "struct m___f", "0:0", "lshift_u64 of struct m___f.a (0:0)"),
        (K::EnumvalValue, "enum e", "1", "enumval_value of enum e::B (1)"),
        (K::EnumvalExists, "enum e", "7", "enumval_exists of enum e (7)"),
        (K::TypeSize, "struct s", "0", "type_size of struct s"),
        (K::FieldByteOffset, "struct s", "0:9", "byte_off of struct s (0:9)"),
        (K::FieldRshiftU64, "struct s", "nonsense", "rshift_u64 of struct s (nonsense)"),
    ] {
        let object = Object::new(types).relo(kind, root, access);
        assert_eq!(describe(&object.btf(), &object.relos()[0]), expected);
    }
}

/// Structs inside structs: `depth` levels of two anonymous members each, so 2^depth ways down.
fn entangled(depth: usize, innermost: &str) -> Btf {
    let mut builder = BtfBuilder::new();
    let int = builder.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let mut inner = builder.add_struct("", 4, [Field::new(innermost, int, 0)]).unwrap();
    for level in 1..=depth {
        let name = if level == depth { "s" } else { "" };
        let fields = [Field::new("", inner, 0), Field::new("", inner, 0)];
        inner = builder.add_struct(name, 4, fields).unwrap();
    }
    builder.build().unwrap()
}

#[test]
fn ways_down_without_number() {
    let kernel = entangled(60, "other");
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let object = Object::new("struct s { f: int }").relo(K::FieldExists, "struct s", "0:0");
    let got = object.against(&targets, &[1]).remove(0);
    let Error(Problem::Candidate { problem, .. }) = got else { panic!("{got:?}") };
    assert_eq!(*problem, Problem::TooMuchWork);
}

#[test]
fn comparisons_without_number() {
    let (here, there) = (entangled(30, "a"), entangled(30, "b"));
    let targets = [CoreTarget { name: "vmlinux", btf: &there }];
    let mut builder = BtfBuilder::from(&here);
    let access_str_off = builder.add_str("0").unwrap();
    let local = builder.build().unwrap();
    let ty = local.find("s", oxbpf_btf::Kind::Struct).unwrap();
    let relo = CoreRelo { insn_off: 0, ty, access_str_off, kind: K::TypeMatches };
    let error = Relocator::new(&local, [relo], &targets).apply(&mut load(1), 0, &relo).unwrap_err();
    let Problem::Candidate { problem, .. } = error.problem else { panic!("{error}") };
    assert_eq!(*problem, Problem::TooMuchWork);
}

#[test]
fn nesting_beyond_reason() {
    let nested = |depth: usize| {
        let mut text = "int".to_owned();
        for _ in 0..depth {
            text = format!("*fn({text})");
        }
        format!("typedef t = {text}")
    };
    let one = |depth: usize, kind| relocate(&nested(depth), &nested(depth), kind, "t", "0", 1);
    for kind in [K::TypeExists, K::TypeMatches] {
        assert_eq!(one(20, kind), Got::Value(1), "{kind}");
        match one(40, kind) {
            Error(Problem::Candidate { problem, .. }) => assert_eq!(*problem, Problem::TooDeep, "{kind}"),
            other => panic!("{kind}: {other:?}"),
        }
    }
    let pointers = |depth: usize| format!("typedef t = {}int", "*".repeat(depth));
    let one = |depth: usize| relocate(&pointers(depth), &pointers(depth), K::TypeExists, "t", "0", 1);
    assert_eq!(one(31), Got::Value(1));
    assert!(matches!(one(32), Error(Problem::Candidate { .. })));
}

/// BTF whose type `t` goes round in a circle.
fn circle(make: impl FnOnce(&mut BtfBuilder) -> TypeId, access: &str) -> (Btf, CoreRelo) {
    let mut builder = BtfBuilder::new();
    let ty = make(&mut builder);
    let access_str_off = builder.add_str(access).unwrap();
    let relo = CoreRelo { insn_off: 0, ty, access_str_off, kind: K::FieldExists };
    (Btf::parse(builder.to_vec(Endian::NATIVE).unwrap()).unwrap(), relo)
}

#[test]
fn circles() {
    let circles: [(Btf, CoreRelo); 5] = [
        // A typedef of itself.
        circle(
            |b| {
                let id = b.end_id();
                b.add_typedef("t", id).unwrap()
            },
            "0",
        ),
        // A typedef of const of itself.
        circle(
            |b| {
                let konst = TypeId(b.end_id().0 + 1);
                let id = b.add_typedef("t", konst).unwrap();
                b.add_const(id).unwrap();
                id
            },
            "0:0",
        ),
        // An array of itself, under a name.
        circle(
            |b| {
                let array = TypeId(b.end_id().0 + 1);
                let id = b.add_typedef("t", array).unwrap();
                b.add_array(id, id, 1).unwrap();
                id
            },
            "0:0:0",
        ),
        // A struct in itself, without a name for the member.
        circle(
            |b| {
                let id = b.end_id();
                b.add_struct("t", 4, [Field::new("", id, 0), Field::new("f", id, 0)]).unwrap()
            },
            "0:1:1:1",
        ),
        // A pointer to a function that takes and returns it.
        circle(
            |b| {
                let pointer = TypeId(b.end_id().0 + 1);
                let id = b.add_typedef("t", pointer).unwrap();
                let proto = TypeId(pointer.0 + 1);
                b.add_ptr(proto).unwrap();
                b.add_func_proto(id, [("", id), ("", id)]).unwrap();
                id
            },
            "0",
        ),
    ];
    for (btf, relo) in &circles {
        for (target, _) in &circles {
            let targets = [CoreTarget { name: "vmlinux", btf: target }];
            for kind in K::ALL {
                let relo = CoreRelo { kind, ..*relo };
                // An answer or an error, in reasonable time.
                let _ = Relocator::new(btf, [relo], &targets).apply(&mut load(1), 0, &relo);
                assert!(!describe(btf, &relo).is_empty());
            }
        }
    }
}

/// Names of 128 KiB, and thousands of types, members and enumerators that have them: none is looked through, and what
/// is said of them has a length that people read.
#[test]
fn names_without_end() {
    let start = Instant::now();
    let long = |last: char| format!("e{}{last}", "_x".repeat(1 << 16));
    let mut builder = BtfBuilder::new();
    let int = builder.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let [s, m, e] = ['s', 'm', 'e'].map(long);
    for _ in 0..400 {
        builder.add_struct(&s, 4, [Field::new("f", int, 0)]).unwrap();
    }
    builder.add_struct("e_", 4, (0..400).map(|_| Field::new(&m, int, 0))).unwrap();
    let id = builder.add_enum("e_", 4, false, (0..400).map(|i| (e.as_str(), i))).unwrap();
    let kernel = builder.build().unwrap();
    let mut local = BtfBuilder::from(&kernel);
    let relos: Vec<_> = [
        (K::TypeExists, "e_", "0"),
        (K::TypeMatches, "e_", "0"),
        (K::FieldExists, "e_", "0:399"),
        (K::FieldByteOffset, "e_", &long('a')),
        (K::FieldByteOffset, "e_", &"0".repeat(1 << 20)),
        (K::TypeSize, "e_", &long('t')),
    ]
    .into_iter()
    .map(|(kind, _, access)| (TypeId(id.0 - 1), kind, access.to_owned()))
    .chain((0..400).map(|i| (id, K::EnumvalExists, i.to_string())))
    .map(|(ty, kind, access)| CoreRelo {
        insn_off: 0,
        ty,
        access_str_off: local.add_str(&access).unwrap(),
        kind,
    })
    .collect();
    let local = local.build().unwrap();
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let mut relocator = Relocator::new(&local, relos.iter().copied(), &targets);
    for relo in &relos {
        let text = match relocator.apply(&mut load(1), 0, relo) {
            Ok(applied) => format!("{applied:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(text.len() < 8 << 10 && describe(&local, relo).len() < 1 << 10, "{}", text.len());
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

/// A small generator: the same numbers each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

#[test]
fn damaged_types_give_errors_or_answers() {
    const TYPES: &str = "struct in { x: int, y: [u16; 5] } enum e { A, B = 7 } enum64 w { C = 0x1234567890 }
        union u { p: *struct s, q: long } typedef fun = *fn(int, *struct in) -> enum e
        struct s { a: int : 3, b: u32 : 9, i: struct in, _: union { z: char, _: struct { deep: [struct in; 2] } },
            u: union u, f: fun, e: enum e, w: enum w, last: [struct in; 0] } typedef t = const struct s";
    const ACCESSES: [&str; 14] = [
        "0",
        "1",
        "0:0",
        "0:1",
        "0:2:1:4",
        "0:3:0",
        "0:3:1:0:1:0",
        "0:4:1",
        "0:5",
        "0:6",
        "0:7",
        "0:8:3:0",
        "4294967295:2",
        "0:2:1",
    ];
    let mut decl = Decl::new(TYPES);
    let mut relos = Vec::new();
    for root in ["struct s", "struct in", "enum e", "enum w", "union u", "fun", "t"] {
        for access in ACCESSES {
            let access_str_off = decl.builder.add_str(access).unwrap();
            for kind in K::ALL {
                relos.push(CoreRelo { insn_off: 0, ty: decl.id(root), access_str_off, kind });
            }
        }
    }
    let good = decl.builder.to_vec(Endian::NATIVE).unwrap();
    let whole = Btf::parse(good.clone()).unwrap();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut taken, mut answers) = (0, 0);
    for _ in 0..400 {
        let mut bad = good.clone();
        for _ in 0..=random.below(4) {
            let at = 24 + random.below(bad.len() - 24);
            bad[at] = match random.below(3) {
                0 => random.next() as u8,
                1 => bad[at] ^ 1 << random.below(8),
                _ => bad[random.below(good.len() - 24) + 24],
            };
        }
        let Ok(bad) = Btf::parse(bad) else { continue };
        taken += 1;
        for (local, kernel) in [(&bad, &whole), (&whole, &bad), (&bad, &bad)] {
            let targets = [CoreTarget { name: "vmlinux", btf: kernel }];
            let mut relocator = Relocator::new(local, relos.iter().copied(), &targets);
            for relo in &relos {
                let mut insns = [Insn::mov64_imm(1, 0), Insn::exit()];
                answers += u32::from(relocator.apply(&mut insns, 0, relo).is_ok());
            }
        }
    }
    // Otherwise this tests the parser.
    assert!(taken > 100 && answers > 1000, "{taken} {answers}");
}
