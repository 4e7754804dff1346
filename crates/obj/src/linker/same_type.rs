//! Whether two objects mean the same by a declaration.
//!
//! Typedefs and qualifiers do not count, nor do encodings of integers, lengths of arrays, and the names of parameters.
//! Behind a pointer a struct or union is known by its name, and may be declared only.

use std::fmt::Display;

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use oxbpf_btf::{CDump, Kind, Type, TypeDecl, TypeId};

use crate::Btf;

/// Bytes of a declaration that a message shows.
const MAX_TEXT: usize = 400;

/// Types of two objects that are compared.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    /// Which object has what is expected.
    pub(super) object: usize,
    pub(super) expected: &'a Btf,
    pub(super) found: &'a Btf,
}

/// Why two types are not the same, as far as can be told.
pub(super) enum Differ {
    /// `field #2 (next): …`.
    Here(String),
    /// It would take too long to tell.
    Entangled,
    Broken(oxbpf_btf::Error),
}

impl From<oxbpf_btf::Error> for Differ {
    fn from(error: oxbpf_btf::Error) -> Self {
        Differ::Broken(error)
    }
}

/// What was found the same already, while one object is added.
#[derive(Default)]
pub(super) struct Compared {
    same: HashSet<(usize, TypeId, TypeId, bool), FixedState>,
    left: u64,
}

/// Two types yet to be compared.
struct Item {
    expected: TypeId,
    found: TypeId,
    /// Whether what a struct consists of counts.
    exact: bool,
    /// The item that led here, and how.
    from: usize,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Start,
    Field(u32),
    Param(u32),
    Result,
    Pointee,
    Element,
}

impl Compared {
    /// For an object of so many bytes, among others of so many in all.
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: (bytes as u64).saturating_mul(4).saturating_add(1 << 20), ..Self::default() }
    }

    fn spend(&mut self, steps: usize) -> Result<(), Differ> {
        self.left = self.left.checked_sub(steps as u64).ok_or(Differ::Entangled)?;
        Ok(())
    }

    /// Compares two variables, or two functions.
    pub(super) fn declarations(
        &mut self,
        pair: Pair<'_>,
        expected: TypeId,
        found: TypeId,
    ) -> Result<(), Differ> {
        let (a, b) = (pair.expected.get(expected)?, pair.found.get(found)?);
        if a.kind() != b.kind() {
            return Err(Differ::Here(beside(name_of(b), name_of(a))));
        }
        self.types(pair, a.target().unwrap_or_default(), b.target().unwrap_or_default())
    }

    /// Compares two types with all that they consist of.
    pub(super) fn types(&mut self, pair: Pair<'_>, expected: TypeId, found: TypeId) -> Result<(), Differ> {
        let mut items = vec![Item { expected, found, exact: true, from: 0, step: Step::Start }];
        let mut next = 0;
        while let Some(item) = items.get(next) {
            let (exact, of) = (item.exact, next);
            let (a, b) = (pair.expected.resolve(item.expected)?, pair.found.resolve(item.found)?);
            next = next.saturating_add(1);
            self.spend(1)?;
            if !self.same.insert((pair.object, a.id(), b.id(), exact)) {
                continue;
            }
            let mut go = |a: TypeId, b: TypeId, exact: bool, step: Step| {
                items.push(Item { expected: a, found: b, exact, from: of, step });
            };
            let same = self.one(a, b, exact, &mut go);
            if let Err(Differ::Here(text)) = same {
                let path = path(&items, of, pair);
                return Err(Differ::Here(if path.is_empty() { text } else { format!("{path}: {text}") }));
            }
            same?;
        }
        Ok(())
    }

    /// Compares two types but for what they refer to.
    fn one(
        &mut self,
        a: Type<'_>,
        b: Type<'_>,
        exact: bool,
        go: &mut impl FnMut(TypeId, TypeId, bool, Step),
    ) -> Result<(), Differ> {
        let differ = |what: &str| Err(Differ::Here(format!("{what}{}", beside(name_of(b), name_of(a)))));
        let (is_a, is_b) = (a.kind() == Kind::Fwd, b.kind() == Kind::Fwd);
        if !exact && is_a != is_b {
            let (fwd, whole) = if is_a { (a, b) } else { (b, a) };
            let kind = if fwd.kind_flag() { Kind::Union } else { Kind::Struct };
            self.same_name(a, b)?;
            return if whole.kind() == kind { Ok(()) } else { differ("") };
        }
        if a.kind() != b.kind() {
            return differ("");
        }
        let targets = (a.target().unwrap_or_default(), b.target().unwrap_or_default());
        match a.kind() {
            Kind::Void => {}
            Kind::Fwd => self.same_name(a, b)?,
            Kind::Int | Kind::Float if a.size() != b.size() => return differ(""),
            Kind::Int | Kind::Float => {}
            Kind::Enum | Kind::Enum64 => {
                self.same_name(a, b)?;
                if a.size() != b.size() {
                    return differ("sizes of ");
                }
            }
            Kind::Ptr => go(targets.0, targets.1, false, Step::Pointee),
            Kind::Array => {
                let elem = |ty: Type<'_>| ty.array().map_or(TypeId(0), |array| array.elem);
                go(elem(a), elem(b), exact, Step::Element);
            }
            Kind::Struct | Kind::Union => {
                self.same_name(a, b)?;
                if exact {
                    self.members(a, b, go)?;
                }
            }
            Kind::FuncProto => {
                if a.vlen() != b.vlen() {
                    return Err(Differ::Here(format!("parameters: {}", beside(b.vlen(), a.vlen()))));
                }
                self.spend(a.vlen() as usize)?;
                go(targets.0, targets.1, exact, Step::Result);
                for ((a, b), index) in a.params().zip(b.params()).zip(0..) {
                    go(a.ty, b.ty, exact, Step::Param(index));
                }
            }
            _ => return differ("no types of values: "),
        }
        Ok(())
    }

    fn members(
        &mut self,
        a: Type<'_>,
        b: Type<'_>,
        go: &mut impl FnMut(TypeId, TypeId, bool, Step),
    ) -> Result<(), Differ> {
        if a.vlen() != b.vlen() {
            let text = format!("fields of {}: {}", name_of(a), beside(b.vlen(), a.vlen()));
            return Err(Differ::Here(text));
        }
        for ((a, b), index) in a.members().zip(b.members()).zip(0..) {
            self.spend((a.name.len() / 16).saturating_add(1))?;
            if a.name != b.name {
                let text = format!("name of field #{index}: {}", beside(short(b.name), short(a.name)));
                return Err(Differ::Here(text));
            }
            if (a.bit_offset, a.bitfield_size) != (b.bit_offset, b.bitfield_size) {
                let text =
                    format!("bits before field `{}`: {}", short(a.name), beside(b.bit_offset, a.bit_offset));
                return Err(Differ::Here(text));
            }
            go(a.ty, b.ty, true, Step::Field(index));
        }
        Ok(())
    }

    fn same_name(&mut self, a: Type<'_>, b: Type<'_>) -> Result<(), Differ> {
        let (name_a, name_b) = (a.name_bytes(), b.name_bytes());
        self.spend(name_a.len() / 16)?;
        if name_a == name_b {
            return Ok(());
        }
        Err(Differ::Here(beside(name_of(b), name_of(a))))
    }
}

