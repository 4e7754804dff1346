//! Events that the programs could not deliver. The kernel does not count them; programs that care do so in a
//! global variable.

use oxbpf::{Object, ObjectSpec};

use super::totals::Counter;
use crate::error::Error;

/// The names under which programs count losses.
const NAMES: [&str; 3] = ["lost", "dropped", "drops"];

/// The counters that the object has, with what they say now.
pub(super) fn read(spec: &ObjectSpec, object: &Object) -> Result<Vec<Counter>, Error> {
    let mut found = Vec::new();
    for name in NAMES {
        let Some(var) = spec.global(name).filter(|var| !var.read_only) else { continue };
        let Some(map) = spec.maps.get(var.map).and_then(|map| object.map(&map.name).ok()) else { continue };
        // Global variables are the one element of an array.
        let Some(section) = map.lookup(&0u32.to_ne_bytes())? else { continue };
        let start = usize::try_from(var.offset).unwrap_or(usize::MAX);
        let bytes = section.get(start..).unwrap_or_default();
        let value = match var.size {
            4 => bytes.first_chunk().map(|bytes| u64::from(u32::from_ne_bytes(*bytes))),
            8 => bytes.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes)),
            _ => None,
        };
        found.extend(value.map(|value| Counter { name: name.to_owned(), value }));
    }
    Ok(found)
}
