//! Loading an object: from a spec to maps and programs in a kernel.
//!
//! The modern way is tried first; only where the kernel refuses it is asked what it lacks. Loading a plain object on a
//! recent kernel so takes no more calls than there are things to make.

mod btf;
mod contents;
mod externs;
pub(crate) mod hints;
mod maps;
pub(crate) mod memlock;
mod names;
mod options;
mod parallel;
mod pinned;
mod programs;
mod struct_ops;
mod target;

use std::cell::OnceCell;

use oxbpf_obj::{CoreTarget, Endian, FixupKind, LinkOptions, ObjectSpec, ProgramImage, ProgramType};
use oxbpf_sys::{Errno, SysError};

use crate::error::{Error, Result};
use crate::object::Object;

pub use externs::MissingExtern;
pub use options::LoadOptions;

use externs::Externs;
use maps::Maps;

/// Loads `spec`; what [`Object::load`] does.
pub(crate) fn object(spec: &ObjectSpec, options: &LoadOptions) -> Result<Object> {
    check(spec)?;
    let kernel = &options.kernel;
    let mut images = link(spec, options)?;
    let btf = btf::load(kernel, spec)?;
    let externs = externs::resolve(spec, options, &images)?;
    let struct_ops = struct_ops::prepare(spec, kernel)?;
    let maps = maps::create(spec, options, btf.as_ref(), &externs, &struct_ops)?;
    for image in &mut images {
        fix(image, &maps, &externs);
    }
    let programs = programs::load(spec, options, btf.as_ref(), &maps, &externs, &struct_ops, &images)?;
    contents::fill_program_arrays(spec, &maps, &images, &programs)?;
    contents::fill_struct_ops(&struct_ops, &maps, &images, &programs);
    let globals = spec.globals().filter_map(|var| maps.get(var.map).cloned().map(|map| (var, map)));
    let globals = globals.collect();
    Ok(Object {
        name: spec.name.clone(),
        kernel: kernel.clone(),
        btf: spec.btf.clone(),
        programs,
        maps: maps.keep(),
        globals,
    })
}

/// Writes into a program what is known by now.
fn fix(image: &mut ProgramImage, maps: &Maps, externs: &Externs<'_>) {
    for fixup in std::mem::take(&mut image.fixups) {
        match fixup.kind {
            FixupKind::MapFd { map } | FixupKind::MapValue { map, .. } => {
                maps.write_into(image, fixup.insn, map);
            }
            _ => externs.write_into(image, fixup),
        }
    }
}

/// What can be seen to be wrong before the kernel is asked.
fn check(spec: &ObjectSpec) -> Result<()> {
    if spec.endian != Endian::NATIVE {
        return Err(Error::Endian { object: spec.name.clone(), endian: spec.endian });
    }
    match spec.loaded_programs().find(|(_, program)| program.prog_type == ProgramType::UNSPEC) {
        Some((_, program)) => {
            Err(Error::ProgramType { program: program.name.clone(), section: program.section.clone() })
        }
        None => Ok(()),
    }
}

/// Relocates the programs. The kernel is asked for its types only if there is something to relocate against them, and
/// for those of its modules only if it has no type of a name that is looked for.
fn link(spec: &ObjectSpec, options: &LoadOptions) -> Result<Vec<ProgramImage>> {
    let failed = |source| Error::Link { object: spec.name.clone(), source };
    if !spec.needs_core_targets() {
        return spec.link(&LinkOptions::default()).map_err(failed);
    }
    if let Some(btf) = &options.btf {
        let targets = [CoreTarget { name: "vmlinux", btf }];
        return spec.link(&LinkOptions::with_targets(&targets)).map_err(failed);
    }
    let kernel = &options.kernel;
    let untold = |source| Error::KernelBtf { what: format!("object {} (CO-RE)", spec.name), source };
    let btf = kernel.btf().map_err(untold)?;
    let targets = [CoreTarget { name: "vmlinux", btf: &btf }];
    let modules = OnceCell::new();
    let module_targets = OnceCell::new();
    let ask = || {
        let asked: &Result<Vec<_>, SysError> = modules.get_or_init(|| kernel.module_btfs());
        let found = asked.as_deref().unwrap_or_default();
        let targets: &Vec<_> = module_targets
            .get_or_init(|| found.iter().map(|(name, btf): &(String, _)| CoreTarget { name, btf }).collect());
        targets.as_slice()
    };
    let linked = spec.link(&LinkOptions::with_targets(&targets).with_modules(&ask));
    match modules.get() {
        // Programs would be told that what they look for is not there.
        Some(Err(error)) if error.errno != Errno::ENOENT => Err(untold(error.clone())),
        _ => linked.map_err(failed),
    }
}
