//! Objects: does oxbpf load what C libbpf loads?
//!
//! Each is loaded by each library in a process of its own, so that nothing one leaves behind, or dies of, matters to
//! the next.

mod known;
mod selftests;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::Outcome;
use verdict::{Stage, Verdict};

/// Loads the kernel's selftests with both libraries.
#[derive(Debug, Args)]
pub(crate) struct Objects {
    /// Only the objects whose name has one of these words in it
    names: Vec<String>,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,

    /// Take what is in the cache: compile nothing
    #[arg(long)]
    no_build: bool,

    /// Objects of this folder, not the selftests
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Loads one object with one library, and prints the verdict.
#[derive(Debug, Args)]
pub(crate) struct One {
    with: Library,
    path: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Library {
    Oxbpf,
    Libbpf,
}

/// Both verdicts on an object.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    libbpf: Verdict,
    oxbpf: Verdict,
    /// Why they differ, where that is known and no fault.
    known: Option<&'static str>,
}

impl Row {
    fn differs(&self) -> bool {
        self.libbpf.stage != self.oxbpf.stage
    }
}

pub(crate) fn run(settings: &Objects) -> Outcome<bool> {
    let (mut objects, failed) = match &settings.dir {
        Some(dir) => (selftests::listed(dir, "o")?, Vec::new()),
        None => {
            let all = if settings.no_build { selftests::found()? } else { selftests::build()? };
            (all.objects, all.failed)
        }
    };
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    objects.retain(|path| {
        settings.names.is_empty() || settings.names.iter().any(|word| name(path).contains(word.as_str()))
    });
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    let work = || {
        while let Some(path) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (libbpf, oxbpf) = (ask("libbpf", path), ask("oxbpf", path));
            let name = name(path);
            let known = known::reason(&name, libbpf.stage, oxbpf.stage);
            rows.lock().expect("no worker panics").push(Row { name, libbpf, oxbpf, known });
        }
    };
    thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
    let mut rows = rows.into_inner()?;
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    if settings.json {
        rows.iter().for_each(|row| println!("{}", serde_json::to_string(row).expect("plain data")));
    } else {
        print(&rows, &failed);
    }
    Ok(rows.iter().all(|row| !row.differs() || row.known.is_some()))
}

fn print(rows: &[Row], failed: &[String]) {
    println!("{:<44} {:<16} {:<16}", "OBJECT", "LIBBPF", "OXBPF");
    let cell = |verdict: &Verdict| {
        let stage = format!("{:?}", verdict.stage).to_lowercase();
        verdict.errno.map_or(stage.clone(), |errno| format!("{stage} ({errno})"))
    };
    for row in rows {
        println!("{:<44} {:<16} {:<16}", row.name, cell(&row.libbpf), cell(&row.oxbpf));
        if row.differs() {
            println!("    {}", row.known.unwrap_or("DIFFERENT"));
            println!("    {}", row.oxbpf.text);
        }
    }
    let count = |stage| rows.iter().filter(|row| row.libbpf.stage == stage && !row.differs()).count();
    let differ = rows.iter().filter(|row| row.differs()).count();
    let known = rows.iter().filter(|row| row.differs() && row.known.is_some()).count();
    println!();
    println!(
        "{} objects: {} load with both, {} with neither, {} are refused by both; {differ} differ, {known} of \
         them for a known reason; {} sources do not compile",
        rows.len(),
        count(Stage::Loads),
        count(Stage::Opens),
        count(Stage::Refused),
        failed.len()
    );
}

/// What a library makes of an object, in a process of its own.
fn ask(library: &str, path: &Path) -> Verdict {
    let run = || -> Outcome<Verdict> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("object").arg(library).arg(path).stdin(Stdio::null());
        let output = command.output()?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Ok(Verdict::died(format!("{}: {text}", output.status)));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    run().unwrap_or_else(|error| Verdict::died(error.to_string()))
}

pub(crate) fn one(One { with, path }: &One) -> Outcome<()> {
    // Pins of one object must not be found by the next.
    let pins = PathBuf::from(format!("/sys/fs/bpf/oxbpf-conformance-{}", std::process::id()));
    let verdict = match with {
        Library::Oxbpf => verdict::of_oxbpf(path, &pins),
        Library::Libbpf => verdict::of_libbpf(path, &pins),
    };
    let _ = std::fs::remove_dir_all(&pins);
    println!("{}", serde_json::to_string(&verdict)?);
    Ok(())
}
