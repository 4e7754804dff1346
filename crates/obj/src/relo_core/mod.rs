//! CO-RE: programs compiled once, that run on kernels whose types differ.
//!
//! Clang records for each access to a kernel type what the access means: which field of which struct, by name.
//! Before a program is loaded, each such *relocation* is resolved against the types of the kernel at hand, the
//! *target*, and the instruction gets the offset, size or number that is right there.
//!
//! - `essential`: names, and the `___flavor` that is not part of them;
//! - `candidates`: which types of the target a name may mean, found in one pass for all of an object;
//! - `access`, `spec`: what is accessed, as recorded and spelled out;
//! - `matching`, `compat`, `types_match`: the same access in a type of the target, and when it is the same;
//! - `value`, `field`: the number that follows from it;
//! - `patch`: how it gets into an instruction.
//!
//! What a kernel does not have is no error here: the instruction is [*poisoned*](POISON) so that a program
//! that checks first, and never comes there, can be loaded.

mod access;
mod candidates;
mod compat;
mod describe;
mod error;
mod essential;
mod field;
mod found;
mod matching;
mod patch;
mod spec;
mod types_match;
mod value;
mod view;

use std::fmt;

use oxbpf_btf::{Btf, CoreRelo, CoreReloKind, TypeId};

pub use describe::describe;
pub(crate) use describe::shortened;
pub use error::{CandidateName, CoreError, Problem};
pub use essential::essential_name;
pub use patch::POISON;

use crate::{CoreTarget, insn::Insn};
use candidates::{Candidate, Candidates};
use found::{Agreed, Resolution, Resolved};
pub(crate) use found::{Found, Trace, name_of};
use spec::Spec;
pub(crate) use spec::{is_enum_based, is_type_based};
use value::{Change, Value};
use view::{Budget, View};

/// Work that resolving may take: this and a share for each relocation. Real objects need a tenth at most.
const BASE_STEPS: u64 = 1 << 21;
const STEPS_FOR_EACH: u64 = 1 << 12;

/// What became of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It has the value that is right for the target, or needed no change.
    Patched,
    /// It fails when reached, because the target has nothing that it could mean.
    Poisoned(Unresolved),
}

/// A relocation that has no meaning in the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The relocation in words: see [`describe`].
    pub relo: String,
    /// Why it has none.
    pub cause: Cause,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.relo, self.cause)
    }
}

/// Why a relocation has no meaning in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The target has no type of that name and kind.
    NoType,
    /// It has, but without that field or enumerator, or with one of another nature.
    NoMatch,
    /// It has the field, with a size that this load or store cannot be made to access: only pointers and
    /// unsigned integers extend.
    Size {
        /// Its size in bytes in the object's types.
        object: u32,
        /// And in the target's.
        target: u32,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoType => f.write_str("the kernel has no such type"),
            Self::NoMatch => f.write_str("the kernel's type has nothing that matches"),
            Self::Size { object, target } => write!(
                f,
                "it has {target} bytes in the kernel and {object} in the program, and is neither a pointer nor \
                 an unsigned integer"
            ),
        }
    }
}

/// Whether type `b` of a kernel is what an object means by its type `a`, whatever they are called: the rule for
/// variables and functions of the kernel that an object declares. Kinds must be equal, pointers and arrays are compared
/// by what they hold, functions by the number and types of parameters and the result; what is in a struct, and sizes,
/// do not matter.
///
/// # Errors
/// Types that are broken, or nested too deep.
#[doc(alias = "bpf_core_types_are_compat")]
pub fn compatible(local: &Btf, a: TypeId, target: &Btf, b: TypeId) -> Result<bool, Problem> {
    let budget = Budget::new(BASE_STEPS);
    compat::types_compatible(View::local(local, &budget), a, View::target(target, &budget), b)
}

/// Resolves the CO-RE relocations of one object.
#[derive(Debug)]
pub struct Relocator<'t> {
    local: &'t Btf,
    targets: &'t [CoreTarget<'t>],
    budget: Budget,
    candidates: Candidates<'t>,
    resolved: Resolved,
}

