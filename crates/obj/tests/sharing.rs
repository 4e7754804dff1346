//! Objects that stay where they are, and files of which only what matters is read.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

mod common;

use std::io::{Cursor, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use common::elf::{File, PROGBITS, REL, Sec};
use common::{bytes, link, objects};
use oxbpf_btf::BtfBuilder;
use oxbpf_obj::{Bytes, Contents, CoreTarget, Endian, LinkOptions, ObjectFile, ObjectSpec};

/// Asserts that two specs are alike in all that is read from code, records and data.
fn assert_alike(one: &ObjectSpec, other: &ObjectSpec, what: &str) {
    assert_eq!(one.maps, other.maps, "{what}");
    assert_eq!(one.programs.len(), other.programs.len(), "{what}");
    for (one, other) in one.programs.iter().zip(&other.programs) {
        assert_eq!(one.insns(), other.insns(), "{what}: {}", one.name);
    }
    let types = |spec: &ObjectSpec| spec.btf.as_ref().map(|btf| btf.as_bytes().to_vec());
    assert_eq!(types(one), types(other), "{what}");
    assert_eq!(link(one).ok(), link(other).ok(), "{what}");
    let by_kernel = LinkOptions::core_by_kernel();
    assert_eq!(one.link(&by_kernel).ok(), other.link(&by_kernel).ok(), "{what}");
    let relos = |spec: &ObjectSpec| {
        let targets: Vec<_> = spec.btf.iter().map(|btf| CoreTarget { name: "vmlinux", btf }).collect();
        format!("{:?}", spec.core_check(&targets).relos)
    };
    assert_eq!(relos(one), relos(other), "{what}");
}

#[test]
fn shared_objects_are_as_copied_ones_wherever_they_begin() {
    for path in objects() {
        let what = path.display().to_string();
        let bytes = std::fs::read(path).unwrap();
        let copied = ObjectSpec::parse(&bytes).unwrap();
        assert_alike(&copied, &ObjectSpec::parse_shared("", bytes.clone()).unwrap(), &what);
        let moved = Bytes::from([&[0; 3], &bytes[..]].concat());
        let moved = moved.slice(3..moved.len()).unwrap();
        assert_alike(&copied, &ObjectSpec::parse_shared("", moved).unwrap(), &what);
    }
}

#[test]
fn nothing_is_copied_until_it_is_changed() {
    let bytes = Bytes::from(bytes("tests/globals.bpf.o"));
    let spec = ObjectSpec::parse_shared("globals", bytes.clone()).unwrap();
    let is_inside = |part: &[u8]| bytes.slice_of(part).is_some();
    for program in &spec.programs {
        assert!(is_inside(oxbpf_obj::Insn::native_bytes(program.insns())), "{}", program.name);
    }
    let runs = |spec: &ObjectSpec| {
        let of = |map: &oxbpf_obj::MapSpec| match &map.contents {
            Contents::Data(data) => data.runs().map(|(_, run)| is_inside(run)).collect(),
            _ => Vec::new(),
        };
        spec.maps.iter().flat_map(of).collect::<Vec<_>>()
    };
    assert!(!runs(&spec).is_empty() && runs(&spec).iter().all(|inside| *inside));
    let before = bytes.to_vec();
    let mut changed = spec.clone();
    changed.set_global("limit", &77_u32).unwrap();
    assert!(runs(&changed).contains(&false));
    assert_eq!(*bytes, before);
    assert_alike(&spec, &ObjectSpec::parse_named("globals", &before).unwrap(), "unchanged");
}

#[test]
fn a_spec_keeps_the_bytes_alive() {
    let bytes = bytes("execsnoop.bpf.o");
    let copied = ObjectSpec::parse(&bytes).unwrap();
    let shared = ObjectSpec::parse_shared("", bytes).unwrap();
    let second = shared.clone();
    drop(shared);
    assert_alike(&copied, &second, "execsnoop");
}

/// An object as clang leaves it: behind its parts so much of debug information, then a relocation of that.
fn with_debug_information(len: usize) -> File {
    let mut file = File::minimal();
    let debug = file.data(".debug_info", vec![0xdb; len]);
    file.relocs(".rel.debug_info", debug, &[(0xdbdb_dbdb_dbdb_dbdb, 0xdbdb_dbdb, 0xdbdb_dbdb); 4096]);
    // Code with such a name is code.
    let code = file.code(".debug_program", &[oxbpf_obj::Insn::mov64_imm(0, 7), oxbpf_obj::Insn::exit()]);
    file.func("debugged", code, 0, 2);
    file.data("license", *b"GPL\0");
    file
}

fn read(bytes: &[u8]) -> ObjectFile {
    ObjectFile::read(Cursor::new(bytes), bytes.len() as u64).unwrap()
}

/// Counts the bytes of debug information that are read.
struct Watched<'f> {
    file: Cursor<&'f [u8]>,
    debug: &'f mut usize,
}

