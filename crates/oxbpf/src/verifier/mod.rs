//! What the verifier said of a program that it rejected.
//!
//! The kernel explains itself in a text made for people, hundreds of lines long, with the reason near the end.
//! [`VerifierError`] has that text, and what is in it: the reason, the instruction and the line of source that it is
//! about, the registers there, how the verifier came there.

mod line;
mod reason;
mod registers;
mod source;
mod stats;
mod walk;

use std::fmt;

use oxbpf_obj::relo_core::POISON;
use oxbpf_obj::{Btf, ProgramImage};
use oxbpf_sys::Errno;

/// Why the verifier rejected a program: its log, read.
///
/// `Display` is one line: program, reason, place. `{:#}` has the source, the instruction, the registers and what to do
/// about it under it, then the whole log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifierError {
    /// The program's name.
    pub program: String,
    /// The section it stands in.
    pub section: String,
    /// The kernel's error number, mostly `EACCES` or `EINVAL`.
    pub errno: Errno,
    /// The reason, in the verifier's words but for what only the loader knows: that a CO-RE relocation could not be
    /// resolved, or that a map was not created.
    pub reason: String,
    /// What mostly helps against it.
    pub advice: Option<&'static str>,
    /// The instruction that was refused.
    pub insn: Option<RejectedInsn>,
    /// The function that it is in.
    pub function: Option<String>,
    /// The line of source that it comes from.
    pub source: Option<SourceLine>,
    /// What is known of registers and stack slots before the instruction, in the function that it is in. Kernels up to
    /// 5.16 tell little of it.
    pub registers: Vec<Register>,
    /// Calls that lead to the function, the outermost first.
    pub calls: Vec<CallSite>,
    /// The lines of the log that lead to the instruction, at most 16: instructions, lines of source and jumps.
    pub path: Vec<String>,
    /// How much work it was.
    pub stats: Option<Stats>,
    /// The whole log.
    pub log: String,
}

/// The instruction that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedInsn {
    /// Its index in the program, functions included.
    pub index: usize,
    /// What it does, in the kernel's notation: `r1 = *(u64 *)(r0 +0)`. Empty if the log has not got so far.
    pub text: String,
}

/// A line of source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// The file, as it was given to the compiler.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// What stands there.
    pub text: String,
}

/// What the verifier knows of a register or of a stack slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// `R0` to `R9`, or `fp-8` for the slot that begins 8 bytes under the frame pointer; `refs` for the references that
    /// are held.
    pub name: String,
    /// What it holds: `ctx()`, `scalar(umax=15,var_off=(0x0; 0xf))`, `map_value_or_null(id=1,map=events,ks=4,vs=20)`.
    pub state: String,
}

/// A call on the way to the instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSite {
    /// Index of the call in the program.
    pub insn: usize,
    /// The function that calls.
    pub function: Option<String>,
}

/// How much work the verifier had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Instructions that it looked at, over all paths.
    pub processed: u64,
    /// How many it looks at before it gives up.
    pub limit: Option<u64>,
    /// The most states that it remembered at one instruction.
    pub max_states_per_insn: Option<u64>,
    /// States that it remembered.
    pub total_states: Option<u64>,
    /// The most that it remembered at a time.
    pub peak_states: Option<u64>,
}

impl VerifierError {
    /// Reads the log of a program that was refused with `errno`.
    ///
    /// `image` is what was loaded, and `btf` the types of its object: they tell the lines of source where the log does
    /// not, and what a poisoned instruction was to be. Any text will do for a log: one that is cut short, or none at
    /// all, gives an error that says less. It takes time in proportion to its length.
    pub fn parse(
        program: &str,
        section: &str,
        image: &ProgramImage,
        btf: Option<&Btf>,
        errno: Errno,
        log: String,
    ) -> Self {
        let report = walk::walk(&log);
        let insn = report
            .insn
            .map(|(index, text)| RejectedInsn { index, text: text.unwrap_or_default().to_owned() });
        let place = insn.as_ref().map(|insn| insn.index);
        let function = |insn| source::function_of(image, insn).map(str::to_owned);
        let poisoned = place.and_then(|insn| {
            let is_told = report.messages.iter().any(|message| message.contains("invalid func unknown#"));
            image.poisoned.iter().find(|poisoned| is_told && poisoned.insn == insn)
        });
        let reason = match poisoned {
            Some(poisoned) if poisoned.imm == POISON => {
                format!("cannot resolve CO-RE relocation {}", poisoned.description)
            }
            Some(poisoned) => poisoned.description.clone(),
            None if report.messages.is_empty() => no_reason(&log).to_owned(),
            None => report.messages.join("; "),
        };
        Self {
            program: program.to_owned(),
            section: section.to_owned(),
            errno,
            advice: reason::advice(&reason),
            reason,
            function: place.and_then(function).or_else(|| report.validating.map(str::to_owned)),
            source: source_line(&report, image, btf, place),
            registers: report.registers,
            calls: report.calls.iter().map(|&insn| CallSite { insn, function: function(insn) }).collect(),
            path: report.path.iter().map(|line| (*line).to_owned()).collect(),
            stats: report.stats,
            insn,
            log,
        }
    }
}

/// The line of source by the line info, which tells more than the log of most kernels, or by the log.
fn source_line(
    report: &walk::Report<'_>,
    image: &ProgramImage,
    btf: Option<&Btf>,
    place: Option<usize>,
) -> Option<SourceLine> {
    let known = place.and_then(|insn| source::line_of(image, btf?, insn));
    known.or_else(|| {
        let (text, file, line) = report.source?;
        Some(SourceLine { file: file.map(str::to_owned), line, text: text.to_owned() })
    })
}

fn no_reason(log: &str) -> &'static str {
    if log.trim().is_empty() { "the kernel gave no reason" } else { "the log ends before the reason" }
}

impl fmt::Display for VerifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "program {} rejected: {}", self.program, self.reason)?;
        match (&self.source, &self.insn) {
            (Some(SourceLine { file: Some(file), line: Some(line), .. }), _) => {
                write!(f, ", at {file}:{line}")?;
            }
            (_, Some(insn)) => write!(f, ", at instruction {}", insn.index)?,
            _ => {}
        }
        if f.alternate() { self.write_details(f) } else { Ok(()) }
    }
}

impl VerifierError {
    fn write_details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = self.source.as_ref().filter(|source| !source.text.is_empty()) {
            write!(f, "\n  source: {}", source.text)?;
        }
        if let Some(insn) = &self.insn {
            write!(f, "\n  instruction {}", insn.index)?;
            if !insn.text.is_empty() {
                write!(f, ": {}", insn.text)?;
            }
        }
        let own_function = self.function.as_ref().filter(|function| **function != self.program);
        if let Some(function) = own_function {
            write!(f, "\n  in function {function}")?;
        }
        for call in self.calls.iter().rev() {
            let function = call.function.as_deref().unwrap_or("?");
            write!(f, "\n  called by {function} at instruction {}", call.insn)?;
        }
        for Register { name, state } in &self.registers {
            write!(f, "\n  {name} = {state}")?;
        }
        if let Some(advice) = self.advice {
            write!(f, "\n  help: {advice}")?;
        }
        write!(f, "\n  section {}, {}", self.section, self.errno)?;
        if let Some(Stats { processed, limit: Some(limit), .. }) = self.stats {
            write!(f, ", {processed} of {limit} instructions processed")?;
        }
        match self.log.trim_end() {
            "" => Ok(()),
            log => write!(f, "\nthe verifier's log:\n{log}"),
        }
    }
}

impl std::error::Error for VerifierError {}
