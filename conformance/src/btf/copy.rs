//! Types copied from one BTF to another: one by one, and all of them.

use oxbpf_btf::{Btf, BtfBuilder};

use super::same_bytes;
use crate::generate::{self, Sample};
use crate::tally::{Tally, Verdict};
use crate::{Outcome, Settings, inputs, libbpf};

pub(super) fn run(settings: &Settings, tally: &mut Tally) -> Outcome<()> {
    for n in 0..settings.cases {
        let seed = settings.seed.wrapping_add(n);
        let what = || format!("seed {seed}");
        let (to, from) = (generate::plain(seed), generate::plain(seed.wrapping_add(1)));
        tally.add("random", what, both(&to, &from));
        // Split ones are put behind themselves, as both have to be on one base; and where none or another is expected.
        let split = generate::split(seed);
        tally.add("random, split", what, both(&split, &split));
        tally.add("random, onto split", what, both(&split, &from));
        tally.add("random, split onto it", what, both(&to, &split));
    }
    let vmlinux = Sample { base: None, raw: inputs::vmlinux()? };
    for path in inputs::objects()? {
        let object = Sample { base: None, raw: libbpf::Btf::of_elf(&path)?.0.raw()? };
        let what = || path.display().to_string();
        tally.add("object onto vmlinux", what, both(&vmlinux, &object));
    }
    Ok(())
}

/// The whole, then type by type; the first difference counts.
fn both(to: &Sample, from: &Sample) -> Verdict {
    let whole = same_bytes(ours(to, from, false), theirs(to, from, false));
    if matches!(whole, Verdict::Equal) {
        return same_bytes(ours(to, from, true), theirs(to, from, true));
    }
    whole
}

fn ours(to: &Sample, from: &Sample, single: bool) -> Outcome<Vec<u8>> {
    let base = to.base.as_ref().map(|base| Btf::parse(&base[..])).transpose()?;
    let own = parsed(to, base.as_ref())?;
    let other_base = if from.base == to.base {
        base
    } else {
        from.base.as_ref().map(|base| Btf::parse(&base[..])).transpose()?
    };
    let other = parsed(from, other_base.as_ref())?;
    let mut b = BtfBuilder::from(&own);
    if single {
        other.types().try_for_each(|ty| b.add_type(ty).map(drop))?;
    } else {
        b.add_btf(&other)?;
    }
    Ok(b.to_vec(own.endian())?)
}

fn parsed(sample: &Sample, base: Option<&Btf>) -> Outcome<Btf> {
    Ok(match base {
        Some(base) => Btf::parse_split(&sample.raw[..], base)?,
        None => Btf::parse(&sample.raw[..])?,
    })
}

fn theirs(to: &Sample, from: &Sample, single: bool) -> Outcome<Vec<u8>> {
    let base = to.base.as_ref().map(|base| libbpf::Btf::parse(base, None)).transpose()?;
    let own = libbpf::Btf::parse(&to.raw, base.as_ref())?;
    // A string of the base that libbpf is to look for in that same base moves while it looks, and something else is
    // found or copied; so types that are copied one by one are on a base of their own.
    let other_base = if from.base == to.base && !single {
        base
    } else {
        from.base.as_ref().map(|base| libbpf::Btf::parse(base, None)).transpose()?
    };
    let other = libbpf::Btf::parse(&from.raw, other_base.as_ref())?;
    if single {
        let types = parsed_ids(from)?;
        types.into_iter().try_for_each(|id| own.add_type(&other, id))?;
    } else {
        own.add(&other)?;
    }
    Ok(own.raw()?)
}

fn parsed_ids(sample: &Sample) -> Outcome<std::ops::Range<u32>> {
    let base = sample.base.as_ref().map(|base| Btf::parse(&base[..])).transpose()?;
    let btf = parsed(sample, base.as_ref())?;
    Ok(btf.first_id().0..btf.end_id().0)
}
