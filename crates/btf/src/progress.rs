//! Telling how far long work has come, and being told to stop it.

use std::{fmt, ops::ControlFlow};

use crate::Error;

/// How far long work has come. It goes through phases; in each, `done` goes up to `total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done, in a word or two: "strings", "structs".
    pub phase: &'static str,
    /// How much of the phase is done.
    pub done: u64,
    /// How much there is to do in the phase, usually types.
    pub total: u64,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} of {}", self.phase, self.done, self.total)
    }
}

/// What long work calls now and then, a few hundred times in all at most. `Break` stops the work, which then
/// gives [`Error::Cancelled`].
///
/// ```
/// use std::ops::ControlFlow;
/// use oxbpf_btf::{Progress, ProgressFn};
///
/// let mut bar = |progress: Progress| {
///     eprintln!("{progress}");
///     ControlFlow::Continue(())
/// };
/// let option: Option<&mut ProgressFn<'_>> = Some(&mut bar);
/// # drop(option);
/// ```
pub type ProgressFn<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// Calls a [`ProgressFn`] often enough and not too often, for work of your own that is as long.
///
/// ```
/// use std::ops::ControlFlow;
/// use oxbpf_btf::{Progress, Reporter};
///
/// # fn main() -> Result<(), oxbpf_btf::Error> {
/// let mut calls = 0;
/// let mut count = |_: Progress| {
///     calls += 1;
///     ControlFlow::Continue(())
/// };
/// let mut report = Reporter::new(Some(&mut count));
/// report.phase("files", 10_000)?;
/// for _ in 0..10_000 {
///     report.step()?;
/// }
/// assert!(calls < 100);
/// # Ok(()) }
/// ```
pub struct Reporter<'a> {
    to: Option<&'a mut ProgressFn<'a>>,
    phase: &'static str,
    done: u64,
    total: u64,
    /// When to call next.
    next: u64,
}

/// How many calls a phase is worth.
const CALLS: u64 = 64;

impl<'a> Reporter<'a> {
    /// One that calls this; nothing, if it is none.
    pub fn new(to: Option<&'a mut ProgressFn<'a>>) -> Self {
        Reporter { to, phase: "", done: 0, total: 0, next: 0 }
    }

    /// Starts a phase of so many steps.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if it was told to stop.
    pub fn phase(&mut self, phase: &'static str, total: usize) -> Result<(), Error> {
        let total = total as u64;
        (self.phase, self.done, self.total) = (phase, 0, total);
        self.tell()
    }

    /// Goes on by one step.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if it was told to stop.
    #[inline]
    pub fn step(&mut self) -> Result<(), Error> {
        self.steps(1)
    }

    /// Goes on by so many steps at once.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if it was told to stop.
    #[inline]
    pub fn steps(&mut self, count: u64) -> Result<(), Error> {
        self.done = self.done.saturating_add(count);
        if self.done >= self.next { self.tell() } else { Ok(()) }
    }

    #[cold]
    fn tell(&mut self) -> Result<(), Error> {
        self.next = self.done.saturating_add((self.total / CALLS).max(1));
        let Self { phase, done, total, .. } = *self;
        match self.to.as_deref_mut().map(|to| to(Progress { phase, done, total })) {
            Some(ControlFlow::Break(())) => Err(Error::Cancelled { phase }),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Reporter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phase, done, total, .. } = self;
        f.debug_struct("Reporter").field("phase", phase).field("done", done).field("total", total).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_few_and_reach_the_end() {
        let mut told = Vec::new();
        let mut note = |p: Progress| {
            told.push(p.done);
            ControlFlow::Continue(())
        };
        let mut reporter = Reporter::new(Some(&mut note));
        reporter.phase("types", 10_000).unwrap();
        (0..10_000).for_each(|_| reporter.step().unwrap());
        assert!((60..80).contains(&told.len()), "{}", told.len());
        assert_eq!(told[0], 0);
        assert!(told.last().is_some_and(|&done| done > 9_800), "{told:?}");
    }

    #[test]
    fn a_break_stops() {
        let mut stop =
            |p: Progress| if p.done == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let mut reporter = Reporter::new(Some(&mut stop));
        reporter.phase("types", 10).unwrap();
        let steps = (0..10).take_while(|_| reporter.step().is_ok()).count();
        assert_eq!(steps, 2);
        reporter.phase("types", 10).unwrap();
        assert!(reporter.steps(2).is_ok() && reporter.steps(1).is_err());
        assert_eq!(reporter.phase("strings", 3), Ok(()));
    }
}
