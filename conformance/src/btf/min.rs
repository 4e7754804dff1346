//! The part of a kernel's types that objects need, beside `bpftool gen min_core_btf`: each object against the kernel's
//! types and its own, all together against the kernel's and each other's, and random ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oxbpf_btf::{Btf, CoreReloKind};
use oxbpf_obj::relo_core::Problem;
use oxbpf_obj::{BtfFile, CoreOutcome, CoreTarget, ObjectSpec, min_core_btf};

use super::same_bytes;
use crate::tally::{Tally, Verdict};
use crate::{Outcome, Settings, generate, inputs, libbpf};

pub(super) fn run(settings: &Settings, tally: &mut Tally) -> Outcome<()> {
    let folder = inputs::made()?.join("min");
    fs::create_dir_all(&folder)?;
    let (target, output) = (folder.join("target.btf"), folder.join("out.btf"));
    let vmlinux = PathBuf::from("/sys/kernel/btf/vmlinux");
    let mut objects = inputs::objects()?;
    // Debian's bpftool cannot swap `.BTF.ext`, and insists that there is one.
    let is_taken = |raw: &[u8]| {
        let opens = ObjectSpec::parse(raw).is_ok_and(|spec| spec.endian.is_native());
        opens && BtfFile::parse(raw, None).is_ok_and(|file| file.ext.is_some())
    };
    objects.retain(|path| fs::read(path).is_ok_and(|raw| is_taken(&raw)));
    for path in &objects {
        let what = path.display().to_string();
        compare(tally, "object of vmlinux", &what, &vmlinux, std::slice::from_ref(path), &output)?;
        fs::write(&target, libbpf::Btf::of_elf(path)?.0.raw()?)?;
        compare(tally, "objects of object's", &what, &target, &objects, &output)?;
        compare(tally, "object of its own", &what, &target, std::slice::from_ref(path), &output)?;
    }
    compare(tally, "objects of vmlinux", "all", &vmlinux, &objects, &output)?;
    random(settings, tally, &folder)
}

/// Objects that no compiler made, with relocations of every kind.
fn random(settings: &Settings, tally: &mut Tally, folder: &Path) -> Outcome<()> {
    let (target, object) = (folder.join("random.btf"), folder.join("random.o"));
    let output = folder.join("random.out.btf");
    for seed in settings.seed..settings.seed + settings.cases {
        let sample = generate::core(seed);
        let mut types = sample.target;
        // As the kernel's are, mostly; otherwise with types that are there several times.
        if !seed.is_multiple_of(4) {
            let btf = libbpf::Btf::parse(&types, None)?;
            btf.dedup(None)?;
            types = btf.raw()?;
        }
        fs::write(&target, &types)?;
        fs::write(&object, &sample.object)?;
        let objects = std::slice::from_ref(&object);
        let what = || format!("seed {seed}");
        let theirs = by_bpftool(&target, objects, &output);
        let ours = by_oxbpf(&target, objects);
        if let Ok(small) = &ours {
            let (whole, small) = (Btf::parse(types)?, Btf::parse(small.clone())?);
            // Where several types have a name, the first relocation of it decides which are tried for the next: what is
            // cut from the one can then be missed in the other.
            if names_are_unique(&small) {
                let spec = compiled(sample.object, &whole)?;
                tally.add("random, relocated", what, resolved_alike(&spec, &whole, &small));
            }
        }
        let input = match &theirs {
            Err(error) if is_beyond_bpftool(&error.to_string()) => "random, not bpftool",
            // What both refuse says little.
            Err(_) if ours.is_err() => "random, refused",
            _ => "random",
        };
        let verdict = if input == "random, not bpftool" && ours.is_ok() {
            Verdict::Equal
        } else {
            same_bytes(ours, theirs)
        };
        tally.add(input, what, verdict);
    }
    Ok(())
}

/// What bpftool gives up on: it does not know that fields can have type tags, nor that types that are asked for can lead
/// to forward declarations, and does not come back from prototypes that lead to themselves.
fn is_beyond_bpftool(error: &str) -> bool {
    error.contains("unsupported kind") || error.contains("signal")
}

fn names_are_unique(btf: &Btf) -> bool {
    let mut names: Vec<&[u8]> =
        btf.types().filter(|ty| ty.name_off() != 0).map(|ty| ty.name_bytes()).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}

/// The object with the values in its instructions that a compiler would have put there.
fn compiled(mut object: Vec<u8>, target: &Btf) -> Outcome<ObjectSpec> {
    for relo in ObjectSpec::parse(&object)?.core_check(&[CoreTarget { name: "", btf: target }]).relos {
        if let CoreOutcome::Failed(Problem::UnexpectedValue { expected, .. }) = relo.outcome {
            let at = generate::CODE + relo.insn * 8 + 4;
            object[at..at + 4].copy_from_slice(&(expected as u32).to_ne_bytes());
        }
    }
    Ok(ObjectSpec::parse(&object)?)
}

/// Whether the relocations come to the same on both, but for the ids of types.
fn resolved_alike(spec: &ObjectSpec, whole: &Btf, small: &Btf) -> Verdict {
    let told = |btf: &Btf| -> Vec<String> {
        let relos = spec.core_check(&[CoreTarget { name: "", btf }]).relos;
        let told = relos.into_iter().map(|relo| match relo.outcome {
            CoreOutcome::Resolved { .. } if relo.kind == CoreReloKind::TypeIdTarget => "an id".to_owned(),
            CoreOutcome::Resolved { new, .. } => new.to_string(),
            CoreOutcome::Unresolved(_) => "nothing".to_owned(),
            other => format!("{other:?}"),
        });
        told.collect()
    };
    let (whole, small) = (told(whole), told(small));
    if whole == small {
        return Verdict::Equal;
    }
    Verdict::Different(format!("relocations come to {whole:?} on the whole, {small:?} on the part"))
}

fn compare(
    tally: &mut Tally,
    input: &'static str,
    what: &str,
    target: &Path,
    objects: &[PathBuf],
    output: &Path,
) -> Outcome<()> {
    let verdict = same_bytes(by_oxbpf(target, objects), by_bpftool(target, objects, output));
    tally.add(input, || what.into(), verdict);
    Ok(())
}

fn by_oxbpf(target: &Path, objects: &[PathBuf]) -> Outcome<Vec<u8>> {
    let specs: Result<Vec<ObjectSpec>, _> = objects
        .iter()
        .map(|path| Ok::<_, Box<dyn std::error::Error>>(ObjectSpec::parse(&fs::read(path)?)?))
        .collect();
    let specs = specs?;
    let types = Btf::parse(fs::read(target)?)?;
    Ok(min_core_btf(&specs.iter().collect::<Vec<_>>(), &types)?.as_bytes().to_vec())
}

fn by_bpftool(target: &Path, objects: &[PathBuf], output: &Path) -> Outcome<Vec<u8>> {
    let _ = fs::remove_file(output);
    let mut command = Command::new("bpftool");
    command.args(["gen", "min_core_btf"]).arg(target).arg(output).args(objects);
    let done = command.output().map_err(|e| format!("bpftool: {e}"))?;
    if done.status.code().is_none() {
        return Err(done.status.to_string().into());
    }
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
    }
    Ok(fs::read(output)?)
}
