//! An object that is to be linked: its sections, symbols and types, checked.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use object::elf;
use oxbpf_btf::{Kind, TypeId};

use crate::elf::{Elf, MAX_NAME, PlainSymbol};
use crate::error::{LinkerProblem, SectionClash, SymbolClash};
use crate::insn::Insn;
use crate::{Btf, BtfExt, Error};

/// `.llvm_addrsig`: which symbols' addresses matter, for linkers of other machines.
const SHT_LLVM_ADDRSIG: u32 = 0x6fff_4c03;

pub(super) type Names<K, V> = HashMap<K, V, FixedState>;

/// The types of an object.
pub(super) struct InputTypes {
    pub(super) btf: Btf,
    pub(super) ext: Option<BtfExt>,
}

impl InputTypes {
    pub(super) fn read(elf: &Elf<'_>) -> Result<Option<InputTypes>, Error> {
        let claim = |name| {
            let section = elf.sections().iter().find(|s| s.kind() == elf::SHT_PROGBITS && s.name == name);
            section.map(|section| elf.claim(section.index)).transpose()
        };
        let Some(btf) = claim(".BTF")? else { return Ok(None) };
        let btf = Btf::parse(btf).map_err(Error::btf)?;
        let ext = claim(".BTF.ext")?.map(|ext| BtfExt::parse(ext, &btf)).transpose();
        let ext = ext.map_err(|source| Error::Btf { section: ".BTF.ext", source })?;
        Ok(Some(InputTypes { btf, ext }))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum InputKind {
    /// Nothing of it comes along.
    Skipped,
    /// Code and data.
    Data,
    /// Data that is zero and not in the file.
    Zero,
    Relocs,
    /// In the types only: `.kconfig`, `.ksyms`, or `.maps` if all maps are extern.
    Shell,
}

/// A section, and where it goes.
pub(super) struct InputSection<'d> {
    pub(super) name: &'d str,
    pub(super) kind: InputKind,
    pub(super) elf_kind: u32,
    pub(super) flags: u64,
    pub(super) entry_size: u64,
    pub(super) align: u64,
    pub(super) size: u64,
    pub(super) data: &'d [u8],
    /// The type that tells its variables.
    pub(super) datasec: Option<TypeId>,
    /// The section that it became part of, once it did.
    pub(super) out: Option<usize>,
    /// Where it starts there.
    pub(super) offset: u64,
}

impl InputSection<'_> {
    pub(super) fn is_code(&self) -> bool {
        self.elf_kind == elf::SHT_PROGBITS.0 && self.flags & elf::SHF_EXECINSTR.0 != 0
    }

    pub(super) fn is_data(&self) -> bool {
        matches!(self.kind, InputKind::Data | InputKind::Zero | InputKind::Shell)
    }

    pub(super) fn clash(&self, problem: SectionClash) -> LinkerProblem {
        LinkerProblem::Section { section: self.name.into(), problem }
    }
}

pub(super) struct Input<'d> {
    pub(super) elf: &'d Elf<'d>,
    pub(super) types: Option<&'d InputTypes>,
    /// By their index in the file; behind them those that are in the types only.
    pub(super) sections: Vec<InputSection<'d>>,
    /// The first section of each name.
    pub(super) by_name: Names<&'d str, usize>,
    /// The null symbol first.
    pub(super) symbols: Vec<PlainSymbol<'d>>,
}

impl<'d> Input<'d> {
    pub(super) fn read(elf: &'d Elf<'d>, types: Option<&'d InputTypes>) -> Result<Self, LinkerProblem> {
        let mut input = Input {
            elf,
            types,
            sections: Vec::with_capacity(elf.sections().len()),
            by_name: Names::default(),
            symbols: elf.plain_symbols()?,
        };
        for index in 0..elf.sections().len() {
            input.section(index)?;
        }
        for (index, symbol) in input.symbols.iter().enumerate().skip(1) {
            input.check_symbol(symbol).map_err(|problem| match symbol.name {
                "" => LinkerProblem::Symbol { symbol: format!("#{index}").into(), problem },
                name => LinkerProblem::Symbol { symbol: name.into(), problem },
            })?;
        }
        if let Some(types) = types {
            input.datasecs(&types.btf)?;
        }
        Ok(input)
    }

