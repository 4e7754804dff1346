//! `cargo xtask testdata`: the BPF objects that examples and tests use.
//!
//! They are committed, so that nobody needs clang to run them; the manifest beside them ties each to the
//! source it was made from.

mod compile;
mod manifest;
mod sources;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

use self::compile::Compiler;
use self::manifest::Manifest;
use self::sources::Source;

pub(crate) fn run(root: &Path, args: &[String]) -> Result<ExitCode> {
    if let Some(option) = args.iter().find(|a| a.starts_with('-') && *a != "--check") {
        bail!("no option {option}; there is --check");
    }
    let sources = Source::find_all(root)?;
    if args.iter().any(|a| a == "--check") { check(root, &sources) } else { build(root, &sources, args) }
}

fn build(root: &Path, sources: &[Source], names: &[String]) -> Result<ExitCode> {
    let wanted: Vec<&Source> =
        sources.iter().filter(|s| names.is_empty() || names.iter().any(|n| s.name.contains(n))).collect();
    if wanted.is_empty() {
        bail!("no source under bpf/ has {} in its path", names.join(" or "));
    }
    let compiler = Compiler::find()?;
    let mut manifest = Manifest::read(root)?;
    manifest.retain(|name| sources.iter().any(|s| s.name == name));
    for source in wanted {
        let changed = compiler.compile(root, source)?;
        manifest.record(root, source)?;
        println!("{} {}", if changed { "changed  " } else { "unchanged" }, source.object());
    }
    manifest.write(root)?;
    Ok(ExitCode::SUCCESS)
}

fn check(root: &Path, sources: &[Source]) -> Result<ExitCode> {
    let faults = Manifest::read(root)?.faults(root, sources)?;
    for fault in &faults {
        println!("{fault}");
    }
    if faults.is_empty() {
        println!("testdata: {} objects match their sources", sources.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("testdata: run `cargo xtask testdata` (it needs clang-19) and commit what it makes");
    Ok(ExitCode::FAILURE)
}
