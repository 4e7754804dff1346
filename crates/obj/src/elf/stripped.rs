//! Of a file what an object is made of: debug information, often most of a file as clang leaves it, is not read.
//!
//! What is read is a file again: its header, the headers of sections, then the parts of the file that sections are in,
//! whose headers say where they are now.

use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};
use std::ops::Range;

use object::Endianness;
use object::elf;
use object::pod;
use object::read::elf::{FileHeader as _, SectionHeader as _};
use oxbpf_btf::Bytes;

use super::{Header, RawSection, names};
use crate::order::by_place;

const HEADER: u64 = size_of::<Header>() as u64;
/// What is between two parts is read with them if it is no more.
const GAP: u64 = 1024;
/// Parts are moved by a multiple of this, which is no less than what anything in them is aligned to.
const ALIGN: u64 = 16;

/// What the file was.
#[derive(Clone, Debug)]
pub(crate) struct Stripped {
    /// Its length.
    pub(crate) len: u64,
    pub(crate) types: Option<TypeBytes>,
}

/// The section `.BTF`.
#[derive(Clone, Debug)]
pub(crate) struct TypeBytes {
    /// Its index among the sections.
    pub(crate) index: usize,
    pub(crate) bytes: Bytes,
}

/// Reads the parts of a file of `len` bytes that are needed. `None` if not all of them are in the file: what is wrong with
/// it is seen when all of it is parsed.
pub(super) fn read(file: &mut (impl Read + Seek), len: u64) -> Result<Option<(Vec<u8>, Stripped)>> {
    let mut bytes = Vec::new();
    let Some(order) = read_headers(file, len, &mut bytes)? else { return Ok(None) };
    let Some(all) = sections(&bytes, order) else { return Ok(None) };
    let place_of = |index: usize| place(all.get(index)?, order);
    let names = Header::parse(&*bytes).and_then(|header| header.section_strings_index(order, &*bytes));
    let Ok(object::SectionIndex(names)) = names else { return Ok(None) };
    let Some(at) = place_of(names).filter(|place| place.end <= len) else { return Ok(None) };
    let mut strings = Vec::new();
    append(file, at, &mut strings)?;
    let Needed { sections: needed, types } = needed(all, names, &strings, order);
    let mut parts: Vec<_> = needed.iter().filter_map(|index| place_of(*index)).collect();
    let type_place = types.and_then(place_of);
    if parts.iter().chain(&type_place).any(|part| part.end > len) {
        return Ok(None);
    }
    join(&mut parts);

    // Where each part will start, none of which changes what the one before it takes.
    let mut end = bytes.len() as u64;
    let mut moved = Vec::with_capacity(parts.len());
    for part in parts {
        let start = end.saturating_add(part.start.wrapping_sub(end) % ALIGN);
        end = start.saturating_add(part.end.saturating_sub(part.start));
        moved.push((part, start));
    }
    bytes.try_reserve_exact((end as usize).saturating_sub(bytes.len()))?;
    for (part, start) in &moved {
        bytes.resize(*start as usize, 0);
        append(file, part.clone(), &mut bytes)?;
    }
    let types = match types.zip(type_place) {
        Some((index, place)) => {
            let mut bytes = Vec::new();
            append(file, place, &mut bytes)?;
            Some(TypeBytes { index, bytes: bytes.into() })
        }
        None => None,
    };

    let table = bytes.get_mut(HEADER as usize..).unwrap_or_default();
    for index in needed {
        let at = index.saturating_mul(size_of::<RawSection>());
        let header = table.get_mut(at..).and_then(|rest| pod::from_bytes_mut::<RawSection>(rest).ok());
        let Some((header, _)) = header else { continue };
        let Some(place) = place(header, order) else { continue };
        let before = moved.partition_point(|(part, _)| part.start <= place.start);
        if let Some((part, start)) = before.checked_sub(1).and_then(|last| moved.get(last)) {
            let start = start.saturating_add(place.start.saturating_sub(part.start));
            header.sh_offset.set(order, start);
        }
    }
    Ok(Some((bytes, Stripped { len, types })))
}