impl Read for Watched<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(buf)?;
        *self.debug += buf[..n].iter().filter(|byte| **byte == 0xdb).count();
        Ok(n)
    }
}

impl Seek for Watched<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn debug_information_is_not_read() {
    let bytes = with_debug_information(400_000).build();
    let mut debug = 0;
    let watched = Watched { file: Cursor::new(&bytes), debug: &mut debug };
    let spec = ObjectFile::read(watched, bytes.len() as u64).unwrap().parse("").unwrap();
    assert!(debug < 10_000, "{debug} bytes");
    assert_eq!((spec.programs.len(), spec.license.as_str()), (2, "GPL"));
    assert_alike(&ObjectSpec::parse(&bytes).unwrap(), &spec, "with debug information");
    // A small file is read at once.
    let bytes = with_debug_information(1000).build();
    assert_alike(&ObjectSpec::parse(&bytes).unwrap(), &read(&bytes).parse("").unwrap(), "small");
}

/// An object of testdata, with so much behind it that it is not read at once.
fn enlarged(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    bytes.resize(bytes.len() + (300 << 10), 0xdb);
    bytes
}

#[test]
fn types_that_are_read_apart_are_the_same() {
    for path in objects() {
        let bytes = enlarged(&path);
        let copied = ObjectSpec::parse(&bytes).unwrap();
        assert_alike(&copied, &read(&bytes).parse("").unwrap(), &path.display().to_string());
    }
    // Two sections of types at one place, and a section of data over them.
    let mut file = with_debug_information(400_000);
    let types = file.data(".BTF", BtfBuilder::new().to_vec(Endian::Little).unwrap());
    let offset = Some(bytes_of(&file, types));
    for name in [".BTF", ".data"] {
        file.section(Sec { name, kind: PROGBITS, offset, size: Some(25), ..Sec::default() });
    }
    let bytes = file.build();
    assert_alike(&ObjectSpec::parse(&bytes).unwrap(), &read(&bytes).parse("").unwrap(), "twice");
}

/// Where a section is in the file.
fn bytes_of(file: &File, section: u16) -> u64 {
    let bytes = file.build();
    let headers = u64::from_le_bytes(*bytes[40..].first_chunk().unwrap()) as usize;
    u64::from_le_bytes(*bytes[headers + 64 * usize::from(section) + 24..].first_chunk().unwrap())
}

#[test]
fn more_sections_than_16_bits_count() {
    let mut file = with_debug_information(400_000);
    file.shnum = Some(0);
    let mut bytes = file.build();
    // The count stands as the size of the first header.
    let (first, count) =
        (u64::from_le_bytes(*bytes[40..].first_chunk().unwrap()) as usize, file.sections.len() + 3);
    bytes[first + 32..][..8].copy_from_slice(&(count as u64).to_le_bytes());
    let copied = ObjectSpec::parse(&bytes).unwrap();
    assert_alike(&copied, &read(&bytes).parse("").unwrap(), "many sections");
}

#[test]
fn files_of_any_quality_are_read() {
    let bytes = with_debug_information(400_000).build();
    let message = |bytes: &[u8]| {
        let [copied, shared] = [ObjectSpec::parse(bytes), read(bytes).parse("")];
        assert_eq!(copied.as_ref().err().map(ToString::to_string), shared.err().map(|e| e.to_string()));
        copied.unwrap_err().to_string()
    };
    // Cut off, no object, headers that are elsewhere.
    for len in (300_000..bytes.len()).step_by(40_000) {
        message(&bytes[..len]);
    }
    message(&[0; 300_000]);
    for (at, value) in [(40, u64::MAX), (40, 64), (40, bytes.len() as u64 - 63), (58, u64::MAX), (60, 0)] {
        let mut bytes = bytes.clone();
        bytes[at..][..8].copy_from_slice(&value.to_le_bytes());
        message(&bytes);
    }
    let far =
        Sec { name: "xdp/far", kind: PROGBITS, offset: Some(1 << 60), size: Some(1 << 40), ..Sec::default() };
    let lost = Sec { name: ".relxdp", kind: REL, info: 999, ..Sec::default() };
    for section in [far, lost] {
        let mut file = with_debug_information(400_000);
        file.section(Sec { flags: 4, ..section });
        message(&file.build());
    }
    // A file that becomes shorter, and lengths that nobody has.
    let error = ObjectFile::read(Cursor::new(&bytes[..1000]), bytes.len() as u64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    let error = ObjectFile::read(Cursor::new(&bytes), u64::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
}
