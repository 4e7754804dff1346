//! Whether two objects define the same map: all of the definition counts.

use oxbpf_btf::TypeId;

use super::same_type::{Compared, Differ, Pair};
use crate::error::LinkerProblem;
use crate::spec::MapSpec;
use crate::{Btf, Error};

/// What of the definition, as it is expected and as it is found.
type Difference = (String, String, String);

/// Compares the maps that two variables define.
pub(super) fn compare(
    compared: &mut Compared,
    pair: Pair<'_>,
    name: &str,
    (expected, found): (TypeId, TypeId),
) -> Result<Option<Difference>, LinkerProblem> {
    let (expected, found) =
        (definition(pair.expected, name, expected)?, definition(pair.found, name, found)?);
    maps(compared, pair, "", &expected, &found)
}

fn definition(btf: &Btf, name: &str, var: TypeId) -> Result<MapSpec, Error> {
    let ty = btf.get(var).and_then(|var| btf.resolve(var.target().unwrap_or_default()));
    crate::parse::map_definition(btf, name, ty.map_err(Error::btf)?)
}

fn maps(
    compared: &mut Compared,
    pair: Pair<'_>,
    of: &str,
    a: &MapSpec,
    b: &MapSpec,
) -> Result<Option<Difference>, LinkerProblem> {
    let numbers = [
        ("key_size", a.key_size, b.key_size),
        ("value_size", a.value_size, b.value_size),
        ("max_entries", a.max_entries, b.max_entries),
        ("map_flags", a.flags.bits(), b.flags.bits()),
        ("numa_node", a.numa_node.unwrap_or(0), b.numa_node.unwrap_or(0)),
        ("pinning", a.pinning as u32, b.pinning as u32),
    ];
    let differ = |what: &str, a: String, b: String| Ok(Some((format!("{of}{what}"), a, b)));
    if a.map_type != b.map_type {
        return differ("type", a.map_type.to_string(), b.map_type.to_string());
    }
    if let Some((what, a, b)) = numbers.into_iter().find(|(_, a, b)| a != b) {
        return differ(what, a.to_string(), b.to_string());
    }
    for (what, a, b) in [("key", a.key_type, b.key_type), ("value", a.value_type, b.value_type)] {
        let known = |id: TypeId| if id == TypeId(0) { "not typed" } else { "typed" };
        if known(a) != known(b) {
            return differ(what, known(a).to_owned(), known(b).to_owned());
        }
        match compared.types(pair, a, b) {
            Ok(()) => {}
            Err(Differ::Here(text)) => {
                let text_of = |btf: &Btf, id| btf.get(id).map_or("?".to_owned(), super::same_type::name_of);
                let found = format!("{} ({text})", text_of(pair.found, b));
                return differ(&format!("{what} type"), text_of(pair.expected, a), found);
            }
            Err(Differ::Entangled) => return Err(LinkerProblem::Entangled),
            Err(Differ::Broken(error)) => return Err(LinkerProblem::Types(error)),
        }
    }
    match (&a.inner, &b.inner) {
        (Some(a), Some(b)) => maps(compared, pair, "inner map's ", a, b),
        (None, None) => Ok(None),
        (a, _) => {
            let text = |there: bool| if there { "given" } else { "not given" }.to_owned();
            differ("inner map", text(a.is_some()), text(a.is_none()))
        }
    }
}
