//! From a spec to programs ready to load: relocation, without a kernel.
//!
//! - `core`: CO-RE, once for all code of the object;
//! - `assemble`: a program and the functions it reaches, one after another;
//! - `context`: arguments that are the context, for kernels that do not know the tag;
//! - `exception`: the function that runs when a program throws;
//! - `reference`: maps, data and externs in the instructions;
//! - `image`: what comes out;
//! - `digest`: what a kernel knows it by;
//! - `patch`: what a loader writes into it in the end.

mod assemble;
mod context;
mod core;
mod digest;
mod exception;
mod image;
mod patch;
mod reference;

pub(crate) use core::{loadable, needs_core_targets};
pub use image::{Fixup, FixupKind, JumpTable, Poisoned, ProgramImage};

use std::fmt;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::code::{Function, MapId};
use crate::error::LinkProblem;
use crate::{Btf, Error, ObjectSpec};
use core::Relocated;
use exception::Callbacks;

/// What linking depends on besides the spec.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct LinkOptions<'a> {
    /// Types of the kernel the programs will run on, for CO-RE: vmlinux, or another BTF in its place, and
    /// modules if they are known already.
    pub core_targets: &'a [CoreTarget<'a>],
    /// Gives the types of the kernel's modules when `core_targets` lack a type; not asked otherwise, since
    /// reading them takes time.
    pub core_modules: Option<&'a (dyn Fn() -> &'a [CoreTarget<'a>] + 'a)>,
    /// Leaves CO-RE to the kernel (5.17): instructions stay as they are, and the relocations of each program go with
    /// it ([`ProgramImage::core_relos`]). No types are needed then.
    pub core_by_kernel: bool,
}

impl<'a> LinkOptions<'a> {
    /// Options with these types of the kernel.
    pub fn with_targets(core_targets: &'a [CoreTarget<'a>]) -> Self {
        Self { core_targets, ..Self::default() }
    }

    /// Options that leave CO-RE to the kernel.
    pub fn core_by_kernel() -> Self {
        Self { core_by_kernel: true, ..Self::default() }
    }

    /// The same, with modules to be asked when a type is lacking.
    pub fn with_modules(self, modules: &'a (dyn Fn() -> &'a [CoreTarget<'a>] + 'a)) -> Self {
        Self { core_modules: Some(modules), ..self }
    }
}

impl fmt::Debug for LinkOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkOptions")
            .field("core_targets", &self.core_targets)
            .field("core_modules", &self.core_modules.is_some())
            .field("core_by_kernel", &self.core_by_kernel)
            .finish()
    }
}

/// Types that CO-RE relocations are resolved against.
#[derive(Clone, Copy, Debug)]
pub struct CoreTarget<'a> {
    /// `vmlinux`, or the module's name.
    pub name: &'a str,
    /// The types; a module's are split BTF on vmlinux's.
    pub btf: &'a Btf,
}

impl ObjectSpec {
    /// Relocates every program that is to be loaded; one image each, in the order of
    /// [`programs`](Self::programs).
    ///
    /// # Errors
    /// Names the program, the instruction and what could not be resolved.
    pub fn link(&self, options: &LinkOptions<'_>) -> Result<Vec<ProgramImage>, Error> {
        let linker = self.linker(options)?;
        self.loaded_programs().map(|(index, _)| linker.image(index)).collect()
    }

    /// Does what is done once for all programs, CO-RE above all. Images can then be made one by one, on several
    /// threads too.
    ///
    /// # Errors
    /// Names the function, the instruction and what could not be resolved.
    pub fn linker(&self, options: &LinkOptions<'_>) -> Result<Linker<'_>, Error> {
        Ok(Linker { relocated: core::relocate(self, options)?, ..Linker::untouched(self) })
    }
}

/// Makes the images of an object's programs.
#[derive(Debug)]
pub struct Linker<'s> {
    spec: &'s ObjectSpec,
    relocated: Relocated<'s>,
    /// Index of each map that is still in the spec.
    maps: HashMap<MapId, usize, FixedState>,
    callbacks: Callbacks<'s>,
}

impl<'s> Linker<'s> {
    /// One that leaves code as it was compiled: no CO-RE.
    pub(crate) fn untouched(spec: &'s ObjectSpec) -> Self {
        let maps = spec.maps.iter().enumerate().filter_map(|(i, m)| Some((m.id?, i))).collect();
        Self { spec, relocated: Relocated::untouched(spec), maps, callbacks: Callbacks::of(&spec.code) }
    }

    /// Whether images need nothing but descriptors of maps to be complete: no symbol of the kernel, no jump table, and no
    /// argument that [a kernel may have to be told of](ObjectSpec::spell_out_contexts).
    pub fn needs_only_maps(&self) -> bool {
        let Self { spec, .. } = self;
        spec.externs.is_empty() && spec.code.jump_tables.is_empty() && !spec.has_context_tags()
    }

    /// Instructions of the functions that programs may call, which images have besides the program's own.
    pub fn callable_insns(&self) -> usize {
        let callable = self.spec.code.functions.iter().filter(|function| function.subprogram);
        callable.map(Function::len).fold(0, usize::saturating_add)
    }

    /// The image of the program at this index of [`ObjectSpec::programs`], whether it is to be loaded or not.
    ///
    /// # Errors
    /// Names the program, the instruction and what could not be resolved.
    pub fn image(&self, program: usize) -> Result<ProgramImage, Error> {
        let fail = |name: &str| Error::Link {
            program: name.into(),
            function: name.into(),
            insn: 0,
            problem: LinkProblem::Foreign,
        };
        let spec = self.spec.programs.get(program).ok_or_else(|| fail("?"))?;
        if !Arc::ptr_eq(&spec.code, &self.spec.code) {
            return Err(fail(&spec.name));
        }
        assemble::assemble(self, program, spec)
    }
}
