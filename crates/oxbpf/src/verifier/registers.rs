//! What the verifier knows of registers and stack slots, as its log tells it.

use super::Register;

/// Registers and stack slots that are kept; programs have 11 and 64 a frame.
const MAX_ENTRIES: usize = 96;

/// Known registers and stack slots of the function that is being verified.
#[derive(Debug, Default)]
pub(super) struct Registers<'a> {
    frame: usize,
    known: Vec<(&'a str, &'a str)>,
}

impl<'a> Registers<'a> {
    /// Number of the frame: 0 for the program, 1 for a function it calls, and so on.
    pub(super) fn frame(&self) -> usize {
        self.frame
    }

    /// Takes over a list of all registers.
    pub(super) fn replace(&mut self, text: &'a str) {
        let (frame, list) = split_frame(text);
        self.frame = frame;
        self.known.clear();
        self.merge(list);
    }

    /// Takes over a list of changed registers.
    pub(super) fn update(&mut self, text: &'a str) {
        let (frame, list) = split_frame(text);
        if frame != self.frame {
            self.known.clear();
            self.frame = frame;
        }
        self.merge(list);
    }

    /// Forgets what an instruction changed where the log does not say to what.
    pub(super) fn forget_results(&mut self, insn: &str) {
        if is_call(insn) {
            self.forget_call();
            return;
        }
        let Some(register) = insn.strip_prefix(['r', 'w']) else { return };
        let end = register.find(|c: char| !c.is_ascii_digit()).unwrap_or(register.len());
        let (number, rest) = register.split_at(end);
        // `r1 = ...`, `r1 += ...`; a comparison is no change, and begins with `if`.
        if rest.trim_start().contains('=') {
            self.known.retain(|(name, _)| name.strip_prefix('R') != Some(number));
        }
    }

    /// Forgets what a helper or kernel function leaves undefined: its arguments, and the result until it is told.
    pub(super) fn forget_call(&mut self) {
        self.known.retain(|(name, _)| !matches!(*name, "R0" | "R1" | "R2" | "R3" | "R4" | "R5"));
    }

    pub(super) fn take(&mut self) -> Vec<Register> {
        let mut known = std::mem::take(&mut self.known);
        // The frame pointer is what it always is.
        known.retain(|(name, _)| *name != "R10");
        known.sort_by_key(|(name, _)| order(name));
        known
            .into_iter()
            .map(|(name, state)| Register { name: name.to_owned(), state: state.to_owned() })
            .collect()
    }

    fn merge(&mut self, list: &'a str) {
        // References that are held are told each time.
        self.known.retain(|(name, _)| *name != "refs");
        for entry in entries(list) {
            let Some((name, state)) = entry.split_once('=') else { continue };
            // `R1_w` tells that it was written; how it is used is the verifier's business.
            let name = name.split_once('_').map_or(name, |(name, _)| name);
            if let Some(known) = self.known.iter_mut().find(|(known, _)| *known == name) {
                known.1 = state;
            } else if self.known.len() < MAX_ENTRIES {
                self.known.push((name, state));
            }
        }
    }
}

/// Whether an instruction calls something.
pub(super) fn is_call(insn: &str) -> bool {
    insn.starts_with("call ")
}

/// Registers by number, then stack slots from the frame pointer down, then the rest.
fn order(name: &str) -> (u8, u64) {
    let number = |rest: &str| rest.parse().unwrap_or(u64::MAX);
    match (name.strip_prefix('R'), name.strip_prefix("fp-")) {
        (Some(rest), _) => (0, number(rest)),
        (_, Some(rest)) => (1, number(rest)),
        _ => (2, 0),
    }
}

/// `frame1: R1=...`.
fn split_frame(text: &str) -> (usize, &str) {
    let framed = text.strip_prefix("frame").and_then(|rest| {
        let (number, list) = rest.split_once(':')?;
        Some((number.parse().ok()?, list))
    });
    framed.unwrap_or((0, text))
}

/// Splits at spaces that are not inside parentheses: `R0=scalar(umax=15,var_off=(0x0; 0xf)) R1=ctx()`.
fn entries(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0u32;
    list.split(move |c: char| {
        match c {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ' ' && depth == 0
    })
    .filter(|entry| !entry.is_empty())
}
