//! The smallest ELF file that is an object with CO-RE relocations.

const PROGBITS: u32 = 1;
const SYMTAB: u32 = 2;
const STRTAB: u32 = 3;

struct Section<'a> {
    name: &'a str,
    kind: u32,
    flags: u64,
    link: u32,
    info: u32,
    entry: u64,
    data: Vec<u8>,
}

fn data(name: &str, flags: u64, data: Vec<u8>) -> Section<'_> {
    Section { name, kind: PROGBITS, flags, link: 0, info: 0, entry: 0, data }
}

/// Where in the file the instructions are.
pub(crate) const CODE: usize = 64;

/// A file with a program of so many instructions and one more, in section `xdp`.
pub(super) fn object(insns: u32, btf: &[u8], ext: &[u8]) -> Vec<u8> {
    // `r0 = 0`, and `exit` at last.
    let mut code = [0xb7, 0, 0, 0, 0, 0, 0, 0].repeat(insns as usize);
    code.extend([0x95, 0, 0, 0, 0, 0, 0, 0]);
    // The second symbol is a global function `prog`, the whole of section 1.
    let mut symbols = vec![0; 24];
    symbols.extend(1u32.to_ne_bytes());
    symbols.extend([0x12, 0, 1, 0]);
    symbols.extend([0u64, code.len() as u64].into_iter().flat_map(u64::to_ne_bytes));
    let text = |name| Section { kind: STRTAB, ..data(name, 0, b"\0prog\0GPL\0".to_vec()) };
    let mut sections = [
        Section { kind: 0, ..data("", 0, Vec::new()) },
        data("xdp", 6, code),
        data(".BTF", 0, btf.to_vec()),
        data(".BTF.ext", 0, ext.to_vec()),
        Section { kind: SYMTAB, link: 5, info: 1, entry: 24, ..data(".symtab", 0, symbols) },
        text(".strtab"),
        text(".shstrtab"),
    ];
    let mut names = vec![0];
    let name_at: Vec<u32> = sections
        .iter()
        .map(|section| {
            let at = names.len() as u32;
            names.extend(section.name.bytes().chain([0]));
            at
        })
        .collect();
    if let Some(last) = sections.last_mut() {
        last.data = names;
    }
    let (mut body, mut headers) = (Vec::new(), Vec::new());
    for (section, name) in sections.iter().zip(name_at) {
        let (at, len) = (64 + body.len() as u64, section.data.len() as u64);
        body.extend(&section.data);
        body.resize(body.len().next_multiple_of(8), 0);
        headers.extend([name, section.kind].into_iter().flat_map(u32::to_ne_bytes));
        headers.extend([section.flags, 0, at, len].into_iter().flat_map(u64::to_ne_bytes));
        headers.extend([section.link, section.info].into_iter().flat_map(u32::to_ne_bytes));
        headers.extend([8, section.entry].into_iter().flat_map(u64::to_ne_bytes));
    }
    let order = if cfg!(target_endian = "little") { 1 } else { 2 };
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    // A relocatable file for BPF.
    file.extend([1u16, 247].into_iter().flat_map(u16::to_ne_bytes));
    file.extend(1u32.to_ne_bytes());
    file.extend([0, 0, 64 + body.len() as u64].into_iter().flat_map(u64::to_ne_bytes));
    file.extend(0u32.to_ne_bytes());
    let count = sections.len() as u16;
    file.extend([64, 0, 0, 64, count, count - 1].into_iter().flat_map(u16::to_ne_bytes));
    file.extend(body);
    file.extend(headers);
    file
}
