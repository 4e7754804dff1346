use super::*;

const FUNC: u8 = 2;
const OBJECT: u8 = 1;
const IFUNC: u8 = 10;
const LOCAL: u8 = 0;
const GLOBAL: u8 = 1;
const WEAK: u8 = 2;

/// A symbol: name, type, binding, address, index of its version (0x8000: hidden).
type S<'a> = (&'a str, u8, u8, u64, u16);

fn names(symbols: &[S<'_>]) -> (Vec<u8>, Vec<u32>) {
    let mut bytes = vec![0];
    let offsets = symbols
        .iter()
        .map(|s| {
            let at = bytes.len() as u32;
            bytes.extend_from_slice(s.0.as_bytes());
            bytes.push(0);
            at
        })
        .collect();
    (bytes, offsets)
}

fn sym(name: u32, info: u8, section: u16, value: u64) -> Vec<u8> {
    let mut b = name.to_le_bytes().to_vec();
    b.extend([info, 0]);
    b.extend(section.to_le_bytes());
    b.extend(value.to_le_bytes());
    b.extend(4u64.to_le_bytes());
    b
}

fn table(symbols: &[S<'_>], offsets: &[u32]) -> Vec<u8> {
    let mut b = sym(0, 0, 0, 0);
    for (s, &name) in symbols.iter().zip(offsets) {
        b.extend(sym(name, s.2 << 4 | s.1, 1, s.3));
    }
    b
}

/// A 64-bit little-endian ELF: code at address 0x401000 is at offset 0x2000 of the file. Versions are numbered from 2.
fn elf_file(dynamic: &[S<'_>], full: &[S<'_>], versions: &[&str]) -> Vec<u8> {
    let (mut dynstr, dyn_names) = names(dynamic);
    let (strtab, full_names) = names(full);
    let mut verdef = Vec::new();
    for (i, v) in versions.iter().enumerate() {
        let name = dynstr.len() as u32;
        dynstr.extend_from_slice(v.as_bytes());
        dynstr.push(0);
        for half in [1u16, 0, i as u16 + 2, 1] {
            verdef.extend(half.to_le_bytes());
        }
        let next = if i + 1 < versions.len() { 28u32 } else { 0 };
        for word in [0, 20, next, name, 0] {
            verdef.extend(word.to_le_bytes());
        }
    }
    let mut versym = 0u16.to_le_bytes().to_vec();
    dynamic.iter().for_each(|s| versym.extend(s.4.to_le_bytes()));

    // (type, link, entry size, bytes)
    let mut sections: Vec<(u32, u32, u64, Vec<u8>)> = vec![(0, 0, 0, vec![])];
    if !dynamic.is_empty() {
        sections.push((11, 2, 24, table(dynamic, &dyn_names)));
        sections.push((3, 0, 0, dynstr));
        sections.push((0x6fff_ffff, 1, 2, versym));
        if !versions.is_empty() {
            sections.push((0x6fff_fffd, 2, 0, verdef));
        }
    }
    if !full.is_empty() {
        let link = sections.len() as u32 + 1;
        sections.push((2, link, 24, table(full, &full_names)));
        sections.push((3, 0, 0, strtab));
    }

    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    for half in [3u16, 62] {
        file.extend(half.to_le_bytes());
    }
    file.extend(1u32.to_le_bytes());
    for word in [0u64, 64, 0x3000] {
        file.extend(word.to_le_bytes());
    }
    file.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 2, 64, sections.len() as u16, 0] {
        file.extend(half.to_le_bytes());
    }
    // (flags, offset, address, size in the file): data, then code.
    for (flags, offset, address, size) in
        [(4u32, 0u64, 0x40_0000u64, 0x1000u64), (5, 0x2000, 0x40_1000, 0x800)]
    {
        file.extend(1u32.to_le_bytes());
        file.extend(flags.to_le_bytes());
        for word in [offset, address, address, size, size + 0x100, 0x1000] {
            file.extend(word.to_le_bytes());
        }
    }
    file.resize(0x3000, 0);
    let mut at = 0x3000 + 64 * sections.len() as u64;
    for (kind, link, entry, bytes) in &sections {
        file.extend(0u32.to_le_bytes());
        file.extend(kind.to_le_bytes());
        for word in [0, 0, at, bytes.len() as u64] {
            file.extend(word.to_le_bytes());
        }
        file.extend(link.to_le_bytes());
        file.extend(0u32.to_le_bytes());
        file.extend(8u64.to_le_bytes());
        file.extend(entry.to_le_bytes());
        at += bytes.len() as u64;
    }
    for (.., bytes) in &sections {
        file.extend(bytes);
    }
    file
}

fn find(file: &[u8], symbol: &str) -> Result<u64, SymbolError> {
    in_elf(file, symbol)
}

#[test]
fn an_address_becomes_the_offset_in_the_file_by_its_segment() {
    let f = elf_file(&[], &[("work", FUNC, LOCAL, 0x40_1234, 0)], &[]);
    assert_eq!(find(&f, "work").unwrap(), 0x2234);
}

#[test]
fn the_dynamic_table_comes_first_then_the_full_one() {
    let f = elf_file(
        &[("open", FUNC, GLOBAL, 0x40_1010, 1)],
        &[("open", FUNC, LOCAL, 0x40_1020, 0), ("secret", FUNC, LOCAL, 0x40_1030, 0)],
        &[],
    );
    assert_eq!(find(&f, "open").unwrap(), 0x2010);
    assert_eq!(find(&f, "secret").unwrap(), 0x2030);
}

#[test]
fn versions_choose_and_the_default_wins_without_one() {
    let f = elf_file(
        &[("memcpy", FUNC, GLOBAL, 0x40_1010, 0x8002), ("memcpy", FUNC, GLOBAL, 0x40_1020, 3)],
        &[],
        &["GLIBC_2.2.5", "GLIBC_2.14"],
    );
    assert_eq!(find(&f, "memcpy").unwrap(), 0x2020);
    assert_eq!(find(&f, "memcpy@GLIBC_2.2.5").unwrap(), 0x2010);
    assert_eq!(find(&f, "memcpy@@GLIBC_2.14").unwrap(), 0x2020);
    assert_eq!(find(&f, "memcpy@GLIBC_2.14").unwrap(), 0x2020);
    assert!(matches!(find(&f, "memcpy@GLIBC_9"), Err(SymbolError::NotFound { .. })));
}

#[test]
fn full_tables_keep_versions_in_the_name() {
    let f = elf_file(
        &[],
        &[
            ("f@V1", FUNC, GLOBAL, 0x40_1010, 0),
            ("f@@V2", FUNC, GLOBAL, 0x40_1020, 0),
            ("ff", FUNC, GLOBAL, 0x40_1030, 0),
        ],
        &[],
    );
    assert_eq!(find(&f, "f").unwrap(), 0x2020);
    assert_eq!(find(&f, "f@V1").unwrap(), 0x2010);
}

#[test]
fn weak_gives_way_and_two_equals_are_ambiguous() {
    let f = elf_file(
        &[],
        &[
            ("a", FUNC, WEAK, 0x40_1010, 0),
            ("a", FUNC, GLOBAL, 0x40_1020, 0),
            ("a", FUNC, GLOBAL, 0x40_1020, 0),
        ],
        &[],
    );
    assert_eq!(find(&f, "a").unwrap(), 0x2020);
    let f = elf_file(&[], &[("a", FUNC, LOCAL, 0x40_1010, 0), ("a", FUNC, LOCAL, 0x40_1020, 0)], &[]);
    let Err(SymbolError::Ambiguous { offsets, .. }) = find(&f, "a") else { panic!() };
    assert_eq!(offsets, [0x2010, 0x2020]);
    let ambiguous = |n| SymbolError::Ambiguous { symbol: "a".into(), offsets: (1..=n).collect() }.to_string();
    assert_eq!(ambiguous(2), "`a` is ambiguous: there are functions of that name at 0x1 and 0x2");
    assert!(ambiguous(5000).ends_with("at 0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8 and 4992 more places"));
}

#[test]
fn what_is_not_a_plain_function_is_told_apart() {
    let f = elf_file(
        &[
            ("memcpy", IFUNC, GLOBAL, 0x40_1010, 1),
            ("errno", OBJECT, GLOBAL, 0x40_0010, 1),
            ("puts", FUNC, GLOBAL, 0x40_1050, 1),
        ],
        &[
            ("__memcpy_avx", FUNC, LOCAL, 0x40_1040, 0),
            ("data_only", FUNC, LOCAL, 0x40_0040, 0),
            ("bss", FUNC, LOCAL, 0x40_1800, 0),
        ],
        &[],
    );
    let Err(SymbolError::Indirect { near, .. }) = find(&f, "memcpy") else { panic!() };
    assert_eq!(near, ["__memcpy_avx"]);
    assert!(matches!(find(&f, "errno"), Err(SymbolError::NotFunction { .. })));
    let Err(SymbolError::NotFound { near, .. }) = find(&f, "put") else { panic!() };
    assert_eq!(near, ["puts"]);
    // Not in an executable segment; past its bytes in the file.
    assert!(matches!(find(&f, "data_only"), Err(SymbolError::NoCode { address: 0x40_0040, .. })));
    assert!(matches!(find(&f, "bss"), Err(SymbolError::NoCode { address: 0x40_1800, .. })));
}

#[test]
fn files_without_symbols_say_so() {
    assert!(matches!(find(&elf_file(&[], &[], &[]), "main"), Err(SymbolError::Stripped)));
    assert!(matches!(find(b"#!/bin/sh\necho no\n", "main"), Err(SymbolError::NotElf)));
    assert!(matches!(find(b"\x7fELF", "main"), Err(SymbolError::NotElf)));
    assert!(matches!(function_offset(Path::new("/no/such/file"), "main"), Err(SymbolError::Io(_))));
    assert!(matches!(function_offset(Path::new("/proc"), "main"), Err(SymbolError::NotElf)));
}

#[test]
fn no_damage_panics() {
    let whole = elf_file(
        &[("memcpy", FUNC, GLOBAL, 0x40_1010, 2), ("x", FUNC, GLOBAL, 0x40_1014, 3)],
        &[("main", FUNC, GLOBAL, 0x40_1020, 0)],
        &["V1", "V2"],
    );
    for cut in (0..whole.len()).step_by(7) {
        let _ = find(&whole[..cut], "main");
    }
    let interesting = (0..176).chain(0x3000..whole.len());
    for at in interesting {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bad = whole.clone();
            bad[at] = value;
            let _ = find(&bad, "memcpy@V1");
            let _ = find(&bad, "nothing");
        }
    }
}

/// The file of a function of this very program, and its offset by the kernel's list of mappings.
#[test]
fn agrees_with_the_kernel_about_this_program() {
    let address = agrees_with_the_kernel_about_this_program as fn() as usize as u64;
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let (path, offset) = maps
        .lines()
        .find_map(|line| {
            let mut f = line.split_whitespace();
            let (from, to) = f.next()?.split_once('-')?;
            let (from, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
            let start = u64::from_str_radix(f.nth(1)?, 16).ok()?;
            (from..to).contains(&address).then(|| (f.nth(2).unwrap().to_owned(), start + address - from))
        })
        .unwrap();
    let file = std::fs::read(&path).unwrap();
    let name = {
        use object::{Object, ObjectSymbol};
        let elf = object::File::parse(&*file).unwrap();
        elf.symbols()
            .find(|s| {
                s.name().is_ok_and(|n| n.contains("agrees_with_the_kernel_about_this_program"))
                    && function_offset(Path::new(&path), s.name().unwrap()).is_ok_and(|o| o == offset)
            })
            .map(|s| s.name().unwrap().to_owned())
    };
    assert!(name.is_some(), "no symbol of this function at {offset:#x} in {path}");
}
