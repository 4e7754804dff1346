//! From a file's bytes to what can be asked and changed: no kernel in it.
//!
//! The bytes stay where they are on either side, as those that are part of a program do: ours refers to them, libbpf and
//! aya copy what they need. The rows `-copied` are ours with a copy, too, for bytes that go away.

use oxbpf::ObjectSpec;
use oxbpf::obj::Bytes;

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
        (["objects-open-1-program", "objects-open-1-program-copied"], std::fs::read(generated::hello()?)?),
        (["objects-open-200-programs", "objects-open-200-programs-copied"], generated::trivial()?),
        (["objects-open-37-structs", "objects-open-37-structs-copied"], generated::core(&types, 37)?),
        (["objects-open-800-structs", "objects-open-800-structs-copied"], generated::core(&types, 800)?),
    ];
    let mut rows = Vec::new();
    for ([name, copied_name], bytes) in objects {
        let stay = Bytes::from(bytes.clone());
        let ours = || timed(|| Ok(ObjectSpec::parse_shared("", stay.clone())?));
        let copied = || timed(|| Ok(ObjectSpec::parse(&bytes)?));
        let theirs = || timed(|| Ok(libbpf::Object::open(&bytes)?));
        let rounds = settings.rounds(51);
        let c = medians(rounds, ours, theirs)?;
        let aya = medians(rounds, ours, || timed(|| Ok(aya_obj::Object::parse(&bytes)?)))?;
        let copied = medians(rounds, copied, theirs)?;
        rows.push(Row::times(name, LIBBPF, c, Some(TARGET)));
        rows.push(Row::times(name, AYA, aya, None));
        rows.push(Row::times(copied_name, LIBBPF, copied, None));
    }
    Ok(rows)
}
