//! What is not added: types that neither compilers nor kernels know.

use super::{BtfBuilder, Field, edit::kind_of};
use crate::{
    Error, Kind, TypeId,
    error::TypeProblem,
    parse::{int_bits, is_float_size, short},
};

/// The highest id that may be referred to.
const MAX_ID: u32 = 0x7fff_ffff;

impl BtfBuilder {
    /// Checks a type before it is added: its name, its size, and the ids that it refers to.
    pub(super) fn refuse(&self, kind: Kind, name: &str, third: u32, rest: &[u32]) -> Result<(), Error> {
        let target = kind.has_target().then_some(&third);
        let far = target.into_iter().chain(kind.id_words().of(rest.iter())).find(|id| **id > MAX_ID);
        let problem = match kind {
            _ if name.is_empty() && needs_name(kind) => TypeProblem::NoName { what: "it" },
            Kind::Float if !is_float_size(third) => {
                TypeProblem::Size { expected: "2, 4, 8, 12 or 16", got: third }
            }
            Kind::Enum | Kind::Enum64 if !matches!(third, 1 | 2 | 4 | 8) => {
                TypeProblem::Size { expected: "1, 2, 4 or 8", got: third }
            }
            _ => match far {
                Some(&id) => {
                    TypeProblem::Limit { what: "type id", got: u64::from(id), limit: u64::from(MAX_ID) }
                }
                None => return Ok(()),
            },
        };
        Err(self.about_next(kind, name, problem))
    }

    /// Checks the size and name of an integer that is not described by its bits.
    pub(super) fn refuse_int(&self, name: &str, size: u32) -> Result<(), Error> {
        let problem = match size {
            1 | 2 | 4 | 8 | 16 if !name.is_empty() => return Ok(()),
            1 | 2 | 4 | 8 | 16 => TypeProblem::NoName { what: "it" },
            got => TypeProblem::Size { expected: "1, 2, 4, 8 or 16", got },
        };
        Err(self.about_next(Kind::Int, name, problem))
    }

    /// Checks where a member of a struct or union is.
    pub(super) fn refuse_field(
        &self,
        kind: Kind,
        name: &str,
        index: u32,
        f: &Field<'_>,
    ) -> Result<(), Error> {
        let bit_offset = f.bit_offset;
        let problem = if kind == Kind::Union && bit_offset != 0 {
            TypeProblem::UnionMember { index, bit_offset }
        } else if f.bitfield_size == 0 && !bit_offset.is_multiple_of(8) && !self.is_part_of_an_int(f.ty) {
            TypeProblem::Unaligned { index, bit_offset }
        } else {
            return Ok(());
        };
        Err(self.about_next(kind, name, problem))
    }

    /// Whether a type is an integer of fewer bits than its bytes have: what old compilers gave bit-fields.
    fn is_part_of_an_int(&self, id: TypeId) -> bool {
        let (size, bits) = match self.own(id) {
            Some((own, [_, info, size])) if kind_of(info) == Kind::Int => {
                let at = self.offs.get(own).map_or(0, |&at| (at as usize).saturating_add(3));
                (size, int_bits(self.types.get(at).copied().unwrap_or(0)).1)
            }
            Some(_) => return false,
            None => match self.base.as_ref().and_then(|b| b.get(id).ok()).map(|ty| (ty.size(), ty.int())) {
                Some((Some(size), Some(int))) => (size, int.bits),
                _ => return false,
            },
        };
        u64::from(bits) < u64::from(size).saturating_mul(8)
    }

    /// Checks the name of an enumerator.
    pub(super) fn refuse_value(&self, kind: Kind, of: &str, name: &str) -> Result<(), Error> {
        if !name.is_empty() {
            return Ok(());
        }
        Err(self.about_next(kind, of, TypeProblem::NoName { what: "an enumerator" }))
    }

    /// An error about the type that was to be added.
    #[cold]
    pub(super) fn about_next(&self, kind: Kind, name: &str, problem: TypeProblem) -> Error {
        self.type_error(self.end_id(), Some(kind), short(name.as_bytes()), problem)
    }
}

/// Integers are checked where they are not described by their bits.
fn needs_name(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Float
            | Kind::Fwd
            | Kind::Typedef
            | Kind::TypeTag
            | Kind::DeclTag
            | Kind::Func
            | Kind::Var
            | Kind::Datasec
    )
}
