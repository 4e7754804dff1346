//! Types that are asked for: all of a BTF one after the other, or a few. Most need no walk to what they refer to.

use crate::{
    Error, Kind, TypeId,
    dump::{CDump, state::State},
};

impl CDump<'_> {
    /// Writes a type after all that it needs and that was not written yet.
    #[inline]
    pub(super) fn one(&mut self, id: TypeId) -> Result<(), Error> {
        if self.state(id.0).settled() || self.at_once(id.0)? { Ok(()) } else { self.order_and_emit(id) }
    }

    /// The first type from this one on for which something is to be done, when all before it were asked for.
    #[inline]
    pub(super) fn first_needed(&mut self, from: u32) -> u32 {
        let rest = self.states.get_mut(from as usize..).unwrap_or_default();
        let count = rest.len();
        let needed = rest.iter_mut().position(|state| !state.pass_by()).unwrap_or(count);
        // There are fewer types than this counts.
        from.wrapping_add(needed as u32)
    }

    /// Writes a type, if all that it refers to is there, as far as that is quick to say.
    #[inline(never)]
    fn at_once(&mut self, id: u32) -> Result<bool, Error> {
        let state = self.state(id);
        match state.kind() {
            // A typedef that was needed behind a pointer: what it stands for may still be needed itself.
            _ if state.emitted() => return Ok(false),
            Kind::FuncProto => return Ok(self.reader.proto_all(id, |id| self.state(id).ordered())),
            Kind::Ptr if self.known_behind(id).is_some() => self.update(id, State::set_ordered),
            Kind::Struct | Kind::Union if !state.anonymous() && self.members_all(id, State::there) => {
                self.update(id, State::set_ordered);
                self.finish_record(self.ty(id)?, 0)?;
                self.text.check()?;
            }
            Kind::Typedef if self.state(self.reader.target(id)).there() => {
                self.update(id, State::set_ordered);
                self.finish_typedef(self.ty(id)?)?;
                self.text.check()?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    #[inline(never)]
    fn order_and_emit(&mut self, id: TypeId) -> Result<(), Error> {
        self.order(id)?;
        let queue = std::mem::take(&mut self.queue);
        for &id in &queue {
            self.emit(id, 0)?;
            self.text.check()?;
        }
        self.queue = queue;
        Ok(())
    }
}
