use oxbpf_btf::{Kind, SecVar, Type};

use super::datasec::Datasecs;
use super::maps::Maps;
use super::{Parser, map_def};
use crate::error::MapProblem;
use crate::{Btf, Error};

const VAR_STATIC: u32 = 0;
const VAR_GLOBAL: u32 = 1;

impl Parser<'_> {
    /// Reads the maps that are variables of section `.maps`.
    pub(super) fn btf_maps(
        &mut self,
        btf: Option<&Btf>,
        datasecs: &Datasecs<'_>,
        maps: &mut Maps,
    ) -> Result<(), Error> {
        let Some(section) = self.sections.maps else { return Ok(()) };
        let sec = btf.and_then(|btf| Some((btf, datasecs.get(".maps")?)));
        let Some((btf, sec)) = sec else {
            return Err(Error::map(".maps", MapProblem::NoDatasec));
        };
        let sec = btf.get(sec).map_err(Error::btf)?;
        let len = self.elf.data(section)?.len() as u64;
        let mut end = 0;
        for (index, var) in sec.variables().enumerate() {
            let ty = btf.get(var.ty).map_err(Error::btf)?;
            // Variables are sorted by place.
            if u64::from(var.offset) < end {
                return Err(Error::map(ty.name(), MapProblem::Overlap));
            }
            end = u64::from(var.offset).saturating_add(var.size.into());
            let spec = definition(btf, index, var, ty, len)
                .map_err(|problem| Error::map(ty.name(), problem))
                .and_then(|def| map_def::parse(btf, ty.name(), def))?;
            // The name, and that of an inner map, are copies.
            self.names.take(ty.name().len().saturating_mul(2))?;
            maps.add_defined(section, var.offset.into(), spec);
        }
        Ok(())
    }
}

/// The struct that defines the map at a variable.
fn definition<'b>(
    btf: &'b Btf,
    index: usize,
    var: SecVar,
    ty: Type<'_>,
    section: u64,
) -> Result<Type<'b>, MapProblem> {
    if ty.kind() != Kind::Var {
        return Err(MapProblem::NotVar(ty.kind()));
    }
    if ty.name().is_empty() {
        return Err(MapProblem::NoName(index));
    }
    let (offset, size) = (u64::from(var.offset), u64::from(var.size));
    if offset.saturating_add(size) > section {
        return Err(MapProblem::OutOfSection { offset, size, section });
    }
    match ty.linkage() {
        Some(VAR_GLOBAL) => {}
        Some(VAR_STATIC) => return Err(MapProblem::Linkage("static")),
        _ => return Err(MapProblem::Linkage("extern")),
    }
    let def = ty.target().and_then(|id| btf.resolve(id).ok());
    let def = def.ok_or(MapProblem::NotStruct(Kind::Void))?;
    if def.kind() != Kind::Struct {
        return Err(MapProblem::NotStruct(def.kind()));
    }
    let size = def.size().unwrap_or_default();
    if size > var.size {
        return Err(MapProblem::StructSize { size, var: var.size });
    }
    Ok(def)
}
