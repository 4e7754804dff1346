//! Strings on their way from one BTF to another.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::{Btf, Error, work::Work};

/// Which string of the one went where in the other.
pub(crate) struct Carried<'a> {
    src: &'a Btf,
    work: Work,
    /// New offsets by old ones.
    known: HashMap<u32, u32, FixedState>,
}

impl<'a> From<&'a Btf> for Carried<'a> {
    fn from(src: &'a Btf) -> Self {
        // Strings that are the ends of others would be written out, which can be the square of their length.
        Carried { src, work: Work::on(&[src], 4, "copying strings"), known: HashMap::default() }
    }
}

impl Carried<'_> {
    /// Where the string at `off` is in the other BTF; `add` puts it there when it is asked for first.
    pub(crate) fn offset(
        &mut self,
        off: u32,
        mut add: impl FnMut(&[u8]) -> Result<u32, Error>,
    ) -> Result<u32, Error> {
        if off == 0 {
            return Ok(0);
        }
        if let Some(&new) = self.known.get(&off) {
            return Ok(new);
        }
        let s = self.src.bytes_at(off)?;
        self.work.spend(s.len().saturating_add(1))?;
        let new = add(s)?;
        self.known.insert(off, new);
        Ok(new)
    }
}
