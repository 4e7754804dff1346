//! What is built is what is read, of every kind and in both byte orders.

mod common;

use common::{BOTH, EveryKind};
use oxbpf_btf::{ArrayType, Btf, BtfBuilder, Endian, IntEncoding, Kind, SecVar, TypeId};

#[test]
fn every_kind_reads_back() {
    for endian in BOTH {
        let k = EveryKind::new();
        let b = k.btf(endian);
        assert_eq!(b.endian(), endian);
        let kinds: std::collections::BTreeSet<Kind> = b.types().map(|t| t.kind()).collect();
        assert_eq!(kinds.len(), 19, "all but void");
        let get = |id| b.get(id).unwrap();

        let int = get(k.int);
        assert_eq!((int.name(), int.size(), int.target()), ("int", Some(4), None));
        let e = int.int().unwrap();
        assert_eq!((e.signed, e.char, e.bool, e.bit_offset, e.bits), (true, false, false, 0, 32));

        assert_eq!((get(k.ptr).target(), get(k.ptr).name(), get(k.ptr).size()), (Some(k.int), "", None));
        assert_eq!(get(k.array).array(), Some(ArrayType { elem: k.int, index: k.int, len: 3 }));

        let members: Vec<_> =
            get(k.point).members().map(|m| (m.name, m.ty, m.bit_offset, m.bitfield_size)).collect();
        assert_eq!(members, [("x", k.int, 0, 0), ("y", k.int, 32, 0)]);
        assert!(!get(k.point).kind_flag());
        let members: Vec<_> =
            get(k.flags).members().map(|m| (m.name, m.bit_offset, m.bitfield_size)).collect();
        assert_eq!(members, [("a", 0, 3), ("b", 3, 29)]);
        assert_eq!(get(k.flags).members().nth(1).unwrap().name, "b");
        assert_eq!(get(k.number).members().len(), 2);

        let values = |id| get(id).enumerators().map(|e| (e.name, e.value)).collect::<Vec<_>>();
        assert_eq!(values(k.color), [("RED", 0), ("BLUE", 0xffff_fffe)]);
        assert_eq!(values(k.signed), [("MINUS", -1), ("ZERO", 0)]);
        assert_eq!(values(k.wide), [("BIG", 0x1_0000_0001), ("MINUS", -1)]);
        for id in [k.color, k.signed, k.wide] {
            let one_by_one = get(id).enumerators().map(Some).chain([None, None]);
            for (n, one) in one_by_one.enumerate() {
                assert_eq!(get(id).enumerators().nth(n), one);
            }
        }
        assert_eq!(get(k.wide).enumerator(-1), Some("MINUS"));
        assert!(get(k.signed).is_signed_enum() && !get(k.color).is_signed_enum());

        assert!(get(k.fwd).kind_flag() && get(k.fwd).size().is_none());
        assert_eq!((get(k.typedef).name(), get(k.typedef).target()), ("int_t", Some(k.int)));

        let proto = get(k.proto);
        assert_eq!(proto.target(), Some(k.int));
        let params: Vec<_> = proto.params().map(|p| (p.name, p.ty)).collect();
        assert_eq!(params, [("first", k.int), ("second", k.ptr), ("", TypeId::VOID)]);
        let func = get(k.func);
        assert_eq!((func.name(), func.target(), func.linkage()), ("main", Some(k.proto), Some(1)));
        assert_eq!((get(k.var).target(), get(k.var).linkage()), (Some(k.int), Some(1)));
        let vars: Vec<_> = get(k.data).variables().collect();
        assert_eq!(vars, [SecVar { ty: k.var, offset: 4, size: 4 }]);
        assert_eq!(get(k.double).size(), Some(8));
        assert_eq!((get(k.decl_tag).name(), get(k.decl_tag).component()), ("a tag", Some(1)));
        assert_eq!((get(k.type_tag).name(), get(k.type_tag).target()), ("rcu", Some(k.int)));

        common::walk::walk(&b, b.as_bytes());
    }
}

#[test]
fn an_accessor_of_another_kind_gives_nothing() {
    let k = EveryKind::new();
    let b = k.btf(Endian::NATIVE);
    let f = b.get(k.func).unwrap();
    assert_eq!(f.members().len() + f.params().len() + f.variables().len() + f.enumerators().len(), 0);
    assert!(f.int().is_none() && f.array().is_none() && f.component().is_none() && f.size().is_none());
    let v = b.get(TypeId::VOID).unwrap();
    assert_eq!((v.kind(), v.name(), v.vlen()), (Kind::Void, "", 0));
}

