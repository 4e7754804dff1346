//! A `.BTF.ext` with other type ids, or in the other byte order.

use super::BtfExt;
use crate::{Btf, Endian, Error, TypeId, words::Order};

impl BtfExt {
    /// The same for a BTF whose own types were given new ids, as by [`Btf::permute`] or [`Btf::sorted`]: `new_ids`
    /// is what was given there, or came out, and `btf` the BTF that came out.
    ///
    /// # Errors
    /// If `btf` has fewer types or strings than the BTF that this one belongs to.
    pub fn renumber(&self, btf: &Btf, new_ids: &[TypeId]) -> Result<BtfExt, Error> {
        let first = self.btf().first_id().0;
        self.map_ids(btf, |id| {
            let own = id.0.checked_sub(first).and_then(|own| new_ids.get(own as usize));
            own.copied().unwrap_or(id)
        })
    }

    /// The same with other ids, for `btf`. Strings and everything else stay as they are.
    pub(crate) fn map_ids(&self, btf: &Btf, f: impl FnMut(TypeId) -> TypeId) -> Result<BtfExt, Error> {
        BtfExt::parse(self.with_ids(None, f), btf)
    }

    /// The raw data in this byte order.
    #[doc(alias = "btf_ext__set_endianness")]
    pub fn to_endian(&self, endian: Endian) -> Vec<u8> {
        let old = self.as_bytes();
        let mut new = old.to_vec();
        if endian == self.endian() {
            return new;
        }
        // Where parts overlap each word is still turned once: what is turned is the old one.
        let mut turn = |start: usize, end: usize, width: usize| {
            let words = old.get(start..end).unwrap_or_default().chunks_exact(width);
            let room = new.get_mut(start..end).unwrap_or_default().chunks_exact_mut(width);
            for (to, from) in room.zip(words) {
                to.copy_from_slice(from);
                to.reverse();
            }
        };
        // The magic, and behind version and flags the length and places.
        let header = Order::of(self.endian())
            .u32(old.get(4..).and_then(|b| b.first_chunk()).copied().unwrap_or_default());
        turn(0, 2, 2);
        turn(4, header as usize, 4);
        for part in [self.0.parts.func, self.0.parts.line, self.0.parts.core] {
            if part.record != 0 {
                turn(part.start.saturating_sub(4), part.start.saturating_add(part.len), 4);
            }
        }
        new
    }
}
