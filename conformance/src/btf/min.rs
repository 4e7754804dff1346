//! The part of a kernel's types that objects need, beside `bpftool gen min_core_btf`: each object against the kernel's
//! types and its own, and all together against the kernel's and each other's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oxbpf_btf::Btf;
use oxbpf_obj::{ObjectSpec, min_core_btf};

use super::same_bytes;
use crate::tally::Tally;
use crate::{Outcome, Settings, inputs, libbpf};

pub(super) fn run(_: &Settings, tally: &mut Tally) -> Outcome<()> {
    let folder = inputs::made()?.join("min");
    fs::create_dir_all(&folder)?;
    let (target, output) = (folder.join("target.btf"), folder.join("out.btf"));
    let vmlinux = PathBuf::from("/sys/kernel/btf/vmlinux");
    let mut objects = inputs::objects()?;
    // Debian's bpftool cannot swap `.BTF.ext`.
    objects.retain(|path| {
        fs::read(path).is_ok_and(|raw| ObjectSpec::parse(&raw).is_ok_and(|spec| spec.endian.is_native()))
    });
    for path in &objects {
        let what = path.display().to_string();
        compare(tally, "object of vmlinux", &what, &vmlinux, std::slice::from_ref(path), &output)?;
        fs::write(&target, libbpf::Btf::of_elf(path)?.0.raw()?)?;
        compare(tally, "objects of object's", &what, &target, &objects, &output)?;
        compare(tally, "object of its own", &what, &target, std::slice::from_ref(path), &output)?;
    }
    compare(tally, "objects of vmlinux", "all", &vmlinux, &objects, &output)
}

fn compare(
    tally: &mut Tally,
    input: &'static str,
    what: &str,
    target: &Path,
    objects: &[PathBuf],
    output: &Path,
) -> Outcome<()> {
    let ours = || -> Outcome<Vec<u8>> {
        let specs: Result<Vec<ObjectSpec>, _> = objects
            .iter()
            .map(|path| Ok::<_, Box<dyn std::error::Error>>(ObjectSpec::parse(&fs::read(path)?)?))
            .collect();
        let specs = specs?;
        let types = Btf::parse(fs::read(target)?)?;
        Ok(min_core_btf(&specs.iter().collect::<Vec<_>>(), &types)?.as_bytes().to_vec())
    };
    let theirs = by_bpftool(target, objects, output);
    tally.add(input, || what.into(), same_bytes(ours(), theirs));
    Ok(())
}

fn by_bpftool(target: &Path, objects: &[PathBuf], output: &Path) -> Outcome<Vec<u8>> {
    let _ = fs::remove_file(output);
    let mut command = Command::new("bpftool");
    command.args(["gen", "min_core_btf"]).arg(target).arg(output).args(objects);
    let done = command.output().map_err(|e| format!("bpftool: {e}"))?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
    }
    Ok(fs::read(output)?)
}
