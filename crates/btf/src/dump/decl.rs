//! Declarations: a name with its type around it, `int (*name)[3]`.
//!
//! A BTF says a type from the outside in: pointer to array of 3 of int. C starts with what is innermost, writes
//! pointers and what qualifies them to the left of the name, and arrays and parameters to the right. So the chain
//! is collected up to the type that has a name of its own, then written from there, with what goes to the right
//! of the name remembered until the name is out.

use crate::{
    Error, Kind, Type,
    dump::{CDump, ident, state::State},
    error::TypeProblem,
};

/// What is declared.
#[derive(Clone, Copy)]
pub(super) enum Name<'n, 'a> {
    /// Text of the caller's, empty for none.
    Given(&'n [u8]),
    /// A member or parameter: where its name is in the strings.
    At(u32),
    /// A typedef.
    Typedef(Type<'a>),
}

/// A type of a chain.
#[derive(Clone, Copy)]
pub(super) struct Link {
    id: u32,
    kind: Kind,
}

/// What follows a declarator.
#[derive(Clone, Copy)]
pub(super) struct Suffix {
    /// The array or prototype.
    id: u32,
    /// Whether a parenthesis is open.
    parenthesis: bool,
}

/// Whether a chain ends with such a type.
fn has_a_name(kind: Kind) -> bool {
    kind == Kind::Typedef || kind == Kind::Int || kind.is_composite() || kind.is_enum()
}

impl<'a> CDump<'a> {
    /// Writes a declaration of `name` as something of type `id`.
    pub(super) fn decl(&mut self, id: u32, name: Name<'_, 'a>, level: u32) -> Result<(), Error> {
        self.text.check()?;
        // Most are a type with a name, or a pointer to one.
        let state = self.state(id);
        if has_a_name(state.kind()) {
            self.named(id, state, level)?;
            match name {
                Name::At(off) if off != 0 => self.member_name(b" ", off),
                name => self.declared(name, false),
            }
            return Ok(());
        }
        if state.kind() == Kind::Ptr {
            let to = self.reader.target(id);
            let state = self.state(to);
            if has_a_name(state.kind()) {
                self.named(to, state, level)?;
                match name {
                    Name::At(off) if off != 0 => self.member_name(b" *", off),
                    name => {
                        self.text.put(b" *");
                        self.declared(name, true);
                    }
                }
                return Ok(());
            }
        }
        let (start, open) = (self.chain.len(), self.suffixes.len());
        let ty = self.collect(id, start)?;
        self.qualifiers(start);
        self.innermost(ty, level)?;
        self.outwards(start, name);
        self.chain.truncate(start);
        while self.suffixes.len() > open {
            let Some(suffix) = self.suffixes.pop() else { break };
            self.suffix(suffix, level)?;
        }
        Ok(())
    }

    /// A type that can have a name.
    #[inline]
    fn named(&mut self, id: u32, state: State, level: u32) -> Result<(), Error> {
        if !state.keeps_name() {
            let ty = self.ty(id)?;
            return self.innermost(ty, level);
        }
        match state.kind() {
            Kind::Struct => self.text.put(b"struct "),
            Kind::Union => self.text.put(b"union "),
            Kind::Enum | Kind::Enum64 => self.text.put(b"enum "),
            _ => {}
        }
        self.text.put_str(self.reader.onward(self.reader.name_off(id)));
        Ok(())
    }

    /// Puts the chain from `id` on the stack, without the type that ends it, which it gives back.
    fn collect(&mut self, id: u32, start: usize) -> Result<Type<'a>, Error> {
        let mut id = id;
        loop {
            let ty = self.ty(id)?;
            let kind = ty.kind();
            let next = match kind {
                Kind::Ptr | Kind::FuncProto => ty.target(),
                k if k.is_modifier() => ty.target(),
                Kind::Array => ty.array().map(|a| a.elem),
                Kind::Func | Kind::Var | Kind::Datasec | Kind::DeclTag => {
                    return Err(ty.error(TypeProblem::WrongKind { expected: "something that C declares" }));
                }
                _ => return Ok(ty),
            };
            self.step()?;
            if self.chain.len().wrapping_sub(start) > self.states.len() {
                return Err(ty.error(TypeProblem::PartOfItself));
            }
            if !(self.strip_mods && kind.is_modifier()) {
                self.chain.push(Link { id, kind });
            }
            id = next.unwrap_or_default().0;
        }
    }

    /// The type that ends the chain.
    fn innermost(&mut self, ty: Type<'a>, level: u32) -> Result<(), Error> {
        let inline = ty.name_off() == 0 && !self.skip_anonymous;
        match ty.kind() {
            Kind::Void => self.text.put(b"void"),
            Kind::Int | Kind::Float => self.number(ty),
            Kind::Struct | Kind::Union if inline => self.define_record(ty, level)?,
            Kind::Enum | Kind::Enum64 if inline => self.define_enum(ty, level)?,
            Kind::Typedef => self.name_of(ty),
            _ => self.keyword_and_tag(ty),
        }
        Ok(())
    }

    /// `const` and its like before the type that ends the chain.
    fn qualifiers(&mut self, start: usize) {
        while let Some(link) = self.last_of_chain(start) {
            let word: &[u8] = match link.kind {
                Kind::Const => b"const ",
                Kind::Volatile => b"volatile ",
                Kind::Restrict => b"restrict ",
                _ => return,
            };
            self.chain.pop();
            self.text.put(word);
        }
    }

    /// Compilers move what qualifies an array to its elements, and old ones mark functions that do not return as
    /// volatile. Neither means anything where it stands.
    fn drop_qualifiers(&mut self, start: usize) {
        while self.last_of_chain(start).is_some_and(|link| link.kind.is_modifier()) {
            self.chain.pop();
        }
    }

    #[inline]
    fn last_of_chain(&self, start: usize) -> Option<Link> {
        self.chain.get(start..)?.last().copied()
    }

    /// The chain from the type that ends it to the name. What comes behind the name goes onto a stack.
    fn outwards(&mut self, start: usize, name: Name<'_, 'a>) {
        // Whether the name, or another `*`, can follow without a space.
        let mut close = false;
        while let Some(Link { id, kind }) = self.last_of_chain(start) {
            self.chain.pop();
            match kind {
                Kind::Ptr => self.text.put(if close { b"*" } else { b" *" }),
                Kind::Const => self.text.put(b" const"),
                Kind::Volatile => self.text.put(b" volatile"),
                Kind::Restrict => self.text.put(b" restrict"),
                Kind::TypeTag => self.type_tag(id),
                Kind::Array => {
                    self.drop_qualifiers(start);
                    let next = self.last_of_chain(start);
                    let Some(next) = next else { return self.last_suffix(id, name, close) };
                    if !close && !self.is_empty(name) {
                        self.text.put(b" ");
                    }
                    self.open(id, next.kind != Kind::Array);
                    close = true;
                    continue;
                }
                _ => {
                    self.drop_qualifiers(start);
                    if self.last_of_chain(start).is_none() {
                        return self.last_suffix(id, name, close);
                    }
                    self.text.put(b" ");
                    self.open(id, true);
                    close = true;
                    continue;
                }
            }
            close = kind == Kind::Ptr;
        }
        self.declared(name, close);
    }

    /// An array or prototype whose declarator is more than a name.
    fn open(&mut self, id: u32, parenthesis: bool) {
        if parenthesis {
            self.text.put(b"(");
        }
        self.suffixes.push(Suffix { id, parenthesis });
    }

    /// An array or prototype whose declarator is the name.
    fn last_suffix(&mut self, id: u32, name: Name<'_, 'a>, close: bool) {
        self.declared(name, close);
        self.suffixes.push(Suffix { id, parenthesis: false });
    }

    fn is_empty(&self, name: Name<'_, 'a>) -> bool {
        match name {
            Name::Given(name) => name.is_empty(),
            Name::At(off) => off == 0,
            Name::Typedef(_) => false,
        }
    }

    fn declared(&mut self, name: Name<'_, 'a>, close: bool) {
        if !close && !self.is_empty(name) {
            self.text.put(b" ");
        }
        match name {
            Name::Given(name) => self.text.put(name),
            Name::At(0) => {}
            Name::At(off) => self.member_name(b"", off),
            Name::Typedef(ty) => self.name_of(ty),
        }
    }

    /// The name of a member or parameter, after what separates it from its type.
    #[inline]
    fn member_name<const N: usize>(&mut self, before: &[u8; N], off: u32) {
        self.text.put(before);
        let onward = self.reader.onward(off);
        match ident::plain_at(onward) {
            Some(_) => self.text.put_str(onward),
            None => self.text.put(&ident::made_plain(self.name(off))),
        }
    }

    fn type_tag(&mut self, id: u32) {
        let Ok(ty) = self.ty(id) else { return };
        let value = self.name(ty.name_off());
        if !ty.kind_flag() {
            self.text.put(b" __attribute__((btf_type_tag(");
            self.text.put(&ident::quoted(value));
            self.text.put(b")))");
        } else if ident::is_attribute(value) {
            self.text.put(b" __attribute__((");
            self.text.put(value);
            self.text.put(b"))");
        }
    }

    /// What comes behind a declarator.
    fn suffix(&mut self, suffix: Suffix, level: u32) -> Result<(), Error> {
        if suffix.parenthesis {
            self.text.put(b")");
        }
        let ty = self.ty(suffix.id)?;
        if let Some(array) = ty.array() {
            self.text.put(b"[");
            self.text.number(u64::from(array.len));
            self.text.put(b"]");
            return Ok(());
        }
        self.nest(ty)?;
        self.text.put(b"(");
        let count = ty.vlen();
        for i in 0..count {
            let Some((name, param)) = ty.raw_param(i) else { break };
            let last = i.wrapping_add(1) == count;
            if i > 0 {
                self.text.put(b", ");
            }
            match param.0 {
                0 if count == 1 => self.text.put(b"void"),
                0 if last => self.text.put(b"..."),
                id => self.decl(id, Name::At(name), level)?,
            }
        }
        if count == 0 {
            self.text.put(b"void");
        }
        self.text.put(b")");
        self.unnest();
        Ok(())
    }
}
