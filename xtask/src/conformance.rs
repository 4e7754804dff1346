//! `cargo xtask conformance`: oxbpf held against C libbpf.
//!
//! The comparisons are a workspace of their own, as the benchmarks are and for the same reason.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::vm;

/// What they may take under another kernel, in seconds.
const PATIENCE: &str = "2400";

/// Runs the comparisons with these arguments; their exit code tells whether all were equal. With `--vm KERNEL` among
/// them, under that kernel.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<ExitCode> {
    let dir = root.join("conformance");
    let mut args = args.to_vec();
    let Some(at) = args.iter().position(|arg| arg == "--vm") else {
        let status = cargo(&dir, "run").arg("--").args(args).status().context("cannot start cargo")?;
        return Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)));
    };
    let Some(kernel) = args.drain(at..(at + 2).min(args.len())).nth(1) else {
        bail!("--vm needs a kernel");
    };
    if !cargo(&dir, "build").status().context("cannot start cargo")?.success() {
        bail!("the comparisons do not build");
    }
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| dir.join("target"), |dir| root.join(dir));
    let binary = target.join("debug/oxbpf-conformance");
    let mut build = Vec::new();
    if args.first().is_some_and(|area| area == "objects") {
        // Compiling is not for an emulated machine.
        let status = Command::new(&binary).args(["objects", "--only-build"]).status();
        if !status.context("cannot start the comparisons")?.success() {
            bail!("the objects do not build");
        }
        build.push("--no-build".to_owned());
    }
    let mut inside: Vec<String> = ["--kernel", &kernel, "--timeout", PATIENCE, "--"].map(Into::into).into();
    inside.push(binary.display().to_string());
    inside.extend(args.into_iter().chain(build));
    vm::run(root, &inside)
}

fn cargo(dir: &Path, command: &str) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    cargo.args([command, "--quiet", "--locked"]).current_dir(dir);
    cargo
}
