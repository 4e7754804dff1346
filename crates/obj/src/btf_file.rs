//! BTF out of files: raw, or in a section of an ELF file of any machine.

use std::io::{Read, Seek, SeekFrom};

use object::elf;
use object::read::elf::{FileHeader, SectionHeader as _};
use object::read::{ReadCache, ReadRef};
use object::{Endianness, FileKind};
use oxbpf_btf::{Btf, BtfExt, Bytes};

use crate::Error;
use crate::error::{ElfProblem, SectionProblem};
use crate::packed::{is_packed, unpacked};

/// The types in a file: raw BTF, as `/sys/kernel/btf/` has it and other tools write it, or an ELF file with the
/// section `.BTF`: an object, `vmlinux`, a kernel module, a program that pahole has been run on. Either can be packed
/// by gzip, as modules are (`.ko.gz`).
///
/// ```
/// use oxbpf_obj::BtfFile;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = BtfFile::parse(&std::fs::read("../../testdata/execsnoop.bpf.o")?, None)?;
/// assert!(file.btf.types().len() > 10);
/// let ext = file.ext.ok_or("a BPF object has .BTF.ext")?;
/// assert!(ext.core_relos().count() > 0);
///
/// // The same of a large file, of which only the parts that matter are read.
/// let large = std::fs::File::open("../../testdata/execsnoop.bpf.o")?;
/// assert_eq!(BtfFile::read(large, None)?.btf.as_bytes(), file.btf.as_bytes());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[doc(alias = "btf__parse")]
pub struct BtfFile {
    /// The types. Of an ELF file with `.BTF.base` that no base was given for, they are on that distilled base.
    pub btf: Btf,
    /// `.BTF.ext`, if an ELF file has it. It belongs to the types as they are in the file: after a relocation to
    /// another base its ids are those of [`BtfExt::btf`], not of [`btf`](Self::btf).
    pub ext: Option<BtfExt>,
}

impl BtfFile {
    /// The types of a file in memory. `base`: what they continue, for a kernel module; types that come with a
    /// distilled base of their own (`.BTF.base`) are [relocated](Btf::relocate) to it.
    ///
    /// # Errors
    /// [`Error::NoBtf`] for an ELF file without; [`Error::Btf`] names the section and what is wrong in it;
    /// [`Error::NotElf`] for what is something else, files packed by xz or zstd among it.
    #[doc(alias = "btf__parse_split")]
    #[doc(alias = "btf__parse_elf")]
    #[doc(alias = "btf__parse_raw")]
    pub fn parse(bytes: &[u8], base: Option<&Btf>) -> Result<BtfFile, Error> {
        let bytes = &*unpacked(bytes)?;
        if is_raw(bytes) {
            return Self::from_raw(bytes, base);
        }
        of_elf(bytes, base)
    }

    /// Raw BTF, which is kept and not copied.
    ///
    /// # Errors
    /// [`Error::Btf`] says what is wrong.
    pub fn from_raw(bytes: impl Into<Bytes>, base: Option<&Btf>) -> Result<BtfFile, Error> {
        Ok(BtfFile { btf: parsed(bytes.into(), base)?, ext: None })
    }

    /// The same of a file that is read where it matters: a `vmlinux` with debug information has gigabytes.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); what cannot be read counts as cut off.
    pub fn read(mut file: impl Read + Seek, base: Option<&Btf>) -> Result<BtfFile, Error> {
        let cut = |_| Error::from(ElfProblem::Header);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).map_err(cut)?;
        file.by_ref().take(6).read_to_end(&mut bytes).map_err(cut)?;
        if is_raw(&bytes) {
            file.read_to_end(&mut bytes).map_err(cut)?;
            return Self::from_raw(bytes, base);
        }
        if is_packed(&bytes) {
            file.read_to_end(&mut bytes).map_err(cut)?;
            return Self::parse(&bytes, base);
        }
        of_elf(&ReadCache::new(file), base)
    }
}

fn is_raw(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x9f, 0xeb]) || bytes.starts_with(&[0xeb, 0x9f])
}

