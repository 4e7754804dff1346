//! Objects that the libraries treat differently, and why that is right.

use super::verdict::Stage;

/// Name, how far it comes with libbpf and with oxbpf, and why.
const KNOWN: &[(&str, Stage, Stage, &str)] = &[
    ("cb_refs.bpf.o", Stage::Opens, Stage::Loads, UNUSED),
    ("kfunc_call_fail.bpf.o", Stage::Opens, Stage::Loads, UNUSED),
    ("map_kptr_fail.bpf.o", Stage::Opens, Stage::Loads, UNUSED),
];

const UNUSED: &str =
    "only programs that are off need a function that the kernel lacks; libbpf wants it all the same";

/// Why the two differ on an object, if that is known.
pub(super) fn reason(name: &str, libbpf: Stage, oxbpf: Stage) -> Option<&'static str> {
    let row = KNOWN.iter().find(|(known, a, b, _)| (*known, *a, *b) == (name, libbpf, oxbpf));
    row.map(|(.., why)| *why)
}
