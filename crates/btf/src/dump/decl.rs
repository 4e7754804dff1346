//! Declarations: a name with its type around it, `int (*name)[3]`.
//!
//! A BTF says a type from the outside in: pointer to array of 3 of int. C starts with what is innermost, writes
//! pointers and what qualifies them to the left of the name, and arrays and parameters to the right. So the chain
//! is collected up to the type that has a name of its own, then written from there, with what goes to the right
//! of the name remembered until the name is out.

use crate::{
    Error, Kind, Type,
    dump::{CDump, ident, text::Short},
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

/// Where the name of a declaration is in the text.
struct Spot {
    /// The end of what stands before it.
    before: usize,
    behind: usize,
    /// Whether a space comes between.
    space: bool,
}

const STAR: Short = Short::new("*");
const SPACE_STAR: Short = Short::new(" *");
const CONST: Short = Short::new("const ");
const VOLATILE: Short = Short::new("volatile ");
const RESTRICT: Short = Short::new("restrict ");

impl<'a> CDump<'a> {
    /// Writes a declaration of `name` as something of type `id`.
    #[inline(always)]
    pub(super) fn decl(&mut self, id: u32, name: Name<'_, 'a>, level: u32) -> Result<(), Error> {
        self.text.check()?;
        if self.decl_again(id, name) { Ok(()) } else { self.decl_anew(id, name, level) }
    }

    /// Writes it if what stands around the name is remembered, and the name one that C takes.
    #[inline(always)]
    fn decl_again(&mut self, id: u32, name: Name<'_, 'a>) -> bool {
        let Some(affix) = self.memos.affix(id) else { return false };
        let text = self.affixes.text(affix.start());
        match name {
            _ if self.leaves_out() => return false,
            Name::At(0) => {
                // There may be no space before a bracket.
                if affix.behind() == 0 {
                    self.text.put_start(text, affix.without_space());
                }
                return affix.behind() == 0;
            }
            Name::At(off) => {
                let onward = self.reader.onward(off);
                let Some(name) = ident::plain_at(onward) else { return false };
                self.text.put_start(text, affix.before());
                self.text.put_start(onward, name.len());
            }
            Name::Typedef(ty) => {
                self.text.put_start(text, affix.before());
                self.name_of(ty);
            }
            Name::Given(_) => return false,
        }
        if affix.behind() > 0 {
            self.text.put_start(self.affixes.text(affix.start_behind()), affix.behind());
        }
        true
    }

    /// Writes it if it is a pointer to a function and what stands around names of the result's type is remembered.
    #[inline]
    fn function_pointer(&mut self, id: u32, name: Name<'_, 'a>, level: u32) -> Result<bool, Error> {
        let proto = self.reader.target(id);
        if !self.state(proto).is(Kind::FuncProto) || self.leaves_out() {
            return Ok(false);
        }
        match self.reader.target(proto) {
            0 => self.text.put(b"void"),
            result => match self.memos.affix(result) {
                Some(result) if result.behind() == 0 => {
                    self.text.put_start(self.affixes.text(result.start()), result.without_space());
                }
                _ => return Ok(false),
            },
        }
        self.text.put(b" (*");
        if !self.is_empty(name) {
            self.declared(name);
        }
        self.suffix(Suffix { id: proto, parenthesis: true }, level)?;
        Ok(true)
    }

    /// Whether a declaration can be less than its type says.
    #[inline]
    fn leaves_out(&self) -> bool {
        self.strip_mods | self.skip_anonymous
    }

    #[inline(never)]
    fn decl_anew(&mut self, id: u32, name: Name<'_, 'a>, level: u32) -> Result<(), Error> {
        if self.state(id).is(Kind::Ptr) && self.function_pointer(id, name, level)? {
            return Ok(());
        }
        let (start, open, from) = (self.chain.len(), self.suffixes.len(), self.text.len());
        let ty = self.collect(id, start)?;
        let lasting = self.is_lasting(ty, start, name);
        self.qualifiers(start);
        self.innermost(ty, level)?;
        let spot = self.outwards(start, name);
        self.chain.truncate(start);
        while self.suffixes.len() > open {
            let Some(suffix) = self.suffixes.pop() else { break };
            self.suffix(suffix, level)?;
        }
        if lasting {
            let behind = spot.behind..self.text.len();
            let affix = self.affixes.keep(&self.text, from..spot.before, spot.space, behind);
            affix.into_iter().for_each(|affix| self.memos.set_affix(id, affix));
        }
        Ok(())
    }

    /// Whether to keep what will be around the name for others, given the type that ends the chain: no definition,
    /// which is nowhere twice, and no prototype, which counts as nested.
    fn is_lasting(&self, end: Type<'_>, start: usize, name: Name<'_, 'a>) -> bool {
        let inline = end.name_off() == 0 && (end.kind().is_composite() || end.kind().is_enum());
        let chain = self.chain.get(start..).unwrap_or_default();
        let plain = |kind| kind != Kind::FuncProto && !(kind == Kind::Array && self.is_empty(name));
        !inline && !self.leaves_out() && self.memos.in_use() && chain.iter().all(|link| plain(link.kind))
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
            let word = match link.kind {
                Kind::Const => &CONST,
                Kind::Volatile => &VOLATILE,
                Kind::Restrict => &RESTRICT,
                _ => return,
            };
            self.chain.pop();
            self.text.put_short(word);
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
    fn outwards(&mut self, start: usize, name: Name<'_, 'a>) -> Spot {
        // Whether the name, or another `*`, can follow without a space.
        let mut close = false;
        while let Some(Link { id, kind }) = self.last_of_chain(start) {
            self.chain.pop();
            match kind {
                Kind::Ptr => self.text.put_short(if close { &STAR } else { &SPACE_STAR }),
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
        self.middle(name, close)
    }

    /// An array or prototype whose declarator is more than a name.
    fn open(&mut self, id: u32, parenthesis: bool) {
        if parenthesis {
            self.text.put(b"(");
        }
        self.suffixes.push(Suffix { id, parenthesis });
    }

    /// An array or prototype whose declarator is the name.
    fn last_suffix(&mut self, id: u32, name: Name<'_, 'a>, close: bool) -> Spot {
        self.suffixes.push(Suffix { id, parenthesis: false });
        self.middle(name, close)
    }

    /// The name, after a space where one is needed.
    fn middle(&mut self, name: Name<'_, 'a>, close: bool) -> Spot {
        let before = self.text.len();
        if !self.is_empty(name) {
            if !close {
                self.text.put(b" ");
            }
            self.declared(name);
        }
        Spot { before, behind: self.text.len(), space: !close }
    }

    #[inline]
    fn is_empty(&self, name: Name<'_, 'a>) -> bool {
        match name {
            Name::Given(name) => name.is_empty(),
            Name::At(off) => off == 0,
            Name::Typedef(_) => false,
        }
    }

    /// A name that is not empty.
    #[inline]
    fn declared(&mut self, name: Name<'_, 'a>) {
        match name {
            Name::Given(name) => self.text.put(name),
            Name::Typedef(ty) => self.name_of(ty),
            Name::At(off) => {
                let onward = self.reader.onward(off);
                match ident::plain_at(onward) {
                    Some(name) => self.text.put_start(onward, name.len()),
                    None => self.text.put(&ident::made_plain(self.name(off))),
                }
            }
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
