//! Deduplication: of programs whose units share declarations, of a split BTF on its base, of the kernel's types
//! twice and with those of objects, and of what belongs to them in `.BTF.ext`.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use oxbpf_btf::{Btf, BtfBuilder, BtfExt, DedupOptions};

use super::same_bytes;
use crate::generate::{self, Sample};
use crate::tally::{Tally, Verdict};
use crate::{Outcome, Settings, inputs, libbpf};

pub(super) fn run(settings: &Settings, tally: &mut Tally) -> Outcome<()> {
    for n in 0..settings.cases {
        let seed = settings.seed.wrapping_add(n);
        tally.add("random", || format!("seed {seed}"), sample(&generate::plain(seed)));
        tally.add("random, split", || format!("seed {seed}"), sample(&generate::split(seed)));
    }
    let vmlinux = inputs::vmlinux()?;
    let plain = |raw: &[u8]| Sample { base: None, raw: raw.to_vec() };
    tally.add("vmlinux", String::new, sample(&plain(&vmlinux)));
    tally.add("vmlinux twice", String::new, several(&vmlinux, std::slice::from_ref(&vmlinux), false)?);
    tally.add("vmlinux on vmlinux", String::new, several(&vmlinux, std::slice::from_ref(&vmlinux), true)?);

    let objects = inputs::objects()?;
    for path in &objects {
        tally.add("testdata", || path.display().to_string(), with_ext(path)?);
    }
    let (pahole, clang) = (inputs::pahole()?, inputs::clang()?);
    for (input, paths) in [("pahole", &pahole), ("clang", &clang)] {
        for path in paths {
            tally.add(input, || path.display().to_string(), sample(&plain(&raw_of(path)?)));
        }
        let (first, others) = paths.split_first().ok_or("no files")?;
        let others = raws_of(others)?;
        tally.add(input, || "all together".into(), several(&raw_of(first)?, &others, false)?);
        tally.add(input, || "split".into(), several(&raw_of(first)?, &others, true)?);
    }
    let everything: Vec<PathBuf> = objects.iter().chain(&pahole).chain(&clang).cloned().collect();
    let little: Vec<PathBuf> =
        everything.into_iter().filter(|p| !p.to_string_lossy().contains("big_endian")).collect();
    let all = raws_of(&little)?;
    let what = || format!("with {} objects", little.len());
    tally.add("vmlinux and objects", what, several(&vmlinux, &all, false)?);
    tally.add("objects on vmlinux", what, several(&vmlinux, &all, true)?);
    Ok(())
}

fn raw_of(path: &Path) -> Outcome<Vec<u8>> {
    Ok(libbpf::Btf::of_elf(path)?.0.raw()?)
}

fn raws_of(paths: &[PathBuf]) -> Outcome<Vec<Vec<u8>>> {
    paths.iter().map(|path| raw_of(path)).collect()
}

fn sample(sample: &Sample) -> Verdict {
    let ours = || -> Outcome<Vec<u8>> {
        let btf = match &sample.base {
            Some(base) => Btf::parse_split(&sample.raw[..], &Btf::parse(&base[..])?)?,
            None => Btf::parse(&sample.raw[..])?,
        };
        Ok(btf.dedup(DedupOptions::default())?.0.as_bytes().to_vec())
    };
    let theirs = || -> Outcome<Vec<u8>> {
        let base = sample.base.as_ref().map(|base| libbpf::Btf::parse(base, None)).transpose()?;
        let btf = libbpf::Btf::parse(&sample.raw, base.as_ref())?;
        btf.dedup(None)?;
        Ok(btf.raw()?)
    };
    same_bytes(ours(), theirs())
}

/// `others` one behind the other, behind `first` or in a split BTF on it.
fn several(first: &[u8], others: &[Vec<u8>], split: bool) -> Outcome<Verdict> {
    let first_btf = Btf::parse(first)?;
    let mut ours = if split { BtfBuilder::split(&first_btf) } else { BtfBuilder::from(&first_btf) };
    let first_c = libbpf::Btf::parse(first, None)?;
    let theirs: Rc<libbpf::Btf> = if split { libbpf::Btf::empty(Some(&first_c))? } else { first_c };
    for raw in others {
        ours.add_btf(&Btf::parse(&raw[..])?)?;
        theirs.add(&*libbpf::Btf::parse(raw, None)?)?;
    }
    let done = ours.dedup(DedupOptions::default());
    let ours = done.and_then(|_| ours.to_vec(oxbpf_btf::Endian::NATIVE));
    Ok(same_bytes(ours, theirs.dedup(None).and_then(|()| theirs.raw())))
}

/// An object's BTF twice over, with the `.BTF.ext` of the object.
fn with_ext(path: &Path) -> Outcome<Verdict> {
    let (btf, ext) = libbpf::Btf::of_elf(path)?;
    let (raw, raw_ext) = (btf.raw()?, ext.as_ref().map(libbpf::Ext::raw).transpose()?);
    let parsed = Btf::parse(&raw[..])?;
    let mut b = BtfBuilder::from(&parsed);
    b.add_btf(&parsed)?;
    btf.add(&*libbpf::Btf::parse(&raw, None)?)?;

    // A fresh one: libbpf keeps what it once gave in the other byte order, and gives it again after a change.
    let ext = raw_ext.as_ref().map(|raw| libbpf::Ext::parse(raw)).transpose()?;
    let ours_ext = raw_ext.map(|raw| BtfExt::parse(raw, &parsed)).transpose()?;
    let done = b.dedup(DedupOptions { ext: ours_ext.as_ref(), ..DedupOptions::default() });
    let endian = parsed.endian();
    let ours = done.and_then(|done| Ok([b.to_vec(endian)?, done.ext.unwrap_or_default()].concat()));
    let theirs = btf.dedup(ext.as_ref()).and_then(|()| {
        let ext = ext.as_ref().map(libbpf::Ext::raw).transpose()?;
        Ok([btf.raw()?, ext.unwrap_or_default()].concat())
    });
    Ok(same_bytes(ours, theirs))
}