#[test]
fn names_are_found_with_their_kind_lowest_id_first() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("same", 4, IntEncoding::SIGNED).unwrap();
    let s = b.add_struct("same", 0, []).unwrap();
    let t = b.add_struct("same", 8, []).unwrap();
    b.add_struct("", 8, []).unwrap();
    let btf = b.build().unwrap();
    assert_eq!(btf.find("same", Kind::Int), Some(int));
    assert_eq!(btf.find("same", Kind::Struct), Some(s));
    assert_eq!(btf.find("same", Kind::Union), None);
    assert_eq!(btf.find("sam", Kind::Int), None);
    assert_eq!(btf.find("", Kind::Struct), None);
    assert_eq!(btf.find("same\0", Kind::Struct), None);
    assert_eq!(btf.find_all("same").collect::<Vec<_>>(), [int, s, t]);
    assert_eq!(btf.find_all("other").count(), 0);
}

#[test]
fn long_names_differ_behind_what_is_hashed() {
    let mut b = BtfBuilder::new();
    let long = "x".repeat(300);
    let names = [format!("{long}a"), format!("{long}b"), long.clone()];
    let ids = names.each_ref().map(|n| b.add_fwd(n, false).unwrap());
    let btf = b.build().unwrap();
    for (n, id) in names.iter().zip(ids) {
        assert_eq!(btf.find(n, Kind::Fwd), Some(id));
    }
}

#[test]
fn an_empty_btf_is_one() {
    let btf = BtfBuilder::new().build().unwrap();
    assert_eq!((btf.first_id(), btf.end_id()), (TypeId(1), TypeId(1)));
    assert_eq!(btf.find("int", Kind::Int), None);
    assert_eq!(btf.types().count(), 0);
    assert_eq!(btf.str_at(0), Ok(""));
}

#[test]
fn a_split_btf_continues_ids_and_strings() {
    for endian in BOTH {
        let k = EveryKind::new();
        let base = k.btf(endian);
        let mut b = BtfBuilder::split(&base);
        let p = b.add_ptr(k.point).unwrap();
        assert_eq!(p, base.end_id());
        let own = b.add_typedef("own", p).unwrap();
        let again = b.add_typedef("point", k.point).unwrap();
        // The other byte order than its base, which no one makes and no one has to forbid.
        let split = b.build_as(endian.other()).unwrap();
        assert_eq!(split.base().unwrap().end_id(), base.end_id());
        assert_eq!(split.first_id(), base.end_id());
        assert_eq!(split.get(own).unwrap().name(), "own");
        assert_eq!(split.get(k.point).unwrap().name(), "point");
        assert_eq!(split.resolve(own).unwrap().target(), Some(k.point));
        assert_eq!(split.find("point", Kind::Struct), Some(k.point));
        assert_eq!(split.find("own", Kind::Typedef), Some(own));
        assert_eq!(split.find_all("point").collect::<Vec<_>>(), [k.point, again]);
        assert_eq!(split.types().count(), 3);
        assert_eq!(base.find("own", Kind::Typedef), None);

        // And one more on top.
        let mut c = BtfBuilder::split(&split);
        let third = c.add_const(own).unwrap();
        let top = c.build().unwrap();
        assert_eq!(top.get(third).unwrap().target(), Some(own));
        assert_eq!(top.size_of(third), Ok(8));
        assert_eq!(top.find("own", Kind::Typedef), Some(own));
        common::walk::walk(&top, top.as_bytes());
    }
}

#[test]
fn a_name_in_the_base_is_used_by_the_split() {
    // As pahole does: the split BTF points into the base's strings.
    let k = EveryKind::new();
    let base = k.btf(Endian::NATIVE);
    let off = base.get(k.point).unwrap().name_off();
    let raw = common::raw(Endian::NATIVE, &[off, common::info(Kind::Typedef, 0, false), k.int.0], &[]);
    let split = Btf::parse_split(raw, &base).unwrap();
    assert_eq!(split.find("point", Kind::Typedef), Some(split.first_id()));
    assert_eq!(split.headers().next().unwrap().name_bytes(), b"point");
}

