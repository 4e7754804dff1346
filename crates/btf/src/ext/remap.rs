//! A `.BTF.ext` whose BTF has got other type ids or strings.

use super::{BtfExt, Part};
use crate::{Error, TypeId, words::Order};

/// What a visit comes to; each starts at a byte of the data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The name and number of records of a code section.
    Section,
    Record,
}

impl BtfExt {
    /// The raw data with every string offset changed, in the order in which libbpf comes to them.
    pub(crate) fn with_strings(
        &self,
        mut f: impl FnMut(&mut u32) -> Result<(), Error>,
    ) -> Result<Vec<u8>, Error> {
        let mut bytes = self.as_bytes().to_vec();
        // Behind the instruction: of line info the file and the line, of a relocation the access path.
        for (part, strings) in
            [(self.0.parts.func, &[][..]), (self.0.parts.line, &[4, 8]), (self.0.parts.core, &[8])]
        {
            self.visit(part, |place, at| {
                let fields = if place == Place::Section { &[0] } else { strings };
                fields.iter().try_for_each(|field| self.change(&mut bytes, at.saturating_add(*field), &mut f))
            })?;
        }
        Ok(bytes)
    }

    /// The raw data, or those `bytes` of the same layout, with every type id changed.
    pub(crate) fn with_ids(&self, bytes: Option<Vec<u8>>, mut f: impl FnMut(TypeId) -> TypeId) -> Vec<u8> {
        let mut bytes = bytes.unwrap_or_else(|| self.as_bytes().to_vec());
        for part in [self.0.parts.func, self.0.parts.core] {
            // Nothing fails.
            let _ = self.visit(part, |place, at| match place {
                Place::Section => Ok(()),
                Place::Record => self.change(&mut bytes, at.saturating_add(4), &mut |id| {
                    *id = f(TypeId(*id)).0;
                    Ok(())
                }),
            });
        }
        bytes
    }

    fn change(
        &self,
        bytes: &mut [u8],
        at: usize,
        f: &mut impl FnMut(&mut u32) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let order = Order::of(self.endian());
        let Some(word) = bytes.get_mut(at..).and_then(|b| b.first_chunk_mut::<4>()) else { return Ok(()) };
        let mut value = order.u32(*word);
        f(&mut value)?;
        *word = order.word(value);
        Ok(())
    }

    /// Goes through a part, which was checked when it was parsed.
    fn visit(&self, part: Part, mut f: impl FnMut(Place, usize) -> Result<(), Error>) -> Result<(), Error> {
        let order = Order::of(self.endian());
        let (mut at, end) = (part.start, part.start.saturating_add(part.len));
        while at < end {
            let count = self.as_bytes().get(at.saturating_add(4)..).and_then(|b| b.first_chunk::<4>());
            let Some(&count) = count else { break };
            f(Place::Section, at)?;
            at = at.saturating_add(8);
            for _ in 0..order.u32(count) {
                f(Place::Record, at)?;
                at = at.saturating_add(part.record as usize);
            }
        }
        Ok(())
    }
}