/// What stands here, and what in the other object.
fn beside(here: impl Display, there: impl Display) -> String {
    format!("{here} here, {there} there")
}

/// A type for a message: `struct task_struct`, `int`, `an unnamed union`.
pub(super) fn name_of(ty: Type<'_>) -> String {
    let kind = match ty.kind() {
        Kind::Void => return "void".to_owned(),
        Kind::Ptr => return "a pointer".to_owned(),
        Kind::Array => return "an array".to_owned(),
        Kind::FuncProto => return "a function".to_owned(),
        Kind::Int | Kind::Float => {
            return format!("{} ({} bytes)", short(ty.name()), ty.size().unwrap_or_default());
        }
        Kind::Struct => "struct",
        Kind::Union => "union",
        Kind::Enum | Kind::Enum64 => "enum",
        Kind::Fwd if ty.kind_flag() => "union",
        Kind::Fwd => "struct",
        Kind::Var => return "a variable".to_owned(),
        Kind::Func => return "a function".to_owned(),
        other => other.as_str(),
    };
    match ty.name() {
        "" => format!("an unnamed {kind}"),
        name => format!("{kind} {}", short(name)),
    }
}

/// As much of a name as a message wants.
pub(super) fn short(name: &str) -> &str {
    let end = (0..=name.len().min(128)).rev().find(|&end| name.is_char_boundary(end));
    name.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// How the comparison came to an item: `pointee of field `next``.
fn path(items: &[Item], mut at: usize, pair: Pair<'_>) -> String {
    let mut steps: Vec<String> = Vec::new();
    while let Some(item) = items.get(at).filter(|_| steps.len() < 8) {
        let parent = items.get(item.from).and_then(|from| pair.expected.resolve(from.expected).ok());
        steps.push(match item.step {
            Step::Start => break,
            Step::Field(index) => {
                let field = parent.and_then(|parent| parent.members().nth(index as usize));
                format!("field `{}`", field.map_or("", |field| short(field.name)))
            }
            Step::Param(index) => format!("parameter {}", index.saturating_add(1)),
            Step::Result => "result".to_owned(),
            Step::Pointee => "what it points to".to_owned(),
            Step::Element => "element".to_owned(),
        });
        at = item.from;
    }
    steps.reverse();
    steps.join(", ")
}

/// A declaration as it would be written in C.
pub(super) fn declaration(btf: &Btf, id: TypeId, name: &str) -> String {
    let target = btf.get(id).ok().and_then(|ty| ty.target()).unwrap_or_default();
    let mut text = String::new();
    let decl = TypeDecl { name, ..TypeDecl::default() };
    if CDump::new(btf).type_decl(target, &decl, &mut text).is_err() {
        return format!("{} {name}", btf.get(target).map_or("?".to_owned(), name_of));
    }
    let text: Vec<&str> = text.split_whitespace().collect();
    let text = text.join(" ");
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
