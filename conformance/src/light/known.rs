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
];

const STRUCT_OPS: &str = "no loader can be made for struct_ops maps; libbpf dies of trying";
const PROGRAM_ARRAYS: &str = "libbpf's loaders do not fill program arrays";

/// Why the two differ on an object, if that is known.
pub(super) fn reason(name: &str, libbpf: Stage, oxbpf: Stage) -> Option<&'static str> {
    let row = KNOWN.iter().find(|(known, a, b, _)| (*known, *a, *b) == (name, libbpf, oxbpf));
    row.map(|(.., why)| *why)
}
