//! Types of an object, its variables' places, and its `.BTF.ext`.

use oxbpf_btf::{Import, Imported, Kind, LineInfo, SecVar, TypeId};

use super::input::{Input, InputKind, InputSection, InputTypes, Names};
use super::resolve::GlobalDecl;
use super::symbols::is_shared;
use super::{StaticLinker, same_type};
use crate::elf::MAX_NAME;
use crate::error::{LinkerProblem, SectionClash, SymbolClash};

/// The offset of the variables of a section, by their names.
type Places<'d> = Names<(u16, &'d str), u64>;

impl StaticLinker {
    /// Appends the types, but for those that globals have already.
    pub(super) fn append_types(&mut self, input: &Input<'_>) -> Result<(), LinkerProblem> {
        let Some(types) = input.types else { return Ok(()) };
        let object = self.types.len();
        // Globals whose type is to become that of this object, and its id here.
        let mut retyped = Vec::new();
        let (globals, names, global_names) = (&mut self.globals, &self.names, &self.global_names);
        let imported = self.btf.import(&types.btf, |ty, next| {
            if ty.kind() == Kind::Datasec {
                return Import::Leave;
            }
            if !is_shared(ty) {
                return Import::Copy;
            }
            // Without a symbol it belongs to a section that is left out.
            let global = names.find(ty.name_bytes()).and_then(|at| global_names.get(&at).copied());
            let Some((at, global)) = global.and_then(|at| Some((at, globals.get_mut(at)?))) else {
                return Import::Leave;
            };
            let target = ty.target().unwrap_or_default();
            match &mut global.decl {
                Some(decl) => {
                    if std::mem::take(&mut global.retype) {
                        (decl.object, decl.ty) = (object, ty.id());
                        retyped.push((at, target));
                    }
                    Import::Instead(decl.out)
                }
                None => {
                    // The target is not known before all are numbered.
                    global.decl = Some(GlobalDecl { object, ty: ty.id(), out: next, out_target: target });
                    global.retype = false;
                    retyped.push((at, target));
                    Import::Copy
                }
            }
        });
        // A declaration and its copy have the same id in the end; it is the last that counts.
        let mut imported = imported.map_err(LinkerProblem::Types)?;
        for (at, target) in retyped {
            let Some(decl) = self.globals.get_mut(at).and_then(|global| global.decl.as_mut()) else {
                continue;
            };
            decl.out_target = imported.id(target).unwrap_or_default();
            self.btf.set_target(decl.out, decl.out_target).map_err(LinkerProblem::Types)?;
        }
        self.append_vars(input, types, &imported)?;
        self.append_ext(input, types, &mut imported)
    }

