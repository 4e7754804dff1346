//! One look at all types before the first is written.

use crate::dump::{reader::Reader, references::References, state::State};

/// What is known of each of so many types before anything is written. Which refer to which is found for those who will
/// ask for all types (`whole`).
#[inline(never)]
pub(super) fn states(reader: &Reader<'_>, count: usize, whole: bool) -> Vec<State> {
    let mut states = vec![State::default(); count];
    if let Some(void) = states.first_mut() {
        *void = State::VOID;
    }
    reader.each_type(|id, name, info, references| {
        let last = if whole { mark(&mut states, references) } else { u32::MAX };
        if let Some(state) = states.get_mut(id as usize) {
            *state = state.and(State::of(name, info, last < id));
        }
    });
    states
}

/// Notes that others refer to these types. Gives the last that has to be there for who refers to them: results of
/// prototypes have, too.
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
