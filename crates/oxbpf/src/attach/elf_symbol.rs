//! Where in a file a function begins: what a uprobe needs and an ELF symbol table knows.
//!
//! The kernel wants the offset in the file. A symbol gives an address; the segment that maps the address
//! (`PT_LOAD`) tells the offset, the same for executables at fixed addresses, position-independent ones and
//! shared libraries. Only the headers and the tables looked at are read, so a browser's gigabyte costs little.

use std::fs::File;
use std::io;
use std::path::Path;

use object::elf;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym, VersionTable};
use object::read::{ReadCache, ReadRef, SectionIndex, StringTable, SymbolIndex};
use object::{Endianness, FileKind};

use super::suggest;

/// Why a function could not be found in a binary.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SymbolError {
    /// The file cannot be opened or read.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// Not an ELF file: a script, or a linker script as `/usr/lib/libc.so` often is.
    #[error("it is not an ELF file")]
    NotElf,
    /// The headers or tables contradict themselves.
    #[error("it is a malformed ELF file: {0}")]
    Malformed(String),
    /// No function of the name.
    #[error("it has no function `{symbol}`{}", suggest::did_you_mean(near))]
    NotFound {
        /// The name that was looked for, with its version if one was given.
        symbol: String,
        /// Functions whose names look alike.
        near: Vec<String>,
    },
    /// The file has neither a dynamic symbol table nor a full one with functions.
    #[error("it has no function symbols (stripped?); give an offset in the file, as in `FILE:0x1234`")]
    Stripped,
    /// The name stands for data.
    #[error("`{symbol}` is not a function")]
    NotFunction {
        /// The name that was looked for.
        symbol: String,
    },
    /// An indirect function (`STT_GNU_IFUNC`): a resolver chooses the code at start-up, and a probe on the
    /// symbol would see the resolver run once.
    #[error(
        "`{symbol}` is an indirect function, whose code is chosen when the program starts; \
         probe one of its implementations{}",
        suggest::did_you_mean(near)
    )]
    Indirect {
        /// The name that was looked for.
        symbol: String,
        /// Functions whose names contain it.
        near: Vec<String>,
    },
    /// Several functions have the name, at different places.
    #[error("`{symbol}` is ambiguous: there are functions of that name at {}", hex(offsets))]
    Ambiguous {
        /// The name that was looked for.
        symbol: String,
        /// Their offsets in the file.
        offsets: Vec<u64>,
    },
    /// The symbol's address is in no executable segment with bytes in this file (a separate debug file?).
    #[error("`{symbol}` has no code in it at address {address:#x}")]
    NoCode {
        /// The name that was looked for.
        symbol: String,
        /// The symbol's value.
        address: u64,
    },
}

fn hex(offsets: &[u64]) -> String {
    /// A static function can have thousands of namesakes.
    const MOST: usize = 8;
    let shown: Vec<String> = offsets.iter().take(MOST).map(|o| format!("{o:#x}")).collect();
    match offsets.len().saturating_sub(MOST) {
        0 => shown.join(" and "),
        more => format!("{} and {more} more places", shown.join(", ")),
    }
}

fn malformed(e: object::read::Error) -> SymbolError {
    SymbolError::Malformed(e.to_string())
}

/// The offset in the file at which the function `symbol` begins: `name`, `name@VERSION` or `name@@VERSION`.
///
/// The dynamic symbols come first, then the full table. Without a version, the default one wins (`@@`); else a
/// global symbol wins over a weak one.
pub(crate) fn function_offset(path: &Path, symbol: &str) -> Result<u64, SymbolError> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(SymbolError::NotElf);
    }
    in_elf(&ReadCache::new(file), symbol)
}

fn in_elf<'d, R: ReadRef<'d>>(data: R, symbol: &str) -> Result<u64, SymbolError> {
    match FileKind::parse(data) {
        Ok(FileKind::Elf64) => search::<elf::FileHeader64<Endianness>, R>(data, symbol),
        Ok(FileKind::Elf32) => search::<elf::FileHeader32<Endianness>, R>(data, symbol),
        _ => Err(SymbolError::NotElf),
    }
}

/// Tables larger than this are refused: the largest programs' debug builds stay well below.
const MAX_TABLE: u64 = 1 << 30;

