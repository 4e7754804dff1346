//! struct_ops maps: a struct of functions that the kernel calls.

use std::collections::{BTreeMap, BTreeSet};

use oxbpf_btf::Member;

use super::{Contents, MapSpec, ObjectSpec, ProgramSpec};
use crate::Error;
use crate::error::StructOpsProblem;
use crate::uapi::ProgramType;

/// What a struct_ops map holds: a value of a struct that the kernel knows too, [`MapSpec::value_type`] here.
///
/// Which programs its function pointers lead to is said by name, so it can be changed before loading, as can the other
/// fields ([`ObjectSpec::set_struct_ops_field`]). The loader matches fields by name: those that the kernel lacks
/// may be there if they are zero.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct StructOps {
    /// The struct's bytes, in the object's byte order. Pointers to functions are zero.
    pub data: Vec<u8>,
    /// Programs by name of the field that points to them. Those of fields that are not here are null.
    pub programs: BTreeMap<String, String>,
    /// The programs that the file says. They are for this map, even if others take their place.
    pub(crate) declared: BTreeSet<String>,
}

impl MapSpec {
    /// What a struct_ops map holds.
    pub fn struct_ops(&self) -> Option<&StructOps> {
        match &self.contents {
            Contents::StructOps(ops) => Some(ops),
            _ => None,
        }
    }

    /// What a struct_ops map holds, to change it.
    #[doc(alias = "bpf_map__initial_value")]
    pub fn struct_ops_mut(&mut self) -> Option<&mut StructOps> {
        match &mut self.contents {
            Contents::StructOps(ops) => Some(ops),
            _ => None,
        }
    }
}

impl ObjectSpec {
    /// Sets a field of a struct_ops map, one that is no pointer to a function: the value's bytes, as many as the field
    /// has. (Functions are set in [`StructOps::programs`].)
    ///
    /// # Errors
    /// No such map or field, a bit field, or another size.
    pub fn set_struct_ops_field<T: zerocopy::IntoBytes + zerocopy::Immutable>(
        &mut self,
        map: &str,
        field: &str,
        value: &T,
    ) -> Result<(), Error> {
        let fail = |problem| Error::StructOps { map: map.to_owned(), field: field.to_owned(), problem };
        let spec = self.map(map).filter(|spec| spec.struct_ops().is_some());
        let spec = spec.ok_or_else(|| fail(StructOpsProblem::NoMap))?;
        let value_type = spec.value_type;
        let place = self.btf.as_ref().and_then(|btf| {
            let member = btf.resolve(value_type).ok()?.members().find(|member| member.name == field)?;
            Some((member, btf.size_of(member.ty).ok()?))
        });
        let (Member { bit_offset, bitfield_size, .. }, size) =
            place.ok_or_else(|| fail(StructOpsProblem::NoField))?;
        if bitfield_size != 0 || !bit_offset.is_multiple_of(8) {
            return Err(fail(StructOpsProblem::Bits));
        }
        let (start, value) = ((bit_offset / 8) as usize, value.as_bytes());
        if size != value.len() as u64 {
            return Err(fail(StructOpsProblem::Size { size, given: value.len() }));
        }
        let ops = self.map_mut(map).and_then(MapSpec::struct_ops_mut);
        let place = ops.and_then(|ops| ops.data.get_mut(start..)?.get_mut(..value.len()));
        place.ok_or_else(|| fail(StructOpsProblem::NoField))?.copy_from_slice(value);
        Ok(())
    }

    /// The programs that loading loads, with their index: those with [`ProgramSpec::autoload`]. Programs of struct_ops
    /// maps go with the maps, whatever they say: they are loaded if a map that is created points to them, and not if
    /// only maps do that are not, or others took their place.
    pub fn loaded_programs(&self) -> impl Iterator<Item = (usize, &ProgramSpec)> {
        let mut uses: BTreeMap<&str, bool> = BTreeMap::new();
        for map in &self.maps {
            let Some(ops) = map.struct_ops() else { continue };
            for program in &ops.declared {
                uses.entry(program).or_default();
            }
            for program in ops.programs.values() {
                *uses.entry(program).or_default() |= map.autocreate;
            }
        }
        self.programs.iter().enumerate().filter(move |(_, program)| {
            let used = uses.get(program.name.as_str());
            match used {
                Some(used) if program.prog_type == ProgramType::STRUCT_OPS => *used,
                _ => program.autoload,
            }
        })
    }
}
