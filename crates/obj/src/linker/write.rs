//! The object as a file.
//!
//! Header, sections in the order of their indexes, table of sections: the layout that libelf gives what libbpf makes.
//! The structures are those of `object`; its writer is of no use here, since it puts strings in an order of its own.

use object::elf;
use object::pod::bytes_of;
use object::{U16, U32, U64};

use super::finish::OutTypes;
use super::{OutHeader, OutSection, STRTAB, SYMTAB, StaticLinker, padding};
use crate::error::{LinkerProblem, SectionClash};

impl StaticLinker {
    pub(super) fn write(mut self, types: Option<OutTypes>) -> Result<Vec<u8>, LinkerProblem> {
        let parts = types.map_or([None, None], |types| [Some(types.btf), types.ext]);
        for (name, data) in [".BTF", ".BTF.ext"].into_iter().zip(parts) {
            let Some(data) = data else { continue };
            let mut section = OutSection::new(0, name);
            section.header = Some(OutHeader {
                index: self.next_index,
                name: self.names.add(name)?,
                kind: elf::SHT_PROGBITS.0,
                flags: 0,
                align: 8,
                entry_size: 0,
                link: 0,
                info: 0,
            });
            section.data = data;
            self.next_index = self.next_index.saturating_add(1);
            self.sections.push(section);
        }
        let (names, symbols) = (self.names.as_bytes().to_vec(), self.symbol_table());
        for (at, table) in [(STRTAB, names), (SYMTAB, symbols)] {
            if let Some(section) = self.sections.get_mut(at) {
                section.data = table;
            }
        }
        self.image()
    }

    fn symbol_table(&self) -> Vec<u8> {
        let order = self.order();
        let mut table = Vec::with_capacity(self.symbols.len().saturating_mul(24));
        for symbol in &self.symbols {
            table.extend_from_slice(bytes_of(&elf::Sym64 {
                st_name: U32::new(order, symbol.name),
                st_info: symbol.info,
                st_other: symbol.other,
                st_shndx: U16::new(order, elf::SymbolSection(symbol.shndx)),
                st_value: U64::new(order, symbol.value),
                st_size: U64::new(order, symbol.size),
            }));
        }
        table
    }

    fn image(mut self) -> Result<Vec<u8>, LinkerProblem> {
        let order = self.order();
        // Those of the file, by their index there. They got these one after the other, but not in this order if one
        // was in the types only at first.
        let mut sections = std::mem::take(&mut self.sections);
        sections.retain(|section| section.header.is_some());
        sections.sort_by_key(OutSection::index);
        let null = elf::SectionHeader64 {
            sh_name: U32::new(order, 0),
            sh_type: U32::new(order, elf::SHT_NULL),
            sh_flags: U64::new(order, elf::SectionFlags(0)),
            sh_addr: U64::new(order, 0),
            sh_offset: U64::new(order, 0),
            sh_size: U64::new(order, 0),
            sh_link: U32::new(order, 0),
            sh_info: U32::new(order, 0),
            sh_addralign: U64::new(order, 0),
            sh_entsize: U64::new(order, 0),
        };
        let mut table = bytes_of(&null).to_vec();
        let mut out = vec![0; size_of::<elf::FileHeader64<object::Endianness>>()];
        for section in &sections {
            let Some(header) = &section.header else { continue };
            let gap = padding(out.len() as u64, header.align);
            self.padding = self.padding.checked_sub(gap).ok_or_else(|| LinkerProblem::Section {
                section: section.name.clone(),
                problem: SectionClash::Padding { align: header.align },
            })?;
            // No more than what was left.
            out.resize(out.len().saturating_add(gap as usize), 0);
            let size =
                if header.kind == elf::SHT_NOBITS.0 { section.size } else { section.data.len() as u64 };
            table.extend_from_slice(bytes_of(&elf::SectionHeader64 {
                sh_name: U32::new(order, header.name),
                sh_type: U32::new(order, elf::SectionType(header.kind)),
                sh_flags: U64::new(order, elf::SectionFlags(header.flags)),
                sh_offset: U64::new(order, out.len() as u64),
                sh_size: U64::new(order, size),
                sh_link: U32::new(order, header.link),
                sh_info: U32::new(order, header.info),
                sh_addralign: U64::new(order, header.align),
                sh_entsize: U64::new(order, header.entry_size),
                ..null
            }));
            out.extend_from_slice(&section.data);
        }
        out.resize(out.len().next_multiple_of(8), 0);
        let header = elf::FileHeader64 {
            e_ident: elf::Ident {
                magic: elf::ELFMAG,
                class: elf::ELFCLASS64,
                data: if order == object::Endianness::Big { elf::ELFDATA2MSB } else { elf::ELFDATA2LSB },
                version: elf::EV_CURRENT,
                os_abi: elf::ELFOSABI_NONE,
                abi_version: 0,
                padding: [0; 7],
            },
            e_type: U16::new(order, elf::ET_REL),
            e_machine: U16::new(order, elf::EM_BPF),
            e_version: U32::new(order, elf::EV_CURRENT.0.into()),
            e_entry: U64::new(order, 0),
            e_phoff: U64::new(order, 0),
            e_shoff: U64::new(order, out.len() as u64),
            e_flags: U32::new(order, elf::FileFlags(0)),
            e_ehsize: U16::new(order, 64),
            e_phentsize: U16::new(order, 0),
            e_phnum: U16::new(order, 0),
            e_shentsize: U16::new(order, 64),
            e_shnum: U16::new(order, self.next_index),
            e_shstrndx: U16::new(order, elf::SymbolSection(1)),
        };
        out.extend_from_slice(&table);
        if let Some(start) = out.get_mut(..64) {
            start.copy_from_slice(bytes_of(&header));
        }
        Ok(out)
    }
}
