//! The measurements, a file each.

mod btf;
mod btf_memory;
mod dedup;
mod dump;
mod hello;
mod link;
mod maps;
mod objects;
mod ring;

use std::sync::Arc;

use oxbpf_btf::Btf;
use oxbpf_sys::{BtfLoad, HostDoor, Kernel};

use crate::pair::Outcome;
use crate::row::Row;

/// A measurement: its name, and what gives its rows, one a peer.
pub(crate) struct Measurement {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Settings) -> Outcome<Vec<Row>>,
}

pub(crate) struct Settings {
    pub(crate) factor: f64,
}

impl Settings {
    /// How many pairs to time, where `usual` is what a quick run takes.
    pub(crate) fn rounds(&self, usual: usize) -> usize {
        ((usual as f64 * self.factor) as usize).max(3)
    }
}

pub(crate) const MEASUREMENTS: &[Measurement] = &[
    Measurement { name: "btf-parse", run: btf::parse },
    Measurement { name: "btf-lookup", run: btf::lookup },
    Measurement { name: "btf-first-lookup", run: btf::first_lookup },
    Measurement { name: "btf-dedup", run: dedup::rows },
    Measurement { name: "btf-memory", run: btf_memory::rows },
    Measurement { name: "btf-c", run: dump::rows },
    Measurement { name: "objects-open", run: objects::open },
    Measurement { name: "objects-prepare-37", run: objects::few_structs },
    Measurement { name: "objects-prepare-800", run: objects::many_structs },
    Measurement { name: "objects-load-200", run: objects::load },
    Measurement { name: "objects-memory", run: objects::memory },
    Measurement { name: "objects-memory-static", run: objects::static_memory },
    Measurement { name: "objects-link", run: link::rows },
    Measurement { name: "hello", run: hello::plain },
    Measurement { name: "hello-core", run: hello::with_core },
    Measurement { name: "ring-buffer", run: ring::rows },
    Measurement { name: "maps", run: maps::rows },
];

pub(crate) const LIBBPF: &str = "libbpf 1.7";
pub(crate) const AYA: &str = "aya";

/// This machine's kernel without anything remembered: `Kernel::host` keeps the types once they are read.
fn fresh_kernel() -> Kernel {
    Kernel::with_door(Arc::new(HostDoor))
}

/// Gives an object's types to the kernel, as every load does.
fn load_types(kernel: &Kernel, btf: &Btf) -> Outcome<std::os::fd::OwnedFd> {
    Ok(kernel.btf_load(&BtfLoad { btf: btf.as_bytes(), ..Default::default() }, None)?)
}
