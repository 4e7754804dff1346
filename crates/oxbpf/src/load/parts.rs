//! The two steps of a load: everything that programs need is made, then they are verified.

use std::sync::Arc;

use oxbpf_obj::{Btf, Endian, ObjectSpec, ProgramImage, ProgramType};
use oxbpf_sys::Kernel;

use super::btf::{self, LoadedBtf};
use super::externs;
use super::images::Images;
use super::jump_tables::{self, Arrays};
use super::kernel_types::{KernelTypes, ModuleTypes};
use super::maps::{self, Maps};
use super::struct_ops::{self, StructOpsMaps};
use super::token::{Access, Unasked};
use super::{LoadOptions, contents, programs, relocate};
use crate::error::{Error, Result};
use crate::features::{Feature, lacks};
use crate::object::Object;

/// What is there before the first program is loaded. It goes with the spec and the options that it was made from.
#[derive(Debug)]
pub(super) struct Parts {
    /// How the kernel is accessed: with a token maybe, or with none yet.
    access: (Kernel, Unasked),
    /// Those of the kernel.
    pub(super) types: KernelTypes,
    pub(super) btf: Option<LoadedBtf>,
    pub(super) struct_ops: StructOpsMaps,
    pub(super) maps: Maps,
    /// The maps of programs' indirect jumps, which the programs hold on to once they are loaded.
    pub(super) jump_tables: Vec<Arrays>,
    /// The types of modules that programs call functions of.
    pub(super) modules: Vec<Arc<ModuleTypes>>,
}

impl Parts {
    /// Relocates the programs of `spec`, loads its types and creates its maps.
    pub(super) fn prepare<'s>(spec: &'s ObjectSpec, options: &LoadOptions) -> Result<(Self, Images<'s>)> {
        check(spec, options)?;
        let mut access = Access::new(options)?;
        let types = KernelTypes::new(&access.options().kernel);
        let mut images = Images::new(spec, relocate::link(spec, options, &types)?)?;
        let externs = externs::resolve(spec, access.options(), &types, images.made())?;
        let struct_ops = struct_ops::prepare(spec, &types)?;
        let spelt_out = contexts(spec, access.options(), images.made_mut())?;
        let own = spelt_out.as_ref().or(spec.btf.as_ref());
        let btf = btf::or_without(spec, access.with(|options| btf::load(&options.kernel, spec, own)))?;
        images.made_mut().iter_mut().for_each(|image| externs.write_into(image));
        let create =
            |options: &_| maps::create(spec, options, images.made(), btf.as_ref(), &externs, &struct_ops);
        let maps = access.with(create)?;
        let mut jump_tables = Vec::new();
        for image in images.made_mut() {
            let arrays = access.with(|options| jump_tables::create(spec, options, image))?;
            jump_tables::write_into(&arrays, image);
            jump_tables.push(arrays);
            maps.write_into(image);
        }
        let (access, modules) = (access.end(), externs.into_modules());
        Ok((Self { access, types, btf, struct_ops, maps, jump_tables, modules }, images))
    }

    /// How the kernel is accessed, as far as it is known by now.
    pub(super) fn access<'o>(&self, options: &'o LoadOptions) -> Access<'o> {
        Access::resume(options, self.access.clone())
    }

    /// Has the programs verified.
    pub(super) fn load(
        self,
        spec: &ObjectSpec,
        options: &LoadOptions,
        images: &Images<'_>,
    ) -> Result<Object> {
        let mut access = self.access(options);
        let programs = access.with(|options| programs::load(spec, options, &self, images))?;
        let Self { struct_ops, maps, jump_tables, .. } = self;
        // The programs hold on to them.
        drop(jump_tables);
        let mut loaded = vec![None; spec.programs.len()];
        for (index, program) in images.programs().into_iter().zip(&programs) {
            if let Some(place) = loaded.get_mut(index) {
                *place = Some(program);
            }
        }
        contents::fill_program_arrays(spec, &maps, &loaded)?;
        contents::fill_struct_ops(spec, &struct_ops, &maps, &loaded);
        let globals = spec.globals().filter_map(|mut var| {
            var.offset = var.offset.saturating_add(maps.offset(var.map));
            maps.get(var.map).cloned().map(|map| (var, map))
        });
        let globals = globals.collect();
        Ok(Object {
            name: spec.name.clone(),
            kernel: access.end().0,
            btf: spec.btf.clone(),
            programs,
            maps: maps.keep(),
            globals,
        })
    }
}

/// The object's types for a kernel that does not know the tag of arguments that are the context, if it is one.
fn contexts(spec: &ObjectSpec, options: &LoadOptions, images: &mut [ProgramImage]) -> Result<Option<Btf>> {
    if !spec.has_context_tags() || !lacks(&options.kernel, Feature::ArgCtxTag) {
        return Ok(None);
    }
    let failed = |source| Error::Link { object: spec.name.clone(), source };
    spec.spell_out_contexts(images).map_err(failed)
}

/// What can be seen to be wrong before the kernel is asked.
fn check(spec: &ObjectSpec, options: &LoadOptions) -> Result<()> {
    if spec.endian != Endian::NATIVE {
        return Err(Error::Endian { object: spec.name.clone(), endian: spec.endian });
    }
    let no_map = |name: &&String| spec.maps.iter().all(|map| map.name != **name);
    if let Some(name) = options.maps.keys().chain(options.inner_maps.keys()).find(no_map) {
        return Err(Error::NoSuchMap {
            object: spec.name.clone(),
            name: name.clone(),
            have: spec.maps.iter().map(|map| map.name.clone()).collect(),
        });
    }
    let no_program = |name: &&String| spec.programs.iter().all(|program| program.name != **name);
    if let Some(name) = options.targets.keys().find(no_program) {
        return Err(Error::NoSuchProgram {
            object: spec.name.clone(),
            name: name.clone(),
            have: spec.programs.iter().map(|program| program.name.clone()).collect(),
        });
    }
    match spec.loaded_programs().find(|(_, program)| program.prog_type == ProgramType::UNSPEC) {
        Some((_, program)) => {
            Err(Error::ProgramType { program: program.name.clone(), section: program.section.to_string() })
        }
        None => Ok(()),
    }
}