fn search<'d, E: FileHeader<Endian = Endianness>, R: ReadRef<'d>>(
    data: R,
    symbol: &str,
) -> Result<u64, SymbolError> {
    let header = E::parse(data).map_err(malformed)?;
    let endian = header.endian().map_err(malformed)?;
    let segments = header.program_headers(endian, data).map_err(malformed)?;
    // Sections are found by their types; their names may be missing.
    let headers = header.section_headers(endian, data).map_err(malformed)?;
    let sections = SectionTable::new(headers, StringTable::default());
    let wanted = Wanted::parse(symbol);
    // Bit 0 of an ARM function's address says that its code is Thumb.
    let mask = if header.e_machine(endian) == elf::EM_ARM { !1 } else { !0 };

    let mut seen = Seen::default();
    for kind in [elf::SHT_DYNSYM, elf::SHT_SYMTAB] {
        let Some(table) = Table::<E>::read(endian, data, &sections, kind)? else { continue };
        let found = table.matches(endian, &wanted, &mut seen);
        if let Some(address) =
            choose(symbol, &found, |address| file_offset::<E>(endian, segments, address & mask))?
        {
            return file_offset::<E>(endian, segments, address & mask)
                .ok_or_else(|| SymbolError::NoCode { symbol: symbol.to_owned(), address });
        }
        if found.is_empty() {
            seen.note_names(&table, endian, wanted.name);
        }
    }
    let symbol = symbol.to_owned();
    Err(if seen.indirect {
        SymbolError::Indirect { symbol, near: seen.near }
    } else if seen.data {
        SymbolError::NotFunction { symbol }
    } else if seen.functions {
        SymbolError::NotFound { symbol, near: seen.near }
    } else {
        SymbolError::Stripped
    })
}

/// One of the candidates, if there is any: the default version, then the one that is not weak.
fn choose(
    symbol: &str,
    found: &[Found],
    offset: impl Fn(u64) -> Option<u64>,
) -> Result<Option<u64>, SymbolError> {
    let rank = |f: &Found| (f.default, !f.weak);
    let Some(best) = found.iter().map(rank).max() else { return Ok(None) };
    let mut addresses: Vec<u64> = found.iter().filter(|f| rank(f) == best).map(|f| f.address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    match addresses[..] {
        [one] => Ok(Some(one)),
        _ => Err(SymbolError::Ambiguous {
            symbol: symbol.to_owned(),
            offsets: addresses.iter().map(|&a| offset(a).unwrap_or(a)).collect(),
        }),
    }
}

/// A symbol that matches.
struct Found {
    address: u64,
    weak: bool,
    /// No version, or the version that a reference without one gets.
    default: bool,
}

/// What the tables held besides matches, to explain a failure.
#[derive(Default)]
struct Seen {
    functions: bool,
    indirect: bool,
    data: bool,
    near: Vec<String>,
}

impl Seen {
    fn note_names<E: FileHeader<Endian = Endianness>>(
        &mut self,
        table: &Table<'_, E>,
        endian: Endianness,
        wanted: &str,
    ) {
        let names = table
            .symbols
            .iter()
            .filter(|s| s.st_type() == elf::STT_FUNC && !s.is_undefined(endian))
            .filter_map(|s| std::str::from_utf8(table.strings.get(s.st_name(endian)).ok()?).ok())
            .inspect(|_| self.functions = true);
        let near = suggest::nearest(wanted, names);
        if self.near.is_empty() {
            self.near = near;
        }
    }
}

/// `name`, `name@VERSION`, `name@@VERSION` taken apart.
struct Wanted<'a> {
    name: &'a str,
    version: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn parse(symbol: &'a str) -> Wanted<'a> {
        match symbol.split_once('@') {
            Some((name, version)) => {
                Wanted { name, version: Some(version.strip_prefix('@').unwrap_or(version)) }
            }
            None => Wanted { name: symbol, version: None },
        }
    }
}

/// A symbol table with its names and versions, read whole: one read each.
struct Table<'d, E: FileHeader> {
    symbols: &'d [E::Sym],
    strings: StringTable<'d, &'d [u8]>,
    versions: Option<VersionTable<'d, E>>,
}

