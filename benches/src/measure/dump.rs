//! All types of the kernel as C, into memory.

use std::fmt;

use oxbpf_btf::DumpOptions;

use super::{LIBBPF, Settings, fresh_kernel};
use crate::libbpf;
use crate::pair::{Outcome, medians, timed};
use crate::row::Row;

/// Takes the text and keeps only its length, as the other side does.
#[derive(Default)]
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

pub(super) fn rows(settings: &Settings) -> Outcome<Vec<Row>> {
    let ours = fresh_kernel().btf()?;
    let theirs = libbpf::Btf::vmlinux()?;
    let options = DumpOptions::default();
    let rounds = settings.rounds(15);
    // Both end up with each byte of the text in a buffer of their own once.
    let pieces = medians(
        rounds,
        || {
            timed(|| {
                let mut length = Length::default();
                ours.dump_c_to(&options, &mut length)?;
                Ok(length.0)
            })
        },
        || timed(|| Ok(theirs.dump_c()?)),
    )?;
    let whole = medians(rounds, || timed(|| Ok(ours.dump_c(&options)?)), || timed(|| Ok(theirs.dump_c()?)))?;
    Ok(vec![
        Row::times("btf-to-c", LIBBPF, pieces, Some(0.2)),
        Row::times("btf-to-c-in-one-string", LIBBPF, whole, Some(0.2)),
    ])
}
