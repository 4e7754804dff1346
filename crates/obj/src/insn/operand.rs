//! What instructions are made of: registers, sizes, operators, and how each reads.

use super::opcode as op;

/// A register. R0 holds results, R1 to R5 arguments, R6 to R9 survive calls, R10 is the frame pointer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs)] // their names say it
pub enum Reg {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

/// How much memory an instruction reads or writes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Size {
    /// 1 byte.
    B = op::B,
    /// 2 bytes.
    H = op::H,
    /// 4 bytes.
    W = op::W,
    /// 8 bytes.
    Dw = op::DW,
}

impl Size {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::B, Self::H, Self::W, Self::Dw];

    /// The size in the code of a load or store.
    pub const fn of(code: u8) -> Self {
        match code & op::SIZE_MASK {
            op::B => Self::B,
            op::H => Self::H,
            op::W => Self::W,
            _ => Self::Dw,
        }
    }

    /// As a type of C, in the kernel's words: `u64`, or `s64` for what is sign-extended.
    pub const fn type_name(self, signed: bool) -> &'static str {
        match (self, signed) {
            (Self::B, false) => "u8",
            (Self::H, false) => "u16",
            (Self::W, false) => "u32",
            (Self::Dw, false) => "u64",
            (Self::B, true) => "s8",
            (Self::H, true) => "s16",
            (Self::W, true) => "s32",
            (Self::Dw, true) => "s64",
        }
    }
}

/// An arithmetic operation on two operands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)] // see `symbol`
pub enum Alu {
    Add,
    Sub,
    Mul,
    Div,
    Or,
    And,
    Lsh,
    Rsh,
    Mod,
    Xor,
    Mov,
    Arsh,
    /// Signed division (instruction set v4).
    SDiv,
    /// Signed remainder (instruction set v4).
    SMod,
}

impl Alu {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Or,
        Self::And,
        Self::Lsh,
        Self::Rsh,
        Self::Mod,
        Self::Xor,
        Self::Mov,
        Self::Arsh,
        Self::SDiv,
        Self::SMod,
    ];

    /// The operation in a code; `off` tells signed from unsigned ones.
    pub const fn of(code: u8, off: i16) -> Option<Self> {
        Some(match code & op::OP_MASK {
            op::ADD => Self::Add,
            op::SUB => Self::Sub,
            op::MUL => Self::Mul,
            op::DIV if off == 1 => Self::SDiv,
            op::DIV => Self::Div,
            op::OR => Self::Or,
            op::AND => Self::And,
            op::LSH => Self::Lsh,
            op::RSH => Self::Rsh,
            op::MOD if off == 1 => Self::SMod,
            op::MOD => Self::Mod,
            op::XOR => Self::Xor,
            op::MOV => Self::Mov,
            op::ARSH => Self::Arsh,
            _ => return None,
        })
    }

    /// Its bits in a code, and the offset that goes with them.
    pub const fn bits(self) -> (u8, i16) {
        match self {
            Self::Add => (op::ADD, 0),
            Self::Sub => (op::SUB, 0),
            Self::Mul => (op::MUL, 0),
            Self::Div => (op::DIV, 0),
            Self::Or => (op::OR, 0),
            Self::And => (op::AND, 0),
            Self::Lsh => (op::LSH, 0),
            Self::Rsh => (op::RSH, 0),
            Self::Mod => (op::MOD, 0),
            Self::Xor => (op::XOR, 0),
            Self::Mov => (op::MOV, 0),
            Self::Arsh => (op::ARSH, 0),
            Self::SDiv => (op::DIV, 1),
            Self::SMod => (op::MOD, 1),
        }
    }

    /// As it reads: `+=`, `s>>=`.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+=",
            Self::Sub => "-=",
            Self::Mul => "*=",
            Self::Div => "/=",
            Self::Or => "|=",
            Self::And => "&=",
            Self::Lsh => "<<=",
            Self::Rsh => ">>=",
            Self::Mod => "%=",
            Self::Xor => "^=",
            Self::Mov => "=",
            Self::Arsh => "s>>=",
            Self::SDiv => "s/=",
            Self::SMod => "s%=",
        }
    }
}

