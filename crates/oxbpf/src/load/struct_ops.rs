//! struct_ops maps: the struct of the object, put into the layout that the kernel has for it.

use std::collections::HashMap;
use std::sync::Arc;

use oxbpf_obj::relo_core::essential_name;
use oxbpf_obj::{Btf, MapSpec, ObjectSpec, StructOps, TypeId};
use oxbpf_sys::SysError;

use super::kernel_types::{Declared, KernelTypes, ModuleTypes};
use crate::btf::{Kind, Member, Type};
use crate::error::{Error, Result};

/// What the kernel calls the value of a struct_ops map that holds `struct NAME`.
const VALUE_PREFIX: &str = "bpf_struct_ops_";

/// The struct_ops maps of an object as the kernel wants them, by index of the map.
#[derive(Debug, Default)]
pub(super) struct StructOpsMaps {
    maps: HashMap<usize, KernelOps>,
    /// What programs are verified for, by index of the program.
    programs: HashMap<usize, Role>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct KernelOps {
    /// The value, complete but for the descriptors of programs.
    pub(super) value: Vec<u8>,
    /// Where these go: offset in the value, index of the program.
    pub(super) slots: Vec<(usize, usize)>,
    pub(super) value_type: TypeId,
    /// The BTF of the module that has the type.
    pub(super) module: Option<Arc<ModuleTypes>>,
}

/// Which function of the kernel's struct a program is.
#[derive(Debug, Clone)]
pub(super) struct Role {
    /// The struct in the kernel's types, or those of the module.
    pub(super) ty: TypeId,
    pub(super) module: Option<Arc<ModuleTypes>>,
    /// Index of the member.
    pub(super) member: u32,
}

/// Lays out the struct_ops maps that are to be created.
pub(super) fn prepare(spec: &ObjectSpec, types: &KernelTypes) -> Result<StructOpsMaps> {
    let mut all = StructOpsMaps::default();
    let wanted = spec.maps.iter().enumerate().filter(|(_, map)| map.autocreate);
    for (index, map) in wanted {
        let Some(ops) = map.struct_ops() else { continue };
        let ops = all.lay_out(spec, types, map, ops)?;
        all.maps.insert(index, ops);
    }
    Ok(all)
}

impl StructOpsMaps {
    pub(super) fn get(&self, map: usize) -> Option<&KernelOps> {
        self.maps.get(&map)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &KernelOps)> {
        self.maps.iter().map(|(index, ops)| (*index, ops))
    }

    pub(super) fn role(&self, program: usize) -> Option<&Role> {
        self.programs.get(&program)
    }

    fn lay_out(
        &mut self,
        spec: &ObjectSpec,
        types: &KernelTypes,
        map: &MapSpec,
        ops: &StructOps,
    ) -> Result<KernelOps> {
        let fail = |reason: String| Error::MapDefinition { map: map.name.clone(), reason };
        let own = spec.btf.as_ref().ok_or_else(|| fail("the object has no BTF".into()))?;
        let def = own.resolve(map.value_type).map_err(|error| fail(error.to_string()))?;
        let name = essential_name(def.name());
        let what = || format!("struct_ops map {}", map.name);
        let untold = |source| Error::KernelBtf { what: what(), source };
        let found = find(types, name).map_err(untold)?;
        let Declared { found: Found { value, inner, inner_offset }, btf, module } =
            found.ok_or_else(|| fail(format!("this kernel knows no struct_ops of type {name}")))?;
        let mut made = KernelOps {
            value: vec![0; value.1 as usize],
            slots: Vec::new(),
            value_type: value.0,
            module: module.clone(),
        };
        let theirs = btf.get(inner).map_err(|error| fail(error.to_string()))?;
        for member in def.members() {
            let bytes = bytes_of(own, &member, &ops.data);
            let bytes = bytes.ok_or_else(|| fail("its data is shorter than its struct".into()))?;
            let known = theirs.members().enumerate().find(|(_, known)| known.name == member.name);
            let program = ops.programs.get(member.name);
            let Some((number, known)) = known.filter(|_| !member.name.is_empty()) else {
                if bytes.iter().all(|byte| *byte == 0) && program.is_none() {
                    continue;
                }
                return Err(fail(format!("the kernel's struct {name} has no field {}", member.name)));
            };
            let field = |why: &str| fail(format!("field {} of struct {name}: {why}", member.name));
            if member.bitfield_size != 0 || known.bitfield_size != 0 {
                return Err(field("bit fields are not supported"));
            }
            let at = inner_offset.saturating_add(known.bit_offset as usize / 8);
            let (a, b) = (stripped(own, member.ty), stripped(&btf, known.ty));
            let (Some(a), Some(b)) = (a, b) else { return Err(field("its type is broken")) };
            if a.kind() != b.kind() {
                return Err(field(&format!("it is of kind {}, the kernel's of kind {}", a.kind(), b.kind())));
            }
            if btf.points_to_function(known.ty) {
                let Some(program) = program else { continue };
                let index = spec.programs.iter().position(|spec| spec.name == *program);
                let index = index.ok_or_else(|| field(&format!("there is no program {program}")))?;
                made.slots.push((at, index));
                let member = u32::try_from(number).unwrap_or(u32::MAX);
                let role = Role { ty: inner, module: module.clone(), member };
                self.add(index, role).map_err(|why| field(&format!("program {program} {why}")))?;
                continue;
            }
            let size = btf.size_of(known.ty).unwrap_or_default();
            let to = usize::try_from(size).ok().and_then(|size| made.value.get_mut(at..)?.get_mut(..size));
            match to {
                Some(to) if to.len() == bytes.len() => to.copy_from_slice(bytes),
                _ => {
                    let why = format!("it has {} bytes, the kernel's has {size}", bytes.len());
                    return Err(field(&why));
                }
            }
        }
        Ok(made)
    }

    /// Notes what a program is for. One program can be the same function of several maps, but no other.
    fn add(&mut self, program: usize, role: Role) -> Result<(), &'static str> {
        match self.programs.get(&program) {
            Some(known) if known.ty != role.ty || known.member != role.member => {
                Err("is another function of the same or another struct already")
            }
            _ => {
                self.programs.insert(program, role);
                Ok(())
            }
        }
    }
}

/// The bytes of a field.
fn bytes_of<'d>(btf: &Btf, member: &Member<'_>, data: &'d [u8]) -> Option<&'d [u8]> {
    let size = usize::try_from(btf.size_of(member.ty).ok()?).ok()?;
    data.get(member.bit_offset as usize / 8..)?.get(..size)
}

/// A struct_ops of the kernel.
struct Found {
    /// The type of a map's value, and its size.
    value: (TypeId, u32),
    /// The struct in it.
    inner: TypeId,
    inner_offset: usize,
}

/// `struct bpf_struct_ops_NAME`, which has a member of type `struct NAME`.
fn find(types: &KernelTypes, name: &str) -> Result<Option<Declared<Found>>, SysError> {
    types.find(None, |btf, first| {
        let value = btf.find(&format!("{VALUE_PREFIX}{name}"), Kind::Struct).filter(|id| *id >= first)?;
        let inner = btf.find(name, Kind::Struct)?;
        let ty = btf.get(value).ok()?;
        let member = ty.members().find(|member| member.ty == inner)?;
        Some(Found { value: (value, ty.size()?), inner, inner_offset: member.bit_offset as usize / 8 })
    })
}

fn stripped(btf: &Btf, ty: TypeId) -> Option<Type<'_>> {
    btf.resolve(ty).ok()
}