/// Reads the header of the file, and behind it those of its sections, where it says that they are then.
fn read_headers(file: &mut (impl Read + Seek), len: u64, bytes: &mut Vec<u8>) -> Result<Option<Endianness>> {
    append(file, 0..HEADER, bytes)?;
    let about = |bytes: &[u8]| {
        let header = Header::parse(bytes).ok()?;
        let order = header.endian().ok()?;
        Some((header.e_shoff(order), u64::from(header.e_shnum(order)), order))
    };
    let Some((start, mut count, order)) = about(bytes) else { return Ok(None) };
    let entry = size_of::<RawSection>() as u64;
    let of = |count: u64| start..start.saturating_add(count.saturating_mul(entry));
    if of(count.max(1)).end > len {
        return Ok(None);
    }
    if count == 0 {
        // More than 16 bits count: the first header tells.
        let mut first = Vec::new();
        append(file, of(1), &mut first)?;
        let first = pod::from_bytes::<RawSection>(&first).ok();
        count = first.map_or(0, |(first, _)| first.sh_size(order));
        if of(count).end > len {
            return Ok(None);
        }
    }
    append(file, of(count), bytes)?;
    if let Ok((header, _)) = pod::from_bytes_mut::<Header>(bytes) {
        header.e_shoff.set(order, HEADER);
    }
    Ok(Some(order))
}

/// Appends a part of the file.
fn append(file: &mut (impl Read + Seek), part: Range<u64>, to: &mut Vec<u8>) -> Result<()> {
    let len = part.end.saturating_sub(part.start);
    to.try_reserve_exact(len as usize)?;
    file.seek(SeekFrom::Start(part.start))?;
    if (file.take(len).read_to_end(to)? as u64) < len {
        return Err(Error::new(ErrorKind::UnexpectedEof, "the file became shorter while it was read"));
    }
    Ok(())
}

fn sections(bytes: &[u8], order: Endianness) -> Option<&[RawSection]> {
    Header::parse(bytes).ok()?.section_headers(order, bytes).ok().filter(|all| !all.is_empty())
}

/// Where a section is in its file; `None` for `.bss`.
fn place(section: &RawSection, order: Endianness) -> Option<Range<u64>> {
    let (start, len) = section.file_range(order)?;
    Some(start..start.saturating_add(len))
}

/// What is needed of a file: indexes of sections.
struct Needed {
    sections: Vec<usize>,
    /// The section of types, which is not among them.
    types: Option<usize>,
}

fn needed(all: &[RawSection], section_names: usize, strings: &[u8], order: Endianness) -> Needed {
    let name = |section: &RawSection| names::at(strings, section.sh_name(order)).unwrap_or_default();
    // Names of symbols may be anywhere.
    let symbols = all.iter().find(|section| section.sh_type(order) == elf::SHT_SYMTAB);
    let symbol_names = symbols.map(|symbols| symbols.sh_link(order) as usize);
    let is_names = |index: usize| index == section_names || symbol_names == Some(index);
    let is_free =
        |index: usize, section: &RawSection| section.sh_type(order) == elf::SHT_PROGBITS && !is_names(index);
    let is_types =
        |(index, section): &(usize, &RawSection)| is_free(*index, section) && name(section) == ".BTF";
    let types = all.iter().enumerate().rev().find(is_types).map(|(index, _)| index);
    let is_debug = |index: usize, section: &RawSection| {
        let in_memory = elf::SHF_ALLOC.0 | elf::SHF_EXECINSTR.0;
        let at_rest = section.sh_flags(order).0 & in_memory == 0;
        is_free(index, section) && at_rest && name(section).starts_with(".debug_")
    };
    let is_needed = |(index, section): &(usize, &RawSection)| match section.sh_type(order) {
        _ if is_names(*index) => true,
        elf::SHT_REL | elf::SHT_RELA => {
            let target = section.sh_info(order) as usize;
            let about = |to: &RawSection| !matches!(name(to), ".BTF" | ".BTF.ext") && !is_debug(target, to);
            all.get(target).is_none_or(about)
        }
        _ => !is_debug(*index, section) && types != Some(*index),
    };
    let sections = all.iter().enumerate().filter(is_needed).map(|(index, _)| index).collect();
    Needed { sections, types }
}

/// Puts parts of a file in order, those that overlap, or nearly touch, in one.
fn join(parts: &mut Vec<Range<u64>>) {
    by_place(parts, |part| (0, part.start));
    parts.dedup_by(|next, part| {
        let is_near = next.start <= part.end.saturating_add(GAP);
        if is_near {
            part.end = part.end.max(next.end);
        }
        is_near
    });
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn what_is_not_needed_takes_no_memory() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/execsnoop.bpf.o");
        let mut file = std::fs::read(path).unwrap();
        let needed = file.len();
        file.resize(needed + (1 << 20), 0xdb);
        let (bytes, Stripped { len, types }) =
            read(&mut Cursor::new(&file), file.len() as u64).unwrap().unwrap();
        assert_eq!(len, file.len() as u64);
        assert!(bytes.len() + types.unwrap().bytes.len() < 2 * needed, "{} of {needed}", bytes.len());
        assert_eq!(bytes.len(), bytes.capacity());
    }
}
