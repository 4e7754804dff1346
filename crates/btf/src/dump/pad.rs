//! Gaps between members: bit-fields without a name that move the next member to where it belongs.

/// One or more bit-fields without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pad {
    pub(super) unit: Unit,
    /// Bits of each; 0 moves to the next multiple of the unit's alignment.
    pub(super) width: u64,
    /// How many of them.
    pub(super) times: u64,
}

/// The type of a bit-field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) name: &'static str,
    /// Its size and alignment in bits.
    pub(super) bits: u64,
}

/// From the widest to the narrowest.
pub(super) fn units(pointer_size: u32) -> [Unit; 4] {
    let long = u64::from(pointer_size).saturating_mul(8);
    [("long", long), ("int", 32), ("short", 16), ("char", 8)].map(|(name, bits)| Unit { name, bits })
}

/// The narrowest unit that holds so many bits.
fn narrowest(units: &[Unit; 4], bits: u64) -> Unit {
    let [widest, ..] = *units;
    units.iter().rev().find(|u| u.bits >= bits).copied().unwrap_or(widest)
}

/// Fills the gap from bit `from` to bit `to` of a struct whose members C aligns. `align` is that of what follows,
/// in bits.
///
/// As little as possible is said: where the alignment of the next member closes the gap, nothing is.
pub(super) fn fill(
    units: &[Unit; 4],
    (from, to): (u64, u64),
    align: u64,
    between_bitfields: bool,
    mut pad: impl FnMut(Pad),
) {
    if from >= to {
        return;
    }
    let mut at = from;
    let fits = |u: &&Unit| from.next_multiple_of(u.bits.max(1)) <= to;
    let unit = units.iter().find(fits);
    let [.., narrow] = units;
    let unit = unit.unwrap_or(narrow);
    let start = from.next_multiple_of(unit.bits.max(1));
    if start > from && start <= to {
        // The start of the next unit is reached by itself if what follows has to stand there: the next member, or
        // a unit of padding that does not fit into what is left of this one.
        let by_itself = if start == to {
            from.next_multiple_of(align.max(1)) == start
        } else {
            to.wrapping_sub(start) > start.wrapping_sub(from)
        };
        if between_bitfields {
            pad(Pad { unit: *unit, width: start.wrapping_sub(from), times: 1 });
        } else if !by_itself {
            pad(Pad { unit: *unit, width: 0, times: 1 });
        }
        at = start;
    }
    rest(units, *unit, to.wrapping_sub(at), pad);
}

/// Fills the gap from bit `from` to bit `to` of a packed struct, where each bit-field starts where the one before
/// it ends.
pub(super) fn fill_packed(units: &[Unit; 4], (from, to): (u64, u64), mut pad: impl FnMut(Pad)) {
    let Some(gap) = to.checked_sub(from) else { return };
    let [widest, .., narrow] = *units;
    let first = from.next_multiple_of(8).wrapping_sub(from).min(gap);
    if first > 0 {
        pad(Pad { unit: narrow, width: first, times: 1 });
    }
    rest(units, widest, gap.wrapping_sub(first), pad);
}

/// Whole units, then what is left.
fn rest(units: &[Unit; 4], unit: Unit, gap: u64, mut pad: impl FnMut(Pad)) {
    let whole = gap.checked_div(unit.bits).unwrap_or(0);
    if whole > 0 {
        pad(Pad { unit, width: unit.bits, times: whole });
    }
    let left = gap.checked_rem(unit.bits).unwrap_or(0);
    if left > 0 {
        pad(Pad { unit: narrowest(units, left), width: left, times: 1 });
    }
}
