//! oxbpf held against C libbpf: `cargo xtask conformance btf [SUBJECT…] [--json]`, `objects`, `light`, `sections`
//! and `link`.

mod btf;
mod calls;
mod generate;
mod inputs;
mod libbpf;
mod light;
mod link;
mod objects;
mod random;
mod sections;
mod tally;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// The result of something that is not a comparison.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Gives the same inputs to oxbpf and to C libbpf, and compares what comes out.
#[derive(Debug, Parser)]
struct Command {
    #[command(subcommand)]
    area: Area,
}

#[derive(Debug, Subcommand)]
enum Area {
    /// What is done to BTF
    Btf(Settings),
    /// Which objects load, and what is made of them: those of the kernel's selftests and of `testdata/`
    Objects(objects::Objects),
    /// Which objects load by loaders that are made of them: the same
    Light(light::Light),
    /// What names of sections mean
    Sections,
    /// What linking makes of objects: those of the kernel's selftests
    Link(link::Link),
}

#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Only the subjects whose name has one of these words in it
    subjects: Vec<String>,

    /// Print one JSON object a row
    #[arg(long)]
    json: bool,

    /// How many random cases of each subject
    #[arg(long, default_value_t = 10_000)]
    pub(crate) cases: u64,

    /// Where the random cases start; each difference tells the seed that makes it again with `--cases 1`
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// The exit code: whether all was equal.
fn done(outcome: Outcome<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the rows, and says whether nothing differed.
pub(crate) fn done_rows(tally: tally::Tally, json: bool) -> bool {
    let mut all = true;
    for row in tally.into_rows() {
        all &= row.different == 0;
        if json {
            println!("{}", serde_json::to_string(&row).expect("a row is plain data"));
        } else {
            println!("{row}");
        }
    }
    all
}

fn main() -> ExitCode {
    libbpf::silence();
    let settings = match Command::parse().area {
        Area::Btf(settings) => settings,
        Area::Objects(settings) => return done(objects::run(&settings)),
        Area::Light(settings) => return done(light::run(&settings)),
        Area::Sections => return done(Ok(sections::run())),
        Area::Link(settings) => return done(link::run(&settings)),
    };
    let wanted = |name: &str| {
        settings.subjects.is_empty() || settings.subjects.iter().any(|word| name.contains(word.as_str()))
    };
    if !btf::SUBJECTS.iter().any(|subject| wanted(subject.name)) {
        let names: Vec<&str> = btf::SUBJECTS.iter().map(|subject| subject.name).collect();
        eprintln!("conformance: no such subject; there are: {}", names.join(", "));
        return ExitCode::from(2);
    }
    if !settings.json {
        println!("{}", tally::HEADER);
    }
    let (mut different, mut failed) = (0, 0);
    for subject in btf::SUBJECTS.iter().filter(|subject| wanted(subject.name)) {
        let mut tally = tally::Tally::new(subject.name);
        if let Err(error) = (subject.run)(&settings, &mut tally) {
            eprintln!("conformance: {}: {error}", subject.name);
            failed += 1;
        }
        for row in tally.into_rows() {
            different += row.different;
            if settings.json {
                println!("{}", serde_json::to_string(&row).expect("a row is plain data"));
            } else {
                println!("{row}");
            }
        }
    }
    if !settings.json {
        println!("{different} cases differ, {failed} subjects failed");
    }
    if different + failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
