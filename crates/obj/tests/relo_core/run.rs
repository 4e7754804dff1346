//! Relocating one instruction.

use oxbpf_btf::{Btf, CoreRelo, Endian, TypeId};
use oxbpf_obj::CoreTarget;
use oxbpf_obj::insn::{Insn, Regs, opcode};
use oxbpf_obj::relo_core::{Applied, Cause, CoreError, Problem, Relocator};

use crate::decl::Decl;

pub(crate) use oxbpf_btf::CoreReloKind as K;

/// What became of the instruction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Got {
    /// It has this value.
    Value(i64),
    /// It was poisoned.
    Poison(Cause),
    /// It could not be relocated.
    Error(Problem),
}

/// The target has no type of the name.
pub(crate) const NO_TYPE: Got = Got::Poison(Cause::NoType);
/// The target has the type without the field or enumerator.
pub(crate) const NO_MATCH: Got = Got::Poison(Cause::NoMatch);

/// An object's types with relocations against them.
pub(crate) struct Object {
    decl: Decl,
    relos: Vec<CoreRelo>,
    endian: Endian,
}

impl Object {
    pub(crate) fn new(types: &str) -> Self {
        Self { decl: Decl::new(types), relos: Vec::new(), endian: Endian::Little }
    }

    pub(crate) fn endian(mut self, endian: Endian) -> Self {
        self.endian = endian;
        self
    }

    /// Adds a relocation; `root` is the name of a type as in C.
    pub(crate) fn relo(mut self, kind: K, root: &str, access: &str) -> Self {
        let ty = self.decl.id(root);
        self.push(kind, ty, access);
        self
    }

    pub(crate) fn push(&mut self, kind: K, ty: TypeId, access: &str) {
        let access_str_off = self.decl.builder.add_str(access).unwrap();
        self.relos.push(CoreRelo { insn_off: 0, ty, access_str_off, kind });
    }

    pub(crate) fn btf(&self) -> Btf {
        self.decl.builder.build_as(self.endian).unwrap()
    }

    pub(crate) fn relos(&self) -> &[CoreRelo] {
        &self.relos
    }

    /// Applies every relocation to a 64-bit load of the value beside it, in order, and stops at an error.
    pub(crate) fn against(&self, targets: &[CoreTarget<'_>], old: &[i64]) -> Vec<Got> {
        let local = self.btf();
        let mut relocator = Relocator::new(&local, self.relos.iter().copied(), targets);
        let mut out = Vec::new();
        for (relo, old) in self.relos.iter().zip(old) {
            let mut insns = load(*old);
            let got = match relocator.apply(&mut insns, 0, relo) {
                Ok(Applied::Patched) => Got::Value(value(insns)),
                Ok(Applied::Poisoned(why)) => Got::Poison(why.cause),
                Err(CoreError { problem, .. }) => Got::Error(problem),
            };
            let failed = matches!(got, Got::Error(_));
            out.push(got);
            if failed {
                break;
            }
        }
        out
    }
}

/// `r1 = value ll`.
pub(crate) fn load(value: i64) -> [Insn; 2] {
    let first = Insn { code: opcode::LD_IMM64, regs: Regs::new(1, 0), off: 0, imm: value as i32 };
    [first, Insn { imm: (value >> 32) as i32, ..Insn::default() }]
}

fn value([low, high]: [Insn; 2]) -> i64 {
    i64::from(high.imm) << 32 | i64::from(low.imm as u32)
}

/// BTF of a target.
pub(crate) fn target(types: &str) -> Btf {
    Decl::new(types).builder.build_as(Endian::Little).unwrap()
}

/// One relocation of one object against one target; the instruction holds `old` before.
pub(crate) fn relocate(types: &str, kernel: &str, kind: K, root: &str, access: &str, old: i64) -> Got {
    let kernel = target(kernel);
    let object = Object::new(types).relo(kind, root, access);
    object.against(&[CoreTarget { name: "vmlinux", btf: &kernel }], &[old]).remove(0)
}

/// Rows of (what the object says, what the target says, relocation kind, root, access, value before, outcome).
pub(crate) type Row<'a> = (&'a str, &'a str, K, &'a str, &'a str, i64, Got);

pub(crate) fn check(rows: &[Row<'_>]) {
    for (types, kernel, kind, root, access, old, expected) in rows {
        let got = relocate(types, kernel, *kind, root, access, *old);
        assert_eq!(&got, expected, "{kind} of {root} ({access})\n  object: {types}\n  kernel: {kernel}");
    }
}
