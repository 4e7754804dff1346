//! Strings, each once, in the order in which types come to them; those of the base where it has them.

use super::graph::Graph;
use crate::{
    BtfBuilder, BtfExt, Error,
    builder::{Edit, Strings},
    carry::Carried,
    progress::Reporter,
};

/// The strings that are left.
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    /// Copy of the `.BTF.ext` with their offsets.
    pub(super) ext: Option<Vec<u8>>,
}

/// Gives the own types of the graph, and a copy of the `.BTF.ext`, the offsets of strings that are there once. None
/// where they are already.
pub(super) fn keep_each_once(
    of: &BtfBuilder,
    graph: &mut Graph,
    ext: Option<&BtfExt>,
    report: &mut Reporter<'_>,
) -> Result<Option<Kept>, Error> {
    if of.strings_are_unique() {
        return Ok(None);
    }
    let (old, base) = (of.strings(), of.base());
    let mut strings = Carried::section(&old.bytes, old.first());
    let mut new = Strings::new(Vec::new(), old.first());
    let mut keep = |off: &mut u32| {
        *off = strings.offset(*off, |s| match base.and_then(|b| b.find_bytes(s)) {
            _ if s.is_empty() => Ok(0),
            Some(off) => Ok(off),
            None => new.add(s, base.is_none()),
        })?;
        Ok(())
    };
    let own = graph.first_own()..graph.end();
    report.phase("strings", own.len())?;
    for id in own {
        report.step()?;
        Edit::of(graph.ty_mut(id)).iter_mut().flat_map(Edit::strings).try_for_each(&mut keep)?;
    }
    let ext = ext.map(|ext| ext.with_strings(&mut keep)).transpose()?;
    let mut bytes = new.bytes;
    if bytes.is_empty() && base.is_none() {
        bytes.push(0);
    }
    Ok(Some(Kept { bytes, ext }))
}
