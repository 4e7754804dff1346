//! BTF out of files of every sort.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod common;

use std::io::Cursor;

use common::elf::{File, NOBITS, PROGBITS, Sec};
use oxbpf_btf::{Btf, BtfBuilder, Endian, Field, IntEncoding, Kind, TypeId};
use oxbpf_obj::{BtfFile, Error};

fn kernel() -> Btf {
    let mut b = BtfBuilder::new();
    b.add_int("something before", 4, IntEncoding::UNSIGNED).unwrap();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    b.add_struct("task", 8, [Field::new("pid", int, 0)]).unwrap();
    b.build().unwrap()
}

fn module(kernel: &Btf) -> Btf {
    let mut b = BtfBuilder::split(kernel);
    let ptr = b.add_ptr(kernel.find("task", Kind::Struct).unwrap()).unwrap();
    b.add_struct("own", 8, [Field::new("task", ptr, 0)]).unwrap();
    b.build().unwrap()
}

fn elf(sections: &[(&'static str, &[u8])]) -> Vec<u8> {
    let mut file = File { machine: 62, kind: 2, ..File::default() };
    for (name, data) in sections {
        file.data(name, *data);
    }
    file.build()
}

/// From memory and in parts.
fn both(bytes: &[u8], base: Option<&Btf>) -> Result<BtfFile, Error> {
    let whole = BtfFile::parse(bytes, base);
    let parts = BtfFile::read(Cursor::new(bytes), base);
    assert_eq!(format!("{whole:?}"), format!("{parts:?}"));
    whole
}

#[test]
fn raw_and_in_elf_files_of_any_machine() {
    let kernel = kernel();
    for endian in [Endian::Little, Endian::Big] {
        let raw = kernel.to_endian(endian);
        assert_eq!(both(&raw, None).unwrap().btf.as_bytes(), raw);
        let file = both(&elf(&[(".text", &[0; 9]), (".BTF", &raw)]), None).unwrap();
        assert_eq!(file.btf.as_bytes(), raw);
        assert_eq!(file.btf.known_pointer_size(), Some(8));
        assert!(file.ext.is_none());
    }
}

/// A header, three section headers and what they are about.
fn elf32(btf: &[u8]) -> Vec<u8> {
    let names = b"\0.BTF\0";
    let (btf_at, names_at) = (52 + 3 * 40, 52 + 3 * 40 + btf.len() as u32);
    let mut out = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend([2u16, 3].map(u16::to_le_bytes).as_flattened());
    out.extend([1u32, 0, 0, 52, 0].map(u32::to_le_bytes).as_flattened());
    out.extend([52u16, 32, 0, 40, 3, 2].map(u16::to_le_bytes).as_flattened());
    for section in [
        [0; 10],
        [1, 1, 0, 0, btf_at, btf.len() as u32, 0, 0, 4, 0],
        [0, 3, 0, 0, names_at, names.len() as u32, 0, 0, 1, 0],
    ] {
        out.extend(section.map(u32::to_le_bytes).as_flattened());
    }
    [&out[..], btf, names].concat()
}

#[test]
fn the_class_of_the_file_tells_the_size_of_pointers() {
    let raw = kernel().as_bytes().to_vec();
    let file = both(&elf32(&raw), None).unwrap();
    assert_eq!(file.btf.as_bytes(), raw);
    assert_eq!(file.btf.pointer_size(), 4);
}

#[test]
fn modules_with_and_without_a_distilled_base() {
    let kernel = kernel();
    let module = module(&kernel);
    let plain = elf(&[(".BTF", module.as_bytes())]);
    assert_eq!(both(&plain, Some(&kernel)).unwrap().btf.as_bytes(), module.as_bytes());
    assert!(matches!(both(&plain, None), Err(Error::Btf { section: ".BTF", .. })));

    let distilled = module.distill().unwrap();
    let with_base = [(".BTF", distilled.split.as_bytes()), (".BTF.base", distilled.base.as_bytes())];
    let with_base = elf(&with_base);
    let alone = both(&with_base, None).unwrap().btf;
    assert_eq!(alone.base().unwrap().as_bytes(), distilled.base.as_bytes());
    let moved = both(&with_base, Some(&kernel)).unwrap().btf;
    let own = moved.get(moved.find("own", Kind::Struct).unwrap()).unwrap();
    let ptr = moved.get(own.members().next().unwrap().ty).unwrap();
    assert_eq!(ptr.target(), kernel.find("task", Kind::Struct));

    let other = BtfBuilder::new().build().unwrap();
    let e = both(&with_base, Some(&other)).unwrap_err().to_string();
    assert_eq!(
        e,
        "section .BTF.base: type [1] STRUCT 'task': the new base has no type of that name that could stand for it \
         (size 8 in the distilled base)"
    );
}

#[test]
fn what_is_wrong_is_named() {
    let e = |bytes: &[u8]| both(bytes, None).unwrap_err().to_string();
    assert!(e(&elf(&[])).starts_with("no BTF: it has no section .BTF ("));
    assert_eq!(
        e(b"#!/bin/sh\necho no, this is a script\n"),
        "not an ELF file but something else, and not raw BTF either"
    );
    assert_eq!(e(b"\x7fELF"), "ELF file: the header is cut off or broken");
    assert_eq!(e(b"\x9f\xeb"), "section .BTF: BTF: header cut short: expected at least 24 bytes, got 2");
    let mut file = File::default();
    file.section(Sec { name: ".BTF", kind: NOBITS, size: Some(100), ..Sec::default() });
    assert_eq!(e(&file.build()), "section .BTF: it has type 0x8 instead of SHT_PROGBITS");
    let mut file = File::default();
    file.section(Sec {
        name: ".BTF.ext",
        kind: PROGBITS,
        offset: Some(1 << 40),
        size: Some(8),
        ..Sec::default()
    });
    assert!(
        e(&file.build())
            .starts_with("section .BTF.ext: 8 bytes at offset 0x10000000000 are outside of the file")
    );
    let good = elf(&[(".BTF", kernel().as_bytes())]);
    for len in 0..good.len() {
        assert!(both(&good[..len], None).is_err(), "{len}");
    }
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        if let Ok(file) = both(&bad, None) {
            assert!(file.btf.end_id() >= TypeId(1));
        }
    }
}

#[test]
fn packed_files() {
    let plain = std::fs::read("../../testdata/execsnoop.bpf.o").unwrap();
    let gzip = |bytes: &[u8]| {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut gz, bytes).unwrap();
        gz.finish().unwrap()
    };
    let types = BtfFile::parse(&plain, None).unwrap().btf;
    let mut packed = gzip(&plain);
    for btf in [
        BtfFile::parse(&packed, None).unwrap().btf,
        BtfFile::read(Cursor::new(&packed), None).unwrap().btf,
        BtfFile::parse(&gzip(types.as_bytes()), None).unwrap().btf,
    ] {
        assert_eq!(btf.as_bytes(), types.as_bytes());
    }
    packed.truncate(packed.len() / 2);
    let told = |bytes: &[u8]| BtfFile::parse(bytes, None).unwrap_err().to_string();
    assert_eq!(told(&packed), "not an ELF file but packed by gzip, and broken");
    assert_eq!(told(&gzip(&vec![0; 100 << 20])), "not an ELF file but packed by gzip, and far too large");
    let xz = b"\xfd7zXZ\0 and more";
    assert_eq!(
        told(xz),
        "not an ELF file but packed by xz, which is not supported: unpack it first (`unxz -k FILE`)"
    );
    assert_eq!(BtfFile::read(Cursor::new(xz), None).unwrap_err().to_string(), told(xz));
    assert!(told(b"\x28\xb5\x2f\xfd...").contains("zstd"));
}
