//! `cargo xtask bench`: oxbpf beside C libbpf and aya.
//!
//! The benchmarks are a workspace of their own: they build C and link libelf and zlib, which nothing else here
//! needs. This only starts them, built as a user's program is.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// Runs the benchmarks with these arguments; their exit code tells whether all targets were met.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<ExitCode> {
    let benches = Workspace::new(root, "benches");
    // All programs: some are measured as processes.
    if !benches.build(&["--release", "--workspace", "--bins"])? {
        eprintln!(
            "xtask bench: the benchmarks also need a C compiler, make, pkg-config, clang-19 and the headers of\n\
             libelf and zlib (Debian: build-essential pkg-config clang-19 libelf-dev zlib1g-dev)"
        );
        return Ok(ExitCode::FAILURE);
    }
    // The measurement of static programs says what is missing otherwise.
    let musl = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    if has_target(&musl) {
        benches.build(&["--release", "--package", "oxbpf-bench-hello", "--bins", "--target", &musl])?;
    }
    let program = benches.program("release", "oxbpf-bench")?;
    let status = Command::new(program).args(args).status().context("cannot start the benchmarks")?;
    Ok(crate::exit_code(status))
}

/// Whether Rust's library for `target` is installed.
fn has_target(target: &str) -> bool {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}
