//! Loaders: does the one that oxbpf makes of an object load it when C libbpf's does, and is what it loads the same as
//! what loading the object gives?

mod known;
mod load;

use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::objects::{self, pool, selftests};
use crate::{Outcome, inputs};

/// Loads the kernel's selftests, and this repository's, by loaders that both libraries make of them.
#[derive(Debug, Args)]
pub(crate) struct Light {
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

/// How far an object came, and why no further.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
struct Verdict {
    stage: Stage,
    /// The error's number, if it has one.
    errno: Option<i32>,
    /// The error in words; C libbpf has few.
    text: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Stage {
    Died,
    /// It is no object.
    Refused,
    /// No loader can be made of it.
    Opens,
    /// There is a loader, which does not load it.
    Made,
    /// It is loaded, to something else than without a loader.
    Deviates,
    Loads,
}

impl Stage {
    /// What is to be the same: whether a loader cannot be made or does not load comes to the same.
    fn result(self) -> Self {
        if self == Self::Made { Self::Opens } else { self }
    }
}

/// What a process tells of an object, in this order.
#[derive(Debug, Serialize, Deserialize)]
enum Finding {
    Oxbpf(Verdict),
    Libbpf(Verdict),
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    libbpf: Verdict,
    oxbpf: Verdict,
    /// Why they differ, where that is known and no fault.
    known: Option<&'static str>,
}

impl Row {
    /// Two that died, or were not done in time, are not the same: nothing is known of them.
    fn differs(&self) -> bool {
        self.libbpf.stage.result() != self.oxbpf.stage.result() || self.libbpf.stage == Stage::Died
    }
}

pub(crate) fn run(settings: &Light) -> Outcome<bool> {
    let mut objects = match &settings.dir {
        Some(dir) => selftests::listed(dir, "o")?,
        None => {
            let all = if settings.no_build { selftests::found()? } else { selftests::build()? };
            [all.objects, inputs::all_objects()?].concat()
        }
    };
    objects.retain(|path| {
        let name = objects::name(path);
        settings.names.is_empty() || settings.names.iter().any(|word| name.contains(word.as_str()))
    });
    // Its types are read once for all.
    let _ = oxbpf::Kernel::host().btf();
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let answers = pool::each(objects.len(), cpus, |job, say: &mut dyn FnMut(&Finding)| {
        // Ours first: the other may die.
        say(&Finding::Oxbpf(load::of_oxbpf(&objects[job])));
        say(&Finding::Libbpf(load::of_libbpf(&objects[job])));
    })?;
    let rows: Vec<Row> = objects.iter().zip(answers).map(|(path, said)| row(path, said)).collect();
    if settings.json {
        rows.iter().for_each(|row| println!("{}", serde_json::to_string(row).expect("plain data")));
    } else {
        print(&rows);
    }
    Ok(rows.iter().all(|row| !row.differs() || row.known.is_some()))
}

fn row(path: &Path, said: pool::Said<Finding>) -> Row {
    let died = || Verdict {
        stage: Stage::Died,
        errno: None,
        text: said.died.clone().unwrap_or_else(|| "no answer".to_owned()),
    };
    let (mut libbpf, mut oxbpf) = (died(), died());
    for finding in said.values {
        match finding {
            Finding::Oxbpf(verdict) => oxbpf = verdict,
            Finding::Libbpf(verdict) => libbpf = verdict,
        }
    }
    let name = objects::name(path);
    let known = known::reason(&name, libbpf.stage, oxbpf.stage);
    Row { name, libbpf, oxbpf, known }
}

fn print(rows: &[Row]) {
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
    let count =
        |stage: Stage| rows.iter().filter(|row| row.libbpf.stage.result() == stage && !row.differs()).count();
    let differ = rows.iter().filter(|row| row.differs()).count();
    let known = rows.iter().filter(|row| row.differs() && row.known.is_some()).count();
    println!();
    println!(
        "{} objects: {} load with both, {} with neither, {} are refused by both; {differ} differ, {known} of \
         them for a known reason",
        rows.len(),
        count(Stage::Loads),
        count(Stage::Opens),
        count(Stage::Refused),
    );
}
