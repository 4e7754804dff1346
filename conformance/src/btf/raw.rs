//! Raw output: a BTF read and written again, in either byte order.

use oxbpf_btf::{Btf, BtfBuilder, Endian};

use super::same_bytes;
use crate::generate::{self, Sample};
use crate::tally::{Tally, Verdict};
use crate::{Outcome, Settings, inputs, libbpf};

pub(super) fn run(settings: &Settings, tally: &mut Tally) -> Outcome<()> {
    for n in 0..settings.cases {
        let seed = settings.seed.wrapping_add(n);
        tally.add("random", || format!("seed {seed}"), both(&generate::plain(seed)));
        tally.add("random, split", || format!("seed {seed}"), both(&generate::split(seed)));
    }
    tally.add("vmlinux", String::new, both(&Sample { base: None, raw: inputs::vmlinux()? }));
    for (input, paths) in
        [("testdata", inputs::objects()?), ("pahole", inputs::pahole()?), ("clang", inputs::clang()?)]
    {
        for path in paths {
            let raw = libbpf::Btf::of_elf(&path)?.0.raw()?;
            tally.add(input, || path.display().to_string(), both(&Sample { base: None, raw }));
        }
    }
    Ok(())
}

/// Both byte orders; the first difference counts.
fn both(sample: &Sample) -> Verdict {
    [Endian::Little, Endian::Big]
        .map(|endian| same_bytes(ours(sample, endian), theirs(sample, endian)))
        .into_iter()
        .find(|verdict| !matches!(verdict, Verdict::Equal))
        .unwrap_or(Verdict::Equal)
}

fn ours(sample: &Sample, endian: Endian) -> Outcome<Vec<u8>> {
    let btf = match &sample.base {
        Some(base) => Btf::parse_split(&sample.raw[..], &Btf::parse(&base[..])?)?,
        None => Btf::parse(&sample.raw[..])?,
    };
    Ok(BtfBuilder::from(&btf).to_vec(endian)?)
}

fn theirs(sample: &Sample, endian: Endian) -> Outcome<Vec<u8>> {
    let base = sample.base.as_ref().map(|base| libbpf::Btf::parse(base, None)).transpose()?;
    let btf = libbpf::Btf::parse(&sample.raw, base.as_ref())?;
    btf.set_big_endian(endian == Endian::Big)?;
    Ok(btf.raw()?)
}