    /// Appends the variables of sections.
    fn append_vars(
        &mut self,
        input: &Input<'_>,
        types: &InputTypes,
        imported: &Imported<'_>,
    ) -> Result<(), LinkerProblem> {
        let mut places = None;
        for (section, index) in input.sections.iter().zip(0usize..) {
            let (Some(datasec), Some(out)) = (section.datasec, section.out) else { continue };
            if section.kind == InputKind::Skipped {
                continue;
            }
            if let Some(out) = self.sections.get_mut(out) {
                out.has_types = true;
            }
            for var in types.btf.get(datasec).map_err(LinkerProblem::Types)?.variables() {
                // Nothing stands for a variable that has no symbol.
                let Some(ty) = imported.id(var.ty) else { continue };
                let of = types.btf.get(var.ty).map_err(LinkerProblem::Types)?;
                let mut new = SecVar { ty, ..var };
                if of.kind() == Kind::Var && of.linkage() == Some(1) {
                    let places = places.get_or_insert_with(|| variables(input));
                    // Sections of the types alone come behind those of the file, whose indexes have 16 bits.
                    let place = u16::try_from(index).ok().filter(|_| is_shared(of));
                    let place = place.and_then(|index| places.get(&(index, of.name())));
                    let missing = || {
                        section.clash(SectionClash::NoSymbol { variable: same_type::short(of.name()).into() })
                    };
                    new.offset = place.and_then(|&at| u32::try_from(at).ok()).ok_or_else(missing)?;
                }
                // What the section is too large for was refused.
                new.offset = new.offset.wrapping_add(section.offset as u32);
                let name = is_shared(of).then(|| self.names.find(of.name_bytes())).flatten();
                match name.and_then(|at| self.global_names.get(&at).copied()) {
                    Some(global) => self.append_global(global, section, out, new, of.kind() == Kind::Func)?,
                    None => {
                        if let Some(out) = self.sections.get_mut(out) {
                            out.vars.push(new);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Appends a global to the variables of its section, or changes what is there to what the definition says.
    fn append_global(
        &mut self,
        at: usize,
        section: &InputSection<'_>,
        out: usize,
        new: SecVar,
        is_func: bool,
    ) -> Result<(), LinkerProblem> {
        let file = self.files.len().saturating_sub(1);
        let Some(global) = self.globals.get_mut(at) else { return Ok(()) };
        if global.section != Some(out) {
            let expected = global.section.and_then(|section| self.sections.get(section));
            let problem = SymbolClash::Sections {
                found: section.name.into(),
                expected: expected.map_or("no section", |section| &section.name).into(),
                other: self.files.get(global.file).cloned().unwrap_or_default(),
            };
            let symbol = self.symbols.get(global.symbol as usize).map_or(0, |symbol| symbol.name);
            return Err(LinkerProblem::Symbol { symbol: self.names.get(symbol).into(), problem });
        }
        let Some(out) = self.sections.get_mut(out) else { return Ok(()) };
        match global.var.and_then(|var| out.vars.get_mut(var)) {
            // They have neither.
            Some(_) if is_func => {}
            Some(var) if global.file == file => (var.offset, var.size) = (new.offset, new.size),
            Some(_) => {}
            None => {
                global.var = Some(out.vars.len());
                out.vars.push(new);
            }
        }
        Ok(())
    }

    /// Appends function and line information and CO-RE relocations.
    fn append_ext(
        &mut self,
        input: &Input<'_>,
        types: &InputTypes,
        imported: &mut Imported<'_>,
    ) -> Result<(), LinkerProblem> {
        let Some(ext) = &types.ext else { return Ok(()) };
        // The section's place among those that come out, and where its code starts there.
        let place = |name: &str| {
            let index = if name.len() > MAX_NAME { None } else { input.by_name.get(name) };
            let section = index.and_then(|&index| input.sections.get(index));
            let missing = LinkerProblem::Section {
                section: same_type::short(name).into(),
                problem: SectionClash::Missing,
            };
            let section = section.ok_or(missing)?;
            let out = section.out.filter(|_| section.kind != InputKind::Skipped);
            // The size of a section has 32 bits.
            Ok::<_, LinkerProblem>(out.map(|out| (out, section.offset as u32)))
        };
        let moved = |at: u32, by: u32| {
            at.checked_add(by).ok_or(LinkerProblem::TooLarge { what: "bytes in a section of code" })
        };
        let new_id = |imported: &Imported<'_>, id: TypeId| imported.id(id).unwrap_or_default();
        for part in ext.func_info() {
            let Some((out, start)) = place(part.name)? else { continue };
            let Some(out) = self.sections.get_mut(out) else { continue };
            for mut record in part.records {
                record.insn_off = moved(record.insn_off, start)?;
                record.ty = new_id(imported, record.ty);
                out.func_info.push(record);
            }
        }
        for part in ext.line_info() {
            let Some((out, start)) = place(part.name)? else { continue };
            let Some(out) = self.sections.get_mut(out) else { continue };
            for record in part.records {
                let mut string = |off| imported.string(&mut self.btf, off).map_err(LinkerProblem::Types);
                out.line_info.push(LineInfo {
                    insn_off: moved(record.insn_off, start)?,
                    file_name_off: string(record.file_name_off)?,
                    line_off: string(record.line_off)?,
                    ..record
                });
            }
        }
        for part in ext.core_relos() {
            let Some((out, start)) = place(part.name)? else { continue };
            let Some(out) = self.sections.get_mut(out) else { continue };
            for mut record in part.records {
                record.insn_off = moved(record.insn_off, start)?;
                record.ty = new_id(imported, record.ty);
                let access = imported.string(&mut self.btf, record.access_str_off);
                record.access_str_off = access.map_err(LinkerProblem::Types)?;
                out.core_relos.push(record);
            }
        }
        Ok(())
    }
}

/// Where variables are: their symbols know it, the types not yet.
fn variables<'d>(input: &Input<'d>) -> Places<'d> {
    let mut places = Places::default();
    for symbol in input.symbols.iter().filter(|symbol| symbol.kind() == object::elf::STT_OBJECT) {
        places.entry((symbol.shndx, symbol.name)).or_insert(symbol.value);
    }
    places
}
