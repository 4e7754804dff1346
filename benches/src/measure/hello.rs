//! A whole small program: it opens an object of one raw tracepoint program, loads it, attaches it, and ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{AYA, LIBBPF, Settings};
use crate::generated;
use crate::pair::{Outcome, median, medians};
use crate::process::{self, Usage};
use crate::row::{Row, Unit};

pub(super) fn plain(settings: &Settings) -> Outcome<Vec<Row>> {
    let names = ["hello-wall", "hello-syscalls", "hello-peak-memory"];
    rows(settings, &generated::hello()?, names)
}

/// With CO-RE: the kernel's types have to be read.
pub(super) fn with_core(settings: &Settings) -> Outcome<Vec<Row>> {
    let names = ["hello-core-wall", "hello-core-syscalls", "hello-core-peak-memory"];
    rows(settings, &generated::hello_core()?, names)
}

fn rows(settings: &Settings, object: &Path, names: [&'static str; 3]) -> Outcome<Vec<Row>> {
    let ours = process::beside("hello-oxbpf")?;
    let mut rows = Vec::new();
    for (peer, theirs) in [(LIBBPF, c_program()?), (AYA, process::beside("hello-aya")?)] {
        let target = (peer == LIBBPF).then_some(1.0);
        let wall = |program| process::wall(&command(program, object));
        let wall = medians(settings.rounds(51), || wall(&ours), || wall(&theirs))?;
        let (a, b) = (usage(&ours, object)?, usage(&theirs, object)?);
        let [wall_name, calls_name, peak_name] = names;
        rows.push(Row::times(wall_name, peer, wall, target));
        rows.push(Row::new(calls_name, peer, Unit::Calls, (a.calls as f64, b.calls as f64), target));
        rows.push(Row::new(peak_name, peer, Unit::KiB, (a.peak as f64, b.peak as f64), None));
    }
    Ok(rows)
}

fn command(program: &Path, object: &Path) -> Vec<String> {
    [program, object].iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The median of a few runs: what a process maps differs a little from run to run.
pub(super) fn usage(program: &Path, object: &Path) -> Outcome<Usage> {
    let command = command(program, object);
    let runs: Vec<Usage> = (0..5).map(|_| process::usage(&command)).collect::<Outcome<_>>()?;
    Ok(Usage {
        calls: median(runs.iter().map(|run| run.calls).collect()),
        peak: median(runs.iter().map(|run| run.peak).collect()),
    })
}

/// The largest amount of memory of its own that the process has; also the median of a few runs.
pub(super) fn own_memory(program: &Path, object: &Path) -> Outcome<u64> {
    let command = command(program, object);
    Ok(median((0..5).map(|_| process::own_memory(&command)).collect::<Outcome<_>>()?))
}

/// The C program, linked with the libbpf that libbpf-sys built: what its users have.
pub(super) fn c_program() -> Outcome<PathBuf> {
    compile("hello-libbpf", "hello.c", &[env!("LIBBPF_LIBRARY"), "-lelf", "-lz"])
}

/// Compiles a program of `hello/` as C programs are, with these further arguments.
pub(super) fn compile(name: &str, source: &str, args: &[&str]) -> Outcome<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(folder.join("target"))?;
    let program = folder.join("target").join(name);
    let status = Command::new("cc")
        .args(["-O2", "-Wall", "-I", env!("LIBBPF_INCLUDE"), "-o"])
        .arg(&program)
        .arg(folder.join("hello").join(source))
        .args(args)
        .status()?;
    if status.success() { Ok(program) } else { Err(format!("cc {source}: {status}").into()) }
}
