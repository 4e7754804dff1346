//! Numbers of the instruction set (RFC 9669 and the kernel's `linux/bpf.h`).

/// Bits of the class in a code.
pub const CLASS_MASK: u8 = 0x07;
/// Non-standard loads: 64-bit immediate, packet access.
pub const CLASS_LD: u8 = 0x00;
/// Loads into a register.
pub const CLASS_LDX: u8 = 0x01;
/// Stores of an immediate.
pub const CLASS_ST: u8 = 0x02;
/// Stores of a register, atomics.
pub const CLASS_STX: u8 = 0x03;
/// 32-bit arithmetic.
pub const CLASS_ALU: u8 = 0x04;
/// 64-bit jumps, calls, exit.
pub const CLASS_JMP: u8 = 0x05;
/// 32-bit jumps.
pub const CLASS_JMP32: u8 = 0x06;
/// 64-bit arithmetic.
pub const CLASS_ALU64: u8 = 0x07;

/// Bits of the access size in the code of a load or store.
pub const SIZE_MASK: u8 = 0x18;
/// 4 bytes.
pub const W: u8 = 0x00;
/// 2 bytes.
pub const H: u8 = 0x08;
/// 1 byte.
pub const B: u8 = 0x10;
/// 8 bytes.
pub const DW: u8 = 0x18;

/// Bits of the mode in the code of a load or store.
pub const MODE_MASK: u8 = 0xe0;
/// Immediate.
pub const IMM: u8 = 0x00;
/// Packet at an absolute offset (legacy).
pub const ABS: u8 = 0x20;
/// Packet at an indirect offset (legacy).
pub const IND: u8 = 0x40;
/// Memory.
pub const MEM: u8 = 0x60;
/// Memory, sign-extended.
pub const MEMSX: u8 = 0x80;
/// Atomic operation.
pub const ATOMIC: u8 = 0xc0;

/// Bit that tells a register operand from an immediate.
pub const SRC_MASK: u8 = 0x08;
/// Operand is the immediate.
pub const K: u8 = 0x00;
/// Operand is the source register.
pub const X: u8 = 0x08;

/// Bits of the operation in the code of arithmetic or a jump.
pub const OP_MASK: u8 = 0xf0;
/// `+=`.
pub const ADD: u8 = 0x00;
/// `-=`.
pub const SUB: u8 = 0x10;
/// `*=`.
pub const MUL: u8 = 0x20;
/// `/=`, signed when `off` is 1.
pub const DIV: u8 = 0x30;
/// `|=`.
pub const OR: u8 = 0x40;
/// `&=`.
pub const AND: u8 = 0x50;
/// `<<=`.
pub const LSH: u8 = 0x60;
/// `>>=`.
pub const RSH: u8 = 0x70;
/// Negation.
pub const NEG: u8 = 0x80;
/// `%=`, signed when `off` is 1.
pub const MOD: u8 = 0x90;
/// `^=`.
pub const XOR: u8 = 0xa0;
/// `=`, sign-extending from `off` bits when that is not 0.
pub const MOV: u8 = 0xb0;
/// Signed `>>=`.
pub const ARSH: u8 = 0xc0;
/// Byte swaps.
pub const END: u8 = 0xd0;

/// Always.
pub const JA: u8 = 0x00;
/// `==`.
pub const JEQ: u8 = 0x10;
/// Unsigned `>`.
pub const JGT: u8 = 0x20;
/// Unsigned `>=`.
pub const JGE: u8 = 0x30;
/// `&`.
pub const JSET: u8 = 0x40;
/// `!=`.
pub const JNE: u8 = 0x50;
/// Signed `>`.
pub const JSGT: u8 = 0x60;
/// Signed `>=`.
pub const JSGE: u8 = 0x70;
/// Call.
pub const CALL: u8 = 0x80;
/// Return.
pub const EXIT: u8 = 0x90;
/// Unsigned `<`.
pub const JLT: u8 = 0xa0;
/// Unsigned `<=`.
pub const JLE: u8 = 0xb0;
/// Signed `<`.
pub const JSLT: u8 = 0xc0;
/// Signed `<=`.
pub const JSLE: u8 = 0xd0;
/// Conditional pseudo-jump, `may_goto`.
pub const JCOND: u8 = 0xe0;

/// `off` of a `=` that turns a per-CPU offset into an address. The kernel writes it, and shows it in dumps.
pub const PERCPU_OFF: i16 = -1;
/// A barrier against speculation. The kernel writes it, and shows it in dumps.
pub const NOSPEC: u8 = CLASS_ST | ATOMIC;

/// First slot of the 64-bit immediate load.
pub const LD_IMM64: u8 = CLASS_LD | IMM | DW;

/// `src` of a 64-bit immediate: file descriptor of a map.
pub const PSEUDO_MAP_FD: u8 = 1;
/// `src` of a 64-bit immediate: file descriptor of a map, second half an offset in its value.
pub const PSEUDO_MAP_VALUE: u8 = 2;
/// `src` of a 64-bit immediate: BTF id of a kernel variable.
pub const PSEUDO_BTF_ID: u8 = 3;
/// `src` of a 64-bit immediate: function of the same program.
pub const PSEUDO_FUNC: u8 = 4;
/// `src` of a 64-bit immediate: index of a map in `fd_array`.
pub const PSEUDO_MAP_IDX: u8 = 5;
/// `src` of a 64-bit immediate: index of a map in `fd_array`, second half an offset in its value.
pub const PSEUDO_MAP_IDX_VALUE: u8 = 6;

/// `src` of a call: function of the same program.
pub const PSEUDO_CALL: u8 = 1;
/// `src` of a call: kernel function by BTF id.
pub const PSEUDO_KFUNC_CALL: u8 = 2;
