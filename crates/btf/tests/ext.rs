//! `.BTF.ext`.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod common;

use common::{BOTH, EveryKind, word};
use oxbpf_btf::{Btf, BtfExt, CoreRelo, CoreReloKind, Endian, FuncInfo, LineInfo, TypeId};

/// What to write, before it becomes bytes.
#[derive(Clone)]
struct Ext {
    hdr_len: u32,
    /// Words of the three parts, each with the record size first.
    parts: [Vec<u32>; 3],
}

impl Ext {
    fn bytes(&self, e: Endian) -> Vec<u8> {
        let mut fields = vec![self.hdr_len];
        let mut at = 0;
        for p in &self.parts {
            fields.extend([at, p.len() as u32 * 4]);
            at += p.len() as u32 * 4;
        }
        fields.truncate(1.max((self.hdr_len as usize - 4) / 4));
        fields.resize((self.hdr_len as usize - 4) / 4, 0);
        let mut out = word(e, 0).to_vec();
        out[..2].copy_from_slice(match e {
            Endian::Little => &[0x9f, 0xeb],
            Endian::Big => &[0xeb, 0x9f],
        });
        out[2] = 1;
        for w in fields.iter().chain(self.parts.iter().flatten()) {
            out.extend(word(e, *w));
        }
        out
    }

    fn with(&self, part: usize, words: &[u32]) -> Ext {
        let mut e = self.clone();
        e.parts[part] = words.to_vec();
        e
    }
}

/// A BTF with the strings that records refer to, and a `.BTF.ext` with a record or two in each part.
struct Sample {
    builder: EveryKind,
    ext: Ext,
    text: u32,
    file: u32,
    path: u32,
}

fn sample() -> Sample {
    let mut builder = EveryKind::new();
    let mut str = |s| builder.builder.add_str(s).unwrap();
    let (text, xdp, file, line, path) = (str(".text"), str("xdp"), str("a.c"), str("int x;"), str("0:1"));
    let (func, point) = (builder.func.0, builder.point.0);
    let ext = Ext {
        hdr_len: 32,
        parts: [
            vec![8, text, 2, 0, func, 64, func, xdp, 1, 8, func],
            vec![16, text, 1, 0, file, line, 7 << 10 | 3],
            vec![16, xdp, 1, 24, point, path, 12],
        ],
    };
    Sample { builder, ext, text, file, path }
}

#[test]
fn records_by_section() {
    for e in BOTH {
        // A BTF in the other byte order is not made by anyone, but there is no reason to refuse it.
        for btf_endian in BOTH {
            let s = sample();
            let btf = s.builder.btf(btf_endian);
            let ext = BtfExt::parse(s.ext.bytes(e), &btf).unwrap();
            assert_eq!(ext.endian(), e);
            let func = s.builder.func;
            let funcs: Vec<_> = ext.func_info().map(|s| (s.name, s.records.collect::<Vec<_>>())).collect();
            let info = |insn_off| FuncInfo { insn_off, ty: func };
            assert_eq!(funcs, [(".text", vec![info(0), info(64)]), ("xdp", vec![info(8)])]);
            let lines: Vec<LineInfo> = ext.line_info().flat_map(|s| s.records).collect();
            assert_eq!((lines.len(), lines[0].line(), lines[0].column()), (1, 7, 3));
            assert_eq!(btf.str_at(lines[0].file_name_off), Ok("a.c"));
            assert_eq!(btf.str_at(lines[0].line_off), Ok("int x;"));
            let relos: Vec<_> = ext.core_relos().map(|s| (s.name, s.records.collect::<Vec<_>>())).collect();
            let relo = CoreRelo {
                insn_off: 24,
                ty: s.builder.point,
                access_str_off: s.path,
                kind: CoreReloKind::TypeMatches,
            };
            assert_eq!(relos, [("xdp", vec![relo])]);
            assert_eq!(
                format!("{ext:?}"),
                format!("BtfExt {{ endian: {e:?}, func_info: 2, line_info: 1, core_relos: 1 }}")
            );
        }
    }
}

#[test]
fn longer_records_and_headers_of_later_formats() {
    for e in BOTH {
        let s = sample();
        let btf = s.builder.btf(e);
        let func = s.builder.func.0;
        let longer = s.ext.with(0, &[16, s.text, 2, 0, func, 98, 99, 8, func, 98, 99]);
        let longer = Ext { hdr_len: 40, ..longer };
        let ext = BtfExt::parse(longer.bytes(e), &btf).unwrap();
        let offs: Vec<u32> = ext.func_info().flat_map(|s| s.records).map(|r| r.insn_off).collect();
        assert_eq!(offs, [0, 8]);
        assert_eq!(ext.core_relos().count(), 1);
    }
}

#[test]
fn a_header_without_core_relocations_has_none() {
    let s = sample();
    let btf = s.builder.btf(Endian::NATIVE);
    let short = Ext { hdr_len: 24, ..s.ext.with(2, &[]) };
    let ext = BtfExt::parse(short.bytes(Endian::NATIVE), &btf).unwrap();
    assert_eq!((ext.func_info().count(), ext.core_relos().count()), (2, 0));
    let empty = Ext { hdr_len: 24, parts: Default::default() };
    let ext = BtfExt::parse(empty.bytes(Endian::NATIVE), &btf).unwrap();
    assert_eq!((ext.func_info().count(), ext.line_info().count()), (0, 0));
}

