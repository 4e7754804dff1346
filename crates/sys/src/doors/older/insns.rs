//! Instructions and helpers, by the kernels that brought them.

use oxbpf_obj::insn::{TAIL_CALL, TAIL_CALL_BESIDE_FUNCTIONS, helper_since};
use oxbpf_obj::{Endian, Insn};

use crate::KernelVersion;

/// Why a kernel of `version` would not take these instructions, if it would not.
pub(super) fn newer(version: KernelVersion, insns: &[u8]) -> Option<String> {
    let (slots, _) = insns.as_chunks::<{ Insn::SIZE }>();
    let mut slots = slots.iter().enumerate();
    let (mut calls_functions, mut tail_call) = (false, None);
    while let Some((at, slot)) = slots.next() {
        let insn = Insn::decode(*slot, Endian::NATIVE);
        if insn.is_helper_call() && u32::try_from(insn.imm).ok().and_then(helper_since).is_none() {
            return Some(format!("{at}: unknown func {}", insn.imm));
        }
        if let Some(((major, minor), what)) = insn.since()
            && !version.at_least(major.into(), minor.into())
        {
            let what = if insn.is_helper_call() { "unknown func" } else { what };
            return Some(format!("{at}: {what}: Linux {major}.{minor}"));
        }
        calls_functions |= insn.is_pseudo_call();
        if insn.is_helper_call() && insn.imm.cast_unsigned() == TAIL_CALL {
            tail_call = tail_call.or(Some(at));
        }
        if insn.is_ldimm64() {
            slots.next();
        }
    }
    let ((major, minor), what) = TAIL_CALL_BESIDE_FUNCTIONS;
    let at = tail_call.filter(|_| calls_functions && !version.at_least(major.into(), minor.into()))?;
    Some(format!("{at}: {what}: Linux {major}.{minor}"))
}
