//! Definitions, each after declarations of what it refers to.
//!
//! The types of the queue are in an order that C takes; what is missing are declarations for pointers to types
//! that come later, or are being defined. This walk finds them. It keeps its own stack, as the one for the order
//! does.

use crate::{
    Error, Kind, Type,
    dump::{CDump, ident, reader::MANY, state::State},
};

/// A type whose references are being declared.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    id: u32,
    /// Which reference comes next.
    next: u32,
    /// The definition that this is a part of; 0 for a definition of its own.
    inside: u32,
    /// The definition that its references are a part of.
    inner: u32,
}

impl<'a> CDump<'a> {
    /// Writes what type `id` needs to be declared, then, unless it is a part of another (`inside`), itself.
    pub(super) fn emit(&mut self, id: u32, inside: u32) -> Result<(), Error> {
        self.emitting.clear();
        self.visit(id, inside)?;
        while let Some(&top) = self.emitting.last() {
            let ty = self.ty(top.id)?;
            match ty.kind() {
                Kind::Typedef => self.advance_typedef(ty, top)?,
                Kind::FuncProto => self.advance_params(ty, top)?,
                _ => self.advance_record(ty, top)?,
            }
        }
        Ok(())
    }

    /// Visits a reference; one that refers to others is put on the stack.
    #[inline]
    fn visit(&mut self, id: u32, inside: u32) -> Result<(), Error> {
        if self.state(id).emitted() {
            return Ok(());
        }
        let last = self.visit_chain(id, inside)?;
        // Nothing will have to be declared for it again.
        let state = self.state(last);
        if last != id && (state.emitted() || state.forward()) {
            self.update(id, State::set_emitted);
        }
        Ok(())
    }

    /// Gives the type that the chain of pointers, qualifiers and arrays from `id` ends in.
    fn visit_chain(&mut self, id: u32, inside: u32) -> Result<u32, Error> {
        let mut id = id;
        loop {
            let state = self.state(id);
            if state.emitted() {
                return Ok(id);
            }
            self.step()?;
            if state.emitting() {
                self.visit_again(self.ty(id)?, inside)?;
                return Ok(id);
            }
            match state.kind() {
                Kind::Int | Kind::Float => {
                    self.alias(self.ty(id)?);
                    self.update(id, State::set_emitted);
                    return Ok(id);
                }
                Kind::Enum | Kind::Enum64 => {
                    if inside == 0 {
                        self.finish_enum(self.ty(id)?)?;
                    }
                    self.update(id, State::set_emitted);
                    return Ok(id);
                }
                Kind::Ptr | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag => {
                    id = self.reader.target(id);
                }
                Kind::Array => id = self.reader.element(id),
                Kind::Fwd => {
                    self.keyword_and_tag(self.ty(id)?);
                    self.text.put(b";\n\n");
                    self.update(id, State::set_emitted);
                    return Ok(id);
                }
                Kind::Typedef => {
                    self.update(id, |s| s.set_emitting(true));
                    self.emitting.push(Frame { id, next: 0, inside, inner: id });
                    return Ok(id);
                }
                Kind::Struct | Kind::Union => {
                    self.visit_record(id, state, inside)?;
                    return Ok(id);
                }
                Kind::FuncProto if self.reader.proto_all(id, |id| self.state(id).emitted()) => {
                    // The next visit can be spared.
                    self.update(id, State::set_emitted);
                    return Ok(id);
                }
                Kind::FuncProto => {
                    self.emitting.push(Frame { id, next: 0, inside, inner: inside });
                    return Ok(id);
                }
                _ => return Ok(id),
            }
        }
    }

    /// Visits a type that is being defined: what refers to it can only do so through a pointer.
    fn visit_again(&mut self, ty: Type<'a>, inside: u32) -> Result<(), Error> {
        let id = ty.id().0;
        if self.state(id).forward() {
            return Ok(());
        }
        match ty.kind() {
            // Inside its own definition it is known. One without a name cannot be declared.
            Kind::Struct | Kind::Union if id == inside || ty.name_off() == 0 => return Ok(()),
            Kind::Struct | Kind::Union => self.declare(ty),
            Kind::Typedef => self.define_typedef(ty)?,
            _ => return Ok(()),
        }
        self.update(id, State::set_forward);
        Ok(())
    }

