//! An object with 200 programs that do nothing: what loading costs by itself.

use std::num::NonZeroUsize;
use std::time::Duration;

use oxbpf::{LoadOptions, Object, ObjectSpec};

use super::{AYA, LIBBPF, Settings, fresh_kernel};
use crate::libbpf;
use crate::objects;
use crate::pair::{Outcome, medians, timed};
use crate::row::Row;

/// How many cores the programs are spread over.
const CORES: NonZeroUsize = NonZeroUsize::new(2).expect("two is not zero");
const ONE: NonZeroUsize = NonZeroUsize::MIN;

pub(super) fn rows(settings: &Settings) -> Outcome<Vec<Row>> {
    let bytes = objects::trivial()?;
    let rounds = settings.rounds(9);
    let serial = || load(&bytes, Some(ONE));
    let c = medians(rounds, serial, || {
        timed(|| {
            let mut object = libbpf::Object::open(&bytes)?;
            object.load()?;
            Ok(object)
        })
    })?;
    let aya = medians(rounds, serial, || {
        timed(|| {
            let mut object = aya::Ebpf::load(&bytes)?;
            for (_, program) in object.programs_mut() {
                let program: &mut aya::programs::RawTracePoint = program.try_into()?;
                program.load()?;
            }
            Ok(object)
        })
    })?;
    let parallel = medians(rounds, || load(&bytes, Some(CORES)), serial)?;
    let heavy = objects::heavy()?;
    let heavy = medians(rounds, || load(&heavy, Some(CORES)), || load(&heavy, Some(ONE)))?;
    Ok(vec![
        Row::times("load-200-programs", LIBBPF, c, None),
        Row::times("load-200-programs", AYA, aya, None),
        Row::times("load-200-on-2-cores", "ours on 1", parallel, None),
        // 1.6 times as fast, where the verifier has work to share.
        Row::times("load-200-larger-on-2-cores", "ours on 1", heavy, Some(1.0 / 1.6)),
    ])
}

fn load(bytes: &[u8], threads: Option<NonZeroUsize>) -> Outcome<Duration> {
    timed(|| {
        let options = LoadOptions { kernel: fresh_kernel(), threads, ..LoadOptions::default() };
        Ok(Object::load(&ObjectSpec::parse(bytes)?, &options)?)
    })
}
