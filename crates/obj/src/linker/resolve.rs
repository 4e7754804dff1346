//! Functions and variables of the same name in several objects: which definition counts.

use object::elf;
use oxbpf_btf::{Kind, TypeId};

use super::input::{Input, InputTypes};
use super::same_type::{self, Differ};
use super::{StaticLinker, same_map};
use crate::elf::PlainSymbol;
use crate::error::{LinkerProblem, SymbolClash};

/// A function or variable that objects share.
pub(super) struct Global {
    /// Its symbol.
    pub(super) symbol: u32,
    /// The section it is in: also `.kconfig` and the like, none if it is just extern.
    pub(super) section: Option<usize>,
    /// The object that defines it, or the first that wants it.
    pub(super) file: usize,
    /// None until the types of the first object that has it are appended.
    pub(super) decl: Option<GlobalDecl>,
    /// A definition was found: its type counts from now on.
    pub(super) retype: bool,
    /// Where it is among the variables of its section.
    pub(super) var: Option<usize>,
    pub(super) is_extern: bool,
    /// Whether the definition is weak.
    pub(super) is_weak: bool,
}

/// What is known of a global's type.
#[derive(Clone, Copy)]
pub(super) struct GlobalDecl {
    /// The object with the declaration that counts, and the variable or function in its types.
    pub(super) object: usize,
    pub(super) ty: TypeId,
    /// The variable or function in the types that come out, and what it refers to there.
    pub(super) out: TypeId,
    pub(super) out_target: TypeId,
}

/// Where a definition is, and its type.
pub(super) type Place = (TypeId, Option<usize>, u64);

impl StaticLinker {
    /// Lets a symbol meet the global of its name, and gives that one's symbol.
    pub(super) fn resolve(
        &mut self,
        input: &Input<'_>,
        known: usize,
        symbol: &PlainSymbol<'_>,
        (ty, out, offset): Place,
        about: impl Fn(SymbolClash) -> LinkerProblem,
    ) -> Result<u32, LinkerProblem> {
        let Some(global) = self.globals.get(known) else { return Ok(0) };
        let is_weak = symbol.binding() == elf::STB_WEAK;
        if !symbol.is_extern() && !global.is_extern && !global.is_weak && !is_weak {
            return Err(about(SymbolClash::Duplicate { other: self.file(global.file) }));
        }
        let at = global.symbol;
        let counts = !symbol.is_extern() && (global.is_extern || !is_weak);
        let (Some(decl), Some(types)) = (global.decl, input.types) else {
            return Err(about(SymbolClash::NoType));
        };
        if counts && global.is_extern && global.section.is_some_and(|wanted| Some(wanted) != out) {
            // One object has what another wants of the kernel.
            let name = |section: Option<usize>| {
                section.and_then(|at| self.sections.get(at)).map_or("no section", |section| &section.name)
            };
            return Err(about(SymbolClash::Sections {
                found: name(out).into(),
                expected: name(global.section).into(),
                other: self.file(global.file),
            }));
        }
        self.check_same(known, decl, types, symbol.name, ty, about)?;

        let section = out.and_then(|out| self.sections.get(out)).map_or(0, super::OutSection::index);
        let Some(there) = self.symbols.get_mut(at as usize) else { return Ok(0) };
        if symbol.binding() == elf::STB_GLOBAL {
            there.info = elf::SymbolInfo::new(elf::STB_GLOBAL, there.info.st_type());
        }
        // Whoever asks for less visibility gets it.
        if hidden(symbol.visibility()) > hidden(there.other.visibility()) {
            there.other = symbol.other;
        }
        if counts {
            there.info = elf::SymbolInfo::new(there.info.st_bind(), symbol.kind());
            there.shndx = section;
            there.value = offset.wrapping_add(symbol.value);
            there.size = symbol.size;
            if let Some(global) = self.globals.get_mut(known) {
                global.section = out;
                global.file = self.files.len().saturating_sub(1);
                (global.is_extern, global.is_weak, global.retype) = (false, is_weak, true);
            }
            self.define(decl, types, ty).map_err(LinkerProblem::Types)?;
        }
        Ok(at)
    }

    /// The declaration that came first becomes that of something defined.
    fn define(&mut self, decl: GlobalDecl, types: &InputTypes, ty: TypeId) -> Result<(), oxbpf_btf::Error> {
        self.btf.set_linkage(decl.out, 1)?;
        let ty = types.btf.get(ty)?;
        if ty.kind() != Kind::Func {
            return Ok(());
        }
        // Externs' parameters have no names. With names the prototypes are the same, and one of them goes.
        let Some(proto) = ty.target() else { return Ok(()) };
        for (param, index) in types.btf.get(proto)?.params().zip(0..) {
            if param.name_off != 0 {
                self.btf.set_param_name(decl.out_target, index, param.name)?;
            }
        }
        Ok(())
    }

    /// Both declarations have to agree: maps in all of their definition, others in their types.
    fn check_same(
        &mut self,
        known: usize,
        decl: GlobalDecl,
        types: &InputTypes,
        name: &str,
        ty: TypeId,
        about: impl Fn(SymbolClash) -> LinkerProblem,
    ) -> Result<(), LinkerProblem> {
        let Some(global) = self.globals.get(known) else { return Ok(()) };
        let Some(Some(btf)) = self.types.get(decl.object) else { return Err(about(SymbolClash::NoType)) };
        let other = || self.files.get(decl.object).cloned().unwrap_or_default();
        let pair = same_type::Pair { object: decl.object, expected: btf, found: &types.btf };
        let section = global.section.and_then(|section| self.sections.get(section));
        if section.is_some_and(|section| &*section.name == ".maps") {
            let differ = same_map::compare(&mut self.compared, pair, name, (decl.ty, ty))?;
            return match differ {
                None => Ok(()),
                Some((what, expected, found)) => {
                    Err(about(SymbolClash::Maps { what, found, expected, other: other() }))
                }
            };
        }
        match self.compared.declarations(pair, decl.ty, ty) {
            Ok(()) => Ok(()),
            Err(Differ::Entangled) => Err(LinkerProblem::Entangled),
            Err(Differ::Broken(error)) => Err(LinkerProblem::Types(error)),
            Err(Differ::Here(difference)) => Err(about(SymbolClash::Types {
                found: same_type::declaration(&types.btf, ty, name),
                expected: same_type::declaration(btf, decl.ty, name),
                other: other(),
                difference,
            })),
        }
    }
}

/// How much a visibility hides.
fn hidden(visibility: elf::SymbolVisibility) -> u8 {
    match visibility {
        elf::STV_INTERNAL => 2,
        elf::STV_HIDDEN => 1,
        _ => 0,
    }
}
