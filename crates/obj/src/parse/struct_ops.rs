//! Sections of struct_ops maps: each variable is one.

use oxbpf_btf::{Kind, SecVar, Type};

use super::Parser;
use super::datasec::Datasecs;
use super::map_slots::program_at;
use super::maps::Maps;
use super::sections::Role;
use crate::code::Code;
use crate::error::MapProblem;
use crate::sections::SectionDef;
use crate::spec::{Contents, MapOrigin, MapSpec, StructOps};
use crate::uapi::{MapFlags, MapType, ProgramType};
use crate::{Btf, Error};

/// A section of struct_ops maps.
struct Group<'d> {
    index: usize,
    name: &'d str,
    data: &'d [u8],
    /// Index of its first map.
    first: usize,
}

impl Parser<'_> {
    /// Reads the struct_ops maps of `.struct_ops` and its kin: `.link` for those that are attached by a link, `?`
    /// before the name for those that are not created unless asked for.
    pub(super) fn struct_ops_maps(
        &mut self,
        btf: Option<&Btf>,
        datasecs: &mut Datasecs<'_>,
        code: &Code,
        maps: &mut Maps,
    ) -> Result<(), Error> {
        let sections: Vec<_> = self.sections.with(|role| role == Role::StructOps).collect();
        for (index, _) in sections {
            let Some(section) = self.elf.section(index).copied() else { continue };
            let missing = || Error::map(section.name, MapProblem::NoDatasec);
            let (btf, sec) = btf.zip(datasecs.take(section.name)).ok_or_else(missing)?;
            let sec = btf.get(sec).map_err(Error::btf)?;
            let data = self.elf.claim(index)?;
            let group = Group { index, name: section.name, data, first: maps.specs.len() };
            let vars: Vec<SecVar> = sec.variables().collect();
            let mut end = 0;
            for var in &vars {
                let ty = btf.get(var.ty).map_err(Error::btf)?;
                let fail = |problem| Error::map(ty.name(), problem);
                if u64::from(var.offset) < end {
                    return Err(fail(MapProblem::Overlap));
                }
                end = u64::from(var.offset).saturating_add(var.size.into());
                let spec = struct_ops_map(btf, &group, *var, ty).map_err(fail)?;
                self.names.take(ty.name().len())?;
                maps.add_other(spec);
            }
            self.struct_ops_relocs(btf, &group, &vars, code, maps)?;
        }
        Ok(())
    }

    /// Which programs the function pointers lead to.
    fn struct_ops_relocs(
        &mut self,
        btf: &Btf,
        group: &Group<'_>,
        vars: &[SecVar],
        code: &Code,
        maps: &mut Maps,
    ) -> Result<(), Error> {
        let is_about_it = |i: &usize| self.elf.section(*i).is_some_and(|s| s.info() == group.index);
        let relocs: Vec<usize> = self.sections.relocs.iter().copied().filter(is_about_it).collect();
        for index in relocs {
            let Some(relocation) = self.elf.section(index).copied() else { continue };
            for reloc in self.elf.relocs(&relocation)? {
                let symbol = self.elf.symbol(reloc.symbol)?;
                let before = vars.partition_point(|var| u64::from(var.offset) <= reloc.offset);
                let at = before.checked_sub(1).and_then(|at| Some((at, vars.get(at)?)));
                let spec = at.and_then(|(at, _)| maps.specs.get_mut(group.first.saturating_add(at)));
                let (Some((_, var)), Some(spec)) = (at, spec) else {
                    let problem = MapProblem::Slot { offset: reloc.offset, problem: "no map is there" };
                    return Err(Error::map(group.name, problem));
                };
                let fail = |spec: &MapSpec, problem| {
                    Error::map(&spec.name, MapProblem::Slot { offset: reloc.offset, problem })
                };
                let place = reloc.offset.saturating_sub(var.offset.into()).saturating_mul(8);
                let def = btf.get(spec.value_type).map_err(Error::btf)?;
                // Members are many only if the file is large, but a file may have many relocations, too.
                self.names.take(def.vlen() as usize / 16)?;
                let member = def.members().find(|m| u64::from(m.bit_offset) == place);
                let member = member.filter(|m| btf.points_to_function(m.ty));
                let member = member.ok_or_else(|| fail(spec, "it is no pointer to a function"))?;
                let program = program_at(code, &symbol).filter(|(_, section)| is_struct_ops(section));
                let Some((program, _)) = program else {
                    let (name, expected) = (self.elf.describe(&symbol).to_owned(), "program of struct_ops");
                    return Err(Error::map(&spec.name, MapProblem::SlotTarget { name, expected }));
                };
                let (member, program) = (self.names.copy(member.name)?, self.names.copy(program)?);
                let declared = self.names.copy(&program)?;
                if let Contents::StructOps(ops) = &mut spec.contents {
                    ops.declared.insert(declared);
                    ops.programs.insert(member, program);
                }
            }
        }
        Ok(())
    }
}

/// Whether functions of a section are for struct_ops.
fn is_struct_ops(section: &str) -> bool {
    let name = section.strip_prefix('?').unwrap_or(section);
    SectionDef::find(name).is_some_and(|(def, _)| def.prog_type == ProgramType::STRUCT_OPS)
}

/// The map that a variable is.
fn struct_ops_map(btf: &Btf, group: &Group<'_>, var: SecVar, ty: Type<'_>) -> Result<MapSpec, MapProblem> {
    if ty.kind() != Kind::Var {
        return Err(MapProblem::NotVar(ty.kind()));
    }
    let def = ty.target().and_then(|id| btf.resolve(id).ok());
    let def = def.ok_or(MapProblem::NotStruct(Kind::Void))?;
    if def.kind() != Kind::Struct || def.name().is_empty() {
        return Err(MapProblem::NotStruct(def.kind()));
    }
    let size = def.size().unwrap_or_default();
    if size > var.size {
        return Err(MapProblem::StructSize { size, var: var.size });
    }
    let (offset, section) = (u64::from(var.offset), group.data.len() as u64);
    let bytes = group.data.get(var.offset as usize..).and_then(|rest| rest.get(..size as usize));
    let bytes = bytes.ok_or(MapProblem::OutOfSection { offset, size: size.into(), section })?;
    let mut spec = MapSpec::new(ty.name().to_owned(), MapType::STRUCT_OPS, MapOrigin::StructOps);
    spec.key_size = 4;
    spec.value_size = size;
    spec.max_entries = 1;
    spec.flags.set(MapFlags::LINK, group.name.ends_with(".link"));
    spec.value_type = def.id();
    spec.autocreate = !group.name.starts_with('?');
    spec.contents = Contents::StructOps(StructOps { data: bytes.to_vec(), ..StructOps::default() });
    Ok(spec)
}
