//! From the bytes of an ELF file to an [`ObjectSpec`].

mod arena;
mod btf_maps;
mod code;
mod data_maps;
mod datasec;
mod ext_info;
mod extern_types;
mod externs;
mod globals;
mod jump_tables;
mod legacy_maps;
mod map_def;
mod map_slots;
mod maps;
mod name;
mod programs;
mod relocs;
mod sections;
mod struct_ops;
mod symbols;
mod tags;

use std::sync::Arc;

use oxbpf_btf::Bytes;

use crate::elf::{Elf, NameBudget, Stripped};
use crate::{Btf, Error, ObjectSpec};
use datasec::Datasecs;
use maps::Maps;
use sections::Sections;
use symbols::Symbols;

pub(crate) use globals::SymbolGlobal;
pub(crate) use map_def::parse as map_definition;
pub(crate) use name::kernel as kernel_name;

/// What the steps share while an object is read.
struct Parser<'d> {
    elf: Elf<'d>,
    sections: Sections,
    symbols: Symbols,
    names: NameBudget,
    /// What the file was, if it is not whole.
    stripped: Option<Stripped>,
}

pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<ObjectSpec, Error> {
    parse_elf(name, Elf::parse(bytes)?, None)
}

/// The same with what is kept left where it is. Of a file that is not whole the types are changed where they are.
pub(crate) fn parse_shared(
    name: &str,
    bytes: &Bytes,
    stripped: Option<Stripped>,
) -> Result<ObjectSpec, Error> {
    let len = stripped.as_ref().map(|file| file.len);
    parse_elf(name, Elf::parse_shared(bytes, len)?, stripped)
}

fn parse_elf(name: &str, elf: Elf<'_>, stripped: Option<Stripped>) -> Result<ObjectSpec, Error> {
    let sections = Sections::classify(&elf)?;
    let symbols = Symbols::collect(&elf, &sections)?;
    let names = NameBudget::of_file(elf.file_len());
    let mut p = Parser { elf, sections, symbols, names, stripped };

    let name = name::object(name);
    let btf = p.btf()?;
    let mut code = p.code()?;
    if let Some(btf) = &btf {
        p.function_tags(btf, &mut code)?;
    }
    if let Some(btf) = &btf
        && let Some(index) = p.sections.btf_ext
    {
        p.ext_info(&p.elf.keep(index)?, btf, &mut code)?;
    }
    let externs = p.externs(btf.as_ref())?;
    let btf = btf.map(|btf| p.fill_datasecs(btf, &code, &externs)).transpose()?;

    let mut datasecs = btf.as_ref().map(Datasecs::collect).unwrap_or_default();
    let mut maps = Maps::default();
    p.btf_maps(btf.as_ref(), &datasecs, &mut maps)?;
    p.arena_data(&mut datasecs, &mut maps)?;
    p.legacy_maps(&mut maps)?;
    p.data_maps(&name, btf.as_ref(), &mut datasecs, &mut maps)?;
    p.kconfig_map(&name, &externs, &mut datasecs, &mut maps);
    p.struct_ops_maps(btf.as_ref(), &mut datasecs, &code, &mut maps)?;
    p.jump_tables(&mut code)?;
    p.relocs(&maps, &externs, &mut code)?;
    p.map_slots(btf.as_ref(), &datasecs, &code, &mut maps)?;
    let globals = p.globals(&maps)?;

    let code = Arc::new(code);
    let programs = p.programs(&code)?;
    Ok(ObjectSpec {
        name,
        license: p.sections.license.clone(),
        kernel_version: p.sections.kernel_version,
        endian: p.elf.endian(),
        programs,
        maps: maps.specs,
        externs: externs.specs,
        btf: btf.clone(),
        code,
        symbol_globals: globals,
    })
}

impl Parser<'_> {
    /// The object's types as clang left them.
    fn btf(&mut self) -> Result<Option<Btf>, Error> {
        let Some(index) = self.sections.btf else { return Ok(None) };
        let apart = self.stripped.take().and_then(|file| file.types).filter(|types| types.index == index);
        let bytes = match apart {
            Some(types) => {
                self.elf.charge(types.bytes.len())?;
                types.bytes
            }
            None => self.elf.keep(index)?,
        };
        Btf::parse(bytes).map(Some).map_err(Error::btf)
    }
}
