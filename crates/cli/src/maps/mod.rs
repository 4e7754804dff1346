//! What maps hold at the end of a run.

mod histogram;
mod per_cpu;
mod read;

use oxbpf_btf::Value;

pub(crate) use read::{Choice, read};

use crate::events::Layout;

/// Counters by powers of two, to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Histogram<'b> {
    pub(crate) map: String,
    /// Of which key, where the map has a histogram for each.
    pub(crate) key: Option<Value<'b>>,
    pub(crate) counts: Vec<u64>,
}

/// The entries of a map, to be listed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rows<'b> {
    pub(crate) map: String,
    /// As the kernel calls it: `percpu_hash`.
    pub(crate) map_type: String,
    pub(crate) key: Layout,
    pub(crate) value: Layout,
    pub(crate) rows: Vec<Row<'b>>,
    /// Whether entries were left out.
    pub(crate) more: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row<'b> {
    pub(crate) key: Value<'b>,
    /// Of a per-CPU map whose values are no counters: which CPU's value.
    pub(crate) cpu: Option<usize>,
    pub(crate) value: Value<'b>,
}

/// What is shown of a map.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shown<'b> {
    Histograms(Vec<Histogram<'b>>),
    Rows(Rows<'b>),
}
