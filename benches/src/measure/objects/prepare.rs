//! An object with 200 programs of 20 CO-RE accesses each: opened, relocated, loaded.

use std::hint::black_box;

use oxbpf::{LoadOptions, Object};
use oxbpf_obj::{CoreTarget, LinkOptions, ObjectSpec};

use super::super::{AYA, LIBBPF, Settings, fresh_kernel};
use crate::generated;
use crate::libbpf;
use crate::pair::{Outcome, medians, timed};
use crate::row::Row;

pub(in super::super) fn few_structs(settings: &Settings) -> Outcome<Vec<Row>> {
    let bytes = generated::core(&fresh_kernel().btf()?, 37)?;
    rows(settings, &bytes, ["objects-prepare-37-structs", "objects-load-37-structs"], 0.2)
}

pub(in super::super) fn many_structs(settings: &Settings) -> Outcome<Vec<Row>> {
    let bytes = generated::core(&fresh_kernel().btf()?, 800)?;
    rows(settings, &bytes, ["objects-prepare-800-structs", "objects-load-800-structs"], 0.05)
}

fn rows(settings: &Settings, bytes: &[u8], names: [&'static str; 2], target: f64) -> Outcome<Vec<Row>> {
    let [relocate, load] = names;
    let ours = || relocated(bytes);
    let rounds = settings.rounds(7);
    // Libbpf hands the object's own types to the kernel on the way. Ours do so in the same time, so that both
    // sides hold the same share of the kernel's work.
    let c = medians(rounds, ours, || {
        timed(|| {
            let mut object = libbpf::Object::open(bytes)?;
            object.prepare()?;
            Ok(object)
        })
    })?;
    let aya = medians(settings.rounds(3), ours, || {
        timed(|| {
            let mut object = aya_obj::Object::parse(bytes)?;
            let types = aya_obj::btf::Btf::from_sys_fs()?;
            object.relocate_btf(&types)?;
            Ok(object)
        })
    })?;
    let whole = medians(
        rounds,
        || {
            timed(|| {
                let options = LoadOptions { kernel: fresh_kernel(), ..LoadOptions::default() };
                Ok(Object::load(&ObjectSpec::parse(bytes)?, &options)?)
            })
        },
        || {
            timed(|| {
                let mut object = libbpf::Object::open(bytes)?;
                object.load()?;
                Ok(object)
            })
        },
    )?;
    Ok(vec![
        Row::times(relocate, LIBBPF, c, Some(target)),
        Row::times(relocate, AYA, aya, None),
        Row::times(load, LIBBPF, whole, None),
    ])
}

/// From the file's bytes to programs that this kernel would take, its types found and read on the way.
fn relocated(bytes: &[u8]) -> Outcome<std::time::Duration> {
    timed(|| {
        let kernel = fresh_kernel();
        let types = kernel.btf()?;
        let spec = ObjectSpec::parse(bytes)?;
        let targets = [CoreTarget { name: "vmlinux", btf: &types }];
        let images = spec.link(&LinkOptions::with_targets(&targets))?;
        if let Some(poisoned) = images.iter().find_map(|image| image.poisoned.first()) {
            return Err(format!("a relocation failed: {}", poisoned.description).into());
        }
        black_box(&images);
        let own_types = spec.btf.as_ref().map(|btf| crate::measure::load_types(&kernel, btf)).transpose()?;
        Ok((images, spec, types, own_types))
    })
}
