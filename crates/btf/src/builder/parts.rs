//! What a builder consists of, for work on all types at once.

use super::{BtfBuilder, Strings};
use crate::{Btf, Error, TypeId, error::TypeProblem};

impl BtfBuilder {
    pub(crate) fn base(&self) -> Option<&Btf> {
        self.base.as_ref()
    }

    /// The own types, as words in native order.
    pub(crate) fn type_words(&self) -> &[u32] {
        &self.types
    }

    /// Where each own type starts in the words.
    pub(crate) fn offsets(&self) -> &[u32] {
        &self.offs
    }

    pub(crate) fn strings(&self) -> &Strings {
        &self.strs
    }

    /// Whether every string is there once.
    pub(crate) fn strings_are_unique(&self) -> bool {
        !self.strs_read
    }

    /// Puts other types, and other strings if some are given, in the place of the own ones.
    pub(crate) fn replace(&mut self, types: Vec<u32>, offs: Vec<u32>, strs: Option<Vec<u8>>) {
        (self.types, self.offs) = (types, offs);
        if let Some(bytes) = strs {
            self.strs = Strings::new(bytes, self.strs.first());
            self.strs_read = false;
        }
    }

    /// An error about a type, one of the base's as well.
    #[cold]
    pub(crate) fn describe(&self, id: TypeId, problem: TypeProblem) -> Error {
        match self.base.as_ref().filter(|b| id < b.end_id()).map(|b| b.get(id)) {
            Some(Ok(ty)) => ty.error(problem),
            _ => self.error_about(id, problem),
        }
    }
}
