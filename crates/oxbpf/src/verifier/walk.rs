//! One pass over the log.

use std::collections::VecDeque;

use super::line::{After, Line, Of};
use super::reason;
use super::registers::{self, Registers};
use super::stats;
use super::{Register, Stats};

/// Lines before the instruction that are kept.
const PATH: usize = 16;
/// Lines of the reason that are kept: the last ones.
const MESSAGES: usize = 3;
/// Frames that the kernel allows, and more.
const MAX_FRAMES: usize = 16;

/// What the log says. Borrowed from it where it can be.
#[derive(Debug, Default)]
pub(super) struct Report<'a> {
    /// The reason, most often one line.
    pub(super) messages: Vec<&'a str>,
    /// The instruction that was refused, with its text where the log has it.
    pub(super) insn: Option<(usize, Option<&'a str>)>,
    /// The line of source it is on: text, file, line.
    pub(super) source: Option<(&'a str, Option<&'a str>, Option<u32>)>,
    /// The global function that was verified by itself.
    pub(super) validating: Option<&'a str>,
    pub(super) registers: Vec<Register>,
    /// Calls that lead to the function the instruction is in, the outermost first.
    pub(super) calls: Vec<usize>,
    pub(super) path: Vec<&'a str>,
    pub(super) stats: Option<Stats>,
}

/// Reads a log. Every line is looked at once.
pub(super) fn walk(log: &str) -> Report<'_> {
    let mut walk = Walk::default();
    for line in log.split('\n') {
        walk.line(line);
    }
    walk.finish()
}

#[derive(Default)]
struct Walk<'a> {
    report: Report<'a>,
    messages: VecDeque<&'a str>,
    remark: Option<&'a str>,
    registers: Registers<'a>,
    /// The last instruction, and whether the log has told what it did.
    insn: Option<(usize, &'a str)>,
    is_told: bool,
    /// States that follow are of earlier points.
    is_backtracking: bool,
    /// Calls by the number of the frame that they are in.
    calls: Vec<usize>,
    path: VecDeque<&'a str>,
}

impl<'a> Walk<'a> {
    fn line(&mut self, line: &'a str) {
        match Line::read(line) {
            Line::Insn { index, text, after } => {
                self.go_on(line);
                self.insn(index, text, after);
            }
            Line::Source { text, file, line: number } => {
                self.go_on(line);
                self.report.source = Some((text, file, number));
            }
            Line::State { text, of } => match of {
                // While the verifier looks back, these are of earlier points.
                Of::All if self.is_backtracking => {}
                Of::Before(index) if self.comes_next(index) => self.changed(text),
                Of::All | Of::Now | Of::Before(_) => self.state(text),
                Of::Path => {
                    self.go_on(line);
                    // What comes before on another path does not lead here.
                    self.insn = None;
                    self.state(text);
                }
            },
            Line::Validating(name) => {
                let stats = self.report.stats.take();
                *self = Self::default();
                self.report.stats = stats;
                self.report.validating = Some(name);
            }
            Line::Stats(text) => self.report.stats = stats::read(text),
            Line::Backtrack => self.is_backtracking = true,
            Line::Remark(text) => self.remark = Some(text),
            Line::Message(text) => {
                if self.messages.len() == MESSAGES {
                    self.messages.pop_front();
                }
                self.messages.push_back(text);
            }
            Line::Note => {}
        }
    }

    /// The verifier went on: what it said before was no reason to stop.
    fn go_on(&mut self, line: &'a str) {
        self.messages.clear();
        self.remark = None;
        self.is_backtracking = false;
        if self.path.len() == PATH {
            self.path.pop_front();
        }
        self.path.push_back(line.trim_end());
    }

    fn insn(&mut self, index: usize, text: &'a str, after: After<'a>) {
        self.forget_results();
        self.insn = Some((index, text));
        self.is_told = true;
        match after {
            After::Nothing => self.is_told = false,
            After::Changed(list) => {
                if registers::is_call(text) {
                    self.registers.forget_call();
                }
                self.registers.update(list);
            }
            After::Next(list) => self.state(list),
        }
    }

    /// Forgets what the last instruction changed if the log has not told to what.
    fn forget_results(&mut self) {
        if let Some((_, text)) = self.insn
            && !self.is_told
        {
            self.registers.forget_results(text);
        }
    }

    /// Whether this is the last instruction or the one behind it, which is two further where the last has two slots.
    fn comes_next(&self, index: usize) -> bool {
        self.insn.is_some_and(|(last, _)| index.checked_sub(last).is_some_and(|distance| distance <= 2))
    }

    /// Registers that the last instruction changed, among others perhaps.
    fn changed(&mut self, text: &'a str) {
        self.forget_results();
        self.registers.update(text);
        self.is_told = true;
    }

    /// All registers.
    fn state(&mut self, text: &'a str) {
        let before = self.registers.frame();
        self.registers.replace(text);
        self.is_told = true;
        let frame = self.registers.frame().min(MAX_FRAMES);
        // One deeper than before: the last instruction called. Where a path is taken up again inside of a function,
        // the calls that led there are those seen last.
        if let Some((call, insn)) = self.insn
            && frame > before
            && registers::is_call(insn)
        {
            self.calls.truncate(frame.saturating_sub(1));
            self.calls.push(call);
        }
    }

    fn finish(self) -> Report<'a> {
        let Self { mut report, messages, remark, mut registers, insn, calls, path, .. } = self;
        report.messages = if messages.is_empty() { remark.into_iter().collect() } else { messages.into() };
        let named = report.messages.iter().find_map(|message| reason::insn_of(message));
        report.insn = match (insn, named) {
            // A reason that names its instruction may be about another than the last one seen.
            (_, Some(named)) => Some((named, text_of(named, &path))),
            (insn, None) => insn.map(|(index, text)| (index, Some(text))),
        };
        if report.messages.iter().any(|message| reason::is_about_all(message)) {
            report.insn = None;
            report.source = None;
        } else if report.insn.is_some() {
            report.calls = calls.into_iter().take(registers.frame()).collect();
            report.registers = registers.take();
        }
        report.path = path.into();
        report
    }
}

/// The text of an instruction that was among the last ones.
fn text_of<'a>(index: usize, path: &VecDeque<&'a str>) -> Option<&'a str> {
    path.iter().rev().find_map(|line| match Line::read(line) {
        Line::Insn { index: at, text, .. } if at == index => Some(text),
        _ => None,
    })
}
