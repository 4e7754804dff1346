//! Of a file what an object is made of: debug information, often most of a file as clang leaves it, is not read.

use crate::order::by_place;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};
use std::ops::Range;

use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader as _, SectionHeader as _};
use oxbpf_btf::Bytes;

use super::{Header, RawSection, names};
use crate::ObjectSpec;

/// Files up to this size are read at once: more reads would take longer.
const SMALL: u64 = 256 << 10;
/// What is between two parts is read with them if it is no more.
const GAP: u64 = 4096;

/// What matters of an object's file, read and not parsed yet.
///
/// Of a large file debug information (DWARF) is left out: zeros stand in its place, for which a system that gives memory
/// only when it is written to needs none. The types are apart, as they are changed when the object is parsed.
///
/// ```
/// use oxbpf_obj::ObjectFile;
///
/// let file = std::fs::File::open("../../testdata/execsnoop.bpf.o")?;
/// let len = file.metadata()?.len();
/// let spec = ObjectFile::read(file, len)?.parse("execsnoop")?;
/// assert!(!spec.programs.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ObjectFile {
    bytes: Bytes,
    types: Option<TypeBytes>,
}

/// The section `.BTF` and its place in the file.
#[derive(Clone, Debug)]
pub(crate) struct TypeBytes {
    pub(crate) place: Range<u64>,
    pub(crate) bytes: Bytes,
}

impl ObjectFile {
    /// Reads a file of `len` bytes. Whether it is an object is seen when it is parsed.
    ///
    /// # Errors
    /// What cannot be read; [`ErrorKind::OutOfMemory`].
    pub fn read(mut file: impl Read + Seek, len: u64) -> Result<Self> {
        let size = usize::try_from(len).map_err(|_| ErrorKind::OutOfMemory)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size)?;
        if len <= SMALL {
            file.take(len).read_to_end(&mut bytes)?;
            return Ok(Self { bytes: bytes.into(), types: None });
        }
        // There is room, so that this does not fail; it touches none of it, where filling would all.
        drop(bytes);
        let mut bytes = vec![0; size];
        let types = read_needed(&mut file, &mut bytes)?;
        Ok(Self { bytes: bytes.into(), types })
    }

    /// The object in it, which has a share in what was read.
    ///
    /// # Errors
    /// As [`ObjectSpec::parse`].
    pub fn parse(self, name: &str) -> std::result::Result<ObjectSpec, crate::Error> {
        crate::parse::parse_shared(name, &self.bytes, self.types)
    }
}

/// Reads the parts of a large file that are needed, each to its place but the types.
fn read_needed(mut file: impl Read + Seek, bytes: &mut [u8]) -> Result<Option<TypeBytes>> {
    let header = size_of::<Header>() as u64;
    fill(&mut file, bytes, 0..header)?;
    let Some(table) = section_table(&mut file, bytes)? else { return Ok(None) };
    fill(&mut file, bytes, table)?;
    if let Some(names) = sections(bytes).and_then(|(all, order)| section_names(bytes, all, order)) {
        fill(&mut file, bytes, names)?;
    }
    let (parts, types) = needed(bytes);
    for part in parts {
        fill(&mut file, bytes, part)?;
    }
    // What is not in the file is missed when it is parsed.
    let Some(place) = types.filter(|place| place.end <= bytes.len() as u64) else { return Ok(None) };
    let len = place.end.saturating_sub(place.start);
    let mut types = Vec::new();
    types.try_reserve_exact(len as usize)?;
    file.seek(SeekFrom::Start(place.start))?;
    file.take(len).read_to_end(&mut types)?;
    Ok(Some(TypeBytes { place, bytes: types.into() }))
}

/// Reads a part to its place; what lies outside of the file is left out.
fn fill(mut file: impl Read + Seek, bytes: &mut [u8], part: Range<u64>) -> Result<()> {
    let end = part.end.min(bytes.len() as u64);
    // Both are within the bytes.
    let place = bytes.get_mut(part.start.min(end) as usize..end as usize).unwrap_or_default();
    if place.is_empty() {
        return Ok(());
    }
    file.seek(SeekFrom::Start(part.start))?;
    file.read_exact(place).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => Error::new(error.kind(), "the file became shorter while it was read"),
        _ => error,
    })
}

