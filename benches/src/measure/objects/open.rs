//! From a file's bytes to what can be asked and changed: no kernel in it.

use oxbpf::ObjectSpec;

use super::super::{AYA, LIBBPF, Settings, fresh_kernel};
use crate::generated;
use crate::libbpf;
use crate::pair::{Outcome, medians, timed};
use crate::row::Row;

/// The most that opening may take of libbpf's time.
const TARGET: f64 = 0.5;

pub(in super::super) fn rows(settings: &Settings) -> Outcome<Vec<Row>> {
    let types = fresh_kernel().btf()?;
    let objects = [
        ("objects-open-1-program", std::fs::read(generated::hello()?)?),
        ("objects-open-200-programs", generated::trivial()?),
        ("objects-open-37-structs", generated::core(&types, 37)?),
        ("objects-open-800-structs", generated::core(&types, 800)?),
    ];
    let mut rows = Vec::new();
    for (name, bytes) in objects {
        let ours = || timed(|| Ok(ObjectSpec::parse(&bytes)?));
        let rounds = settings.rounds(51);
        let c = medians(rounds, ours, || timed(|| Ok(libbpf::Object::open(&bytes)?)))?;
        let aya = medians(rounds, ours, || timed(|| Ok(aya_obj::Object::parse(&bytes)?)))?;
        rows.push(Row::times(name, LIBBPF, c, Some(TARGET)));
        rows.push(Row::times(name, AYA, aya, None));
    }
    Ok(rows)
}
