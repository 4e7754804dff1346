use oxbpf_btf::{Kind, TypeId};

use super::Parser;
use super::datasec::Datasecs;
use super::externs::Externs;
use super::maps::Maps;
use super::name;
use super::sections::Role;
use crate::error::MapProblem;
use crate::spec::{Contents, Data, MapOrigin, MapSpec};
use crate::uapi::{MapFlags, MapType};
use crate::{Btf, Error};

const VAR_STATIC: u32 = 0;

impl Parser<'_> {
    /// Makes a map of one value of each section of global variables.
    pub(super) fn data_maps(
        &mut self,
        object: &str,
        btf: Option<&Btf>,
        datasecs: &mut Datasecs<'_>,
        maps: &mut Maps,
    ) -> Result<(), Error> {
        let is_data = |role| matches!(role, Role::Data | Role::Rodata | Role::Bss);
        let sections: Vec<_> = self.sections.with(is_data).collect();
        for (index, role) in sections {
            let Some(section) = self.elf.section(index) else { continue };
            let size = section.size();
            let map_name = name::data_map(object, section.name);
            let len =
                u32::try_from(size).map_err(|_| Error::map(section.name, MapProblem::TooLarge { size }))?;
            let data = match role {
                // Nothing but a number until someone sets a variable.
                Role::Bss => Data::zeros(len),
                _ => Data::from_bytes(self.elf.keep(index)?, len),
            };
            let section = self.names.copy(section.name)?;
            let value_type = datasecs.take(&section).unwrap_or_default();
            let mut flags = MapFlags::empty();
            flags.set(MapFlags::MMAPABLE, btf.is_some_and(|btf| has_global(btf, value_type)));
            flags.set(MapFlags::RDONLY_PROG, role == Role::Rodata);
            let origin = match role {
                Role::Rodata => MapOrigin::Rodata { section },
                Role::Bss => MapOrigin::Bss { section },
                _ => MapOrigin::Data { section },
            };
            let mut spec = MapSpec::new(map_name, MapType::ARRAY, origin);
            spec.key_size = 4;
            spec.value_size = len;
            spec.max_entries = 1;
            spec.flags = flags;
            spec.value_type = value_type;
            spec.contents = Contents::Data(data);
            maps.add_data(index, spec);
        }
        Ok(())
    }

    /// Makes the map of configuration values, if there are any.
    pub(super) fn kconfig_map(
        &self,
        object: &str,
        externs: &Externs,
        datasecs: &mut Datasecs<'_>,
        maps: &mut Maps,
    ) {
        if externs.kconfig_size == 0 {
            return;
        }
        let name = name::data_map(object, MapOrigin::KCONFIG);
        let mut spec = MapSpec::new(name, MapType::ARRAY, MapOrigin::Kconfig);
        spec.key_size = 4;
        spec.value_size = externs.kconfig_size;
        spec.max_entries = 1;
        spec.flags = MapFlags::MMAPABLE | MapFlags::RDONLY_PROG;
        spec.value_type = datasecs.take(MapOrigin::KCONFIG).unwrap_or_default();
        maps.add_other(spec);
    }
}

/// Whether a section has a variable for user space to see: only then is its map made to be mapped.
fn has_global(btf: &Btf, datasec: TypeId) -> bool {
    let Ok(sec) = btf.get(datasec) else { return false };
    sec.variables()
        .any(|var| btf.get(var.ty).is_ok_and(|ty| ty.kind() == Kind::Var && ty.linkage() != Some(VAR_STATIC)))
}
