//! Distilling the base of a split BTF, and relocating the result to bases where its types are there, moved, of other
//! sizes, missing, or there twice.

use oxbpf_btf::{Btf, BtfBuilder, DedupOptions, Distilled, Kind, Type, TypeId};

use super::same_bytes;
use crate::generate::{self, Sample};
use crate::random::Random;
use crate::tally::{Tally, Verdict};
use crate::{Outcome, Settings, inputs, libbpf};

pub(super) fn distill(settings: &Settings, tally: &mut Tally) -> Outcome<()> {
    for_each(settings, |input, what, split| {
        let ours = split.btf.distill();
        // Where nothing is left of the base, libbpf takes the split BTF for it and leaves out what belongs there: its
        // references then lead to other types. With a reference to something that stays it does not.
        if ours
            .as_ref()
            .is_ok_and(|d| d.base.types().len() == 0 && d.split.types().len() > split.btf.types().len())
        {
            if let Some(anchored) = split.anchored()? {
                let (_, verdict) = same_distilled(&anchored, anchored.btf.distill());
                tally.add("nothing left of base", || what.into(), verdict);
            }
            return Ok(());
        }
        let (refused, verdict) = same_distilled(split, ours);
        tally.add(if refused { "refused by both" } else { input }, || what.into(), verdict);
        Ok(())
    })
}

/// Whether both refuse, and whether both make the same.
fn same_distilled(split: &Split, ours: Result<Distilled, oxbpf_btf::Error>) -> (bool, Verdict) {
    let theirs = split.distilled_by_c();
    let refused = ours.is_err() && theirs.is_err();
    let ours = ours.map(|Distilled { base, split }| [base.as_bytes(), split.as_bytes()].concat());
    (refused, same_bytes(ours, theirs.map(|(base, split)| [base, split].concat())))
}

pub(super) fn relocate(settings: &Settings, tally: &mut Tally) -> Outcome<()> {
    for_each(settings, |_, what, split| {
        let Ok(distilled) = split.btf.distill() else { return Ok(()) };
        let base = split.btf.base().ok_or("a split BTF has a base")?;
        for (input, new_base) in bases(base, split.seed)? {
            let (ours, theirs) = (distilled.split.relocate(&new_base), relocated_by_c(&distilled, &new_base));
            let refused = ours.is_err() && theirs.is_err();
            let verdict = same_bytes(ours.map(|btf| btf.as_bytes().to_vec()), theirs);
            tally.add(
                if refused { "refused by both" } else { input },
                || format!("{what}, {input}"),
                verdict,
            );
        }
        Ok(())
    })
}

/// A split BTF, and the number that all that is random about it was made from.
struct Split {
    btf: Btf,
    seed: u64,
}

impl Split {
    /// With a pointer to an integer of the base, or to a struct that has a name, if there is any.
    fn anchored(&self) -> Outcome<Option<Split>> {
        let base = self.btf.base().ok_or("a split BTF has a base")?;
        let stays = |ty: &Type<'_>| matches!(ty.kind(), Kind::Int | Kind::Struct) && !ty.name().is_empty();
        let Some(anchor) = base.types().find(stays) else { return Ok(None) };
        let mut b = BtfBuilder::from(&self.btf);
        b.add_ptr(anchor.id())?;
        Ok(Some(Split { btf: b.build()?, seed: self.seed }))
    }

    fn distilled_by_c(&self) -> Outcome<(Vec<u8>, Vec<u8>)> {
        let base = self.btf.base().ok_or("a split BTF has a base")?;
        let base = libbpf::Btf::parse(base.as_bytes(), None)?;
        let (base, split) = libbpf::Btf::parse(self.btf.as_bytes(), Some(&base))?.distill()?;
        Ok((base.raw()?, split.raw()?))
    }
}

