//! One look at all types before the first is written.

use crate::{
    Kind,
    dump::{reader::Reader, references::References, state::State},
    parse::{KIND_MASK, KIND_SHIFT, VLEN_MASK},
};

/// What is found.
pub(super) struct Survey {
    pub(super) states: Vec<State>,
    /// How many tags of structs, unions and enums there can be.
    pub(super) tags: usize,
    /// How many names of typedefs and enumerators.
    pub(super) idents: usize,
}

/// Types of one kind.
#[derive(Clone, Copy, Default)]
struct Count {
    types: usize,
    entries: usize,
}

impl Survey {
    /// For those who ask for all types, if `whole`, else for a few.
    pub(super) fn of(reader: &Reader<'_>, count: usize, whole: bool) -> Survey {
        let mut states = vec![State::default(); count];
        let mut counts = [Count::default(); KIND_MASK as usize + 1];
        if let Some(void) = states.first_mut() {
            *void = State::VOID;
        }
        reader.each_type(|id, name, info, references| {
            let kind = info >> KIND_SHIFT & KIND_MASK;
            if let Some(count) = counts.get_mut(kind as usize) {
                count.types = count.types.wrapping_add(1);
                count.entries = count.entries.wrapping_add((info & VLEN_MASK) as usize);
            }
            let last = if whole { mark(&mut states, references) } else { u32::MAX };
            if let Some(state) = states.get_mut(id as usize) {
                *state = state.and(State::of(name, info, last < id));
            }
        });
        let of = |kinds: &[Kind]| {
            let counts = kinds.iter().filter_map(|&kind| counts.get(kind as usize));
            counts.fold(Count::default(), |sum, count| Count {
                types: sum.types.wrapping_add(count.types),
                entries: sum.entries.wrapping_add(count.entries),
            })
        };
        let enums = of(&[Kind::Enum, Kind::Enum64]);
        Survey {
            states,
            tags: of(&[Kind::Struct, Kind::Union]).types.wrapping_add(enums.types),
            idents: of(&[Kind::Typedef]).types.wrapping_add(enums.entries),
        }
    }
}

/// Notes that others refer to these types. Gives the last that is needed: of prototypes, results are.
#[inline]
pub(super) fn mark(states: &mut [State], references: References<'_>) -> u32 {
    let mut last = references.first_word();
    references.for_each(|id| {
        if let Some(state) = states.get_mut(id as usize) {
            state.set_referenced();
        }
        last = last.max(id);
    });
    last
}