impl<'t> Relocator<'t> {
    /// Prepares for `relos`, all that will be applied, in one pass over the types of each target.
    ///
    /// `local` is the object's BTF. The first of `targets` is vmlinux, or another BTF to use in its place; the
    /// others are modules, which are asked for the types that the first has not.
    pub fn new(
        local: &'t Btf,
        relos: impl IntoIterator<Item = CoreRelo>,
        targets: &'t [CoreTarget<'t>],
    ) -> Self {
        let budget = Budget::new(BASE_STEPS);
        let mut candidates = Candidates::new(local);
        let mut count = 0_usize;
        let roots = relos.into_iter().inspect(|_| {
            budget.add(STEPS_FOR_EACH);
            count = count.saturating_add(1);
        });
        let roots = roots.filter(|relo| relo.kind != CoreReloKind::TypeIdLocal).map(|relo| relo.ty);
        candidates.search(roots, targets);
        Self { local, targets, budget, candidates, resolved: Resolved::with_capacity(count) }
    }

    /// Whether a type was found nowhere so far: only then is it worth reading the BTF of modules for
    /// [`search_modules`](Self::search_modules).
    pub fn lacks_types(&self) -> bool {
        self.candidates.any_lacking()
    }

    /// Searches the BTF of modules for the types that were found nowhere so far. To be called before the first
    /// [`apply`](Self::apply).
    pub fn search_modules(&mut self, modules: &'t [CoreTarget<'t>]) {
        self.candidates.search_modules(modules);
    }

    /// Applies `relo` to the instruction at `index`; its own offset, which counts in the ELF section, is not
    /// used.
    ///
    /// Relocations are to be applied in the order of `.BTF.ext`. It matters where the target has several types
    /// of one name: an access that only some of them have settles which are meant from then on.
    ///
    /// # Errors
    /// If the relocation makes no sense for the object's own types or the instruction, if candidates in the
    /// target disagree, or if the value does not fit. The instructions may then be half changed.
    #[doc(alias = "bpf_core_calc_relo_insn")]
    #[doc(alias = "bpf_core_patch_insn")]
    pub fn apply(&mut self, insns: &mut [Insn], index: usize, relo: &CoreRelo) -> Result<Applied, CoreError> {
        self.try_apply(insns, index, relo).map_err(|problem| self.failed(index, relo, problem))
    }

    /// Settles what `relo` means before it is [applied](Self::apply) to the instruction at `index`: so that some can be
    /// applied in another order than that of the file.
    pub(crate) fn settle(&mut self, index: usize, relo: &CoreRelo) -> Result<(), CoreError> {
        self.resolution(relo).map(drop).map_err(|problem| self.failed(index, relo, problem))
    }

    fn failed(&self, insn: usize, relo: &CoreRelo, problem: Problem) -> CoreError {
        CoreError { relo: describe(self.local, relo), insn, problem }
    }

    fn resolution(&mut self, relo: &CoreRelo) -> Result<Resolution, Problem> {
        if let Some(known) = self.resolved.get(relo) {
            return Ok(known);
        }
        let resolution = self.search(relo)?.0;
        self.resolved.insert(relo, resolution);
        Ok(resolution)
    }

    fn try_apply(&mut self, insns: &mut [Insn], index: usize, relo: &CoreRelo) -> Result<Applied, Problem> {
        let cause = match self.resolution(relo)? {
            Resolution::Change(change) if patch::patch(insns, index, &change)? => {
                return Ok(Applied::Patched);
            }
            Resolution::Change(Change { resize, .. }) => {
                let (object, target) = resize.map_or((0, 0), |resize| (resize.old, resize.new));
                Cause::Size { object, target }
            }
            Resolution::Unresolved(cause) => cause,
        };
        patch::poison(insns, index)?;
        Ok(Applied::Poisoned(Unresolved { relo: describe(self.local, relo), cause }))
    }

    /// Where `relo` leads in the targets, with no instruction at hand. Relocations that come several times need be
    /// asked for once; the order matters as for [`apply`](Self::apply).
    pub(crate) fn trace(&mut self, relo: &CoreRelo) -> Result<Trace<'t>, Problem> {
        let (resolution, found) = self.search(relo)?;
        self.resolved.insert(relo, resolution);
        Ok(match (resolution, found) {
            (Resolution::Unresolved(cause), _) => Trace::Nowhere(cause),
            (Resolution::Change(change), Some(found)) => {
                Trace::To { found, old: change.old, new: change.new }
            }
            (Resolution::Change(change), None) => Trace::Value(change.new),
        })
    }

    /// What a relocation comes to, and what was found for it.
    fn search(&mut self, relo: &CoreRelo) -> Result<(Resolution, Option<Found<'t>>), Problem> {
        let local = Spec::local(View::local(self.local, &self.budget), relo)?;
        // Shifts are by the order of bytes, which is that of the object on both sides.
        let endian = self.local.endian();
        let old = Value::of(relo.kind, &local, endian)?;
        if relo.kind == CoreReloKind::TypeIdLocal {
            return Ok((Resolution::Change(Change::to(&old, old.value)), None));
        }
        if self.local.get(relo.ty)?.name_bytes().is_empty() {
            return Err(Problem::Anonymous { ty: relo.ty });
        }
        if self.targets.is_empty() {
            return Err(Problem::NoTarget);
        }
        if self.candidates.of(relo.ty).is_none() {
            // Not among those announced: a pass of its own.
            self.candidates.search([relo.ty], self.targets);
        }
        let candidates = self.candidates.of(relo.ty).unwrap_or_default();
        let mut agreed: Option<Agreed<'t>> = None;
        let mut fitting = Vec::with_capacity(candidates.len());
        for &candidate in candidates {
            let target = View::target(candidate.target.btf, &self.budget);
            let found = matching::find(relo.kind, &local, target, candidate.id)
                .map_err(|problem| in_candidate(candidate, problem))?;
            let Some(spec) = found else { continue };
            let new =
                Value::of(relo.kind, &spec, endian).map_err(|problem| in_candidate(candidate, problem))?;
            let change = Change::between(&old, &new);
            fitting.push(candidate);
            match &agreed {
                None => {
                    let found = Found { candidate, path: spec.path };
                    agreed = Some(Agreed { found, bits: spec.bits, change });
                }
                Some(first) => first.check(candidate, spec.bits, change)?,
            }
        }
        if let Some(agreed) = agreed {
            self.candidates.retain(relo.ty, &fitting);
            return Ok((Resolution::Change(agreed.change), Some(agreed.found)));
        }
        let resolution = match value::absent(relo.kind) {
            Some(value) => Resolution::Change(Change::to(&old, value)),
            None if candidates.is_empty() => Resolution::Unresolved(Cause::NoType),
            None => Resolution::Unresolved(Cause::NoMatch),
        };
        Ok((resolution, None))
    }
}

fn in_candidate(candidate: Candidate<'_>, problem: Problem) -> Problem {
    Problem::Candidate { candidate: name_of(candidate), problem: Box::new(problem) }
}
