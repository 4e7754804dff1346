//! `cargo xtask test`: all tests, and in the end what was skipped and why, and the counts.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The crates whose tests meet the kernel.
const KERNEL_CRATES: [&str; 4] = ["oxbpf-sys", "oxbpf", "oxbpf-cli", "oxbpf-testing"];

pub(crate) fn run(root: &Path, args: &[String]) -> Result<ExitCode> {
    let mut cargo = Command::new(cargo());
    cargo.args(["test", "--no-fail-fast"]).current_dir(root).stdout(Stdio::piped());
    if args.first().is_none_or(|arg| arg == "--") {
        cargo.arg("--workspace");
    }
    let mut cargo = cargo.args(args).spawn().context("cannot run cargo")?;
    let mut lines = BufReader::new(cargo.stdout.take().context("cargo has no output")?);
    let mut summary = Summary::default();
    let mut bytes = Vec::new();
    while lines.read_until(b'\n', &mut bytes)? > 0 {
        std::io::stdout().write_all(&bytes)?;
        summary.read_line(&String::from_utf8_lossy(&bytes));
        bytes.clear();
    }
    summary.finish(cargo.wait()?.success());
    summary.print("");
    Ok(if summary.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The cargo that runs this.
fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A test binary, and the folder in which cargo runs it.
#[derive(Debug)]
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    pub(crate) dir: PathBuf,
}

/// Builds the test binaries of the crates that meet the kernel.
pub(crate) fn build_kernel_tests(root: &Path) -> Result<Vec<Binary>> {
    let mut cargo = Command::new(cargo());
    cargo.args(["test", "--no-run", "--message-format=json-render-diagnostics"]).current_dir(root);
    for name in KERNEL_CRATES {
        cargo.args(["-p", name]);
    }
    let output = cargo.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the tests do not build");
    }
    let mut binaries = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let message: Value = serde_json::from_slice(line).context("cargo's messages are not JSON")?;
        if let (Some(path), true, Some(manifest)) = (
            message["executable"].as_str(),
            message["profile"]["test"] == true,
            message["manifest_path"].as_str(),
        ) {
            let dir = Path::new(manifest).parent().unwrap_or(root).to_path_buf();
            binaries.push(Binary { path: path.into(), dir });
        }
    }
    Ok(binaries)
}

/// What test binaries said, added up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    passed: u64,
    failed: u64,
    skipped: u64,
    reasons: Vec<String>,
}

impl Summary {
    /// Takes in a line of a test binary's output.
    pub(crate) fn read_line(&mut self, line: &str) {
        let line = line.trim_end();
        if let Some(result) = line.strip_prefix("test result: ") {
            let words: Vec<&str> = result.split_whitespace().collect();
            for pair in words.windows(2) {
                let Ok(count) = pair[0].parse::<u64>() else { continue };
                match pair[1].trim_end_matches(';') {
                    "passed" => self.passed += count,
                    "failed" => self.failed += count,
                    "ignored" => self.skipped += count,
                    _ => {}
                }
            }
        } else if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|t| t.split_once(" ... "))
            && let Some(reason) = outcome.strip_prefix("ignored")
        {
            // `#[ignore = "reason"]` gives ", reason"; the kernel tests' harness gives " (reason)".
            let reason = reason.trim_start_matches([',', ' ']);
            let reason = reason.strip_prefix('(').and_then(|r| r.strip_suffix(')')).unwrap_or(reason);
            let reason = if reason.is_empty() { "no reason given" } else { reason };
            self.reasons.push(format!("{}: {reason}", name.trim()));
        }
    }

    /// Takes in the exit status. A binary that did not build, or died, has no summary: that is a failure too.
    pub(crate) fn finish(&mut self, success: bool) {
        if !success && self.failed == 0 {
            println!("\nnot all tests ran to their end");
            self.failed = 1;
        }
    }

    /// Prints what was skipped and why, and as the last line the counts.
    pub(crate) fn print(&self, prefix: &str) {
        if !self.reasons.is_empty() {
            println!("\nSkipped:\n");
            for reason in &self.reasons {
                println!("  {reason}");
            }
        }
        println!("\n{prefix}{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_both_harnesses_is_added_up() {
        let mut summary = Summary::default();
        for line in [
            "test a::b ... ok",
            "test c ... ignored, takes an hour",
            "test d ... ignored",
            "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test padded   ... ignored (needs kernel 6.4; this is 6.1)",
            "test result: ok. 10 passed; 0 failed; 1 ignored; 0 measured; 5 filtered out; finished in 0.01s",
        ] {
            summary.read_line(line);
        }
        assert_eq!((summary.passed, summary.failed, summary.skipped), (13, 1, 3));
        assert_eq!(
            summary.reasons,
            ["c: takes an hour", "d: no reason given", "padded: needs kernel 6.4; this is 6.1"]
        );
    }

    #[test]
    fn a_binary_that_dies_is_a_failure() {
        let mut summary = Summary::default();
        summary.finish(false);
        assert_eq!(summary.failed, 1);
        let mut summary = Summary { failed: 2, ..Summary::default() };
        summary.finish(false);
        assert_eq!(summary.failed, 2);
    }
}
