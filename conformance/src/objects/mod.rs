//! Objects: does oxbpf load what C libbpf loads, and is what it makes in the kernel the same?

mod compare;
mod known;
mod made;
pub(crate) mod pool;
pub(crate) mod selftests;
mod table;
mod verdict;

use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{Outcome, inputs};
use compare::{Compared, Difference};
use verdict::{Stage, Verdict};

/// Loads the kernel's selftests, and the objects of `testdata/`, with both libraries.
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

    /// Compile, and nothing more
    #[arg(long, hide = true)]
    only_build: bool,

    /// Objects of this folder, not the selftests and those of this repository
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What a process tells of an object, in this order.
#[derive(Debug, Serialize, Deserialize)]
enum Finding {
    Libbpf(Verdict),
    Oxbpf(Verdict),
    /// What was compared, and in what it differs.
    Compared(Compared, Vec<Difference>),
}

/// After so many objects the lines of JSON for them are printed.
const CHUNK: usize = 32;

/// Both verdicts on an object, and what differs in what was made of it.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    libbpf: Verdict,
    oxbpf: Verdict,
    /// Why the verdicts differ, where that is known and no fault.
    known: Option<&'static str>,
    compared: Compared,
    differences: Vec<Difference>,
}

impl Row {
    /// Two that died, or were not done in time, are not the same: nothing is known of them.
    fn differs(&self) -> bool {
        self.libbpf.stage != self.oxbpf.stage || self.libbpf.stage == Stage::Died
    }

    fn is_good(&self) -> bool {
        (!self.differs() || self.known.is_some())
            && self.differences.iter().all(|difference| difference.known.is_some())
    }
}

pub(crate) fn run(settings: &Objects) -> Outcome<bool> {
    if settings.only_build {
        return selftests::build().map(|_| true);
    }
    Ok(rows(settings)?.iter().all(Row::is_good))
}

/// Loads the objects, and prints what comes of each.
fn rows(settings: &Objects) -> Outcome<Vec<Row>> {
    let (mut objects, failed) = match &settings.dir {
        Some(dir) => (selftests::listed(dir, "o")?, Vec::new()),
        None => {
            let mut all = if settings.no_build { selftests::found()? } else { selftests::build()? };
            all.objects.extend(inputs::all_objects()?);
            (all.objects, all.failed)
        }
    };
    objects.retain(|path| {
        settings.names.is_empty() || settings.names.iter().any(|word| name(path).contains(word.as_str()))
    });
    verdict::warm_up()?;
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let mut rows = Vec::new();
    for objects in objects.chunks(CHUNK) {
        let answers = pool::each(objects.len(), cpus, |job, say| examine(&objects[job], true, say))?;
        for (path, said) in objects.iter().zip(answers) {
            let row = row(path, said)?;
            if settings.json {
                println!("{}", serde_json::to_string(&row).expect("plain data"));
            }
            rows.push(row);
        }
    }
    if !settings.json {
        table::print(&rows, &failed);
    }
    Ok(rows)
}

/// Whether the objects of a folder come as far with either library.
pub(crate) fn same_verdicts(dir: PathBuf, json: bool) -> Outcome<bool> {
    let settings = Objects { names: Vec::new(), json, no_build: true, only_build: false, dir: Some(dir) };
    Ok(rows(&settings)?.iter().all(|row| !row.differs() || row.known.is_some()))
}

/// What an object is called: the selftests by their file, those of this repository by where they are in it.
pub(crate) fn name(path: &Path) -> String {
    if let Ok(path) = path.strip_prefix(inputs::root()) {
        return path.to_string_lossy().into_owned();
    }
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Loads an object with both libraries, or with oxbpf alone.
fn examine(path: &Path, both: bool, say: &mut dyn FnMut(&Finding)) {
    // Pins of one object must not be found by the next.
    let pins = PathBuf::from(format!("/sys/fs/bpf/oxbpf-conformance-{}", std::process::id()));
    let tidy = || drop(std::fs::remove_dir_all(&pins));
    let libbpf = both.then(|| {
        let (verdict, made) = verdict::of_libbpf(path, &pins);
        tidy();
        say(&Finding::Libbpf(verdict));
        made
    });
    let (verdict, oxbpf) = verdict::of_oxbpf(path, &pins);
    tidy();
    say(&Finding::Oxbpf(verdict));
    if let Some(libbpf) = libbpf {
        let differences = compare::compare(&libbpf, &oxbpf);
        say(&Finding::Compared(Compared::of(&libbpf, &oxbpf), differences));
    }
}

/// What is to be said of an object by what its process has said.
fn row(path: &Path, said: pool::Said<Finding>) -> Outcome<Row> {
    let mut died = said.died;
    let mut findings = said.values;
    if died.is_some() && findings.is_empty() {
        findings.push(Finding::Libbpf(Verdict::died(died.unwrap_or_default())));
        let again = pool::each(1, 1, |_, say| examine(path, false, say))?.pop();
        let again = again.ok_or("no answer")?;
        findings.extend(again.values);
        died = again.died;
    }
    let dead = || Verdict::died(died.clone().unwrap_or_default());
    let (mut libbpf, mut oxbpf) = (dead(), dead());
    let (mut compared, mut differences) = (Compared::default(), Vec::new());
    for finding in findings {
        match finding {
            Finding::Libbpf(verdict) => libbpf = verdict,
            Finding::Oxbpf(verdict) => oxbpf = verdict,
            Finding::Compared(count, found) => (compared, differences) = (count, found),
        }
    }
    let name = name(path);
    let known = known::verdict(&name, libbpf.stage, oxbpf.stage);
    let mut row = Row { name, libbpf, oxbpf, known, compared, differences };
    known::explain(&mut row);
    Ok(row)
}
