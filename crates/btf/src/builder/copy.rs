//! Types of another BTF.

use super::{BtfBuilder, Edit, Strings};
use crate::{Btf, Error, Kind, Type, TypeId, carry::Carried, error::TypeProblem};

impl BtfBuilder {
    /// Copies one type of another BTF. Its strings come with it; what it refers to keeps the id that it has there,
    /// and is to be set or added by the caller.
    ///
    /// # Errors
    /// If it is `void`; if there are too many types or strings.
    ///
    /// ```
    /// use oxbpf_btf::{BtfBuilder, IntEncoding, Kind};
    ///
    /// # fn main() -> Result<(), oxbpf_btf::Error> {
    /// let mut other = BtfBuilder::new();
    /// let int = other.add_int("int", 4, IntEncoding::SIGNED)?;
    /// other.add_typedef("pid_t", int)?;
    /// let other = other.build()?;
    ///
    /// let mut b = BtfBuilder::new();
    /// for ty in other.types() {
    ///     b.add_type(ty)?;
    /// }
    /// assert!(b.build()?.find("pid_t", Kind::Typedef).is_some());
    /// # Ok(()) }
    /// ```
    #[doc(alias = "btf__add_type")]
    pub fn add_type(&mut self, ty: Type<'_>) -> Result<TypeId, Error> {
        if ty.kind() == Kind::Void {
            return Err(ty.error(TypeProblem::WrongKind { expected: "a type that can be copied" }));
        }
        self.undoing(|b| {
            let mut words: Vec<u32> = ty.words().collect();
            for off in Edit::of(&mut words).iter_mut().flat_map(Edit::strings) {
                *off = if *off == 0 { 0 } else { b.add_bytes(ty.btf().bytes_at(*off)?)? };
            }
            b.push_raw(words)
        })
    }

    /// Copies all types of another BTF behind those that are there, references and strings with them, and gives the
    /// id of the first. A split BTF can only be copied to one that is split from the same base.
    ///
    /// # Errors
    /// If `other` is split from another base; if there are too many types or strings. Nothing is added then.
    #[doc(alias = "btf__add_btf")]
    pub fn add_btf(&mut self, other: &Btf) -> Result<TypeId, Error> {
        if other.base().is_some_and(|theirs| !self.base.as_ref().is_some_and(|own| own.is(theirs))) {
            return Err(Error::OtherBase);
        }
        self.undoing(|b| {
            let first = b.end_id();
            let moved = first.0.wrapping_sub(other.first_id().0);
            let mut strings = Carried::section(other.own_strs(), other.first_str());
            let mut words: Vec<u32> = Vec::new();
            for ty in other.types() {
                words.clear();
                words.extend(ty.words());
                if let Some(mut edit) = Edit::of(&mut words) {
                    for off in edit.strings() {
                        *off = strings.offset(*off, |s| b.add_bytes(s))?;
                    }
                    for id in edit.ids().filter(|id| **id >= other.first_id().0) {
                        *id = id.wrapping_add(moved);
                    }
                }
                b.push_raw(words.iter().copied())?;
            }
            Ok(first)
        })
    }

    /// Takes back all that was added if the last of it fails.
    pub(super) fn undoing<T>(&mut self, add: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let (types, offs, strs) = (self.types.len(), self.offs.len(), self.strs.bytes.len());
        let result = add(self);
        if result.is_err() {
            self.types.truncate(types);
            self.offs.truncate(offs);
            let mut bytes = std::mem::take(&mut self.strs.bytes);
            bytes.truncate(strs);
            self.strs = Strings::new(bytes, self.strs.first());
        }
        result
    }
}
