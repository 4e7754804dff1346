//! `oxbpf plan`.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Needs no kernel and no privileges; nothing is loaded.

Examples:
  oxbpf plan execsnoop.bpf.o
  oxbpf plan *.bpf.o --btf debian-6.1.btf fedora-6.8.btf --json";

/// The arguments of `oxbpf plan`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PlanArgs {
    /// The BPF object files
    #[arg(value_name = "OBJECT", required = true)]
    pub(crate) objects: Vec<PathBuf>,

    /// Types of kernels to hold CO-RE relocations against: raw BTF, or ELF with them (may be repeated)
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) btf: Vec<PathBuf>,

    /// Tell of every need and every relocation, of those that no kernel fails at too
    #[arg(long, short = 'v')]
    pub(crate) verbose: bool,

    /// Print JSON: an array with an object for each file
    #[arg(long, short = 'j')]
    pub(crate) json: bool,
}