#[test]
fn what_is_wrong_is_said() {
    for e in BOTH {
        let s = sample();
        let btf = s.builder.btf(e);
        let strings = btf.str_at(s.file).map(|_| btf_strings(&btf)).unwrap();
        let refused = |ext: &Ext, expected: &str| {
            assert_eq!(BtfExt::parse(ext.bytes(e), &btf).unwrap_err().to_string(), expected);
        };
        refused(
            &s.ext.with(0, &[4, s.text, 1, 0]),
            ".BTF.ext: func_info at offset 0x20: record size is 4, expected a multiple of 4 of at least 8",
        );
        refused(
            &s.ext.with(0, &[10, s.text, 1, 0]),
            ".BTF.ext: func_info at offset 0x20: record size is 10, expected a multiple of 4 of at least 8",
        );
        refused(
            &s.ext.with(0, &[u32::MAX - 3, s.text, u32::MAX, 0]),
            ".BTF.ext: func_info at offset 0x24: records cut short: expected 18446744052234715140 bytes, got 4",
        );
        refused(
            &s.ext.with(0, &[8, s.text]),
            ".BTF.ext: func_info at offset 0x24: section header cut short: expected 8 bytes, got 4",
        );
        refused(
            &s.ext.with(0, &[8, 100_000, 1, 0, 1]),
            &format!(
                ".BTF.ext: func_info at offset 0x24: section name is at string offset 0x186a0, but the BTF \
                 has {strings:#x} bytes of strings"
            ),
        );
        refused(
            &s.ext.with(0, &[8, s.text, 1, 0, 22]),
            ".BTF.ext: func_info at offset 0x2c: refers to type [22], but the BTF has types up to [21]",
        );
        refused(
            &s.ext.with(0, &[]).with(1, &[16, s.text, 1, 0, 100_000, 0, 0]),
            &format!(
                ".BTF.ext: line_info at offset 0x2c: file name is at string offset 0x186a0, but the BTF has \
                 {strings:#x} bytes of strings"
            ),
        );
        refused(
            &s.ext.with(0, &[]).with(1, &[16, s.text, 1, 0, 0, 100_000, 0]),
            &format!(
                ".BTF.ext: line_info at offset 0x2c: line is at string offset 0x186a0, but the BTF has \
                 {strings:#x} bytes of strings"
            ),
        );
        let core = |words: &[u32]| s.ext.with(0, &[]).with(1, &[]).with(2, words);
        refused(
            &core(&[16, s.text, 2, 0, 1, s.path, 0, 0, 1, s.path, 13]),
            ".BTF.ext: core_relo at offset 0x3c: unknown CO-RE relocation kind 13, expected 0 to 12",
        );
        refused(
            &core(&[16, s.text, 1, 0, 1, 100_000, 0]),
            &format!(
                ".BTF.ext: core_relo at offset 0x2c: access path is at string offset 0x186a0, but the BTF has \
                 {strings:#x} bytes of strings"
            ),
        );
    }
}

fn btf_strings(btf: &Btf) -> usize {
    let mut off = 0;
    while let Ok(s) = btf.bytes_at(off) {
        off += s.len() as u32 + 1;
    }
    off as usize
}

#[test]
fn headers_of_ext() {
    let s = sample();
    let btf = s.builder.btf(Endian::NATIVE);
    let good = s.ext.bytes(Endian::NATIVE);
    let refused = |d: &[u8], expected: &str| {
        assert_eq!(BtfExt::parse(d, &btf).unwrap_err().to_string(), expected);
    };
    refused(&[], ".BTF.ext: header cut short: expected at least 24 bytes, got 0");
    refused(&good[..20], ".BTF.ext: header cut short: expected at least 32 bytes, got 20");
    let with = |at: usize, v: u32| {
        let mut d = good.clone();
        d[at..at + 4].copy_from_slice(&v.to_ne_bytes());
        d
    };
    refused(&with(4, 20), ".BTF.ext: header length is 20, expected at least 24");
    refused(
        &with(12, u32::MAX),
        &format!(
            ".BTF.ext: func_info section (0x0+0xffffffff) reaches beyond the data ({:#x} bytes)",
            good.len() - 32
        ),
    );
    refused(&with(8, 2), ".BTF.ext: func_info section (0x2+0x2c) is not aligned to 4 bytes");
    refused(&with(12, 42), ".BTF.ext: func_info section (0x0+0x2a) is not aligned to 4 bytes");
    refused(
        &Ext { hdr_len: 36, ..s.ext }.bytes(Endian::NATIVE).tap(|d| d[33] = 7),
        ".BTF.ext: unknown header field at offset 33 is not zero",
    );
}

trait Tap {
    fn tap(self, f: impl FnOnce(&mut Vec<u8>)) -> Vec<u8>;
}

impl Tap for Vec<u8> {
    fn tap(mut self, f: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        f(&mut self);
        self
    }
}

#[test]
fn every_bit_flip_and_truncation_of_ext() {
    for e in BOTH {
        let s = sample();
        let btf = s.builder.btf(e);
        let good = s.ext.bytes(e);
        for bit in 0..good.len() * 8 {
            let bad = good.clone().tap(|d| d[bit / 8] ^= 1 << (bit % 8));
            if let Ok(ext) = BtfExt::parse(bad, &btf) {
                common::walk::walk_ext(&ext, &btf);
            }
        }
        for len in 0..good.len() {
            assert!(BtfExt::parse(&good[..len], &btf).is_err());
        }
    }
}

#[test]
fn names_of_relocation_kinds() {
    let all: Vec<String> = CoreReloKind::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(all.len(), 13);
    assert!(CoreReloKind::ALL.iter().zip(0..).all(|(&k, n)| k as u32 == n));
    assert_eq!(CoreReloKind::from_number(13), None);
    assert_eq!(all[0], "byte_off");
    assert_eq!(TypeId(7).to_string(), "[7]");
}