    fn visit_record(&mut self, id: u32, state: State, inside: u32) -> Result<(), Error> {
        if (inside == 0 || state.anonymous()) && self.members_all(id, State::emitted) {
            self.finish_record(self.ty(id)?, inside)?;
        } else if inside == 0 || state.anonymous() {
            self.update(id, |s| s.set_emitting(true));
            let inner = if state.anonymous() { inside } else { id };
            self.emitting.push(Frame { id, next: 0, inside, inner });
        } else if !state.forward() && id != inside {
            self.declare(self.ty(id)?);
            self.update(id, State::set_forward);
        }
        Ok(())
    }

    pub(super) fn finish_enum(&mut self, ty: Type<'a>) -> Result<(), Error> {
        self.define_enum(ty, 0)?;
        self.text.put(b";\n\n");
        self.update(ty.id().0, State::set_emitted);
        Ok(())
    }

    /// A forward declaration of a struct or union.
    fn declare(&mut self, ty: Type<'a>) {
        self.keyword_and_tag(ty);
        self.text.put(b";\n\n");
    }

    fn advance_typedef(&mut self, ty: Type<'a>, top: Frame) -> Result<(), Error> {
        if top.next == 0 {
            self.went_on(1);
            return self.visit(ty.target().unwrap_or_default().0, top.inner);
        }
        self.emitting.pop();
        self.finish_typedef(ty)
    }

    /// Defines a typedef unless someone needed it before it was done.
    pub(super) fn finish_typedef(&mut self, ty: Type<'a>) -> Result<(), Error> {
        let id = ty.id().0;
        if !self.state(id).forward() {
            self.define_typedef(ty)?;
        }
        self.update(id, State::set_emitted);
        Ok(())
    }

    fn advance_record(&mut self, ty: Type<'a>, top: Frame) -> Result<(), Error> {
        let depth = self.emitting.len();
        let mut next = top.next;
        for id in ty.member_types(next) {
            next = next.wrapping_add(1);
            if self.state(id).emitted() {
                continue;
            }
            // Before the visit, which may put another frame on top.
            self.went_on(next);
            self.visit(id, top.inner)?;
            if self.emitting.len() > depth {
                return Ok(());
            }
        }
        self.emitting.pop();
        self.finish_record(ty, top.inside)
    }

    /// Defines a struct or union unless it is a part of another: then it has no name, and each use is a definition of
    /// its own.
    pub(super) fn finish_record(&mut self, ty: Type<'a>, inside: u32) -> Result<(), Error> {
        if inside != 0 {
            self.update(ty.id().0, |s| s.set_emitting(false));
            return Ok(());
        }
        self.define_record(ty, 0)?;
        self.text.put(b";\n\n");
        self.update(ty.id().0, State::set_emitted);
        Ok(())
    }

    fn advance_params(&mut self, ty: Type<'a>, top: Frame) -> Result<(), Error> {
        let reference = match top.next.checked_sub(1) {
            None => ty.target(),
            Some(i) => ty.raw_param(i).map(|(_, ty)| ty),
        };
        let Some(reference) = reference else {
            self.emitting.pop();
            return Ok(());
        };
        if top.next > MANY {
            self.step()?;
        }
        self.went_on(top.next.wrapping_add(1));
        self.visit(reference.0, top.inner)
    }

    /// Notes which reference of the type on top of the stack comes next.
    fn went_on(&mut self, next: u32) {
        if let Some(frame) = self.emitting.last_mut() {
            frame.next = next;
        }
    }

    /// A typedef for a number that compilers do not know by its name.
    fn alias(&mut self, ty: Type<'a>) {
        if ty.name_off() == 0 {
            return;
        }
        self.settle_number(ty);
        let Some(name) = self.renamed.get(&ty.id().0).cloned() else { return };
        self.text.put(b"typedef ");
        match ident::number_of(ty) {
            Some(number) => {
                self.text.put(number.as_bytes());
                self.text.put(b" ");
                self.text.put(&name);
            }
            None => {
                self.text.put(b"unsigned char ");
                self.text.put(&name);
                self.text.put(b"[");
                self.text.number(ty.size().unwrap_or(0).into());
                self.text.put(b"]");
            }
        }
        self.text.put(b";\n\n");
    }
}
