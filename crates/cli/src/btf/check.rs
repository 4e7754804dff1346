//! `oxbpf btf check`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use oxbpf::obj::{CheckedRelo, CoreCheck, CoreOutcome};
use serde::Serialize;

use super::progress::Bar;
use super::source;
use crate::args::CheckArgs;
use crate::error::Error;

/// What is checked against when nothing is named.
const KERNEL: &str = "/sys/kernel/btf/vmlinux";

pub(super) fn run(args: &CheckArgs) -> Result<(), Error> {
    let spec = oxbpf::open(&args.object)?;
    if spec.btf.is_none() {
        return Err(Error::NoTypes { what: format!("{}", args.object.display()) });
    }
    let paths = if args.btf.is_empty() { vec![PathBuf::from(KERNEL)] } else { args.btf.clone() };
    let base = source::base(&args.base)?;
    let mut checks = Vec::new();
    let mut bar = Bar::new();
    for path in &paths {
        let btf = source::file(path, base.as_ref())?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let targets = source::targets(&name, &btf);
        let check = spec.core_check_with_progress(&targets, &mut |progress| bar.show(progress));
        checks.push((path.as_path(), check.map_err(Error::Object)?));
    }
    drop(bar);
    let mut out = io::stdout().lock();
    let printed = if args.json { json(&checks, &mut out) } else { text(&checks, args.verbose, &mut out) };
    printed.and_then(|()| out.flush()).map_err(Error::Print)?;
    let failed = checks.iter().filter(|(_, check)| !check.is_resolved()).count();
    if failed > 0 { Err(Error::Unresolved { failed, of: checks.len() }) } else { Ok(()) }
}

fn text(checks: &[(&Path, CoreCheck)], verbose: bool, to: &mut impl Write) -> io::Result<()> {
    for (path, check) in checks {
        let told = if verbose { format!("{check:#}") } else { check.to_string() };
        for line in told.lines() {
            writeln!(to, "{}: {line}", path.display())?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Checked<'a> {
    btf: String,
    /// Whether every relocation that is used resolves.
    resolved: bool,
    relocations: Vec<Relocation<'a>>,
}

/// One relocation and what it comes to.
#[derive(Serialize)]
pub(crate) struct Relocation<'a> {
    section: &'a str,
    function: &'a str,
    insn: usize,
    line: Option<&'a str>,
    what: &'a str,
    used: bool,
    resolved: bool,
    /// What the instruction gets; null if the relocation does not resolve.
    value: Option<u64>,
    outcome: String,
}

impl<'a> Relocation<'a> {
    pub(crate) fn of(relo: &'a CheckedRelo) -> Self {
        Self {
            section: &relo.section,
            function: &relo.function,
            insn: relo.insn,
            line: relo.line.as_deref(),
            what: &relo.what,
            used: relo.used,
            resolved: relo.outcome.is_resolved(),
            value: match relo.outcome {
                CoreOutcome::Resolved { new, .. } => Some(new),
                CoreOutcome::Local { value } => Some(value),
                CoreOutcome::Absent => Some(0),
                _ => None,
            },
            outcome: relo.outcome.to_string(),
        }
    }
}

fn json(checks: &[(&Path, CoreCheck)], to: &mut impl Write) -> io::Result<()> {
    let all: Vec<_> = checks
        .iter()
        .map(|(path, check)| Checked {
            btf: path.display().to_string(),
            resolved: check.is_resolved(),
            relocations: check.relos.iter().map(Relocation::of).collect(),
        })
        .collect();
    serde_json::to_writer(&mut *to, &all)?;
    to.write_all(b"\n")
}
