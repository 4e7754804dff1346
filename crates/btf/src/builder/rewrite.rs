//! Carrying types over as they are, and changing all references or names at once.

use super::{BtfBuilder, Edit, Strings, edit::kind_of};
use crate::{Btf, Error, Type, TypeId};

impl Edit<'_> {
    /// A type that consists of these words.
    pub(crate) fn of(words: &mut [u32]) -> Option<Edit<'_>> {
        let ([name, info, third], rest) = words.split_first_chunk_mut::<3>()?;
        Some(Edit { kind: kind_of(*info), name, info, third, rest })
    }

    /// Every reference to a type.
    pub(crate) fn ids(&mut self) -> impl Iterator<Item = &mut u32> {
        let target = self.kind.has_target().then_some(&mut *self.third);
        target.into_iter().chain(self.kind.id_words().of(self.rest.iter_mut()))
    }

    /// Every string offset.
    pub(crate) fn strings(&mut self) -> impl Iterator<Item = &mut u32> {
        std::iter::once(&mut *self.name).chain(self.kind.str_words().of(self.rest.iter_mut()))
    }
}

impl BtfBuilder {
    /// The base and the strings of `btf`, and none of its types.
    pub(crate) fn without_types(btf: &Btf) -> BtfBuilder {
        BtfBuilder {
            base: btf.base().cloned(),
            strs: Strings::new(btf.own_strs().to_vec(), btf.first_str()),
            strs_read: true,
            ..BtfBuilder::default()
        }
    }

    /// Adds a type of another BTF word by word: references and string offsets stay what they are.
    pub(crate) fn push_words(&mut self, ty: Type<'_>) -> Result<TypeId, Error> {
        self.push_raw(ty.words())
    }

    /// Adds a type that consists of these words.
    pub(crate) fn push_raw(&mut self, words: impl IntoIterator<Item = u32>) -> Result<TypeId, Error> {
        let (id, start) = (self.end_id(), self.types.len());
        self.types.extend(words);
        if self.types.len() > u32::MAX as usize / 4 {
            self.types.truncate(start);
            return Err(Error::TooMany { what: "types" });
        }
        self.offs.push(start as u32);
        Ok(id)
    }

    /// Puts the types on another base. Nothing in them is changed yet.
    pub(crate) fn set_base(&mut self, base: &Btf) -> Result<(), Error> {
        let first = u32::try_from(base.strs_end()).map_err(|_| Error::TooMany { what: "strings" })?;
        self.base = Some(base.clone());
        self.strs.set_first(first);
        Ok(())
    }

    /// Where the string `s` is among its own, if it is.
    pub(crate) fn find_bytes(&mut self, s: &[u8]) -> Option<u32> {
        if s.is_empty() { Some(0) } else { self.strs.find(s) }
    }
}
