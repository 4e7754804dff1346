//! Deduplication of the kernel's types twice: what a merge of two BTFs that have all in common takes.

use oxbpf_btf::{BtfBuilder, DedupOptions};

use super::{LIBBPF, Settings, fresh_kernel};
use crate::libbpf;
use crate::pair::{Outcome, medians, timed};
use crate::row::Row;

pub(super) fn rows(settings: &Settings) -> Outcome<Vec<Row>> {
    let vmlinux = fresh_kernel().btf()?;
    let mut twice = BtfBuilder::from(&vmlinux);
    twice.add_btf(&vmlinux)?;
    let types = vmlinux.headers().len();
    let ours = || {
        let mut btf = twice.clone();
        timed(|| {
            btf.dedup(DedupOptions::default())?;
            halved(btf.end_id().0 as usize - 1, types)
        })
    };
    let theirs = || {
        let btf = libbpf::Btf::parse(vmlinux.as_bytes())?;
        btf.add(&libbpf::Btf::parse(vmlinux.as_bytes())?)?;
        timed(|| {
            btf.dedup()?;
            halved(btf.count() as usize, types)
        })
    };
    let times = medians(settings.rounds(7), ours, theirs)?;
    let mut rows = vec![Row::times("btf-dedup-vmlinux-twice", LIBBPF, times, Some(0.5))];

    let ours = || {
        timed(|| {
            let mut btf = BtfBuilder::from(&vmlinux);
            btf.add_btf(&vmlinux)?;
            Ok(btf)
        })
    };
    let theirs = || {
        let (btf, other) = (libbpf::Btf::parse(vmlinux.as_bytes())?, libbpf::Btf::parse(vmlinux.as_bytes())?);
        timed(|| {
            btf.add(&other)?;
            Ok(btf)
        })
    };
    rows.push(Row::times("btf-append-vmlinux", LIBBPF, medians(settings.rounds(7), ours, theirs)?, None));
    Ok(rows)
}

/// A few of the kernel's types can be told from themselves: forward declarations come to differ.
fn halved(left: usize, types: usize) -> Outcome<()> {
    let right = left * 10 <= types * 11 && left * 10 >= types * 9;
    if right { Ok(()) } else { Err(format!("{left} types are left of twice {types}").into()) }
}