impl<'d, E: FileHeader<Endian = Endianness>> Table<'d, E> {
    fn read<R: ReadRef<'d>>(
        endian: Endianness,
        data: R,
        sections: &SectionTable<'d, E, R>,
        kind: elf::SectionType,
    ) -> Result<Option<Self>, SymbolError> {
        let Some(section) = sections.iter().find(|s| s.sh_type(endian) == kind) else {
            return Ok(None);
        };
        bytes_of::<E, R>(endian, data, section)?;
        let symbols = section.data_as_array::<E::Sym, R>(endian, data).map_err(malformed)?;
        let link = SectionIndex(section.sh_link(endian) as usize);
        let names = sections.section(link).map_err(malformed)?;
        let strings = table_of(bytes_of::<E, R>(endian, data, names)?);

        // Only the dynamic table has versions. Broken ones only lose the versions.
        let versions = (kind == elf::SHT_DYNSYM).then(|| versions(endian, data, sections)).flatten();
        Ok(Some(Table { symbols, strings, versions }))
    }

    fn matches(&self, endian: Endianness, wanted: &Wanted<'_>, seen: &mut Seen) -> Vec<Found> {
        let mut found = Vec::new();
        for (i, symbol) in self.symbols.iter().enumerate() {
            if symbol.is_undefined(endian) {
                continue;
            }
            let Ok(name) = self.strings.get(symbol.st_name(endian)) else { continue };
            let Some(rest) = name.strip_prefix(wanted.name.as_bytes()) else { continue };
            let Some((version, default)) = self.version(endian, i, rest) else { continue };
            if wanted.version.is_some_and(|v| version != v.as_bytes()) {
                continue;
            }
            match symbol.st_type() {
                elf::STT_FUNC => found.push(Found {
                    address: symbol.st_value(endian).into(),
                    weak: symbol.is_weak(),
                    default,
                }),
                elf::STT_GNU_IFUNC => seen.indirect = true,
                _ => seen.data = true,
            }
        }
        found
    }

    /// The version of symbol `i` and whether it is the default; `rest` is what follows the plain name in the
    /// symbol's own name, where full tables keep it. `None`: the symbol has a longer name.
    fn version(&self, endian: Endianness, i: usize, rest: &'d [u8]) -> Option<(&'d [u8], bool)> {
        match rest {
            [] => {
                let Some(versions) = &self.versions else { return Some((b"", true)) };
                let index = versions.version_index(endian, SymbolIndex(i));
                let name = match versions.version(index.index()) {
                    Ok(Some(version)) => version.name(),
                    _ => b"",
                };
                Some((name, !index.is_hidden()))
            }
            [b'@', b'@', version @ ..] => Some((version, true)),
            [b'@', version @ ..] => Some((version, false)),
            _ => None,
        }
    }
}

fn versions<'d, E: FileHeader<Endian = Endianness>, R: ReadRef<'d>>(
    endian: Endianness,
    data: R,
    sections: &SectionTable<'d, E, R>,
) -> Option<VersionTable<'d, E>> {
    let (versyms, _) = sections.gnu_versym(endian, data).ok()??;
    let (verdefs, names) = match sections.gnu_verdef(endian, data).ok()? {
        Some((verdefs, link)) => {
            (Some(verdefs), bytes_of::<E, R>(endian, data, sections.section(link).ok()?).ok()?)
        }
        None => (None, &[][..]),
    };
    VersionTable::parse(endian, versyms, verdefs, None, table_of(names)).ok()
}

/// The content of a section, one that may be a table.
fn bytes_of<'d, E: FileHeader<Endian = Endianness>, R: ReadRef<'d>>(
    endian: Endianness,
    data: R,
    section: &E::SectionHeader,
) -> Result<&'d [u8], SymbolError> {
    if section.sh_size(endian).into() > MAX_TABLE {
        return Err(SymbolError::Malformed("a symbol or string table exceeds 1 GiB".into()));
    }
    section.data(endian, data).map_err(malformed)
}

fn table_of(bytes: &[u8]) -> StringTable<'_, &[u8]> {
    StringTable::new(bytes, 0, bytes.len() as u64)
}

/// The file offset of an address: through the executable segment that holds it.
fn file_offset<E: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    segments: &[E::ProgramHeader],
    address: u64,
) -> Option<u64> {
    segments
        .iter()
        .filter(|p| p.p_type(endian) == elf::PT_LOAD && p.p_flags(endian).contains(elf::PF_X))
        .find_map(|p| {
            let within = address.checked_sub(p.p_vaddr(endian).into())?;
            (within < p.p_filesz(endian).into()).then(|| within.checked_add(p.p_offset(endian).into()))?
        })
}

#[cfg(test)]
mod tests;
