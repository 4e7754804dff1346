//! `.BTF.ext` of real objects, with its BTF renumbered, and in the other byte order.

use object::{Object, ObjectSection};
use oxbpf_btf::{Btf, BtfExt, TypeId};

fn objects() -> Vec<(String, Btf, BtfExt)> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "o") {
            continue;
        }
        let file = std::fs::read(&path).unwrap();
        let elf = object::File::parse(&*file).unwrap();
        let section = |name| elf.section_by_name(name).and_then(|s| s.data().ok());
        let (Some(btf), Some(ext)) = (section(".BTF"), section(".BTF.ext")) else { continue };
        let btf = Btf::parse(btf).unwrap();
        let ext = BtfExt::parse(ext, &btf).unwrap();
        found.push((path.display().to_string(), btf, ext));
    }
    assert!(found.len() > 5, "{} objects", found.len());
    found
}

/// What the records say, types by what they are.
fn records(ext: &BtfExt) -> Vec<String> {
    let btf = ext.btf();
    let ty = |id: TypeId| super::tree(btf.get(id).unwrap(), 2);
    let string = |off| btf.str_at(off).unwrap().to_owned();
    let mut all = Vec::new();
    for s in ext.func_info() {
        all.extend(s.records.map(|r| format!("{} {} {}", s.name, r.insn_off, ty(r.ty))));
    }
    for s in ext.line_info() {
        let line = |off| btf.str_lossy_at(off).unwrap().into_owned();
        all.extend(
            s.records.map(|r| format!("{} {} {} {}", s.name, r.insn_off, line(r.line_off), r.line_col)),
        );
    }
    for s in ext.core_relos() {
        let path = |r: &oxbpf_btf::CoreRelo| string(r.access_str_off);
        all.extend(s.records.map(|r| format!("{} {} {} {}", s.name, r.insn_off, path(&r), ty(r.ty))));
    }
    all
}

#[test]
fn renumbered_it_says_the_same() {
    for (name, btf, ext) in objects() {
        let (sorted, new_ids) = btf.sorted().unwrap();
        let moved = ext.renumber(&sorted, &new_ids).unwrap();
        assert_eq!(records(&moved), records(&ext), "{name}");
        assert_ne!(moved.as_bytes(), ext.as_bytes(), "{name}");
    }
}

#[test]
fn in_the_other_byte_order_it_says_the_same() {
    for (name, btf, ext) in objects() {
        let other = ext.endian().other();
        let turned_btf = Btf::parse(btf.to_endian(other)).unwrap();
        let turned = BtfExt::parse(ext.to_endian(other), &turned_btf).unwrap();
        assert_eq!(turned.endian(), other, "{name}");
        assert_eq!(records(&turned), records(&ext), "{name}");
        assert_eq!(turned.to_endian(ext.endian()), ext.as_bytes(), "{name}");
        assert_eq!(ext.to_endian(ext.endian()), ext.as_bytes());
    }
}
