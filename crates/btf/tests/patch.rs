//! Numbers changed in place.
#![allow(clippy::unwrap_used, reason = "tests")]

use oxbpf_btf::{Btf, BtfBuilder, Endian, IntEncoding, Kind, SecVar, TypeId};

/// A section with two variables and a function.
fn sample(endian: Endian) -> Btf {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let vars = ["a", "b"].map(|name| b.add_var(name, int, 1).unwrap());
    b.add_datasec(".bss", 0, vars.map(|ty| SecVar { ty, offset: 0, size: 4 })).unwrap();
    let proto = b.add_func_proto(int, []).unwrap();
    b.add_func("f", 1, proto).unwrap();
    b.build_as(endian).unwrap()
}

fn find(btf: &Btf, name: &str, kind: Kind) -> TypeId {
    btf.find(name, kind).unwrap()
}

#[test]
fn what_is_set_is_there_and_clones_stay() {
    for endian in [Endian::Little, Endian::Big] {
        let before = sample(endian);
        let mut btf = before.clone();
        let (bss, a) = (find(&btf, ".bss", Kind::Datasec), find(&btf, "a", Kind::Var));
        let (b, f) = (find(&btf, "b", Kind::Var), find(&btf, "f", Kind::Func));
        let vars = [SecVar { ty: b, offset: 0, size: 4 }, SecVar { ty: a, offset: 4, size: 4 }];
        btf.set_datasec_size(bss, 8).unwrap();
        btf.set_datasec_vars(bss, &vars).unwrap();
        btf.set_linkage(a, 0).unwrap();
        btf.set_linkage(f, 0).unwrap();

        // What is read from the bytes is the same as what is read in place.
        for btf in [btf.clone(), Btf::parse(btf.as_bytes()).unwrap()] {
            assert_eq!(btf.endian(), endian);
            let section = btf.get(bss).unwrap();
            assert_eq!((section.size(), section.variables().collect::<Vec<_>>()), (Some(8), vars.to_vec()));
            assert_eq!(btf.get(a).unwrap().linkage(), Some(0));
            assert_eq!(btf.get(b).unwrap().linkage(), Some(1));
            assert_eq!(btf.get(f).unwrap().linkage(), Some(0));
        }
        assert_eq!(before.as_bytes(), sample(endian).as_bytes());
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut btf = sample(Endian::NATIVE);
    let (bss, int) = (find(&btf, ".bss", Kind::Datasec), find(&btf, "int", Kind::Int));
    let var = SecVar { ty: find(&btf, "a", Kind::Var), offset: 0, size: 4 };
    let errors = [
        btf.set_datasec_size(int, 8),
        btf.set_datasec_size(TypeId(99), 8),
        btf.set_datasec_vars(bss, &[var; 3]),
        btf.set_datasec_vars(bss, &[var, SecVar { ty: int, ..var }]),
        btf.set_datasec_vars(bss, &[var, SecVar { ty: TypeId(99), ..var }]),
        btf.set_linkage(int, 1),
        btf.set_linkage(var.ty, 3),
        btf.set_linkage(TypeId(0), 1),
    ];
    let texts = errors.map(|error| error.unwrap_err().to_string());
    assert_eq!(
        texts,
        [
            "type [1] INT 'int': is not a section",
            "no type [99]: the BTF has types up to [6]",
            "type [4] DATASEC '.bss': has no entry 2: it has 2",
            "type [1] INT 'int': is not a variable or function",
            "no type [99]: the BTF has types up to [6]",
            "type [1] INT 'int': is not a function or variable",
            "type [2] VAR 'a': linkage is 3, expected 0 (static), 1 (global) or 2 (extern)",
            "type [0]: is not a function or variable",
        ]
    );
    assert_eq!(btf.as_bytes(), sample(Endian::NATIVE).as_bytes());
}

/// The types of a base are not those of the split BTF to change.
#[test]
fn a_base_stays() {
    let base = sample(Endian::NATIVE);
    let mut split = BtfBuilder::split(&base).build().unwrap();
    assert!(split.set_datasec_size(find(&base, ".bss", Kind::Datasec), 8).is_err());
}
