//! Objects that the libraries' loaders treat differently, and why that is right.

use super::Stage;

/// Name, how far it comes with libbpf and with oxbpf, and why.
const KNOWN: &[(&str, Stage, Stage, &str)] = &[
    ("bpf_cubic.bpf.o", Stage::Died, Stage::Opens, STRUCT_OPS),
    ("bpf_dctcp.bpf.o", Stage::Died, Stage::Opens, STRUCT_OPS),
    ("bpf_dctcp_release.bpf.o", Stage::Died, Stage::Opens, STRUCT_OPS),
    ("bpf_tcp_nogpl.bpf.o", Stage::Died, Stage::Opens, STRUCT_OPS),
    ("dummy_st_ops.bpf.o", Stage::Died, Stage::Opens, STRUCT_OPS),
    ("tcp_ca_incompl_cong_ops.bpf.o", Stage::Died, Stage::Opens, STRUCT_OPS),
    ("tcp_ca_unsupp_cong_op.bpf.o", Stage::Died, Stage::Opens, STRUCT_OPS),
    ("tcp_ca_write_sk_pacing.bpf.o", Stage::Died, Stage::Opens, STRUCT_OPS),
    ("test_prog_array_init.bpf.o", Stage::Opens, Stage::Loads, PROGRAM_ARRAYS),
    ("testdata/tests/arena.bpf.o", Stage::Died, Stage::Opens, ARENA),
    ("testdata/tests/aya.bpf.o", Stage::Refused, Stage::Loads, LEGACY),
    ("testdata/tests/aya_btf.bpf.o", Stage::Refused, Stage::Loads, LEGACY),
    ("testdata/tests/externs.bpf.o", Stage::Loads, Stage::Deviates, PROTOTYPES),
    ("testdata/tests/inner_maps.bpf.o", Stage::Opens, Stage::Loads, PROGRAM_ARRAYS),
    ("testdata/tests/iproute2_maps.bpf.o", Stage::Refused, Stage::Loads, LEGACY),
    ("testdata/tests/legacy_maps.bpf.o", Stage::Refused, Stage::Loads, LEGACY),
    ("testdata/tests/missing_externs.bpf.o", Stage::Opens, Stage::Loads, UNUSED),
    ("testdata/tests/no_btf.bpf.o", Stage::Refused, Stage::Loads, LEGACY),
    ("testdata/tests/statics.bpf.o", Stage::Refused, Stage::Loads, STATIC),
    ("testdata/tests/struct_ops.bpf.o", Stage::Died, Stage::Opens, STRUCT_OPS),
];

const STRUCT_OPS: &str = "no loader can be made for struct_ops maps; libbpf dies of trying";
const PROGRAM_ARRAYS: &str = "libbpf's loaders do not fill program arrays";
const ARENA: &str = "no loader can write an arena's variables; libbpf dies of trying";
const PROTOTYPES: &str = "the kernel finds functions by their name alone: one that is declared in two ways, weakly, is \
                          there in both, and without a loader only in the right one";
const LEGACY: &str = "maps as they were defined before BTF: libbpf takes them no more";
const UNUSED: &str = "only programs that are off need what the kernel lacks; libbpf wants it all the same";
const STATIC: &str =
    "a static function in the section of a program: libbpf takes it for a program, and refuses";

/// Why the two differ on an object, if that is known.
pub(super) fn reason(name: &str, libbpf: Stage, oxbpf: Stage) -> Option<&'static str> {
    let row = KNOWN.iter().find(|(known, a, b, _)| (*known, *a, *b) == (name, libbpf, oxbpf));
    row.map(|(.., why)| *why)
}
