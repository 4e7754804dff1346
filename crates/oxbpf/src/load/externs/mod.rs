//! What an object expects from the kernel: values of its configuration, its variables, its functions.
//!
//! Only what programs that are loaded refer to has to be there.

mod kconfig;
mod ksyms;

use std::collections::BTreeSet;
use std::fmt;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use oxbpf_obj::{
    ExternKind, ExternSpec, Fixup, FixupKind, LinkOptions, MapOrigin, ObjectSpec, ProgramImage, TypeId,
};

use super::LoadOptions;
use super::kernel_types::{KernelTypes, ModuleTypes};
use crate::error::{Error, Result};

/// An extern that has to be there and is not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingExtern {
    /// Its name.
    pub name: String,
    /// What it is, and why it was not found.
    pub reason: String,
}

impl fmt::Display for MissingExtern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.reason)
    }
}

/// What became of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Address(u64),
    /// Known to the kernel by its type, in the BTF of the module with this index in [`Externs::modules`].
    Type {
        id: TypeId,
        module: Option<usize>,
    },
}

/// What was found of the externs of an object.
#[derive(Debug, Default)]
pub(super) struct Externs<'s> {
    specs: &'s [ExternSpec],
    /// By index in `specs`; `None` for what is not there or was not looked for.
    found: Vec<Option<Found>>,
    /// The value of the map `.kconfig`, if programs need it.
    kconfig: Option<Vec<u8>>,
    /// BTFs of modules that symbols were found in.
    modules: Vec<Arc<ModuleTypes>>,
}

/// Finds what the programs refer to.
pub(super) fn resolve<'s>(
    spec: &'s ObjectSpec,
    options: &LoadOptions,
    types: &KernelTypes,
    images: &[ProgramImage],
) -> Result<Externs<'s>> {
    let mut all = Externs { specs: &spec.externs, ..Externs::default() };
    let used = used(spec, images);
    if used.is_empty() {
        return Ok(all);
    }
    let mut missing = Vec::new();
    if used.iter().any(|index| is_kconfig(spec, *index)) {
        all.kconfig = Some(kconfig::values(spec, options, &used, &mut missing)?);
    }
    all.found = vec![None; spec.externs.len()];
    ksyms::find(spec, options, types, &used, &mut all, &mut missing)?;
    if missing.is_empty() { Ok(all) } else { Err(Error::Externs { object: spec.name.clone(), missing }) }
}

/// The value of the map `.kconfig`, for a loader; `None` if the object has none.
pub(crate) fn kconfig(spec: &ObjectSpec, options: &LoadOptions) -> Result<Option<Vec<u8>>> {
    if !spec.maps.iter().any(|map| map.origin == MapOrigin::Kconfig && map.autocreate) {
        return Ok(None);
    }
    let images = spec.link(&LinkOptions::core_by_kernel());
    let images = images.map_err(|source| Error::Link { object: spec.name.clone(), source })?;
    let mut missing = Vec::new();
    let values = kconfig::values(spec, options, &used(spec, &images), &mut missing)?;
    if missing.is_empty() {
        Ok(Some(values))
    } else {
        Err(Error::Externs { object: spec.name.clone(), missing })
    }
}

/// The externs that programs refer to.
fn used(spec: &ObjectSpec, images: &[ProgramImage]) -> BTreeSet<usize> {
    let kconfig = spec.maps.iter().position(|map| map.origin == MapOrigin::Kconfig);
    let at = |place: u32| {
        spec.externs.iter().position(|spec| match spec.kind {
            ExternKind::Kconfig { offset, size } => place.checked_sub(offset).is_some_and(|rest| rest < size),
            _ => false,
        })
    };
    let fixups = images.iter().flat_map(|image| &image.fixups);
    fixups
        .filter_map(|fixup| match fixup.kind {
            FixupKind::Ksym { index } | FixupKind::Kfunc { index } => Some(index),
            FixupKind::MapValue { map, offset } if Some(map) == kconfig => at(offset),
            _ => None,
        })
        .collect()
}

fn is_kconfig(spec: &ObjectSpec, index: usize) -> bool {
    spec.externs.get(index).is_some_and(|spec| matches!(spec.kind, ExternKind::Kconfig { .. }))
}

impl Externs<'_> {
    /// What the map `.kconfig` begins with; `None` if no program needs to know.
    pub(super) fn kconfig(&self) -> Option<&[u8]> {
        self.kconfig.as_deref()
    }

    /// The types of modules that symbols were found in, in the order in which programs refer to them.
    pub(super) fn into_modules(self) -> Vec<Arc<ModuleTypes>> {
        self.modules
    }

    /// Writes what was found into a program; what its instructions need besides is left.
    pub(super) fn write_into(&self, image: &mut ProgramImage) {
        for fixup in std::mem::take(&mut image.fixups) {
            self.write(image, fixup);
        }
    }

    fn write(&self, image: &mut ProgramImage, fixup: Fixup) {
        let Fixup { insn, kind } = fixup;
        let found = |index: usize| self.found.get(index).copied().flatten();
        match kind {
            FixupKind::Ksym { index } => match found(index) {
                Some(Found::Type { id, module }) => {
                    let module = module.and_then(|module| self.modules.get(module));
                    image.set_ksym_type(insn, id, module.map(|module| module.fd.as_raw_fd()));
                }
                Some(Found::Address(address)) => image.set_ksym_address(insn, address),
                None => image.set_ksym_address(insn, 0),
            },
            FixupKind::Kfunc { index } => match found(index) {
                Some(Found::Type { id, module }) => {
                    // Places begin at 1; nobody has more modules than fit.
                    let place = module.map_or(0, |module| i16::try_from(module + 1).unwrap_or(i16::MAX));
                    image.set_kfunc(insn, id, place);
                }
                _ => {
                    let name = self.specs.get(index).map_or("?", |spec| spec.name.as_str());
                    image.poison_kfunc(insn, index, name);
                }
            },
            _ => image.fixups.push(fixup),
        }
    }
}
