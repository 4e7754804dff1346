//! What stands in a program's instructions.

use std::collections::{BTreeMap, BTreeSet};

use super::loops;
use super::need::{Release, Whose};
use crate::core_check::line_at;
use crate::insn::{Insn, TAIL_CALL, TAIL_CALL_BESIDE_FUNCTIONS, helper_name, opcode as op};
use crate::relo_core::shortened;
use crate::{Btf, FixupKind, ProgramImage};

/// Instructions that a program may have before Linux 5.2.
const FEW: usize = 4096;

/// What was found, each thing with the first instruction that has it.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) helpers: BTreeMap<u32, usize>,
    /// Externs by index.
    pub(super) symbols: BTreeMap<usize, usize>,
    /// Maps by index.
    pub(super) maps: BTreeSet<usize>,
    /// Instructions that not every kernel takes, by what they are.
    pub(super) features: BTreeMap<&'static str, (Release, usize)>,
    /// What the kernel minds however the program runs.
    pub(super) shape: BTreeMap<&'static str, (Release, usize)>,
}

impl Scan {
    pub(super) fn of(image: &ProgramImage) -> Self {
        let mut found = Self::default();
        let mut fixups = image.fixups.iter().peekable();
        let mut at = 0_usize;
        while let Some(insn) = image.insns.get(at) {
            let mut known = false;
            while let Some(fixup) = fixups.next_if(|fixup| fixup.insn <= at) {
                known |= fixup.insn == at && found.refers(fixup.kind, at);
            }
            if !known {
                found.instruction(*insn, at);
            }
            at = at.saturating_add(if insn.is_ldimm64() { 2 } else { 1 });
        }
        found.whole(image);
        found
    }

    /// Takes note of a reference; whether it says all about the instruction.
    fn refers(&mut self, kind: FixupKind, at: usize) -> bool {
        match kind {
            FixupKind::MapFd { map } | FixupKind::MapValue { map, .. } => {
                self.maps.insert(map);
                false
            }
            FixupKind::Ksym { index } | FixupKind::Kfunc { index } => {
                self.symbols.entry(index).or_insert(at);
                true
            }
            _ => false,
        }
    }

    fn instruction(&mut self, insn: Insn, at: usize) {
        if insn.is_helper_call() {
            if let Ok(id) = u32::try_from(insn.imm) {
                self.helpers.entry(id).or_insert(at);
            }
        } else if let Some((since, what)) = insn.since() {
            self.features.entry(what).or_insert((since.into(), at));
        }
    }

    /// What only the whole program shows.
    fn whole(&mut self, image: &ProgramImage) {
        let starts = image.functions.iter().map(|(_, start)| *start);
        let ends = starts.clone().skip(1).chain([image.insns.len()]);
        for (start, end) in starts.zip(ends) {
            if let Some(at) = loops::first(image.insns.get(start..end).unwrap_or_default()) {
                let at = start.saturating_add(at);
                // A may_goto makes loops that are younger still, and has told so.
                let by_may_goto =
                    image.insns.get(at).is_some_and(|insn| insn.code == op::CLASS_JMP | op::JCOND);
                if !by_may_goto {
                    self.shape.entry("loop").or_insert(((5, 3).into(), at));
                }
            }
        }
        if image.insns.len() > FEW {
            self.shape.insert("more than 4096 instructions", ((5, 2).into(), FEW));
        }
        if image.functions.len() > 1
            && let Some(at) = self.helpers.get(&TAIL_CALL)
        {
            let (since, what) = TAIL_CALL_BESIDE_FUNCTIONS;
            self.features.insert(what, (since.into(), *at));
        }
    }
}

/// The first instruction of a program that may lead elsewhere; it and those before it are verified in any case.
pub(super) fn first_branch(image: &ProgramImage) -> usize {
    let mut at = 0_usize;
    while let Some(insn) = image.insns.get(at) {
        let operation = insn.code & op::OP_MASK;
        let jumps = matches!(insn.class(), op::CLASS_JMP | op::CLASS_JMP32) && operation != op::CALL;
        if jumps {
            break;
        }
        at = at.saturating_add(if insn.is_ldimm64() { 2 } else { 1 });
    }
    at
}

/// Where in a program an instruction of its image stands.
pub(super) fn place(btf: Option<&Btf>, program: &str, image: &ProgramImage, at: usize) -> Whose {
    let after = image.functions.partition_point(|(_, start)| *start <= at);
    let function = after.checked_sub(1).and_then(|last| image.functions.get(last));
    let (function, start) = function.map_or(("?", 0), |(name, start)| (name.as_str(), *start));
    Whose::Instruction {
        program: program.to_owned(),
        function: shortened(function),
        insn: at.saturating_sub(start),
        line: u32::try_from(at).ok().and_then(|at| line_at(btf?, &image.line_info, at)),
    }
}

/// What a helper is called, as a need says it.
pub(super) fn helper(id: u32) -> String {
    helper_name(id).map_or_else(
        || format!("helper {id}, which no kernel known here has"),
        |name| format!("helper {name}"),
    )
}
