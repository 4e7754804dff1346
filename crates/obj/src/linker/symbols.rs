//! Symbols of an object, each to one of the object that comes out.

use object::elf;
use oxbpf_btf::{Kind, Type, TypeId};

use super::StaticLinker;
use super::input::{Input, Names};
use super::jump_tables::JUMP_TABLES;
use super::resolve::Global;
use crate::Btf;
use crate::elf::{MAX_NAME, PlainSymbol};
use crate::error::{LinkerProblem, SymbolClash};

/// A symbol of the object that comes out.
#[derive(Clone, Copy, Default)]
pub(super) struct OutSymbol {
    pub(super) name: u32,
    pub(super) info: elf::SymbolInfo,
    pub(super) other: elf::SymbolOther,
    pub(super) shndx: u16,
    pub(super) value: u64,
    pub(super) size: u64,
}

/// What the types say of the globals and externs of each name.
pub(super) struct Decls<'b>(Names<&'b [u8], Decl>);

#[derive(Clone, Copy)]
struct Decl {
    ty: TypeId,
    /// The section of the types that it is in, and which type it is there.
    section: Option<(TypeId, TypeId)>,
}

/// Whether a function or variable is seen by other objects. No symbol has a name that is too long.
pub(super) fn is_shared(ty: Type<'_>) -> bool {
    matches!(ty.kind(), Kind::Var | Kind::Func)
        && ty.linkage() != Some(0)
        && ty.name_bytes().len() <= MAX_NAME
}

impl<'b> Decls<'b> {
    pub(super) fn collect(btf: &'b Btf) -> Self {
        let mut decls = Names::<&[u8], Decl>::default();
        let wanted = |kind| matches!(kind, Kind::Var | Kind::Func | Kind::Datasec);
        for ty in btf.headers().filter(|header| wanted(header.kind())).map(|header| header.ty()) {
            if is_shared(ty) {
                let decl = decls.entry(ty.name_bytes()).or_insert(Decl { ty: ty.id(), section: None });
                if decl.section.is_none() {
                    decl.ty = ty.id();
                }
            }
            for var in ty.variables() {
                let Ok(of) = btf.get(var.ty) else { continue };
                if is_shared(of) {
                    let decl = decls.entry(of.name_bytes()).or_insert(Decl { ty: var.ty, section: None });
                    decl.section = decl.section.or(Some((ty.id(), var.ty)));
                }
            }
        }
        Decls(decls)
    }

    /// The type of this name, and the section of the types that it is in.
    fn find(&self, name: &str) -> Result<(TypeId, Option<TypeId>), SymbolClash> {
        let decl = self.0.get(name.as_bytes()).ok_or(SymbolClash::NoType)?;
        match decl.section {
            Some((_, ty)) if ty != decl.ty => Err(SymbolClash::Ambiguous { first: decl.ty, second: ty }),
            section => Ok((decl.ty, section.map(|(section, _)| section))),
        }
    }
}

impl StaticLinker {
    /// Appends the symbols, and gives for each that of the object that comes out: 0 for those that are left out.
    pub(super) fn append_symbols(&mut self, input: &Input<'_>) -> Result<Vec<u32>, LinkerProblem> {
        let decls = input.types.map(|types| Decls::collect(&types.btf));
        let mut map = vec![0];
        for (index, symbol) in input.symbols.iter().enumerate().skip(1) {
            let about = |problem| {
                let symbol =
                    if symbol.name.is_empty() { format!("#{index}") } else { symbol.name.to_owned() };
                LinkerProblem::Symbol { symbol: symbol.into(), problem }
            };
            map.push(self.append_symbol(input, symbol, decls.as_ref(), about)?);
        }
        Ok(map)
    }

    fn append_symbol(
        &mut self,
        input: &Input<'_>,
        symbol: &PlainSymbol<'_>,
        decls: Option<&Decls<'_>>,
        about: impl Fn(SymbolClash) -> LinkerProblem,
    ) -> Result<u32, LinkerProblem> {
        let section = input.section_of(symbol);
        let mut out = section.and_then(|section| section.out);
        if let Some(section) = section {
            // Also of the symbol table and the like.
            if !section.is_data() {
                return Ok(0);
            }
            if symbol.kind() == elf::STT_SECTION {
                return self.section_symbol(symbol, out);
            }
        }
        let offset = section.map_or(0, |section| section.offset);
        let is_typed = !symbol.is_local() && section.is_none_or(|section| section.name != JUMP_TABLES);
        let mut known = None;
        let mut ty = None;
        if is_typed {
            let decls = decls.ok_or_else(|| about(SymbolClash::NoType))?;
            let (id, datasec) = decls.find(symbol.name).map_err(&about)?;
            ty = Some(id);
            if symbol.is_extern() {
                // `.kconfig` and the like; nothing for what is just extern.
                let name = input.types.zip(datasec).and_then(|(types, id)| types.btf.get(id).ok());
                let section = name.and_then(|ty| input.by_name.get(ty.name()));
                out = section.and_then(|&section| input.sections.get(section)?.out);
            }
            known =
                self.names.find(symbol.name.as_bytes()).and_then(|at| self.global_names.get(&at)).copied();
        }
        if let (Some(known), Some(ty)) = (known, ty) {
            return self.resolve(input, known, symbol, (ty, out, offset), about);
        }
        let added = self.add_symbol(symbol, if symbol.is_extern() { None } else { out }, offset)?;
        if !symbol.is_local() {
            let name = self.symbols.last().map_or(0, |symbol| symbol.name);
            self.global_names.insert(name, self.globals.len());
            self.globals.push(Global {
                symbol: added,
                section: out,
                file: self.files.len().saturating_sub(1),
                decl: None,
                retype: false,
                var: None,
                is_extern: symbol.is_extern(),
                is_weak: symbol.binding() == elf::STB_WEAK,
            });
        }
        Ok(added)
    }

    /// One symbol stands for a section.
    fn section_symbol(&mut self, symbol: &PlainSymbol<'_>, out: Option<usize>) -> Result<u32, LinkerProblem> {
        let Some(at) = out else { return Ok(0) };
        if let Some(section) = self.sections.get(at).filter(|section| section.symbol != 0) {
            return Ok(section.symbol);
        }
        let added = self.add_symbol(symbol, out, 0)?;
        if let Some(section) = self.sections.get_mut(at) {
            section.symbol = added;
        }
        Ok(added)
    }

    fn add_symbol(
        &mut self,
        symbol: &PlainSymbol<'_>,
        out: Option<usize>,
        offset: u64,
    ) -> Result<u32, LinkerProblem> {
        let too_large = LinkerProblem::TooLarge { what: "symbols" };
        let added = u32::try_from(self.symbols.len()).map_err(|_| too_large)?;
        let out = out.and_then(|out| self.sections.get(out));
        self.symbols.push(OutSymbol {
            name: self.names.add(symbol.name)?,
            info: symbol.info,
            other: symbol.other,
            shndx: out.map_or(symbol.shndx, super::OutSection::index),
            value: offset.wrapping_add(symbol.value),
            size: symbol.size,
        });
        Ok(added)
    }
}
