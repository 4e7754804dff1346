//! Some types of another BTF, and others in the place of the rest.

use super::{BtfBuilder, Edit};
use crate::{Btf, Error, Type, TypeId, carry::Carried, error::TypeProblem};

/// What becomes of a type: see [`BtfBuilder::import`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Import {
    /// It is copied.
    Copy,
    /// It is not: what refers to it will refer to this type of the builder's.
    Instead(TypeId),
    /// It is not, and nothing that is copied refers to it.
    Leave,
}

/// What has come of the types and strings of another BTF: what a `.BTF.ext` that belongs to it needs to follow.
#[allow(missing_debug_implementations, reason = "a table of some megabytes")]
pub struct Imported<'a> {
    ids: Vec<Option<TypeId>>,
    strings: Carried<'a>,
}

impl BtfBuilder {
    /// Copies those types of another BTF that are wanted behind those that are there; their references follow, and
    /// their strings come with them. `choose` is asked about each type of `other` in turn, and told the id that the
    /// type will have if it is copied.
    ///
    /// # Errors
    /// If `other` is split; if what is to stand for a type is not there; if a type that is copied refers to one that is
    /// left out; if there are too many types or strings. Nothing is added then.
    ///
    /// ```
    /// use oxbpf_btf::{BtfBuilder, Import, IntEncoding, Kind};
    ///
    /// # fn main() -> Result<(), oxbpf_btf::Error> {
    /// let mut other = BtfBuilder::new();
    /// let int = other.add_int("int", 4, IntEncoding::SIGNED)?;
    /// let pid = other.add_typedef("pid_t", int)?;
    /// let other = other.build()?;
    ///
    /// let mut b = BtfBuilder::new();
    /// let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
    /// let imported = b.import(&other, |ty, _| match ty.kind() {
    ///     Kind::Int => Import::Instead(int),
    ///     _ => Import::Copy,
    /// })?;
    /// let pid = imported.id(pid).expect("it was copied");
    /// assert_eq!(b.build()?.get(pid)?.target(), Some(int));
    /// # Ok(()) }
    /// ```
    pub fn import<'a>(
        &mut self,
        other: &'a Btf,
        mut choose: impl FnMut(Type<'a>, TypeId) -> Import,
    ) -> Result<Imported<'a>, Error> {
        if other.base().is_some() {
            return Err(Error::OtherBase);
        }
        let first = self.end_id().0;
        let mut next = first;
        let mut ids = vec![Some(TypeId(0))];
        ids.reserve(other.end_id().0 as usize);
        for ty in other.types() {
            ids.push(match choose(ty, TypeId(next)) {
                Import::Copy => {
                    next = next.checked_add(1).ok_or(Error::TooMany { what: "types" })?;
                    Some(TypeId(next.wrapping_sub(1)))
                }
                Import::Instead(id) if id.0 >= first => {
                    return Err(Error::NoSuchType { id, end: TypeId(first) });
                }
                Import::Instead(id) => Some(id),
                Import::Leave => None,
            });
        }
        let mut strings = Carried::section(other.own_strs(), other.first_str());
        let mut copied = first;
        self.undoing(|b| {
            let mut words: Vec<u32> = Vec::new();
            let (all, order) = (other.type_words(), other.order());
            for (own, id) in ids.iter().skip(1).enumerate() {
                // Ids of what is copied go up one by one; what stands for a type was there before.
                if *id != Some(TypeId(copied)) {
                    continue;
                }
                copied = copied.wrapping_add(1);
                words.clear();
                let ty = all.get(other.words_of(own)).unwrap_or_default();
                words.extend(ty.iter().map(|&word| order.u32(word)));
                if let Some(mut edit) = Edit::of(&mut words) {
                    for off in edit.strings() {
                        *off = strings.offset(*off, |s| b.add_bytes(s))?;
                    }
                    for id in edit.ids() {
                        let target = TypeId(*id);
                        let new = ids.get(target.0 as usize).copied().flatten();
                        *id = match new {
                            Some(new) => new.0,
                            None => return Err(left_out(other, own, target)),
                        };
                    }
                }
                b.push_raw(words.iter().copied())?;
            }
            Ok(())
        })?;
        Ok(Imported { ids, strings })
    }
}

/// An own type of `other` refers to one that was left out.
#[cold]
fn left_out(other: &Btf, own: usize, target: TypeId) -> Error {
    let id = TypeId(other.first_id().0.wrapping_add(own as u32));
    match other.get(id) {
        Ok(ty) => ty.error(TypeProblem::LeftOut { target }),
        Err(error) => error,
    }
}

impl Imported<'_> {
    /// What stands for this type of the other BTF now; none if it was left out.
    pub fn id(&self, old: TypeId) -> Option<TypeId> {
        self.ids.get(old.0 as usize).copied().flatten()
    }

    /// Where the string at `old` in the other BTF is in `into`, which is the builder that imported it; it is added
    /// if it is not there.
    ///
    /// # Errors
    /// If there is no such string; if there are too many.
    pub fn string(&mut self, into: &mut BtfBuilder, old: u32) -> Result<u32, Error> {
        self.strings.offset(old, |s| into.add_bytes(s))
    }
}