#[test]
fn pointer_size_is_that_of_long() {
    for (name, size, expected) in [
        ("long", 4, 4),
        ("long unsigned int", 4, 4),
        ("unsigned long", 8, 8),
        ("long long", 4, 8),
        ("long long unsigned int", 4, 8),
        ("int", 4, 8),
        ("longest", 4, 8),
        ("long", 2, 8),
    ] {
        let mut b = BtfBuilder::new();
        b.add_int(name, size, IntEncoding::SIGNED).unwrap();
        let ptr = b.add_ptr(TypeId::VOID).unwrap();
        let btf = b.build().unwrap();
        assert_eq!(btf.pointer_size(), expected, "{name} of {size} bytes");
        assert_eq!(btf.size_of(ptr), Ok(u64::from(expected)));
        let split = BtfBuilder::split(&btf).build().unwrap();
        assert_eq!(split.pointer_size(), expected);
    }
}

#[test]
fn names_that_are_not_utf8() {
    let strs = b"\0caf\xe9\0";
    let raw = common::raw(Endian::NATIVE, &[1, common::info(Kind::Fwd, 0, false), 0], strs);
    let btf = Btf::parse(raw).unwrap();
    let t = btf.get(TypeId(1)).unwrap();
    assert_eq!((t.name(), t.name_bytes()), ("caf", &b"caf\xe9"[..]));
    assert_eq!(btf.str_at(1).unwrap_err().to_string(), "the string at offset 0x1 is not UTF-8");
    assert_eq!(btf.str_lossy_at(1).unwrap(), "caf\u{fffd}");
    assert_eq!(
        btf.str_at(6).unwrap_err().to_string(),
        "no string at offset 0x6: the BTF has 0x6 bytes of strings"
    );
}

/// A name of this many bytes, with something that is not UTF-8 in it if asked for.
fn long_name(len: usize, broken: Option<usize>) -> Vec<u8> {
    let mut name: Vec<u8> = "ab_ä".bytes().cycle().take(len / 5 * 5).collect();
    if let Some(at) = broken {
        name[at] = 0xff;
    }
    name
}

#[test]
fn long_names_read_as_short_ones_do() {
    use common::{info, raw};
    for len in [200, 250, 255, 260, 300, 1000] {
        for broken in [None, Some(0), Some(100), Some(249), Some(len / 5 * 5 - 1)]
            .into_iter()
            .filter(|b| b.is_none_or(|b| b < len / 5 * 5))
        {
            let name = long_name(len, broken);
            let strs = [&b"\0x\0"[..], &name, b"\0y\0"].concat();
            // Every end of it, as linkers share them.
            let offs = 3..3 + name.len() as u32;
            let types: Vec<u32> = offs.clone().flat_map(|off| [off, info(Kind::Fwd, 0, false), 0]).collect();
            let btf = Btf::parse(raw(Endian::NATIVE, &types, &strs)).unwrap();
            for (ty, off) in btf.types().zip(offs) {
                let expected = &name[off as usize - 3..];
                assert_eq!(ty.name_bytes(), expected);
                let text = expected.utf8_chunks().next().map_or("", |c| c.valid());
                assert_eq!(ty.name(), text, "{len} {broken:?} {off}");
                assert_eq!(btf.str_at(off).is_ok(), text.len() == expected.len());
            }
            if let Ok(whole) = std::str::from_utf8(&name) {
                for _ in 0..4 {
                    assert_eq!(btf.find(whole, Kind::Fwd), Some(TypeId(1)));
                    assert_eq!(btf.find(&whole[5..], Kind::Fwd), Some(TypeId(6)));
                    assert_eq!(btf.find(&format!("{whole}x"), Kind::Fwd), None);
                    assert_eq!(btf.find(&whole[..whole.len() - 2], Kind::Fwd), None);
                }
            }
        }
    }
}

#[test]
fn many_types_of_one_long_name() {
    use common::{info, raw};
    const TYPES: u32 = 100_000;
    let strs = [&b"\0"[..], &long_name(1_000_000, None), b"\0"].concat();
    let types: Vec<u32> = (0..TYPES).flat_map(|_| [1, info(Kind::Fwd, 0, false), 0]).collect();
    let btf = Btf::parse(raw(Endian::NATIVE, &types, &strs)).unwrap();
    let start = std::time::Instant::now();
    let name = btf.types().next().unwrap().name();
    // Looking for the end each time would go through 100 GB.
    assert!(btf.types().all(|ty| ty.name().len() == name.len()));
    for _ in 0..5 {
        assert_eq!(btf.find(name, Kind::Struct), None);
    }
    assert_eq!(btf.find_all(name).count(), TYPES as usize);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}
