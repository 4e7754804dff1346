//! The `.BTF.ext` that goes with a BTF.

use oxbpf_btf::{Btf, BtfBuilder, BtfExt, DedupOptions, Endian, IntEncoding, TypeId};

use crate::common::{BOTH, word};

/// One function and one line of it, in section `text`.
fn ext(endian: Endian, btf: &Btf, func: TypeId, strings: [&str; 3]) -> BtfExt {
    let [text, file, line] = strings.map(|s| btf.find_str(s).unwrap());
    let mut raw = Vec::new();
    raw.extend(if endian == Endian::Little { [0x9f, 0xeb, 1, 0] } else { [0xeb, 0x9f, 1, 0] });
    let words = [24, 0, 20, 20, 28, 8, text, 1, 0, func.0, 16, text, 1, 0, file, line, 7 << 10];
    raw.extend(words.into_iter().flat_map(|w| word(endian, w)));
    BtfExt::parse(raw, btf).unwrap()
}

#[test]
fn ids_and_strings_follow() {
    for endian in BOTH {
        let mut b = BtfBuilder::new();
        for _ in 0..2 {
            let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
            let proto = b.add_func_proto(int, []).unwrap();
            b.add_func("f", 1, proto).unwrap();
        }
        for s in ["of no use", "text", "file.c", "return 0;"] {
            b.add_str(s).unwrap();
        }
        let before = b.build_as(endian).unwrap();
        let old = ext(endian, &before, TypeId(6), ["text", "file.c", "return 0;"]);
        let (btf, done) = before.dedup(DedupOptions { ext: Some(&old), ..DedupOptions::default() }).unwrap();
        let new = BtfExt::parse(done.ext.unwrap(), &btf).unwrap();
        let func = new.func_info().next().unwrap();
        assert_eq!(func.name, "text");
        assert_eq!(func.records.map(|r| r.ty).collect::<Vec<_>>(), [TypeId(3)]);
        let lines = new.line_info().next().unwrap();
        let at = |off| btf.str_at(off).unwrap();
        let found: Vec<_> = lines.records.map(|r| (at(r.file_name_off), at(r.line_off), r.line())).collect();
        assert_eq!(found, [("file.c", "return 0;", 7)]);
        assert_eq!(btf.find_str("of no use"), None, "nothing refers to it");
    }
}
