//! `cargo xtask conformance`: oxbpf held against C libbpf.
//!
//! The comparisons are a workspace of their own, as the benchmarks are and for the same reason.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::vm;
use crate::workspace::Workspace;

/// What they may take under another kernel, in seconds.
const PATIENCE: &str = "3600";
/// Tells the comparisons that the objects are there.
const NO_BUILD: &str = "--no-build";

/// Runs the comparisons with these arguments; their exit code tells whether all were equal. With `--vm KERNEL` among
/// them, under that kernel.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<ExitCode> {
    let mut args = args.to_vec();
    let kernel = kernel(&mut args)?;
    let conformance = Workspace::new(root, "conformance");
    if !conformance.build(&[])? {
        bail!("the comparisons do not build");
    }
    let binary = conformance.program("debug", "oxbpf-conformance")?;
    let Some(kernel) = kernel else {
        let status = Command::new(binary).args(args).status().context("cannot start the comparisons")?;
        return Ok(crate::exit_code(status));
    };
    if needs_objects(&args) {
        // Compiling is not for an emulated machine.
        let status = Command::new(&binary).args(["objects", "--only-build"]).status();
        if !status.context("cannot start the comparisons")?.success() {
            bail!("the objects do not build");
        }
        args.push(NO_BUILD.to_owned());
    }
    let mut inside: Vec<String> = ["--kernel", &kernel, "--timeout", PATIENCE, "--"].map(Into::into).into();
    inside.push(binary.display().to_string());
    inside.extend(args);
    vm::run(root, &inside)
}

/// Takes `--vm KERNEL` out of the arguments, if they have it.
fn kernel(args: &mut Vec<String>) -> Result<Option<String>> {
    let Some(at) = args.iter().position(|arg| arg == "--vm") else { return Ok(None) };
    match args.drain(at..(at + 2).min(args.len())).nth(1) {
        Some(kernel) => Ok(Some(kernel)),
        None => bail!("--vm needs a kernel"),
    }
}

/// Whether the selftests have to be compiled before another kernel is started: by what loads them, unless told not to.
fn needs_objects(args: &[String]) -> bool {
    let loads = args.first().is_some_and(|area| ["objects", "light", "link"].contains(&area.as_str()));
    loads && !args.iter().any(|arg| arg == NO_BUILD || arg == "--dir" || arg.starts_with("--dir="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_kernel_is_taken_out_wherever_it_stands() -> Result<()> {
        let mut line = args("objects loop3 --vm 6.1 --json");
        assert_eq!(kernel(&mut line)?.as_deref(), Some("6.1"));
        assert_eq!(line, args("objects loop3 --json"));
        assert_eq!(kernel(&mut line)?, None);
        assert!(kernel(&mut args("objects --vm")).is_err());
        Ok(())
    }

    #[test]
    fn objects_are_compiled_before_unless_told_not_to() {
        for (line, needs) in [
            ("objects", true),
            ("objects loop3 --json", true),
            ("light", true),
            ("objects --no-build", false),
            ("objects loop3 --no-build", false),
            ("objects --dir /tmp", false),
            ("light --dir=/tmp", false),
            ("sections", false),
            ("", false),
        ] {
            assert_eq!(needs_objects(&args(line)), needs, "{line}");
        }
    }
}
