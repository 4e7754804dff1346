//! Tasks of this repository: `cargo xtask help`.
#![forbid(unsafe_code)]
// A task's output is what it prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use anyhow::{Context as _, Result, bail};

mod bench;
mod conformance;
mod testdata;
mod testing;
mod vm;
mod workspace;

const HELP: &str = "\
Tasks of this repository.

  cargo xtask testdata [NAME…]   compile bpf/**/*.bpf.c to testdata/**/*.bpf.o (needs clang-19), all or those
                                 whose path contains a NAME, and write testdata/MANIFEST
  cargo xtask testdata --check   fail if a source or header changed and its object did not, or an object was
                                 changed by hand, or is missing (needs no clang)
  cargo xtask test [ARG…]        run all tests (or those that the arguments of `cargo test` choose), then list
                                 what was skipped and why; `./test` is the same
  cargo xtask vm [--kernel 6.1] [-- COMMAND…]
                                 run the kernel tests, or a command, under a Debian kernel in QEMU;
                                 `cargo xtask vm --help` tells more
  cargo xtask bench [NAME…] [--json]
                                 compare with C libbpf and aya, as ratios; NAMEs choose measurements
                                 (root; also needs a C compiler, clang-19, libelf-dev, zlib1g-dev)
  cargo xtask conformance btf [NAME…] [--json] [--cases N] [--seed S]
                                 compare what comes out with what C libbpf makes of the same inputs
                                 (also needs a C compiler, clang-19, pahole, libelf-dev, zlib1g-dev)
  cargo xtask conformance link [--json] [--cases N] [--seed S] [--load N]
                                 link the same selftests with both libraries, and compare the files
  cargo xtask conformance objects [NAME…] [--json] [--vm 6.1]
                                 which of the kernel's selftest objects load, with either library
                                 (also needs linux-source-6.1, python3, bpftool)
  cargo xtask conformance light [NAME…] [--json] [--vm 6.1]
                                 the same by loaders that are made of the objects
  cargo xtask conformance sections
                                 what names of sections mean to either library
  cargo xtask help               print this
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let task = args.next().unwrap_or_else(|| "help".into());
    match run(&task, &args.collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask {task}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &str, args: &[String]) -> Result<ExitCode> {
    match task {
        "testdata" => testdata::run(&root()?, args),
        "bench" => bench::run(&root()?, args),
        "conformance" => conformance::run(&root()?, args),
        "test" => testing::run(&root()?, args),
        "vm" => vm::run(&root()?, args),
        "help" | "-h" | "--help" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("no such task; there are:\n\n{HELP}"),
    }
}

/// The exit code of a program that ended, as this one's.
fn exit_code(status: ExitStatus) -> ExitCode {
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// The top of the repository.
fn root() -> Result<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask is not in a workspace")?.to_path_buf())
}
