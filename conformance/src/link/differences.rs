//! Two linked files: what differs, and what does not count.

/// The file with externs as externs. libbpf gives an extern map that no object defines a place in `.maps`, as if
/// there were one; linked with the object that has the map, the file would be refused.
pub(super) fn with_externs(bytes: &[u8]) -> Vec<u8> {
    use object::read::elf::{ElfFile64, FileHeader as _, SectionHeader as _};
    let mut new = bytes.to_vec();
    let Ok(file) = ElfFile64::<object::Endianness>::parse(bytes) else { return new };
    let (order, header) = (file.endian(), file.elf_header());
    let Ok(sections) = header.section_headers(order, bytes) else { return new };
    for section in sections.iter().filter(|s| s.sh_type(order) == object::elf::SHT_SYMTAB) {
        let (start, size) = (section.sh_offset(order) as usize, section.sh_size(order) as usize);
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
