//! Files that are cut or damaged, linked with whole ones.

use oxbpf_obj::{ObjectSpec, StaticLinker};

use crate::common::elf::{File, GLOBAL, NOBITS, NOTYPE, OBJECT, PROGBITS, Sec, Sym};
use crate::{link_bytes, object};

/// That it returns is what matters; what comes out can be read, or there is an error that says something.
fn survive(objects: &[(&str, Vec<u8>)]) -> bool {
    match link_bytes(objects) {
        Ok(linked) => {
            let size: usize = objects.iter().map(|(_, bytes)| bytes.len()).sum();
            assert!(linked.len() <= 4 * size + (1 << 16), "{} of {size} bytes", linked.len());
            let _ = ObjectSpec::parse(&linked);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

#[test]
fn cut_at_every_length() {
    let (one, two) = (object("one"), object("two"));
    for len in (0..two.len()).step_by(17) {
        assert!(!survive(&[("one", one.clone()), ("two", two[..len].to_vec())]), "cut at {len}");
    }
}

#[test]
fn single_bits_flipped() {
    for (whole, broken) in [("one", "two"), ("two", "one"), ("big_endian_one", "big_endian_two")] {
        let (whole, mut broken) = (object(whole), object(broken));
        let (mut linked, mut refused) = (0, 0);
        for bit in (0..broken.len() * 8).step_by(113) {
            let (byte, mask) = (bit / 8, 1 << (bit % 8));
            broken[byte] ^= mask;
            let orders = [[&whole, &broken], [&broken, &whole]];
            let [a, b] = orders[bit % 2];
            if survive(&[("a", a.clone()), ("b", b.clone())]) {
                linked += 1;
            } else {
                refused += 1;
            }
            broken[byte] ^= mask;
        }
        assert!(linked > 30 && refused > 30, "{linked} linked, {refused} refused");
    }
}

#[test]
fn alignment_costs_no_memory() {
    let mut file = File::default();
    for _ in 0..100 {
        file.section(Sec { name: "d", kind: PROGBITS, data: vec![1; 8], ..Sec::default() });
    }
    let mut bytes = file.build();
    // The alignment stands behind the first 48 bytes of a header; the table of headers is the last of the file.
    let table = bytes.len() - 64 * (100 + 3);
    for section in 1..=100 {
        let at = table + 64 * section + 48;
        bytes[at..at + 8].copy_from_slice(&(1_u64 << 30).to_le_bytes());
    }
    let error = StaticLinker::new().add("file", &bytes).unwrap_err().to_string();
    assert_eq!(error, "file: section d: alignment 1073741824 needs too much padding");
}

#[test]
fn sizes_that_no_file_has() {
    let mut file = File::default();
    for size in [1 << 31, 1 << 31, 1 << 31] {
        file.section(Sec { name: ".bss", kind: NOBITS, size: Some(size), ..Sec::default() });
    }
    let error = StaticLinker::new().add("file", &file.build()).unwrap_err().to_string();
    assert_eq!(error, "file: too large: too many bytes in a section");
}

#[test]
fn names_that_are_ends_of_each_other() {
    let mut file = File::default();
    let section = file.data(".data", [0; 8]);
    let name: &'static str = "n".repeat(8000).leak();
    file.symbol(Sym { name, section, ..Sym::default() });
    for end in 1..8000 {
        // The first name stands behind the NUL at the start.
        file.symbol(Sym { name: "", section, name_offset: Some(1 + end), ..Sym::default() });
    }
    let error = StaticLinker::new().add("file", &file.build()).unwrap_err().to_string();
    assert_eq!(error, "file: too large: too many names");
}

#[test]
fn names_that_no_section_has() {
    use oxbpf_obj::Endian;
    let mut types = oxbpf_btf::BtfBuilder::new();
    types.add_datasec(&"n".repeat(9000), 0, []).unwrap();
    let mut file = File::default();
    file.data(".BTF", types.to_vec(Endian::Little).unwrap());
    let error = StaticLinker::new().add("file", &file.build()).unwrap_err().to_string();
    assert_eq!(error, "file: too large: too many bytes in a name");
}

#[test]
fn types_that_branch_at_every_step() {
    use oxbpf_btf::{BtfBuilder, Endian, Field, IntEncoding, SecVar, TypeId};
    // Each struct has two of the one before: 2^60 ints.
    let object = |is_extern: bool| {
        let mut types = BtfBuilder::new();
        let mut ty = types.add_int("int", 4, IntEncoding::SIGNED).unwrap();
        ty = types.add_array(ty, ty, 0).unwrap();
        for n in 0..60 {
            let fields = [Field::new("a", ty, 0), Field::new("b", ty, 0)];
            ty = types.add_struct(&format!("s{n}"), 0, fields).unwrap();
        }
        let var: TypeId = types.add_var("v", ty, if is_extern { 2 } else { 1 }).unwrap();
        let var = SecVar { ty: var, offset: 0, size: 0 };
        types.add_datasec(if is_extern { ".extern" } else { ".data" }, 0, [var]).unwrap();
        let mut file = File::default();
        let data = file.data(".data", [0; 8]);
        let (section, kind) = if is_extern { (0, NOTYPE) } else { (data, OBJECT) };
        file.symbol(Sym { name: "v", bind: GLOBAL, kind, section, ..Sym::default() });
        file.data(".BTF", types.to_vec(Endian::Little).unwrap());
        file.build()
    };
    assert!(survive(&[("defines", object(false)), ("wants", object(true))]));
    assert!(survive(&[("wants", object(true)), ("defines", object(false))]));
}
