use object::elf::{SHT_NOBITS, SHT_PROGBITS, SHT_REL, SHT_RELA, SHT_STRTAB};

use crate::elf::{Elf, Section};
use crate::error::SectionProblem;
use crate::{Endian, Error};

/// What each section is for.
#[derive(Default)]
pub(super) struct Sections {
    roles: Vec<Role>,
    /// `.text`: functions that programs call, never programs.
    pub(super) text: Option<usize>,
    pub(super) btf: Option<usize>,
    pub(super) btf_ext: Option<usize>,
    /// `.maps`.
    pub(super) maps: Option<usize>,
    /// Relocations of code, of `.maps` and of struct_ops maps.
    pub(super) relocs: Vec<usize>,
    pub(super) license: String,
    pub(super) kernel_version: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Role {
    #[default]
    Other,
    Code,
    Data,
    Rodata,
    Bss,
    Maps,
    LegacyMaps,
    StructOps,
    /// Variables in an arena.
    Arena,
    /// Where indirect jumps may go.
    JumpTables,
}

impl Sections {
    pub(super) fn classify(elf: &Elf<'_>) -> Result<Self, Error> {
        let mut all = Self { roles: vec![Role::Other; elf.sections().len()], ..Self::default() };
        for section in elf.sections().iter().skip(1) {
            let role = all.role_of(elf, section)?;
            if let Some(slot) = all.roles.get_mut(section.index) {
                *slot = role;
            }
        }
        for section in elf.sections() {
            all.relocation(elf, section)?;
        }
        Ok(all)
    }

    fn role_of(&mut self, elf: &Elf<'_>, section: &Section<'_>) -> Result<Role, Error> {
        let kind = section.kind();
        let types = || match kind {
            SHT_PROGBITS => Ok(Some(section.index)),
            _ => Err(Error::section(section.name, SectionProblem::Kind { found: kind.0 })),
        };
        match section.name {
            _ if kind == SHT_STRTAB => {}
            "license" => self.license = license(elf.claim(section.index)?),
            "version" => self.kernel_version = version(elf, section)?,
            ".BTF" => self.btf = types()?,
            ".BTF.ext" => self.btf_ext = types()?,
            ".maps" => {
                self.maps = Some(section.index);
                return Ok(Role::Maps);
            }
            _ if section.size() == 0 => {}
            name if section.is_code() => {
                if name == ".text" {
                    self.text = Some(section.index);
                }
                return Ok(Role::Code);
            }
            name if kind == SHT_PROGBITS && (name == "maps" || name.starts_with("maps/")) => {
                return Ok(Role::LegacyMaps);
            }
            name if kind == SHT_PROGBITS && is_named(name, ".data") => return Ok(Role::Data),
            name if kind == SHT_PROGBITS && is_named(name, ".rodata") => return Ok(Role::Rodata),
            name if kind == SHT_NOBITS && is_named(name, ".bss") => return Ok(Role::Bss),
            ".struct_ops" | ".struct_ops.link" | "?.struct_ops" | "?.struct_ops.link"
                if kind == SHT_PROGBITS =>
            {
                return Ok(Role::StructOps);
            }
            ".addr_space.1" if kind == SHT_PROGBITS => return Ok(Role::Arena),
            ".jumptables" if kind == SHT_PROGBITS => return Ok(Role::JumpTables),
            name => tracing::trace!(section = name, "section is not used"),
        }
        Ok(Role::Other)
    }

    /// Notes the relocations that matter: those of code and of maps.
    fn relocation(&mut self, elf: &Elf<'_>, section: &Section<'_>) -> Result<(), Error> {
        let kind = section.kind();
        if kind != SHT_REL && kind != SHT_RELA {
            return Ok(());
        }
        let target = section.info();
        let Some(role) = self.roles.get(target) else {
            let count = elf.sections().len();
            return Err(Error::section(section.name, SectionProblem::NoTarget { target, count }));
        };
        if !matches!(role, Role::Code | Role::Maps | Role::StructOps) {
            return Ok(());
        }
        if kind == SHT_RELA {
            return Err(Error::section(section.name, SectionProblem::Rela));
        }
        self.relocs.push(section.index);
        Ok(())
    }

    pub(super) fn role(&self, index: usize) -> Role {
        self.roles.get(index).copied().unwrap_or_default()
    }

    /// The sections of these roles, in the order of the file.
    pub(super) fn with(&self, wanted: impl Fn(Role) -> bool) -> impl Iterator<Item = (usize, Role)> {
        self.roles.iter().copied().enumerate().filter(move |(_, role)| wanted(*role))
    }
}

/// Whether a section's name is `base` or `base.anything`.
fn is_named(name: &str, base: &str) -> bool {
    name.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn license(bytes: &[u8]) -> String {
    let text = bytes.split(|b| *b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

fn version(elf: &Elf<'_>, section: &Section<'_>) -> Result<u32, Error> {
    let bytes = elf.data(section.index)?;
    let Ok(raw) = <[u8; 4]>::try_from(bytes) else {
        let problem = SectionProblem::Size { found: bytes.len() as u64, expected: 4 };
        return Err(Error::section(section.name, problem));
    };
    Ok(match elf.endian() {
        Endian::Little => u32::from_le_bytes(raw),
        Endian::Big => u32::from_be_bytes(raw),
    })
}
