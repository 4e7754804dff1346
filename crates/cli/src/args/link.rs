//! `oxbpf link`.

use std::path::PathBuf;

use clap::Args;

const HELP: &str = "\
What one object declares `extern` is found in the others. Of several definitions all but one have to be __weak, and
all declarations of a name have to be of the same type. What no object defines stays extern.
bpftool has this as `bpftool gen object OUT OBJECT...`; the file is the same.

Example:
  oxbpf link -o tool.bpf.o main.bpf.o helpers.bpf.o";

/// The arguments of `oxbpf link`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct LinkArgs {
    /// Where the object goes
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// The objects, of which the order is kept
    #[arg(value_name = "OBJECT", required = true)]
    pub(crate) objects: Vec<PathBuf>,
}
