//! The object in the making.

use object::elf;
use oxbpf_btf::{CoreRelo, FuncInfo, LineInfo, SecVar};

use super::input::{Input, InputKind, InputSection};
use super::{StaticLinker, padding};
use crate::error::{LinkerProblem, SectionClash};

/// A section of the object that comes out, by its place in the order in which names came up.
pub(super) struct OutSection {
    /// The first object that had it.
    pub(super) file: usize,
    pub(super) name: Box<str>,
    /// None while it is in the types only.
    pub(super) header: Option<OutHeader>,
    pub(super) size: u64,
    pub(super) data: Vec<u8>,
    /// The symbol that stands for it; 0 if there is none.
    pub(super) symbol: u32,
    /// Whether the types tell its variables, and be there none.
    pub(super) has_types: bool,
    pub(super) vars: Vec<SecVar>,
    pub(super) func_info: Vec<FuncInfo>,
    pub(super) line_info: Vec<LineInfo>,
    pub(super) core_relos: Vec<CoreRelo>,
}

/// What stands in the section's header.
#[derive(Clone, Copy)]
pub(super) struct OutHeader {
    /// Index of the section in the file.
    pub(super) index: u16,
    /// Where its name is.
    pub(super) name: u32,
    pub(super) kind: u32,
    pub(super) flags: u64,
    pub(super) align: u64,
    pub(super) entry_size: u64,
    pub(super) link: u32,
    pub(super) info: u32,
}

impl OutSection {
    pub(super) fn new(file: usize, name: &str) -> Self {
        OutSection {
            file,
            name: name.into(),
            header: None,
            size: 0,
            data: Vec::new(),
            symbol: 0,
            has_types: false,
            vars: Vec::new(),
            func_info: Vec::new(),
            line_info: Vec::new(),
            core_relos: Vec::new(),
        }
    }

    /// The index in the file; that of no section if it is in the types only.
    pub(super) fn index(&self) -> u16 {
        self.header.map_or(0, |header| header.index)
    }
}

impl StaticLinker {
    /// Appends the sections of code and data, those of the types among them.
    pub(super) fn append_sections(&mut self, input: &mut Input<'_>) -> Result<(), LinkerProblem> {
        for section in input.sections.iter_mut().filter(|section| section.is_data()) {
            let known = self.by_name.contains_key(section.name);
            let out = self.out_section(section)?;
            section.out = Some(out);
            if known && matches!(section.name, "license" | "version") {
                self.check_contents(out, section)?;
                section.kind = InputKind::Skipped;
                continue;
            }
            if section.kind != InputKind::Shell {
                section.offset = self.extend(out, section)?;
            }
        }
        Ok(())
    }

    /// The section that this one becomes part of.
    pub(super) fn out_section(&mut self, section: &InputSection<'_>) -> Result<usize, LinkerProblem> {
        let out = match self.by_name.get(section.name) {
            Some(&out) => out,
            None => {
                let out = self.sections.len();
                self.sections.push(OutSection::new(self.files.len().saturating_sub(1), section.name));
                self.by_name.insert(section.name.into(), out);
                out
            }
        };
        if section.kind == InputKind::Shell {
            return Ok(out);
        }
        let Some(known) = self.sections.get_mut(out) else { return Ok(out) };
        if let Some(header) = &known.header {
            let differs = [
                ("type", header.kind.into(), section.elf_kind.into()),
                ("flags", header.flags, section.flags),
                ("size of entries", header.entry_size, section.entry_size),
            ];
            let Some((what, expected, found)) = differs.into_iter().find(|(_, a, b)| a != b) else {
                return Ok(out);
            };
            let other = self.files.get(known.file).cloned().unwrap_or_default();
            return Err(section.clash(SectionClash::Differs { what, found, expected, other }));
        }
        let index = self.next_index;
        self.next_index = index
            .checked_add(1)
            .filter(|next| *next < elf::SHN_LORESERVE.saturating_sub(2))
            .ok_or(LinkerProblem::TooLarge { what: "sections" })?;
        known.header = Some(OutHeader {
            index,
            name: self.names.add(section.name)?,
            kind: section.elf_kind,
            flags: section.flags,
            align: section.align,
            entry_size: section.entry_size,
            link: 0,
            info: 0,
        });
        Ok(out)
    }

    /// Appends a section's bytes, and says where they start.
    pub(super) fn extend(&mut self, out: usize, section: &InputSection<'_>) -> Result<u64, LinkerProblem> {
        let too_large = LinkerProblem::TooLarge { what: "bytes in a section" };
        let Some(known) = self.sections.get_mut(out) else { return Ok(0) };
        let Some(header) = &mut known.header else { return Ok(0) };
        header.align = header.align.max(section.align);
        let gap = padding(known.size, header.align);
        let start = known.size.checked_add(gap);
        let end =
            start.and_then(|start| start.checked_add(section.size)).filter(|end| *end <= u32::MAX.into());
        let (Some(start), Some(end)) = (start, end) else { return Err(too_large) };
        if section.kind == InputKind::Data {
            let left = self.padding.checked_sub(gap);
            self.padding =
                left.ok_or_else(|| section.clash(SectionClash::Padding { align: section.align }))?;
            known.data.resize(start as usize, 0);
            known.data.extend_from_slice(section.data);
        }
        known.size = end;
        Ok(start)
    }

    /// Licenses and versions have to be the same everywhere.
    fn check_contents(&self, out: usize, section: &InputSection<'_>) -> Result<(), LinkerProblem> {
        let Some(known) = self.sections.get(out) else { return Ok(()) };
        if known.data == section.data {
            return Ok(());
        }
        let text = |bytes: &[u8]| match section.name {
            "license" => {
                let text = bytes.strip_suffix(b"\0").unwrap_or(bytes);
                format!("\"{}\"", text.get(..64).unwrap_or(text).escape_ascii())
            }
            _ => format!("{:02x?}", bytes.get(..16).unwrap_or(bytes)),
        };
        Err(section.clash(SectionClash::Contents {
            found: text(section.data),
            expected: text(&known.data),
            other: self.files.get(known.file).cloned().unwrap_or_default(),
        }))
    }
}
