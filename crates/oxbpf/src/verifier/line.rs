//! What a line of the log is.
//!
//! The forms have changed over the years; those of Linux 5.10 to 6.18 are known here. What changed most is how
//! registers are shown: up to 5.16 on lines of their own at some points, since 5.17 behind each instruction, and
//! then only those that it changed.

/// A line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `12: (85) call bpf_foo#1   ; R0_w=scalar()`.
    Insn { index: usize, text: &'a str, after: After<'a> },
    /// Registers, on a line of their own.
    State { text: &'a str, of: Of },
    /// `; if (x) @ file.c:12`.
    Source { text: &'a str, file: Option<&'a str>, line: Option<u32> },
    /// `processed 8 insns (limit 1000000) ...`.
    Stats(&'a str),
    /// `Validating name() func#1...`: a global function is verified by itself.
    Validating(&'a str),
    /// How the verifier looks back for where a value came from: states that follow are of earlier points.
    Backtrack,
    /// Of no interest here.
    Note,
    /// A remark that is the reason only if there is no other.
    Remark(&'a str),
    /// Anything else: mostly the reason.
    Message(&'a str),
}

/// Which registers a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// All: ` frame1: R1=...`, unless the verifier is looking back.
    All,
    /// All, now: `cur state: R1=...`.
    Now,
    /// All, at the beginning of another path: `from 12 to 14: R1=...`.
    Path,
    /// All or those that changed, before this instruction: `14: R1=...`.
    Before(usize),
}

/// What follows an instruction on its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After<'a> {
    Nothing,
    /// Registers that it changed.
    Changed(&'a str),
    /// All registers, at the instruction that comes next: the jump or call was taken.
    Next(&'a str),
}

/// Beginnings of lines of no interest.
const NOTES: &[&str] = &[
    "verification time ",
    "stack depth ",
    "func#",
    "caller:",
    "callee:",
    "returning from callee",
    "to caller at",
    "propagating ",
    "safe",
    "old state:",
    "Live regs before insn",
    "subprog#",
    "total_states ",
];

/// Beginnings of lines about how the verifier looks back.
const BACKTRACKS: &[&str] = &["last_idx ", "regs=", "parent ", "mark_precise: "];

impl<'a> Line<'a> {
    pub(super) fn read(line: &'a str) -> Self {
        let line = line.trim_end();
        if line.is_empty() {
            return Self::Note;
        }
        if let Some(source) = line.strip_prefix(';') {
            return read_source(source.trim_start());
        }
        if let Some((index, rest)) = numbered(line) {
            return read_numbered(index, rest).unwrap_or(Self::Note);
        }
        if let Some(indented) = line.strip_prefix(' ') {
            let text = indented.trim_start();
            return if is_state(text) { Self::State { text, of: Of::All } } else { Self::Note };
        }
        if let Some(text) = line.strip_prefix("cur state: ") {
            return Self::State { text, of: Of::Now };
        }
        if let Some(path) = line.strip_prefix("from ") {
            return read_path(path).unwrap_or(Self::Message(line));
        }
        if line.strip_prefix("processed ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            return Self::Stats(line);
        }
        if let Some(rest) = line.strip_prefix("Validating ") {
            return Self::Validating(rest.split_once("()").map_or(rest, |(name, _)| name));
        }
        if BACKTRACKS.iter().any(|start| line.starts_with(start)) {
            return Self::Backtrack;
        }
        if is_state(line) {
            return Self::State { text: line, of: Of::All };
        }
        if NOTES.iter().any(|start| line.starts_with(start))
            || line.strip_prefix("frame ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            || (line.starts_with("Func#") && line.contains("is safe for any args"))
        {
            return Self::Note;
        }
        if is_remark(line) { Self::Remark(line) } else { Self::Message(line) }
    }
}

/// Remarks about arguments that the kernel makes before it tries another way.
fn is_remark(line: &str) -> bool {
    let about_argument = |rest: &str| {
        rest.contains(" type is not a struct")
            || rest.contains(" reference type(")
            || rest.contains(" type PTR")
    };
    line.starts_with("reg type unsupported for arg#")
        || line.strip_prefix("arg#").is_some_and(about_argument)
        || line.strip_prefix("Unrecognized arg#").is_some_and(about_argument)
}

/// `12: rest`.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = line.split_once(':')?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    Some((if is_number { number.parse().ok()? } else { return None }, rest.trim_start()))
}

fn read_numbered(index: usize, rest: &str) -> Option<Line<'_>> {
    if is_state(rest) {
        return Some(Line::State { text: rest, of: Of::Before(index) });
    }
    let (code, rest) = rest.strip_prefix('(')?.split_once(')')?;
    if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let (text, after) = split_insn(rest.trim_start());
    Some(Line::Insn { index, text: text.trim_end(), after })
}

/// Splits what follows the instruction from it.
fn split_insn(text: &str) -> (&str, After<'_>) {
    let changed = text.find(';');
    // `goto pc+1 4: R0=9 R1=...`: only in front of a semicolon, they are also inside of register values.
    let until = changed.unwrap_or(text.len());
    let head = text.get(..until).unwrap_or(text);
    if let Some(at) = head.find(": frame").or_else(|| head.find(": R")) {
        let before = head.get(..at).unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
        if before.len() < at && before.ends_with(' ') {
            let state = text.get(at.saturating_add(2)..).unwrap_or_default();
            return (before, After::Next(state));
        }
    }
    match changed {
        Some(at) => (head, After::Changed(text.get(at.saturating_add(1)..).unwrap_or_default().trim_start())),
        None => (text, After::Nothing),
    }
}

/// `12 to 14: R1=...`, `12 to 14 (speculative execution): safe`.
fn read_path(path: &str) -> Option<Line<'_>> {
    let (numbers, rest) = path.split_once(':')?;
    let (from, to) = numbers.split_once(" to ")?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(from) || !is_number(to.split(' ').next()?) {
        return None;
    }
    let text = rest.trim_start();
    Some(if text.starts_with("safe") { Line::Note } else { Line::State { text, of: Of::Path } })
}

fn read_source(text: &str) -> Line<'_> {
    let at_place = text.rsplit_once(" @ ").and_then(|(text, place)| {
        let (file, line) = place.rsplit_once(':')?;
        Some((text, file, line.parse().ok()?))
    });
    // A line of source with no text on it is `; @ file.c:12`.
    let bare_place = || {
        let (file, line) = text.strip_prefix("@ ")?.rsplit_once(':')?;
        Some(("", file, line.parse().ok()?))
    };
    match at_place.or_else(bare_place) {
        Some((text, file, line)) => Line::Source { text, file: Some(file), line: Some(line) },
        None => Line::Source { text, file: None, line: None },
    }
}

/// Whether this is a list of registers: `R1=ctx() R10=fp0`, `frame1: R1_w=...`.
fn is_state(text: &str) -> bool {
    let digits = |text: &str, prefix: &str| {
        let rest = text.strip_prefix(prefix)?;
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        (after.len() < rest.len()).then(|| after.chars().next()).flatten()
    };
    matches!(digits(text, "R"), Some('=' | '_')) || digits(text, "frame") == Some(':')
}
