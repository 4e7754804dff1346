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
        let mut id = from;
        while let Some(state) = self.states.get(id as usize)
            && state.passes()
        {
            if state.is(Kind::Ptr) {
                self.has_target(id, self.reader.target(id));
            }
            id = id.wrapping_add(1);
        }
        id
    }

    /// Notes that what a pointer, array or modifier needs is there, as far as it is.
    #[inline]
    fn has_target(&mut self, id: u32, target: u32) {
        let target = self.state(target);
        self.update(id, |state| {
            state.set_ordered();
            if target.emitted() || target.named_record() && target.forward() {
                state.set_emitted();
            }
        });
    }

    /// Writes a type, if all that it refers to is there, as far as that is quick to say.
    #[inline(never)]
    fn at_once(&mut self, id: u32) -> Result<bool, Error> {
        let state = self.state(id);
        match state.kind() {
            Kind::FuncProto => return Ok(self.reader.proto_all(id, |id| self.state(id).ordered())),
            Kind::Ptr if self.known_behind(id).is_some() => self.has_target(id, self.reader.target(id)),
            Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag | Kind::Array => {
                let target =
                    if state.is(Kind::Array) { self.reader.element(id) } else { self.reader.target(id) };
                if !self.state(target).ordered() {
                    return Ok(false);
                }
                self.has_target(id, target);
            }
            // A typedef that was needed behind a pointer: what it stands for may still be needed itself.
            _ if state.emitted() => return Ok(false),
            // One without a name is written where it is used.
            Kind::Struct | Kind::Union if state.anonymous() && self.members_all(id, State::ordered) => {
                self.update(id, State::set_ordered);
            }
            Kind::Struct | Kind::Union if !state.anonymous() && self.members_all(id, State::there) => {
                self.update(id, State::set_ordered);
                self.finish_record(self.ty(id)?, 0)?;
            }
            Kind::Typedef if self.state(self.reader.target(id)).there() => {
                self.update(id, State::set_ordered);
                self.finish_typedef(self.ty(id)?)?;
            }
            Kind::Enum | Kind::Enum64 if !state.anonymous() => {
                self.update(id, State::set_ordered);
                self.finish_enum(self.ty(id)?)?;
            }
            _ => return Ok(false),
        }
        self.text.check()?;
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
