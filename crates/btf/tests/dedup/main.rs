//! Each type once: what becomes of which type.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

#[path = "../common/mod.rs"]
mod common;
mod copies;
mod ext;
mod hostile;
mod options;
mod split;
mod types;

use oxbpf_btf::{Btf, BtfBuilder, DedupOptions, Deduped};

fn dedup(b: &mut BtfBuilder) -> (Btf, Deduped) {
    let done = b.dedup(DedupOptions::default()).unwrap();
    (b.build().unwrap(), done)
}

/// The types by their debug text, which has kind, name, size, target and number of entries.
fn texts(btf: &Btf) -> Vec<String> {
    btf.types().map(|t| format!("{t:?}")).collect()
}