fn parsed(bytes: Bytes, base: Option<&Btf>) -> Result<Btf, Error> {
    match base {
        Some(base) => Btf::parse_split(bytes, base).map_err(Error::btf),
        None => Btf::parse(bytes).map_err(Error::btf),
    }
}

fn of_elf<'d>(data: impl ReadRef<'d>, base: Option<&Btf>) -> Result<BtfFile, Error> {
    let sections = match FileKind::parse(data) {
        Ok(FileKind::Elf32) => Sections::find::<elf::FileHeader32<Endianness>, _>(data, 4),
        Ok(FileKind::Elf64) => Sections::find::<elf::FileHeader64<Endianness>, _>(data, 8),
        _ if data.read_bytes_at(0, 4).is_ok_and(|magic| magic == elf::ELFMAG) => {
            Err(ElfProblem::Header.into())
        }
        _ => Err(Error::NotElf { what: "something else, and not raw BTF either" }),
    }?;
    let own = sections.btf.ok_or(Error::NoBtf)?;
    let distilled = sections
        .base
        .map(|bytes| Btf::parse(bytes).map_err(|source| Error::Btf { section: ".BTF.base", source }));
    let distilled = distilled.transpose()?;
    let btf = parsed(own.into(), distilled.as_ref().or(base))?;
    // Its base tells, where it has one.
    let sized = |btf: Btf| btf.with_pointer_size(sections.pointer_size).map_err(Error::btf);
    let btf = if btf.base().is_some() { btf } else { sized(btf)? };
    let ext = sections.ext.map(|bytes| BtfExt::parse(bytes, &btf));
    let ext = ext.transpose().map_err(|source| Error::Btf { section: ".BTF.ext", source })?;
    let btf = match base {
        Some(base) if distilled.is_some() => {
            btf.relocate(base).map_err(|source| Error::Btf { section: ".BTF.base", source })?
        }
        _ => btf,
    };
    Ok(BtfFile { btf, ext })
}

/// Where an ELF file has its types.
struct Sections<'d> {
    btf: Option<&'d [u8]>,
    base: Option<&'d [u8]>,
    ext: Option<&'d [u8]>,
    pointer_size: u32,
}

impl<'d> Sections<'d> {
    fn find<H, R>(data: R, pointer_size: u32) -> Result<Self, Error>
    where
        H: FileHeader<Endian = Endianness>,
        R: ReadRef<'d>,
    {
        let header = H::parse(data).map_err(|_| ElfProblem::Header)?;
        let order = header.endian().map_err(|_| ElfProblem::Header)?;
        let all = header.section_headers(order, data).map_err(|_| ElfProblem::SectionHeaders)?;
        let names = header.section_strings_index(order, data).ok().and_then(|index| all.get(index.0));
        // Whole, or each name would be read by itself.
        let names = names.and_then(|s| s.data(order, data).ok()).ok_or(ElfProblem::SectionNames)?;
        let mut found = Sections { btf: None, base: None, ext: None, pointer_size };
        for section in all {
            let name = names.get(section.sh_name(order) as usize..).unwrap_or_default();
            let (name, place) = match name {
                [b'.', b'B', b'T', b'F', 0, ..] => (".BTF", &mut found.btf),
                _ if name.starts_with(b".BTF.ext\0") => (".BTF.ext", &mut found.ext),
                _ if name.starts_with(b".BTF.base\0") => (".BTF.base", &mut found.base),
                _ => continue,
            };
            let kind = section.sh_type(order);
            if kind != elf::SHT_PROGBITS {
                return Err(Error::section(name, SectionProblem::Kind { found: kind.0 }));
            }
            let bytes = section.data(order, data).map_err(|_| {
                let (offset, size) = (section.sh_offset(order).into(), section.sh_size(order).into());
                Error::section(
                    name,
                    SectionProblem::OutOfFile { offset, size, file: data.len().unwrap_or(0) },
                )
            });
            *place = Some(bytes?);
        }
        Ok(found)
    }
}
