//! `cargo xtask conformance`: oxbpf held against C libbpf.
//!
//! The comparisons are a workspace of their own, as the benchmarks are and for the same reason.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

/// Runs the comparisons with these arguments; their exit code tells whether all were equal.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<ExitCode> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--locked", "--"])
        .args(args)
        .current_dir(root.join("conformance"))
        .status()
        .context("cannot start cargo")?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
