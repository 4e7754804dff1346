//! What is known of each type while a dump runs, in two bytes: how far it has come, and what of the type itself is
//! asked most, so that most references need no look at the BTF.

use crate::{
    Kind,
    parse::{KIND_MASK, KIND_SHIFT},
};

/// One type.
#[derive(Clone, Copy, Default)]
pub(super) struct State(u16);

const ORDERING: u16 = 1;
const ORDERED: u16 = 1 << 1;
const EMITTING: u16 = 1 << 2;
const EMITTED: u16 = 1 << 3;
const FORWARD: u16 = 1 << 4;
const NAMED: u16 = 1 << 5;
const RENAMED: u16 = 1 << 6;
const REFERENCED: u16 = 1 << 7;
const ORDERING_WEAKLY: u16 = 1 << 8;
const ANONYMOUS_BIT: u32 = 9;
const ANONYMOUS: u16 = 1 << ANONYMOUS_BIT;
/// The number of the bit that says: nothing is to be done for it after all types before it were asked for.
const IN_TURN: u32 = 10;
/// The kind is in the bits from here on.
const KIND: u32 = 11;

/// What the kind of a type says about it.
#[derive(Clone, Copy, Default)]
struct Start {
    bits: u16,
    if_backward: u16,
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "checked by the compiler")]
const STARTS: [Start; KIND_MASK as usize + 1] = {
    // Of functions not even what they refer to is written, of others only that.
    let (unwritten, func) = (1 << Kind::Ptr as u32 | 1 << Kind::FuncProto as u32, 1 << Kind::Func as u32);
    let (mut table, mut kind) = ([Start { bits: 0, if_backward: 0 }; KIND_MASK as usize + 1], 0);
    while kind < table.len() {
        let in_turn = (func >> kind & 1) << IN_TURN;
        let if_backward = (unwritten >> kind & 1) << IN_TURN;
        table[kind] = Start { bits: (kind as u16) << KIND | in_turn as u16, if_backward: if_backward as u16 };
        kind += 1;
    }
    table
};

impl State {
    /// `void` is always there.
    pub(super) const VOID: State = State(ORDERED | EMITTED | ANONYMOUS);

    /// Of a type of which nothing is written yet; `backward` if it refers only to types before it.
    #[inline]
    pub(super) fn of(name_off: u32, info: u32, backward: bool) -> State {
        let start = STARTS.get((info >> KIND_SHIFT & KIND_MASK) as usize).copied().unwrap_or_default();
        let anonymous = u16::from(name_off == 0) << ANONYMOUS_BIT;
        State(start.bits | anonymous | start.if_backward & u16::from(backward) << IN_TURN)
    }

    /// Of the same type, about which both know something.
    #[inline]
    pub(super) fn and(self, other: State) -> State {
        State(self.0 | other.0)
    }

    #[inline]
    pub(super) fn kind(self) -> Kind {
        Kind::from_number((self.0 >> KIND).into()).unwrap_or(Kind::Void)
    }

    /// Quicker than to find out which kind it is.
    #[inline]
    pub(super) fn is(self, kind: Kind) -> bool {
        self.0 >> KIND == kind as u16
    }

    /// Whether it has no name.
    #[inline]
    pub(super) fn anonymous(self) -> bool {
        self.has(ANONYMOUS)
    }

    /// Whether nothing is to be done if this is the type that is asked for: all that it needs is there, or it is a
    /// function.
    #[inline]
    pub(super) fn settled(self) -> bool {
        self.ordered() || self.is(Kind::Func)
    }

    /// Whether nothing is to be done for a type after all types before it were asked for. Half of all types are
    /// functions, and most pointers and prototypes come after what they refer to.
    #[inline]
    pub(super) fn passes(self) -> bool {
        self.has(ORDERED | 1 << IN_TURN)
    }

    /// A struct or union with a name.
    #[inline]
    pub(super) fn named_record(self) -> bool {
        !self.anonymous() && (self.is(Kind::Struct) || self.is(Kind::Union))
    }

    #[inline]
    fn has(self, bits: u16) -> bool {
        self.0 & bits != 0
    }

    /// On the way from the type that is dumped to what it needs; `weakly` if that way went through a pointer to
    /// this type. A typedef can be on it both ways: of a struct that points to itself by that name.
    #[inline]
    pub(super) fn ordering(self, weakly: bool) -> bool {
        self.has(if weakly { ORDERING_WEAKLY } else { ORDERING })
    }

    /// Everything it needs is in the queue.
    #[inline]
    pub(super) fn ordered(self) -> bool {
        self.has(ORDERED)
    }

    /// What it needs is in the text, and it itself.
    #[inline]
    pub(super) fn there(self) -> bool {
        self.0 & (ORDERED | EMITTED) == ORDERED | EMITTED
    }

    pub(super) fn set_ordering(&mut self, weakly: bool, on: bool) {
        let bit = if weakly { ORDERING_WEAKLY } else { ORDERING };
        self.0 = if on { self.0 | bit } else { self.0 & !bit };
    }

    #[inline]
    pub(super) fn set_ordered(&mut self) {
        self.0 |= ORDERED;
    }

    /// Its definition has been started: what it needs is being declared.
    #[inline]
    pub(super) fn emitting(self) -> bool {
        self.has(EMITTING)
    }

    /// Its definition is in the text.
    #[inline]
    pub(super) fn emitted(self) -> bool {
        self.has(EMITTED)
    }

    pub(super) fn set_emitting(&mut self, on: bool) {
        self.0 = if on { self.0 | EMITTING } else { self.0 & !EMITTING };
    }

    #[inline]
    pub(super) fn set_emitted(&mut self) {
        self.0 = self.0 & !EMITTING | EMITTED;
    }

    /// There is a forward declaration; of a typedef: its definition, for use behind pointers.
    pub(super) fn forward(self) -> bool {
        self.has(FORWARD)
    }

    pub(super) fn set_forward(&mut self) {
        self.0 |= FORWARD;
    }

    /// Its name in C is settled.
    #[inline]
    pub(super) fn named(self) -> bool {
        self.has(NAMED)
    }

    /// Its name in C is not that of the BTF.
    #[inline]
    pub(super) fn renamed(self) -> bool {
        self.has(RENAMED)
    }

    pub(super) fn set_named(&mut self, renamed: bool) {
        self.0 |= NAMED | if renamed { RENAMED } else { 0 };
    }

    /// Another type refers to it.
    pub(super) fn referenced(self) -> bool {
        self.has(REFERENCED)
    }

    #[inline]
    pub(super) fn set_referenced(&mut self) {
        self.0 |= REFERENCED;
    }
}
