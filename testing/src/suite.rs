//! Collecting tests and running them.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::{Need, mounts};

/// What a test gives: an error fails it, but for [`Skip`], which reports it as ignored.
pub type TestResult = Result<(), Box<dyn Error + Send + Sync>>;

/// The error of a test that found, while it ran, that this machine lacks what it needs.
#[derive(Debug)]
pub struct Skip(String);

impl Skip {
    /// With the reason, as in "needs a libc that is dynamically linked".
    pub fn because(reason: impl Into<String>) -> Skip {
        Skip(reason.into())
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Skip {}

/// The names of skipped tests and why.
type Skips = Arc<Mutex<Vec<(String, String)>>>;

/// The tests of one binary with `harness = false`.
#[derive(Default)]
pub struct Suite {
    trials: Vec<Trial>,
    skips: Skips,
    one_at_a_time: bool,
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite").field("tests", &self.trials.len()).finish()
    }
}

impl Suite {
    /// An empty suite.
    #[must_use]
    pub fn new() -> Suite {
        Suite::default()
    }

    /// Adds a test. It runs if this machine has all that it needs.
    pub fn test(
        &mut self,
        name: impl Into<String>,
        needs: &[Need],
        run: impl FnOnce() -> TestResult + Send + 'static,
    ) {
        let name = name.into();
        let needs = needs.to_vec();
        let skips = Arc::clone(&self.skips);
        let trial = Trial::ignorable_test(name.clone(), move || {
            let missing = needs.iter().find_map(Need::missing);
            let result = match missing {
                Some(reason) => Err(Skip(reason).into()),
                None => run(),
            };
            let Err(error) = result else { return Ok(Completion::Completed) };
            match error.downcast::<Skip>() {
                Ok(skip) => {
                    let mut skips = skips.lock().unwrap_or_else(PoisonError::into_inner);
                    skips.push((name, skip.0.clone()));
                    Ok(Completion::ignored_with(skip.0))
                }
                Err(error) => Err(Failed::from(with_causes(error.as_ref()))),
            }
        });
        self.trials.push(trial);
    }

    /// Has the tests run one after another: for those that look at the whole process, at its descriptors for one.
    pub fn one_at_a_time(&mut self) {
        self.one_at_a_time = true;
    }

    /// Runs the tests as the command line says (a filter, `--list`, `--test-threads`, as for any test binary),
    /// and closes with the list of those that were skipped, one `skipped: NAME: REASON` a line.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        if self.one_at_a_time {
            arguments.test_threads = Some(1);
        }
        if !arguments.list {
            mounts::mount_missing();
        }
        let conclusion = libtest_mimic::run(&arguments, self.trials);
        let mut skips = self.skips.lock().unwrap_or_else(PoisonError::into_inner);
        skips.sort();
        for (name, reason) in skips.iter() {
            println!("skipped: {name}: {reason}");
        }
        conclusion.exit_code()
    }
}

/// The error in full, and below it what caused it.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{error:#}");
    let mut next = error.source();
    while let Some(cause) = next {
        let line = cause.to_string();
        // Many errors tell their cause themselves.
        if !text.contains(&line) {
            text.push_str(&format!("\n  caused by: {line}"));
        }
        next = cause.source();
    }
    text
}