/// Where the section headers are; `None` if there are none.
fn section_table(file: impl Read + Seek, bytes: &mut [u8]) -> Result<Option<Range<u64>>> {
    let header = |bytes: &[u8]| {
        let header = Header::parse(bytes).ok()?;
        let order = header.endian().ok()?;
        Some((header.e_shoff(order), header.e_shnum(order), order))
    };
    let Some((start, count, order)) = header(bytes) else { return Ok(None) };
    let entry = size_of::<RawSection>() as u64;
    let of = |count: u64| start..start.saturating_add(count.saturating_mul(entry));
    if count != 0 {
        return Ok(Some(of(count.into())));
    }
    // More than 16 bits count: the first header tells.
    fill(file, bytes, of(1))?;
    let first = usize::try_from(start).ok().and_then(|start| bytes.get(start..));
    let first = first.and_then(|rest| object::pod::from_bytes::<RawSection>(rest).ok());
    Ok(first.map(|(first, _)| of(first.sh_size(order))))
}

fn sections(bytes: &[u8]) -> Option<(&[RawSection], Endianness)> {
    let header = Header::parse(bytes).ok()?;
    let order = header.endian().ok()?;
    Some((header.section_headers(order, bytes).ok()?, order))
}

/// Where the names of sections are.
fn section_names(bytes: &[u8], all: &[RawSection], order: Endianness) -> Option<Range<u64>> {
    let index = Header::parse(bytes).ok()?.section_strings_index(order, bytes).ok()?;
    place(all.get(index.0)?, order)
}

/// Where a section is in its file; `None` for `.bss`.
pub(super) fn place(section: &RawSection, order: Endianness) -> Option<Range<u64>> {
    let (start, len) = section.file_range(order)?;
    Some(start..start.saturating_add(len))
}

/// The parts of the file that are needed, in order, none overlapping another; the types apart.
fn needed(bytes: &[u8]) -> (Vec<Range<u64>>, Option<Range<u64>>) {
    let Some((all, order)) = sections(bytes) else { return (Vec::new(), None) };
    let strings = section_names(bytes, all, order);
    let strings = strings.and_then(|names| bytes.get(names.start as usize..names.end as usize));
    let strings = strings.unwrap_or_default();
    let name = |section: &RawSection| names::at(strings, section.sh_name(order)).unwrap_or_default();
    // Names of symbols may be anywhere.
    let symbols = all.iter().find(|section| section.sh_type(order) == elf::SHT_SYMTAB);
    let symbol_names = symbols.and_then(|symbols| all.get(symbols.sh_link(order) as usize));
    let is_free = |section: &&RawSection| {
        section.sh_type(order) == elf::SHT_PROGBITS && symbol_names.is_none_or(|names| !is(names, section))
    };
    let types = all.iter().rev().filter(is_free).find(|section| name(section) == ".BTF");
    let is_debug = |section: &RawSection| {
        let in_memory = elf::SHF_ALLOC.0 | elf::SHF_EXECINSTR.0;
        let at_rest = section.sh_flags(order).0 & in_memory == 0;
        is_free(&section) && at_rest && name(section).starts_with(".debug_")
    };
    let is_needed = |section: &&RawSection| match section.sh_type(order) {
        elf::SHT_REL | elf::SHT_RELA => {
            let target = all.get(section.sh_info(order) as usize);
            target.is_none_or(|to| !matches!(name(to), ".BTF" | ".BTF.ext") && !is_debug(to))
        }
        _ => !is_debug(section) && types.is_none_or(|types| !is(types, section)),
    };
    let mut parts: Vec<_> = all.iter().filter(is_needed).filter_map(|s| place(s, order)).collect();
    by_place(&mut parts, |part| (0, part.start));
    parts.dedup_by(|next, part| {
        let is_near = next.start <= part.end.saturating_add(GAP);
        if is_near {
            part.end = part.end.max(next.end);
        }
        is_near
    });
    (parts, types.and_then(|types| place(types, order)))
}

/// Whether the two are one, not only equal.
fn is(one: &RawSection, other: &RawSection) -> bool {
    std::ptr::eq(one, other)
}
