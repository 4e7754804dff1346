//! Kernels do not take types of what is outside of the object: externs are made to look like variables of it.

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};
use oxbpf_btf::{BtfBuilder, Kind, SecVar, Type, TypeId};

use super::externs::Externs;
use crate::Btf;
use crate::order::by_place;
use crate::spec::ExternKind;

const GLOBAL: u32 = 1;
/// Stands in for functions in a section of variables, and names their parameters.
const DUMMY: &str = "dummy_ksym";
/// Bytes that each kernel symbol is made to take.
const KSYM_SIZE: u32 = 4;

/// Rewrites the section `.ksyms`: each symbol becomes a variable of 4 bytes, functions one and the same.
pub(super) fn ksyms(btf: &Btf, sec: Type<'_>, builder: &mut BtfBuilder) -> Result<(), oxbpf_btf::Error> {
    let int = btf.types().find(|ty| ty.int().is_some_and(|int| int.bits == 32)).map(|ty| ty.id());
    let int = int.unwrap_or_default();
    let is_func = |var: &SecVar| btf.get(var.ty).is_ok_and(|ty| ty.kind() == Kind::Func);
    let dummy = match sec.variables().any(|var| is_func(&var)) {
        true => builder.add_var(DUMMY, int, GLOBAL)?,
        false => TypeId(0),
    };
    let mut offset: u32 = 0;
    // Many functions may share a prototype of many parameters.
    let mut named: HashSet<TypeId, FixedState> = HashSet::default();
    for (index, mut var) in sec.variables().enumerate() {
        let ty = btf.get(var.ty)?;
        builder.set_linkage(ty.id(), GLOBAL)?;
        if ty.kind() == Kind::Func {
            if let Some(proto) = ty.target().filter(|proto| named.insert(*proto)) {
                name_params(btf.get(proto)?, builder)?;
            }
            var.ty = dummy;
        } else {
            builder.set_target(ty.id(), int)?;
        }
        (var.offset, var.size) = (offset, KSYM_SIZE);
        offset = offset.saturating_add(KSYM_SIZE);
        builder.set_datasec_var(sec.id(), index, var)?;
    }
    builder.set_datasec_size(sec.id(), offset)
}

fn name_params(proto: Type<'_>, builder: &mut BtfBuilder) -> Result<(), oxbpf_btf::Error> {
    for (index, param) in proto.params().enumerate() {
        // Type 0 stands for what follows: `...` has no name.
        if param.ty != TypeId(0) && param.name.is_empty() {
            builder.set_param_name(proto.id(), index, DUMMY)?;
        }
    }
    Ok(())
}

/// Gives the values of section `.kconfig` their places.
pub(super) fn kconfig(
    btf: &Btf,
    sec: Type<'_>,
    externs: &Externs,
    builder: &mut BtfBuilder,
) -> Result<(), oxbpf_btf::Error> {
    let mut places: HashMap<TypeId, u32, FixedState> = HashMap::default();
    for spec in &externs.specs {
        if let ExternKind::Kconfig { offset, .. } = spec.kind {
            places.insert(spec.ty, offset);
        }
    }
    let mut vars: Vec<SecVar> = sec.variables().collect();
    for var in &mut vars {
        if let Some(offset) = places.get(&var.ty) {
            var.offset = *offset;
        }
        if btf.get(var.ty)?.kind() == Kind::Var {
            builder.set_linkage(var.ty, GLOBAL)?;
        }
    }
    by_place(&mut vars, |var| (0, var.offset.into()));
    for (index, var) in vars.into_iter().enumerate() {
        builder.set_datasec_var(sec.id(), index, var)?;
    }
    builder.set_datasec_size(sec.id(), externs.kconfig_size)
}