fn for_each(
    settings: &Settings,
    mut f: impl FnMut(&'static str, &str, &Split) -> Outcome<()>,
) -> Outcome<()> {
    for n in 0..settings.cases {
        let seed = settings.seed.wrapping_add(n);
        let btf = parse(&generate::split(seed))?;
        f("random", &format!("seed {seed}"), &Split { btf: btf.clone(), seed })?;
        // What the base has too is referred to there. Not all that is random can be deduplicated.
        if let Ok((btf, _)) = btf.dedup(DedupOptions::default()) {
            f("random, deduplicated", &format!("seed {seed}"), &Split { btf, seed })?;
        }
    }
    let (pahole, clang) = (inputs::pahole()?, inputs::clang()?);
    for (input, paths) in [("pahole", pahole), ("clang", clang)] {
        let all: Outcome<Vec<Btf>> = paths.iter().map(|p| oxbpf_btf(p)).collect();
        let all = all?;
        let (first, others) = all.split_first().ok_or("no files")?;
        f(input, "all but the first on the first", &Split { btf: merged_on(first, others)?, seed: 0 })?;
    }
    let vmlinux = Btf::parse(inputs::vmlinux()?)?;
    let mut objects = Vec::new();
    for path in inputs::objects()?.iter().filter(|p| !p.to_string_lossy().contains("big_endian")) {
        objects.push(oxbpf_btf(path)?);
        let btf = merged_on(&vmlinux, &objects[objects.len() - 1..])?;
        f("object on vmlinux", &path.display().to_string(), &Split { btf, seed: 0 })?;
    }
    f("objects on vmlinux", "all", &Split { btf: merged_on(&vmlinux, &objects)?, seed: 0 })
}

fn parse(sample: &Sample) -> Outcome<Btf> {
    Ok(match &sample.base {
        Some(base) => Btf::parse_split(&sample.raw[..], &Btf::parse(&base[..])?)?,
        None => Btf::parse(&sample.raw[..])?,
    })
}

fn oxbpf_btf(path: &std::path::Path) -> Outcome<Btf> {
    Ok(Btf::parse(libbpf::Btf::of_elf(path)?.0.raw()?)?)
}

fn merged_on(base: &Btf, others: &[Btf]) -> Outcome<Btf> {
    let mut b = BtfBuilder::split(base);
    for other in others {
        b.add_btf(other)?;
    }
    Ok(b.build()?.dedup(DedupOptions::default())?.0)
}

/// Other bases than the one that the types were taken from.
fn bases(base: &Btf, seed: u64) -> Outcome<Vec<(&'static str, Btf)>> {
    let mut all = vec![("same base", base.clone())];
    let random = &mut Random::new(seed ^ 0xba5e);
    let mut ids: Vec<TypeId> = base.types().map(|ty| ty.id()).collect();
    random.shuffle(&mut ids);
    all.push(("shuffled base", base.permute(&ids)?));
    if ids.len() > 10_000 {
        all.push(("sorted base", base.sorted()?.0));
        return Ok(all);
    }
    let mut longer = BtfBuilder::new();
    longer.add_btf(&Btf::parse(&generate::plain(seed.wrapping_add(1)).raw[..])?)?;
    longer.add_btf(base)?;
    all.push(("longer base", longer.build()?));
    // Some types twice, some not at all: as the numbers of a base they may refer to anything.
    let mut other = BtfBuilder::new();
    for ty in base.types() {
        for _ in 0..*random.pick(&[0, 1, 1, 1, 1, 1, 1, 1, 1, 2]) {
            other.add_type(ty)?;
        }
    }
    if let Ok(other) = other.build() {
        all.push(("base with changes", other));
    }
    all.push(("another base", Btf::parse(&generate::plain(seed.wrapping_mul(3)).raw[..])?));
    Ok(all)
}

fn relocated_by_c(distilled: &Distilled, new_base: &Btf) -> Outcome<Vec<u8>> {
    let old = libbpf::Btf::parse(distilled.base.as_bytes(), None)?;
    let new = libbpf::Btf::parse(new_base.as_bytes(), None)?;
    let split = libbpf::Btf::parse(distilled.split.as_bytes(), Some(&old))?;
    split.relocate(&new)?;
    Ok(split.raw()?)
}