    fn section(&mut self, index: usize) -> Result<(), LinkerProblem> {
        let Some(raw) = self.elf.section(index) else { return Ok(()) };
        let mut section = InputSection {
            name: raw.name,
            kind: InputKind::Skipped,
            elf_kind: raw.kind().0,
            flags: raw.flags(),
            entry_size: raw.entry_size(),
            align: raw.align().max(1),
            size: raw.size(),
            data: &[],
            datasec: None,
            out: None,
            offset: 0,
        };
        section.kind = match raw.kind() {
            _ if index == 0 || is_ignored(&section) => InputKind::Skipped,
            elf::SHT_SYMTAB => InputKind::Skipped,
            elf::SHT_PROGBITS => InputKind::Data,
            elf::SHT_NOBITS => InputKind::Zero,
            elf::SHT_REL => InputKind::Relocs,
            elf::SectionType(found) => {
                let problem = SectionClash::Kind { found };
                let section = if raw.name.is_empty() { format!("#{index}").into() } else { raw.name.into() };
                return Err(LinkerProblem::Section { section, problem });
            }
        };
        if section.kind != InputKind::Skipped {
            if raw.name.is_empty() {
                let section = format!("#{index}").into();
                return Err(LinkerProblem::Section { section, problem: SectionClash::NoName });
            }
            if !section.align.is_power_of_two() {
                return Err(section.clash(SectionClash::Alignment { found: section.align }));
            }
            if section.is_code() && !section.size.is_multiple_of(Insn::SIZE as u64) {
                return Err(section.clash(SectionClash::PartialInsn { size: section.size }));
            }
        }
        if section.kind == InputKind::Data {
            section.data = self.elf.claim(index)?;
        }
        if index != 0 {
            self.by_name.entry(section.name).or_insert(index);
        }
        self.sections.push(section);
        Ok(())
    }

    fn check_symbol(&self, symbol: &PlainSymbol<'_>) -> Result<(), SymbolClash> {
        match symbol.binding() {
            elf::STB_LOCAL | elf::STB_GLOBAL | elf::STB_WEAK => {}
            other => return Err(SymbolClash::Binding { found: other.0 }),
        }
        match symbol.visibility() {
            elf::STV_DEFAULT | elf::STV_HIDDEN | elf::STV_INTERNAL => {}
            other => return Err(SymbolClash::Visibility { found: other.0 }),
        }
        if symbol.is_extern() {
            let plain = symbol.kind() == elf::STT_NOTYPE && symbol.value == 0 && symbol.size == 0;
            return if plain && !symbol.is_local() { Ok(()) } else { Err(SymbolClash::Extern) };
        }
        let reserved = symbol.shndx >= elf::SHN_LORESERVE;
        if !reserved && usize::from(symbol.shndx) >= self.sections.len() {
            return Err(SymbolClash::NoSection { section: symbol.shndx });
        }
        if symbol.kind() == elf::STT_SECTION && (symbol.value != 0 || reserved) {
            return Err(SymbolClash::SectionStart);
        }
        Ok(())
    }

    /// Finds the section that each section of the types is about; those that are nowhere else get a shell.
    fn datasecs(&mut self, btf: &'d Btf) -> Result<(), LinkerProblem> {
        for ty in btf.types_of(Kind::Datasec) {
            // Externs that the linker resolves itself. They are in no section.
            if ty.name() == ".extern" {
                continue;
            }
            // Many could share a name as long as the file, which would be looked for each time.
            if ty.name_bytes().len() > MAX_NAME {
                return Err(LinkerProblem::TooLarge { what: "bytes in a name" });
            }
            let index = *self.by_name.entry(ty.name()).or_insert_with(|| {
                self.sections.push(InputSection {
                    name: ty.name(),
                    kind: InputKind::Shell,
                    elf_kind: 0,
                    flags: 0,
                    entry_size: 0,
                    align: 1,
                    size: 0,
                    data: &[],
                    datasec: None,
                    out: None,
                    offset: 0,
                });
                self.sections.len().saturating_sub(1)
            });
            if let Some(section) = self.sections.get_mut(index) {
                section.datasec = Some(ty.id());
            }
        }
        Ok(())
    }

    /// The section that a symbol is in, which was checked to be there.
    pub(super) fn section_of(&self, symbol: &PlainSymbol<'_>) -> Option<&InputSection<'d>> {
        if symbol.is_extern() || symbol.shndx >= elf::SHN_LORESERVE {
            return None;
        }
        self.sections.get(usize::from(symbol.shndx))
    }
}

fn is_ignored(section: &InputSection<'_>) -> bool {
    let kind = elf::SectionType(section.elf_kind);
    let name = section.name;
    let of_types = |name: &str| name == ".BTF" || name == ".BTF.ext";
    kind == elf::SHT_STRTAB
        || kind.0 == SHT_LLVM_ADDRSIG
        // What is left of an object without subprograms.
        || kind == elf::SHT_PROGBITS && (section.size == 0 && name == ".text" || of_types(name))
        || name.starts_with(".debug_")
        || name.strip_prefix(".rel").is_some_and(|of| of.starts_with(".debug_") || of_types(of))
}
