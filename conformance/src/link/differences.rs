//! Two linked files: what differs, and what does not count.

/// The file without what libbpf gets wrong:
/// - An extern map, or variable of an arena, that no object defines gets a place in `.maps` or `.addr_space.1`, as if there
///   were one: that of another, or one that the object which has it is refused for.
/// - Entries of jump tables count from the start of the section that they lead into. libbpf leaves them as they are where
///   the object's part does not come first, so that they lead into another object's function.
pub(super) fn comparable(bytes: &[u8]) -> Vec<u8> {
    use object::read::elf::{ElfFile64, FileHeader as _, SectionHeader as _};
    let mut new = bytes.to_vec();
    let Ok(file) = ElfFile64::<object::Endianness>::parse(bytes) else { return new };
    let (order, header) = (file.endian(), file.elf_header());
    let Ok(sections) = header.section_headers(order, bytes) else { return new };
    let names = header.section_strings(order, bytes, sections).unwrap_or_default();
    for section in sections {
        let (start, size) = (section.sh_offset(order) as usize, section.sh_size(order) as usize);
        if section.name(order, names) == Ok(b".jumptables") {
            new[start..start + size].fill(0);
        }
        if section.sh_type(order) != object::elf::SHT_SYMTAB {
            continue;
        }
        for symbol in new[start..start + size].chunks_exact_mut(24) {
            // Its binding, its type; behind the visibility its section and place.
            if symbol[4] >> 4 != 0 && symbol[4] & 0xf == 0 {
                symbol[6..16].fill(0);
            }
        }
    }
    new
}

/// Which sections are not the same, and from where on.
pub(super) fn describe(ours: &[u8], theirs: &[u8]) -> String {
    let (a, b) = (sections(ours), sections(theirs));
    if a.len() != b.len() {
        return format!("{} sections, theirs {}", a.len(), b.len());
    }
    let mut found = Vec::new();
    for (a, b) in a.iter().zip(&b).filter(|(a, b)| a != b) {
        let at = a.1.iter().zip(&b.1).position(|(a, b)| a != b);
        let (ours, theirs) = (a.1.len(), b.1.len());
        found.push(format!("{} and {}: {ours} and {theirs} bytes, from {at:?} on", a.0, b.0));
    }
    if found.is_empty() {
        let at = ours.iter().zip(theirs).position(|(a, b)| a != b);
        return format!(
            "all sections are the same; {} and {} bytes, from {at:?} on",
            ours.len(),
            theirs.len()
        );
    }
    found.join("; ")
}

fn sections(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    use object::{Object as _, ObjectSection as _};
    let Ok(file) = object::File::parse(bytes) else { return Vec::new() };
    let section = |s: object::Section<'_, '_>| {
        (s.name().unwrap_or("?").to_owned(), s.data().unwrap_or_default().to_vec())
    };
    file.sections().map(section).collect()
}
