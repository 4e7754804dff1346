//! Random BTF: programs of several compilation units that share declarations, one behind the other as a linker
//! that knows nothing of types would put them.

mod chaos;
mod core;
mod elf;
mod model;
mod unit;
mod universe;

use oxbpf_btf::Endian;

use crate::random::Random;
pub(crate) use core::core;
pub(crate) use elf::CODE;
use model::{Graph, Strings};
use unit::Unit;
use universe::Universe;

/// A random BTF, or a split one with its base.
pub(crate) struct Sample {
    pub(crate) base: Option<Vec<u8>>,
    pub(crate) raw: Vec<u8>,
}

/// The same for the same seed.
pub(crate) fn plain(seed: u64) -> Sample {
    let random = &mut Random::new(seed);
    let universe = Universe::new(random);
    let endian = if random.percent(10) { Endian::NATIVE.other() } else { Endian::NATIVE };
    let (raw, ..) = units(&universe, random, None, endian);
    Sample { base: None, raw }
}

/// The same for the same seed: a base of some units, and a split BTF of others.
pub(crate) fn split(seed: u64) -> Sample {
    let random = &mut Random::new(seed);
    let universe = Universe::new(random);
    let (base, graph, strings) = units(&universe, random, None, Endian::NATIVE);
    let (raw, ..) = units(&universe, random, Some((&graph, &strings)), Endian::NATIVE);
    Sample { base: Some(base), raw }
}

fn units(
    universe: &Universe,
    random: &mut Random,
    base: Option<(&Graph, &Strings)>,
    endian: Endian,
) -> (Vec<u8>, Graph, Strings) {
    let mut graph = Graph::new(base.map_or(1, |(base, _)| base.end()));
    if random.percent(25) {
        chaos::add(&mut graph, random, base.map(|(base, _)| base));
    } else {
        for _ in 0..random.from(1..=4) {
            Unit::add(universe, random, &mut graph);
        }
    }
    if random.percent(30) {
        graph.shuffle(random);
    }
    let again = *random.pick(&[0, 0, 30, 100]);
    let mut strings = base.map_or_else(|| Strings::new(again), |(_, base)| base.split(again));
    let raw = graph.write(&mut strings, random, endian);
    (raw, graph, strings)
}
