//! Other orders of types: random ones, and that of their names. The reference has no function that sorts; what the
//! kernel's build does with it is done here: names compared by bytes, equals in the order they had, then permuted.

use oxbpf_btf::{Btf, BtfExt, TypeId};

use super::same_bytes;
use crate::generate::{self, Sample};
use crate::random::Random;
use crate::tally::{Tally, Verdict};
use crate::{Outcome, Settings, inputs, libbpf};

pub(super) fn run(settings: &Settings, tally: &mut Tally) -> Outcome<()> {
    for_each(settings, |input, what, sample, ext| {
        let btf = parse(sample)?;
        let mut ids: Vec<TypeId> = btf.types().map(|ty| ty.id()).collect();
        Random::new(settings.seed ^ ids.len() as u64).shuffle(&mut ids);
        let ours = || -> Outcome<Vec<u8>> {
            let permuted = btf.permute(&ids)?;
            let ext = ext.map(|ext| BtfExt::parse(ext, &btf)?.renumber(&permuted, &ids)).transpose()?;
            Ok([permuted.as_bytes(), ext.as_ref().map_or(&[][..], BtfExt::as_bytes)].concat())
        };
        tally.add(input, || what.into(), same_bytes(ours(), permuted_by_c(sample, ext, &ids)));
        Ok(())
    })
}

pub(super) fn sort(settings: &Settings, tally: &mut Tally) -> Outcome<()> {
    for_each(settings, |input, what, sample, _| {
        let btf = parse(sample)?;
        let mut order: Vec<TypeId> = btf.types().map(|ty| ty.id()).collect();
        order.sort_by_key(|id| btf.get(*id).map(|ty| ty.name_bytes().to_vec()).unwrap_or_default());
        let first = btf.first_id().0;
        let mut ids = vec![TypeId::VOID; order.len()];
        for (new, old) in (first..).zip(&order) {
            ids[(old.0 - first) as usize] = TypeId(new);
        }
        let ours = btf.sorted().map(|(sorted, _)| sorted.as_bytes().to_vec());
        let theirs = permuted_by_c(sample, None, &ids);
        let found = match &theirs {
            Ok(raw) => same_found(sample, raw)?,
            Err(_) => Verdict::Equal,
        };
        let verdict = match same_bytes(ours, theirs) {
            Verdict::Equal => found,
            other => other,
        };
        tally.add(input, || what.into(), verdict);
        Ok(())
    })
}

fn for_each(
    settings: &Settings,
    mut f: impl FnMut(&'static str, &str, &Sample, Option<&[u8]>) -> Outcome<()>,
) -> Outcome<()> {
    for n in 0..settings.cases {
        let seed = settings.seed.wrapping_add(n);
        f("random", &format!("seed {seed}"), &generate::plain(seed), None)?;
        f("random, split", &format!("seed {seed}"), &generate::split(seed), None)?;
    }
    f("vmlinux", "", &Sample { base: None, raw: inputs::vmlinux()? }, None)?;
    for (input, paths) in
        [("testdata", inputs::objects()?), ("pahole", inputs::pahole()?), ("clang", inputs::clang()?)]
    {
        for path in paths {
            let (btf, ext) = libbpf::Btf::of_elf(&path)?;
            let ext = ext.map(|ext| ext.raw()).transpose()?;
            let sample = Sample { base: None, raw: btf.raw()? };
            f(input, &path.display().to_string(), &sample, ext.as_deref())?;
        }
    }
    Ok(())
}

fn parse(sample: &Sample) -> Outcome<Btf> {
    Ok(match &sample.base {
        Some(base) => Btf::parse_split(&sample.raw[..], &Btf::parse(&base[..])?)?,
        None => Btf::parse(&sample.raw[..])?,
    })
}

fn parse_c(sample: &Sample, raw: &[u8]) -> Outcome<std::rc::Rc<libbpf::Btf>> {
    let base = sample.base.as_ref().map(|base| libbpf::Btf::parse(base, None)).transpose()?;
    Ok(libbpf::Btf::parse(raw, base.as_ref())?)
}

fn permuted_by_c(sample: &Sample, ext: Option<&[u8]>, ids: &[TypeId]) -> Outcome<Vec<u8>> {
    let btf = parse_c(sample, &sample.raw)?;
    let ext = ext.map(libbpf::Ext::parse).transpose()?;
    // Of a BTF that is not split `void` is to be told too.
    let void = if sample.base.is_none() { Some(0) } else { None };
    let mut ids: Vec<u32> = void.into_iter().chain(ids.iter().map(|id| id.0)).collect();
    btf.permute(&mut ids, ext.as_ref())?;
    Ok([btf.raw()?, ext.map(|ext| ext.raw()).transpose()?.unwrap_or_default()].concat())
}

/// Whether a BTF that is sorted finds the same by name and kind on both sides.
fn same_found(sample: &Sample, sorted: &[u8]) -> Outcome<Verdict> {
    let ours = parse(&Sample { base: sample.base.clone(), raw: sorted.to_vec() })?;
    let theirs = parse_c(sample, sorted)?;
    if !ours.is_sorted() {
        return Ok(Verdict::Different("what is sorted is not seen to be".into()));
    }
    // Of thousands some will do.
    let every = 1 + ours.types().len() / 1000;
    for ty in ours.types().step_by(every).filter(|ty| !ty.name().is_empty()) {
        let (found, c) = (ours.find(ty.name(), ty.kind()), theirs.find(ty.name(), ty.kind() as u32)?);
        if found.map(|id| id.0) != c {
            return Ok(Verdict::Different(format!("{ty:?}: found as {found:?} and {c:?}")));
        }
    }
    Ok(Verdict::Equal)
}
