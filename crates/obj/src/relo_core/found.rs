//! What a relocation comes to.

use super::{
    Cause,
    candidates::Candidate,
    error::{CandidateName, Problem},
    value::Change,
};

/// What a relocation comes to. The same one, in many places of an object, is resolved once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resolution {
    Change(Change),
    Unresolved(Cause),
}

/// What was found for a relocation: the first of the types that fit.
#[derive(Clone, Debug)]
pub(crate) struct Found<'t> {
    pub(crate) candidate: Candidate<'t>,
    /// The access there: members, those without a name too, elements, or an enumerator. Empty for a whole type.
    pub(crate) path: Vec<u32>,
}

/// Where a relocation leads.
#[derive(Clone, Debug)]
pub(crate) enum Trace<'t> {
    /// To something in a target; the instruction changes from one value, if it can be told, to another.
    To { found: Found<'t>, old: Option<u64>, new: u64 },
    /// Nowhere, and the value says so; or it has a value that no target is needed for.
    Value(u64),
    /// Nowhere, and no value is right.
    Nowhere(Cause),
}

/// What the candidates so far agree on.
pub(super) struct Agreed<'t> {
    pub(super) found: Found<'t>,
    pub(super) bits: i64,
    pub(super) change: Change,
}

impl Agreed<'_> {
    pub(super) fn check(&self, other: Candidate<'_>, bits: i64, change: Change) -> Result<(), Problem> {
        if bits != self.bits {
            return Err(Problem::AmbiguousOffset {
                first: name_of(self.found.candidate),
                first_bits: self.bits,
                second: name_of(other),
                second_bits: bits,
            });
        }
        if change.new != self.change.new {
            return Err(Problem::AmbiguousValue {
                first: name_of(self.found.candidate),
                first_value: self.change.new,
                second: name_of(other),
                second_value: change.new,
            });
        }
        Ok(())
    }
}

pub(crate) fn name_of(candidate: Candidate<'_>) -> Box<CandidateName> {
    let Candidate { target, id } = candidate;
    let (kind, name) = match target.btf.get(id) {
        Ok(ty) => (ty.kind(), ty.name().to_owned()),
        Err(_) => (oxbpf_btf::Kind::Void, String::new()),
    };
    Box::new(CandidateName { target: target.name.to_owned(), id, kind, name })
}
