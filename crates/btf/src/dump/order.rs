//! What has to be written before a type, in an order that C takes.
//!
//! A type with a name needs to be *defined* before one that holds it by value, and only *declared* before one that
//! points to it. A type without a name is written inside the one that uses it, pointer or not, so what it holds
//! by value has to be defined before that one. The walk keeps its own stack: references can go as deep as there
//! are types.

use crate::{
    Error, Kind, Type, TypeId,
    dump::{CDump, reader::MANY, state::State},
    error::TypeProblem,
};

/// A type whose references are being followed.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    id: u32,
    /// Which reference comes next.
    next: u32,
    /// Whether the way here went through a pointer.
    through_ptr: bool,
    /// Whether any reference so far has to be defined first.
    strong: bool,
}

/// What following a reference says: whether the type has to be defined first. None while it is not known.
type Answer = Option<bool>;

impl CDump<'_> {
    /// Fills the queue with what is to be written for `root`: each definition after those that it needs.
    pub(super) fn order(&mut self, root: TypeId) -> Result<(), Error> {
        self.queue.clear();
        self.ordering.clear();
        let mut answer = self.follow(root.0, false)?;
        while let Some(&top) = self.ordering.last() {
            answer = self.advance(top, answer)?;
        }
        Ok(())
    }

    /// Follows one reference. The answer is none if it needs the answers to others: then it is on the stack.
    #[inline]
    fn follow(&mut self, id: u32, through_ptr: bool) -> Result<Answer, Error> {
        if self.state(id).ordered() { Ok(Some(true)) } else { self.follow_chain(id, through_ptr) }
    }

    fn follow_chain(&mut self, id: u32, through_ptr: bool) -> Result<Answer, Error> {
        let (mut id, mut through_ptr) = (id, through_ptr);
        // A chain longer than there are types goes round.
        for _ in 0..=self.states.len() {
            let state = self.state(id);
            if state.ordered() {
                return Ok(Some(true));
            }
            self.step()?;
            if through_ptr && state.named_record() {
                return Ok(Some(false));
            }
            let kind = state.kind();
            if kind == Kind::Ptr
                && !state.ordering(false)
                && let Some(strong) = self.known_behind(id)
            {
                self.update(id, State::set_ordered);
                return Ok(Some(strong));
            }
            match kind {
                Kind::Struct | Kind::Union if self.members_all(id, State::ordered) => {
                    if !state.anonymous() {
                        self.queue.push(id);
                    }
                    self.update(id, State::set_ordered);
                    return Ok(Some(true));
                }
                Kind::Ptr | Kind::Struct | Kind::Union | Kind::Typedef | Kind::FuncProto => {
                    // The one way of a struct or pointer is all that it has.
                    let through_ptr = through_ptr && matches!(kind, Kind::Typedef | Kind::FuncProto);
                    if state.ordering(through_ptr) {
                        return Err(self.ty(id)?.error(TypeProblem::PartOfItself));
                    }
                    self.update(id, |s| s.set_ordering(through_ptr, true));
                    self.ordering.push(Frame { id, next: 0, through_ptr, strong: false });
                    return Ok(None);
                }
                Kind::Array => {
                    id = self.reader.element(id);
                    through_ptr = false;
                }
                Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag => {
                    id = self.reader.target(id);
                }
                Kind::Enum | Kind::Enum64 | Kind::Fwd => {
                    // One without a name is written where it is used, if it is.
                    if !state.anonymous() || !self.is_referenced(id) {
                        self.queue.push(id);
                    }
                    self.update(id, State::set_ordered);
                    return Ok(Some(true));
                }
                _ => {
                    // A number, or nothing at all.
                    self.ty(id)?;
                    self.update(id, State::set_ordered);
                    return Ok(Some(false));
                }
            }
        }
        Err(self.ty(id)?.error(TypeProblem::PartOfItself))
    }

    /// What following a pointer would say, if what it refers to says so by itself: most do.
    #[inline]
    pub(super) fn known_behind(&self, pointer: u32) -> Answer {
        let target = self.reader.target(pointer);
        let to = self.state(target);
        if to.ordered()
            || to.is(Kind::FuncProto) && self.reader.proto_all(target, |id| self.state(id).ordered())
        {
            return Some(true);
        }
        to.named_record().then_some(false)
    }

    /// Whether this can be said of the types of all members.
    #[inline]
    pub(super) fn members_all(&self, id: u32, holds: impl Fn(State) -> bool) -> bool {
        self.ty(id).is_ok_and(|ty| ty.member_types(0).all(|id| holds(self.state(id))))
    }

    /// Goes on with the type on top of the stack, given what its last reference said.
    fn advance(&mut self, top: Frame, answer: Answer) -> Result<Answer, Error> {
        let ty = self.ty(top.id)?;
        match ty.kind() {
            Kind::Ptr => match answer {
                None => self.follow(ty.target().unwrap_or_default().0, true),
                Some(strong) => Ok(self.done(top, strong, true)),
            },
            Kind::Typedef => match answer {
                None => self.follow(ty.target().unwrap_or_default().0, top.through_ptr),
                Some(false) if top.through_ptr => Ok(self.done(top, false, false)),
                Some(_) => {
                    self.queue.push(top.id);
                    Ok(self.done(top, true, true))
                }
            },
            Kind::FuncProto => self.advance_proto(ty, top, answer),
            _ => self.advance_members(ty, top),
        }
    }

    /// The type on top of the stack is done.
    fn done(&mut self, top: Frame, strong: bool, for_ever: bool) -> Answer {
        self.ordering.pop();
        self.update(top.id, |s| {
            s.set_ordering(top.through_ptr, false);
            if for_ever {
                s.set_ordered();
            }
        });
        Some(strong)
    }

    fn advance_members(&mut self, ty: Type<'_>, top: Frame) -> Result<Answer, Error> {
        let mut next = top.next;
        for id in ty.member_types(next) {
            next = next.wrapping_add(1);
            let depth = self.ordering.len();
            if self.follow(id, false)?.is_none() {
                if let Some(frame) = self.ordering.get_mut(depth.wrapping_sub(1)) {
                    frame.next = next;
                }
                return Ok(None);
            }
        }
        if ty.name_off() != 0 {
            self.queue.push(top.id);
        }
        Ok(self.done(top, true, true))
    }

    /// The result comes first, then the parameters.
    fn advance_proto(&mut self, ty: Type<'_>, top: Frame, answer: Answer) -> Result<Answer, Error> {
        let mut top = Frame { strong: top.strong || answer == Some(true), ..top };
        loop {
            let reference = match top.next.checked_sub(1) {
                None => ty.target(),
                Some(i) => ty.raw_param(i).map(|(_, ty)| ty),
            };
            let Some(reference) = reference else { return Ok(self.done(top, top.strong, false)) };
            top.next = top.next.wrapping_add(1);
            if top.next > MANY {
                self.step()?;
            }
            let depth = self.ordering.len();
            match self.follow(reference.0, top.through_ptr)? {
                Some(strong) => top.strong |= strong,
                None => {
                    if let Some(frame) = self.ordering.get_mut(depth.wrapping_sub(1)) {
                        *frame = top;
                    }
                    return Ok(None);
                }
            }
        }
    }
}
