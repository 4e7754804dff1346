//! The same types under other ids.

use crate::{Btf, BtfBuilder, Error, TypeId, error::TypeProblem};

impl Btf {
    /// Puts its own types in another order: `new_ids` has for each, in the order of their ids, the id that it is to
    /// have. References follow; strings stay where they are; a base is not touched.
    ///
    /// A `.BTF.ext` that belongs to it is taken along with [`BtfExt::renumber`](crate::BtfExt::renumber).
    ///
    /// # Errors
    /// If there is not one new id for each own type, or they are not the ids of the own types, each once.
    ///
    /// ```
    /// use oxbpf_btf::{BtfBuilder, IntEncoding, TypeId};
    ///
    /// # fn main() -> Result<(), oxbpf_btf::Error> {
    /// let mut b = BtfBuilder::new();
    /// let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
    /// b.add_ptr(int)?;
    /// let turned = b.build()?.permute(&[TypeId(2), TypeId(1)])?;
    /// assert_eq!(turned.get(TypeId(1))?.target(), Some(TypeId(2)));
    /// assert_eq!(turned.get(TypeId(2))?.name(), "int");
    /// # Ok(()) }
    /// ```
    #[doc(alias = "btf__permute")]
    pub fn permute(&self, new_ids: &[TypeId]) -> Result<Btf, Error> {
        let mut out = BtfBuilder::without_types(self);
        for old in self.old_ids(new_ids)? {
            out.push_words(self.get(old)?)?;
        }
        let first = self.first_id().0;
        out.each(|_, mut edit, _| {
            for id in edit.ids() {
                let own = id.checked_sub(first).and_then(|own| new_ids.get(own as usize));
                *id = own.map_or(*id, |new| new.0);
            }
        });
        out.build_as(self.endian())
    }

    /// The ids of its types in the order in which they are to be.
    fn old_ids(&self, new_ids: &[TypeId]) -> Result<Vec<TypeId>, Error> {
        let (first, end) = (self.first_id(), self.end_id());
        let expected = self.headers().len();
        if new_ids.len() != expected {
            return Err(Error::NewIds { got: new_ids.len(), expected });
        }
        let mut old_ids = vec![TypeId::VOID; expected];
        for (old, &new) in self.headers().zip(new_ids) {
            let place = new.0.checked_sub(first.0).and_then(|own| old_ids.get_mut(own as usize));
            match place.filter(|place| **place == TypeId::VOID) {
                Some(place) => *place = old.id,
                None => return Err(self.get(old.id)?.error(TypeProblem::NewId { got: new, first, end })),
            }
        }
        Ok(old_ids)
    }
}
