//! `cargo xtask bench`: oxbpf beside C libbpf and aya.
//!
//! The benchmarks are a workspace of their own: they build C and link libelf and zlib, which nothing else here
//! needs. This only starts them, built as a user's program is.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

/// Runs the benchmarks with these arguments; their exit code tells whether all targets were met.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<ExitCode> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let folder = root.join("benches");
    let build = |command: &mut Command| command.current_dir(&folder).status().context("cannot start cargo");
    // All programs: some are measured as processes.
    if !build(Command::new(&cargo).args(["build", "--release", "--quiet", "--bins"]))?.success() {
        eprintln!(
            "xtask bench: the benchmarks also need a C compiler, make, pkg-config, clang-19 and the headers of\n\
             libelf and zlib (Debian: build-essential pkg-config clang-19 libelf-dev zlib1g-dev)"
        );
        return Ok(ExitCode::FAILURE);
    }
    let status = Command::new(folder.join("target/release/oxbpf-bench"))
        .args(args)
        .status()
        .context("cannot start the benchmarks")?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
