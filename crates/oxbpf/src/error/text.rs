//! Parts of what errors say.

use std::fmt;

use oxbpf_obj::Endian;

use crate::hint::Hint;

pub(super) fn endian_name(endian: Endian) -> &'static str {
    match endian {
        Endian::Little => "little",
        Endian::Big => "big",
    }
}

/// The hint after the error, if there is one.
pub(super) struct Advice<'a>(pub(super) &'a Option<Box<Hint>>);

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// Things with commas between them.
pub(super) struct List<'a, T>(pub(super) &'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.0.split_first() else { return f.write_str("none") };
        first.fmt(f)?;
        rest.iter().try_for_each(|next| write!(f, ", {next}"))
    }
}
