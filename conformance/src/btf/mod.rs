//! The subjects, a file each.

mod c;
mod canon;
mod copy;
mod data;
mod dedup;
mod min;
mod permute;
mod raw;
mod rebase;

use crate::tally::{Tally, Verdict};
use crate::{Outcome, Settings};

/// Something that both sides can do to BTF.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Settings, &mut Tally) -> Outcome<()>,
}

pub(crate) const SUBJECTS: &[Subject] = &[
    Subject { name: "raw", run: raw::run },
    Subject { name: "copy", run: copy::run },
    Subject { name: "dedup", run: dedup::run },
    Subject { name: "distill", run: rebase::distill },
    Subject { name: "relocate", run: rebase::relocate },
    Subject { name: "min", run: min::run },
    Subject { name: "permute", run: permute::run },
    Subject { name: "sort", run: permute::sort },
    Subject { name: "data", run: data::run },
    Subject { name: "c", run: c::run },
];

/// Compares what both sides made where libbpf's order of types and strings is defined. That both refuse is as
/// good as that both make the same.
fn same_bytes<A: AsRef<[u8]>, E: std::fmt::Display, F: std::fmt::Display>(
    ours: Result<A, E>,
    theirs: Result<Vec<u8>, F>,
) -> Verdict {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => canon::bytes(ours.as_ref(), &theirs),
        (Err(_), Err(_)) => Verdict::Equal,
        (Ok(_), Err(theirs)) => Verdict::Different(format!("only libbpf refuses: {theirs}")),
        (Err(ours), Ok(_)) => Verdict::Different(format!("only oxbpf refuses: {ours}")),
    }
}
