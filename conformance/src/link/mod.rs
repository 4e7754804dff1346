//! The static linker: the kernel's selftests, linked by both libraries.
//!
//! Both have to take the same objects, and to make the same file of them, byte for byte. What is right where libbpf is
//! not counts as "same types":
//! - an extern map, or variable of an arena, that no object defines stays undefined, and jump tables lead to where the
//!   code is now ([`differences::comparable`]);
//! - the types tell an extern map that an object defines, and a weak variable that another overrides, where they are.
//!   libbpf does so only when it links its own file once more by itself (its selftests are linked three times). Then
//!   both files have to become the same.

mod differences;
mod sets;
mod theirs;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use oxbpf::ObjectSpec;
use oxbpf_obj::StaticLinker;

use crate::objects::{self, selftests};
use crate::random::Random;
use crate::tally::{self, Tally, Verdict};
use crate::{Outcome, done_rows, inputs};
use theirs::Failure;

/// Links the kernel's selftests with both libraries, in pairs and in sets of up to 50, and those of `testdata/linked`.
#[derive(Debug, Args)]
pub(crate) struct Link {
    /// Print one JSON object a row
    #[arg(long)]
    json: bool,

    /// How many random pairs; there is one set for every hundred, and at least two
    #[arg(long, default_value_t = 500)]
    cases: u64,

    /// Where the random cases start
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Have both libraries load the files that come out of so many pairs, of all sets and of testdata, too (needs root)
    #[arg(long, value_name = "PAIRS")]
    load: Option<u64>,

    /// Take what is in the cache: compile nothing
    #[arg(long)]
    no_build: bool,
}

