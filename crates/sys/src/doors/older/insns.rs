//! Instructions and helpers, by the kernels that brought them.

use crate::KernelVersion;

/// Why a kernel of `version` would not take these instructions, if it would not.
pub(super) fn newer(version: KernelVersion, insns: &[u8]) -> Option<String> {
    let mut at = 0;
    while let Some(insn) = insns.get(at * 8..at * 8 + 8) {
        let insn = Fields::of(insn)?;
        if let Some(((major, minor), what)) = since(&insn)
            && !version.at_least(major, minor)
        {
            return Some(format!("{at}: {what}: Linux {major}.{minor}"));
        }
        at += if insn.code == LD_IMM64 { 2 } else { 1 };
    }
    None
}

struct Fields {
    code: u8,
    src: u8,
    off: i16,
    imm: i32,
}

impl Fields {
    fn of(bytes: &[u8]) -> Option<Self> {
        let [code, regs, o0, o1, imm @ ..] = bytes else { return None };
        let src = if cfg!(target_endian = "little") { regs >> 4 } else { regs & 0xf };
        let imm = i32::from_ne_bytes(imm.try_into().ok()?);
        Some(Self { code: *code, src, off: i16::from_ne_bytes([*o0, *o1]), imm })
    }
}

const LD_IMM64: u8 = 0x18;
const CALL: u8 = 0x85;

/// The kernel that brought an instruction, and what it is; `None` for those that were always there.
fn since(insn: &Fields) -> Option<((u32, u32), &'static str)> {
    let (class, mode) = (insn.code & 7, insn.code & 0xe0);
    let atomic = class == 3 && mode == 0xc0;
    Some(match (insn.code, insn.src) {
        (CALL, 0) => (helper_since(insn.imm)?, "unknown func"),
        (CALL, 1) => ((4, 16), "call of a function"),
        (CALL, 2) => ((5, 13), "call of a kernel function"),
        (LD_IMM64, 2) => ((5, 2), "address of a map's value"),
        (LD_IMM64, 3) => ((5, 10), "address of a kernel variable"),
        (LD_IMM64, 4) => ((5, 13), "address of a function"),
        (LD_IMM64, 5 | 6) => ((5, 14), "map by index"),
        (0x06, _) => ((6, 6), "long jump"),
        (0xe5, _) => ((6, 9), "may_goto"),
        (0xd7, _) => ((6, 6), "byte swap"),
        _ if class == 6 => ((5, 1), "32-bit jump"),
        _ if atomic && insn.imm & 0xff00 != 0 => ((6, 15), "load-acquire or store-release"),
        _ if atomic && insn.imm != 0 => ((5, 12), "atomic operation"),
        _ if class == 1 && mode == 0x80 => ((6, 6), "sign-extending load"),
        // Moves and divisions that extend signs have an offset.
        (0xbf, _) if insn.off == 1 && insn.imm != 0 => ((6, 9), "cast of an arena's pointer"),
        _ if matches!(class, 4 | 7) && insn.off != 0 => ((6, 6), "signed operation"),
        _ => return None,
    })
}

/// Helpers have been numbered one after another; up to which number, by release.
static HELPERS: &[((u32, u32), i32)] = &[
    ((4, 9), 42),
    ((4, 12), 46),
    ((4, 13), 49),
    ((4, 14), 54),
    ((4, 15), 57),
    ((4, 16), 59),
    ((4, 17), 64),
    ((4, 18), 80),
    ((4, 19), 83),
    ((4, 20), 90),
    ((5, 0), 92),
    ((5, 1), 98),
    ((5, 2), 108),
    ((5, 3), 110),
    ((5, 5), 115),
    ((5, 6), 118),
    ((5, 7), 124),
    ((5, 8), 135),
    ((5, 9), 141),
    ((5, 10), 155),
    ((5, 11), 162),
    ((5, 12), 163),
    ((5, 13), 165),
    ((5, 14), 168),
    ((5, 15), 175),
    ((5, 16), 179),
    ((5, 17), 185),
    ((5, 18), 193),
    ((5, 19), 203),
    ((6, 0), 207),
    ((6, 1), 209),
    ((6, 2), 211),
];

/// The first release with a helper; `None` for those before all that matters here.
fn helper_since(id: i32) -> Option<(u32, u32)> {
    if id <= 42 {
        return None;
    }
    // A number beyond the last is no helper of any kernel.
    Some(HELPERS.iter().find(|(_, last)| id <= *last).map_or((u32::MAX, 0), |h| h.0))
}
