use std::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The two registers of an instruction, four bits each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(transparent)]
pub struct Regs(u8);

/// They are bit fields in C: the byte order of a machine also says which comes first.
const DST_SHIFT: u32 = if cfg!(target_endian = "little") { 0 } else { 4 };
const SRC_SHIFT: u32 = 4 - DST_SHIFT;

impl Regs {
    /// Both 0.
    pub const NONE: Self = Self(0);

    /// Destination and source; of each the low four bits count.
    pub const fn new(dst: u8, src: u8) -> Self {
        Self(((dst & 0xf) << DST_SHIFT) | ((src & 0xf) << SRC_SHIFT))
    }

    /// Destination register, 0 to 15.
    pub const fn dst(self) -> u8 {
        (self.0 >> DST_SHIFT) & 0xf
    }

    /// Source register, 0 to 15.
    pub const fn src(self) -> u8 {
        (self.0 >> SRC_SHIFT) & 0xf
    }

    /// Between the byte orders.
    pub(super) const fn swapped(self) -> Self {
        Self(self.0.rotate_left(4))
    }
}

impl fmt::Debug for Regs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Regs").field("dst", &self.dst()).field("src", &self.src()).finish()
    }
}
