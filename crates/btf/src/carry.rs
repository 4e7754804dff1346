//! Strings on their way from one BTF to another.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::{Btf, Error, words::c_str, work::Work};

/// Which string of the one went where in the other.
pub(crate) struct Carried<'a> {
    src: Source<'a>,
    work: Work,
}

enum Source<'a> {
    /// Some strings of a BTF and its base. New offsets by old ones.
    Some(&'a Btf, HashMap<u32, u32, FixedState>),
    /// Most strings of a section whose first byte has the offset `first`; those of the base stay. For each place the
    /// new offset of the string there, plus 1.
    Section { bytes: &'a [u8], first: u32, moved: Vec<u32> },
}

impl<'a> From<&'a Btf> for Carried<'a> {
    fn from(src: &'a Btf) -> Self {
        Carried::new(Source::Some(src, HashMap::default()), src.as_bytes().len())
    }
}

impl<'a> Carried<'a> {
    /// For strings of this section, most of which will be asked for.
    pub(crate) fn section(bytes: &'a [u8], first: u32) -> Carried<'a> {
        Carried::new(Source::Section { bytes, first, moved: vec![0; bytes.len()] }, bytes.len())
    }

    fn new(src: Source<'a>, len: usize) -> Carried<'a> {
        // Strings that are the ends of others would be written out, which can be the square of their length.
        Carried { src, work: Work::on_bytes(len as u64, 4, "copying strings") }
    }

    /// Where the string at `off` is in the other BTF; `add` puts it there when it is asked for first.
    #[inline]
    pub(crate) fn offset(
        &mut self,
        off: u32,
        mut add: impl FnMut(&[u8]) -> Result<u32, Error>,
    ) -> Result<u32, Error> {
        if off == 0 {
            return Ok(0);
        }
        match &mut self.src {
            Source::Some(src, known) => {
                if let Some(&new) = known.get(&off) {
                    return Ok(new);
                }
                let s = src.bytes_at(off)?;
                self.work.spend(s.len().saturating_add(1))?;
                let new = add(s)?;
                known.insert(off, new);
                Ok(new)
            }
            Source::Section { bytes, first, moved } => {
                let Some(place) = off.checked_sub(*first) else { return Ok(off) };
                let Some(moved) = moved.get_mut(place as usize) else {
                    let len = u64::from(*first).saturating_add(bytes.len() as u64);
                    return Err(Error::NoSuchString { offset: off, len });
                };
                if *moved == 0 {
                    let s = c_str(bytes, place as usize).unwrap_or_default();
                    self.work.spend(s.len().saturating_add(1))?;
                    *moved = add(s)?.saturating_add(1);
                }
                Ok(moved.saturating_sub(1))
            }
        }
    }
}