pub(crate) fn run(settings: &Link) -> Outcome<bool> {
    let selftests = if settings.no_build { selftests::found()? } else { selftests::build()? };
    let objects = selftests.objects;
    let folder = std::env::temp_dir().join(format!("oxbpf-link-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let loaded = folder.join("loaded");
    fs::create_dir_all(&loaded)?;
    let pairs_to_load = settings.load.unwrap_or(0);
    let mut cases = Cases { tally: Tally::new("link"), folder: folder.clone(), pairs_to_load };
    let result = cases.all(settings, &objects).and_then(|()| {
        if !settings.json {
            println!("{}", tally::HEADER);
        }
        let same = done_rows(cases.tally, settings.json);
        let load = || objects::same_verdicts(loaded, settings.json);
        Ok(if settings.load.is_some() { load()? && same } else { same })
    });
    fs::remove_dir_all(&folder)?;
    result
}

const OURS: &str = "ours.bpf.o";
const THEIRS: &str = "theirs.bpf.o";

struct Cases {
    tally: Tally,
    /// Where linked files go.
    folder: PathBuf,
    /// How many pairs are still to be loaded.
    pairs_to_load: u64,
}

impl Cases {
    fn all(&mut self, settings: &Link, objects: &[PathBuf]) -> Outcome<()> {
        for object in objects {
            self.case("alone", std::slice::from_ref(object))?;
        }
        let linked: Vec<PathBuf> = objects.iter().filter(|path| is_linked(path)).cloned().collect();
        for set in sets::of_the_selftests(&linked) {
            self.case("selftests of linking", &set)?;
        }
        for object in inputs::all_objects()? {
            self.case("testdata, alone", &[object])?;
        }
        for (n, set) in sets::of_this_repository()?.iter().enumerate() {
            if self.case("testdata, linked", set)? {
                self.keep(&format!("testdata-{n}"))?;
            }
        }
        for n in 0..settings.cases {
            let mut random = Random::new(settings.seed + n);
            let pair = [random.pick(objects).clone(), random.pick(objects).clone()];
            let linked = self.case("pairs", &pair)?;
            if linked && self.pairs_to_load > 0 {
                self.pairs_to_load -= 1;
                self.keep(&format!("pair-{n}"))?;
            }
        }
        for n in 0..(settings.cases / 100).max(2) {
            let mut random = Random::new(settings.seed + n);
            let size = random.from(3..=50) as usize;
            let set = sets::that_link(&mut random, objects, if n == 0 { 50 } else { size }, &self.folder)?;
            if self.case("sets of up to 50", &set)? {
                self.keep(&format!("set-{n}-of-{}", set.len()))?;
            }
        }
        Ok(())
    }

    /// Keeps what was linked last to be loaded: both files, if they are not the same.
    fn keep(&self, name: &str) -> Outcome<()> {
        let (ours, theirs) = (self.folder.join(OURS), self.folder.join(THEIRS));
        let loaded = self.folder.join("loaded");
        fs::copy(&ours, loaded.join(format!("{name}.o")))?;
        if fs::read(ours)? != fs::read(&theirs)? {
            fs::copy(theirs, loaded.join(format!("{name}-by-libbpf.o")))?;
        }
        Ok(())
    }

    /// Compares what becomes of these, and says whether anything does.
    fn case(&mut self, input: &'static str, set: &[PathBuf]) -> Outcome<bool> {
        let (path_a, path_b) = (self.folder.join(OURS), self.folder.join(THEIRS));
        let (ours, theirs) = (link(set), theirs::link(set, &path_b)?);
        let linked = ours.is_ok() && theirs.is_ok();
        let (mut input, alone) = (input, set.len() == 1);
        let verdict = match (&ours, theirs) {
            (Err(_), Err(Failure::Refused(_))) => {
                input = if alone { "alone, refused by both" } else { "refused by both" };
                Verdict::Equal
            }
            (Err(_), Err(Failure::Died(_))) => {
                input = "refused, libbpf dies";
                Verdict::Equal
            }
            // Met by a definition, what is wanted of the kernel: libbpf takes it if it comes first.
            (Err(error), Ok(())) if error.contains("it is in section") && !theirs::opens(&path_b)? => {
                input = "refused, libbpf's is bad";
                Verdict::Equal
            }
            (Err(error), Ok(())) => Verdict::Different(format!("libbpf links it, we do not: {error}")),
            (Ok(_), Err(error)) => Verdict::Different(format!("we link it, libbpf does not: {error}")),
            (Ok(ours), Ok(())) => {
                fs::write(&path_a, ours)?;
                self.compare(ours, &path_a, &path_b)?
            }
        };
        let names = || {
            let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            set.iter().map(name).collect::<Vec<_>>().join(" ")
        };
        self.tally.add(input, names, verdict);
        Ok(linked)
    }

    fn compare(&mut self, ours: &[u8], path_a: &Path, path_b: &Path) -> Outcome<Verdict> {
        let theirs = fs::read(path_b)?;
        if ours != theirs && differences::comparable(ours) == differences::comparable(&theirs) {
            return Ok(Verdict::SameTypes);
        }
        if let Err(error) = ObjectSpec::parse(ours)
            && theirs::opens(path_b)?
        {
            return Ok(Verdict::Different(format!("libbpf opens it, we do not: {error}")));
        }
        if ours == theirs {
            return Ok(Verdict::Equal);
        }
        // Where it is libbpf that has not come to an end, it does now.
        let (again_a, again_b) = (self.folder.join("again-a.o"), self.folder.join("again-b.o"));
        for (once, again) in [(path_a, &again_a), (path_b, &again_b)] {
            if let Err(failure) = theirs::link(&[once.to_owned()], again)? {
                let once = once.file_name().unwrap_or_default().to_string_lossy();
                let differ = differences::describe(ours, &theirs);
                return Ok(Verdict::Different(format!("{differ}; libbpf does not link {once}: {failure}")));
            }
        }
        let again = [fs::read(again_a)?, fs::read(again_b)?].map(|file| differences::comparable(&file));
        if again[0] == again[1] {
            return Ok(Verdict::SameTypes);
        }
        Ok(Verdict::Different(differences::describe(ours, &theirs)))
    }
}

fn is_linked(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("linked_"))
}

/// What our linker makes of them.
fn link(set: &[PathBuf]) -> Result<Vec<u8>, String> {
    let mut linker = StaticLinker::new();
    for path in set {
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        linker.add(&path.to_string_lossy(), &bytes).map_err(|error| error.to_string())?;
    }
    linker.finish().map_err(|error| error.to_string())
}