/// What a jump depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Cond {
    /// `==`.
    Eq = op::JEQ,
    /// `!=`.
    Ne = op::JNE,
    /// Unsigned `>`.
    Gt = op::JGT,
    /// Unsigned `>=`.
    Ge = op::JGE,
    /// Unsigned `<`.
    Lt = op::JLT,
    /// Unsigned `<=`.
    Le = op::JLE,
    /// Some bit of both is set.
    Set = op::JSET,
    /// Signed `>`.
    SGt = op::JSGT,
    /// Signed `>=`.
    SGe = op::JSGE,
    /// Signed `<`.
    SLt = op::JSLT,
    /// Signed `<=`.
    SLe = op::JSLE,
}

impl Cond {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Eq,
        Self::Ne,
        Self::Gt,
        Self::Ge,
        Self::Lt,
        Self::Le,
        Self::Set,
        Self::SGt,
        Self::SGe,
        Self::SLt,
        Self::SLe,
    ];

    /// The condition in a code.
    pub fn of(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|c| *c as u8 == code & op::OP_MASK)
    }

    /// As it reads: `==`, `s>`.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Set => "&",
            Self::SGt => "s>",
            Self::SGe => "s>=",
            Self::SLt => "s<",
            Self::SLe => "s<=",
        }
    }
}

/// What an atomic instruction does to memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Atomic {
    /// Adds the register.
    Add,
    /// Clears bits that the register has not.
    And,
    /// Sets the bits of the register.
    Or,
    /// Flips the bits of the register.
    Xor,
    /// As [`Add`](Self::Add), and the register gets the old value (5.12).
    FetchAdd,
    /// As [`And`](Self::And), and the register gets the old value (5.12).
    FetchAnd,
    /// As [`Or`](Self::Or), and the register gets the old value (5.12).
    FetchOr,
    /// As [`Xor`](Self::Xor), and the register gets the old value (5.12).
    FetchXor,
    /// Memory and register change places (5.12).
    Xchg,
    /// Memory gets the register if it equals R0, which gets the old value (5.12).
    Cmpxchg,
}

impl Atomic {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Add,
        Self::And,
        Self::Or,
        Self::Xor,
        Self::FetchAdd,
        Self::FetchAnd,
        Self::FetchOr,
        Self::FetchXor,
        Self::Xchg,
        Self::Cmpxchg,
    ];

    /// The immediate of the instruction.
    pub const fn imm(self) -> i32 {
        match self {
            Self::Add => 0x00,
            Self::And => 0x50,
            Self::Or => 0x40,
            Self::Xor => 0xa0,
            Self::FetchAdd => 0x01,
            Self::FetchAnd => 0x51,
            Self::FetchOr => 0x41,
            Self::FetchXor => 0xa1,
            Self::Xchg => 0xe1,
            Self::Cmpxchg => 0xf1,
        }
    }

    /// The operation of an immediate.
    pub fn of(imm: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.imm() == imm)
    }

    /// As it reads: `+=` where nothing is fetched, `fetch_add` or `cmpxchg` where something is.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+=",
            Self::And => "&=",
            Self::Or => "|=",
            Self::Xor => "^=",
            Self::FetchAdd => "fetch_add",
            Self::FetchAnd => "fetch_and",
            Self::FetchOr => "fetch_or",
            Self::FetchXor => "fetch_xor",
            Self::Xchg => "xchg",
            Self::Cmpxchg => "cmpxchg",
        }
    }
}

/// The byte order that a swap brings a register into.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Swap {
    /// Little-endian: nothing but cutting on a little-endian machine.
    Le,
    /// Big-endian.
    Be,
    /// The other one, whatever the machine's (instruction set v4).
    Always,
}

impl Swap {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Le, Self::Be, Self::Always];

    /// The code of the instruction.
    pub const fn code(self) -> u8 {
        match self {
            Self::Le => op::CLASS_ALU | op::END | op::K,
            Self::Be => op::CLASS_ALU | op::END | op::X,
            Self::Always => op::CLASS_ALU64 | op::END | op::K,
        }
    }

    /// As it reads: `le`, `be`, `bswap`.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Le => "le",
            Self::Be => "be",
            Self::Always => "bswap",
        }
    }
}
