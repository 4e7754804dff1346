//! Objects that the libraries treat differently, and why that is right.

use super::Row;
use super::compare::{Difference, NOT_TRIED};
use super::verdict::Stage;

/// Name, how far it comes with libbpf and with oxbpf, and why.
const VERDICTS: &[(&str, Stage, Stage, &str)] = &[
    ("cb_refs.bpf.o", Stage::Opens, Stage::Loads, UNUSED),
    ("kfunc_call_fail.bpf.o", Stage::Opens, Stage::Loads, UNUSED),
    ("map_kptr_fail.bpf.o", Stage::Opens, Stage::Loads, UNUSED),
    ("test_bpf_nf_fail.bpf.o", Stage::Opens, Stage::Loads, UNUSED),
    ("testdata/tests/missing_externs.bpf.o", Stage::Opens, Stage::Loads, UNUSED),
    ("testdata/tests/exceptions.bpf.o", Stage::Opens, Stage::Loads, UNUSED),
    ("testdata/tests/module_externs.bpf.o", Stage::Opens, Stage::Loads, UNUSED),
    ("testdata/tests/struct_ops.bpf.o", Stage::Opens, Stage::Loads, OPTIONAL),
    ("testdata/tests/legacy_maps.bpf.o", Stage::Refused, Stage::Loads, LEGACY),
    ("testdata/tests/iproute2_maps.bpf.o", Stage::Refused, Stage::Loads, LEGACY),
    ("testdata/tests/no_btf.bpf.o", Stage::Refused, Stage::Loads, LEGACY),
    ("testdata/tests/aya.bpf.o", Stage::Refused, Stage::Loads, LEGACY),
    ("testdata/tests/aya_btf.bpf.o", Stage::Refused, Stage::Loads, LEGACY),
    ("testdata/tests/statics.bpf.o", Stage::Refused, Stage::Loads, STATIC),
];

const UNUSED: &str =
    "only programs that are off need a function that the kernel lacks; libbpf wants it all the same";
const LEGACY: &str = "maps as they were defined before BTF: libbpf takes them no more";
const STATIC: &str =
    "a static function in the section of a program: libbpf takes it for a program, and refuses";

/// Object, field, what it is with libbpf and with oxbpf (from the start), and why.
const FIELDS: &[(&str, &str, &str, &str, &str)] = &[
    ("bpf_syscall_macro.bpf.o", "elements", "0 elements", "1 elements", WRAPPER),
    ("test_attach_probe.bpf.o", "elements", "0 elements", "1 elements", WRAPPER),
    ("test_probe_user.bpf.o", "elements", "0 elements", "1 elements", WRAPPER),
    ("testdata/tests/externs.bpf.o", "elements", "1 elements", "1 elements", WRAPPER),
    ("map_ptr_kern.bpf.o", "elements", "1 elements", "0 elements", SLOTS),
    ("test_map_in_map.bpf.o", "elements", "1 elements", "0 elements", SLOTS),
    ("testdata/tests/context_args.bpf.o", "btf", "1564 bytes", "1540 bytes", CONTEXTS),
    ("testdata/tests/context_args.bpf.o", "func_info", "24 bytes, from 12", "24 bytes, from 12", CONTEXTS),
    ("testdata/tests/struct_ops.bpf.o", "made", "made", NOT_TRIED, OPTIONAL),
    ("testdata/tests/struct_ops.bpf.o", "made", "refused", NOT_TRIED, OPTIONAL),
    ("testdata/tests/struct_ops.bpf.o", "struct_ops", "none", "", OPTIONAL),
    ("testdata/tests/struct_ops.bpf.o", "btf", "", "", QMARK),
];

const WRAPPER: &str = "LINUX_HAS_SYSCALL_WRAPPER: libbpf tries it with a kprobe, and takes it for missing where the \
                       kernel has no kprobes for us; oxbpf looks at the kernel's symbols";
const SLOTS: &str =
    "neither loads it, for a map that the kernel refuses; oxbpf fills maps of maps when all maps are there";
const OPTIONAL: &str = "both maps of a section '?.struct_ops.link' are off; libbpf takes the second to be on";
const QMARK: &str =
    "kernels before 6.9 take no '?' in names of sections; libbpf writes over the name, oxbpf adds another";
const CONTEXTS: &str = "what the tag arg:ctx stands for is written into the types before 6.8: the pointer to a context is there \
                        once for each type of program in oxbpf's, and comes first; in libbpf's once for each program, and \
                        last. The functions are the same";
const EARLY: &str = "neither loads it, and oxbpf knows before it makes anything";

/// Why the two differ on an object, if that is known.
pub(super) fn verdict(name: &str, libbpf: Stage, oxbpf: Stage) -> Option<&'static str> {
    let row = VERDICTS.iter().find(|(known, a, b, _)| (*known, *a, *b) == (name, libbpf, oxbpf));
    row.map(|(.., why)| *why)
}

/// Says of the differences in what the two make why they are, if that is known.
pub(super) fn explain(row: &mut Row) {
    let reasons: Vec<_> = row.differences.iter().map(|difference| reason(row, difference)).collect();
    for (difference, reason) in row.differences.iter_mut().zip(reasons) {
        difference.known = reason;
    }
}

fn reason(row: &Row, difference: &Difference) -> Option<&'static str> {
    if difference.field == "made" {
        let neither = row.libbpf.stage != Stage::Loads && row.oxbpf.stage != Stage::Loads;
        let nothing = row.differences.iter().all(|other| other.oxbpf == NOT_TRIED);
        if difference.libbpf == NOT_TRIED && row.known.is_some() {
            // What a library does not load, it does not make.
            return row.known;
        }
        if neither && nothing && row.compared.things == 0 {
            return Some(EARLY);
        }
    }
    let known = FIELDS.iter().find(|(object, field, libbpf, oxbpf, _)| {
        row.name == *object
            && difference.field == *field
            && difference.libbpf.starts_with(libbpf)
            && difference.oxbpf.starts_with(oxbpf)
    });
    known.map(|(.., why)| *why)
}
