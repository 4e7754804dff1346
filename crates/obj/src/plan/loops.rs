//! Loops in the instructions of a function, which the verifier takes since Linux 5.3.

use crate::insn::{Insn, opcode as op};

/// The instruction that closes a loop, if there is one; instructions are counted from the function's first.
pub(super) fn first(insns: &[Insn]) -> Option<usize> {
    /// Whether an instruction was met, and is on the way to the one at hand.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Seen {
        Not,
        OnWay,
        Done,
    }
    let mut seen = vec![Seen::Not; insns.len()];
    // Instructions on the way, each with the number of its next way out.
    let mut way: Vec<(usize, usize)> = vec![(0, 0)];
    while let Some((at, out)) = way.last_mut() {
        let (from, nth) = (*at, *out);
        *out = nth.saturating_add(1);
        if let Some(mark) = seen.get_mut(from) {
            *mark = Seen::OnWay;
        }
        match insns.get(from).and_then(|insn| outs(*insn, from).get(nth).copied().flatten()) {
            Some(to) => match seen.get(to) {
                Some(Seen::OnWay) => return Some(from),
                Some(Seen::Not) => way.push((to, 0)),
                _ => {}
            },
            None if nth < 2 => {}
            None => {
                if let Some(mark) = seen.get_mut(from) {
                    *mark = Seen::Done;
                }
                way.pop();
            }
        }
    }
    None
}

/// Where an instruction leads: on, and away.
fn outs(insn: Insn, at: usize) -> [Option<usize>; 2] {
    let next = at.checked_add(if insn.is_ldimm64() { 2 } else { 1 });
    let to = |distance: i64| {
        let to = i64::try_from(at).ok()?.checked_add(1)?.checked_add(distance)?;
        usize::try_from(to).ok()
    };
    let (class, operation) = (insn.class(), insn.code & op::OP_MASK);
    match (class, operation) {
        (op::CLASS_JMP, op::EXIT) => [None, None],
        (op::CLASS_JMP, op::CALL) => [next, None],
        // Its targets stand in a table.
        (op::CLASS_JMP, op::JA) if insn.code & op::SRC_MASK == op::X => [None, None],
        (op::CLASS_JMP, op::JA) => [to(insn.off.into()), None],
        (op::CLASS_JMP32, op::JA) => [to(insn.imm.into()), None],
        (op::CLASS_JMP | op::CLASS_JMP32, _) => [next, to(insn.off.into())],
        _ => [next, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::{Assembler, Cond, Reg::*};

    fn of(program: Assembler) -> Option<usize> {
        first(&program.finish().unwrap())
    }

    #[test]
    fn back_is_not_around() {
        let around = Assembler::new().label("a").add64_imm(R1, 1).if64_imm(Cond::Ne, R1, 9, "a").exit();
        assert_eq!(of(around), Some(1));
        // Goes back, but never comes there again.
        let back = Assembler::new()
            .jump("b")
            .label("a")
            .exit()
            .label("b")
            .ld_imm64(R0, 7)
            .if64_imm(Cond::Eq, R1, 0, "a")
            .jump("a");
        assert_eq!(of(back), None);
        assert_eq!(of(Assembler::new().label("a").jump_far("a")), Some(0));
        assert_eq!(of(Assembler::new().exit()), None);
        assert_eq!(first(&[]), None);
    }

    #[test]
    fn wild_jumps_lead_nowhere() {
        let wild = Insn { code: op::CLASS_JMP | op::JA, off: i16::MIN, ..Insn::default() };
        assert_eq!(first(&[wild, wild]), None);
        let many = vec![Insn { code: op::CLASS_JMP | op::JEQ, off: 1, ..Insn::default() }; 100_000];
        assert_eq!(first(&many), None);
    }
}
