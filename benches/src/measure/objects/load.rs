//! An object with 200 programs: what loading costs by itself, and what it costs where the verifier has work.

use std::num::NonZeroUsize;
use std::time::Duration;

use oxbpf::{LoadOptions, Object, ObjectSpec};

use super::super::{AYA, LIBBPF, Settings, fresh_kernel};
use crate::generated;
use crate::libbpf;
use crate::pair::{Outcome, medians, timed};
use crate::row::Row;

/// How many cores the programs are spread over.
const CORES: NonZeroUsize = NonZeroUsize::new(2).expect("two is not zero");
const ONE: NonZeroUsize = NonZeroUsize::MIN;
/// The most that two free cores may take of libbpf's time, which uses one.
const ON_TWO: f64 = 0.7;

pub(in super::super) fn rows(settings: &Settings) -> Outcome<Vec<Row>> {
    let (bytes, heavy) = (generated::trivial()?, generated::heavy()?);
    let rounds = settings.rounds(9);
    let one = medians(rounds, || load(&bytes, ONE), || load_by_c(&bytes))?;
    let two = medians(rounds, || load(&bytes, CORES), || load_by_c(&bytes))?;
    let heavy_one = medians(rounds, || load(&heavy, ONE), || load_by_c(&heavy))?;
    let heavy_two = medians(rounds, || load(&heavy, CORES), || load_by_c(&heavy))?;
    let aya = medians(rounds, || load(&bytes, ONE), || load_by_aya(&bytes))?;
    Ok(vec![
        Row::times("objects-load-200", LIBBPF, one, Some(1.0)),
        Row::times("objects-load-200", AYA, aya, None),
        Row::times("objects-load-200-on-2-cores", LIBBPF, two, Some(ON_TWO)),
        Row::times("objects-load-200-larger", LIBBPF, heavy_one, Some(1.0)),
        Row::times("objects-load-200-larger-on-2-cores", LIBBPF, heavy_two, Some(ON_TWO)),
    ])
}

fn load(bytes: &[u8], threads: NonZeroUsize) -> Outcome<Duration> {
    timed(|| {
        let options =
            LoadOptions { kernel: fresh_kernel(), threads: Some(threads), ..LoadOptions::default() };
        Ok(Object::load(&ObjectSpec::parse(bytes)?, &options)?)
    })
}

fn load_by_c(bytes: &[u8]) -> Outcome<Duration> {
    timed(|| {
        let mut object = libbpf::Object::open(bytes)?;
        object.load()?;
        Ok(object)
    })
}

fn load_by_aya(bytes: &[u8]) -> Outcome<Duration> {
    timed(|| {
        let mut object = aya::Ebpf::load(bytes)?;
        for (_, program) in object.programs_mut() {
            let program: &mut aya::programs::RawTracePoint = program.try_into()?;
            program.load()?;
        }
        Ok(object)
    })
}
