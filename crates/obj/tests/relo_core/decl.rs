//! Types for tests, written down instead of built call by call.
//!
//! ```text
//! struct s { a: int, p: *struct t, arr: [char; 4], bits: u32 : 3, _: union { x: long, y: short } }
//! union u { .. }    enum e { A = 1, B = -2 }    enum64 e { .. }    fwd struct f    fwd union g
//! typedef t = const *fn(int, *char) -> void
//! ```
//!
//! A member `_` is anonymous. Members lie where a C compiler for x86-64 would put them; `@ N` after a member
//! puts it at bit N.

use std::collections::HashMap;

use oxbpf_btf::{BtfBuilder, Field, IntEncoding, TypeId};

/// Size and alignment in bytes.
type Layout = (u32, u32);

/// Types that were written down, not yet a BTF: strings can be added.
pub(crate) struct Decl {
    pub(crate) builder: BtfBuilder,
    named: HashMap<String, TypeId>,
    layouts: HashMap<TypeId, Layout>,
    /// Pointers to composites that come later.
    pending: Vec<(TypeId, String)>,
}

impl Decl {
    pub(crate) fn new(text: &str) -> Self {
        let mut decl = Self {
            builder: BtfBuilder::new(),
            named: HashMap::new(),
            layouts: HashMap::from([(TypeId::VOID, (0, 1))]),
            pending: Vec::new(),
        };
        let tokens = tokens(text);
        let mut parser = Parser { tokens: &tokens, decl: &mut decl };
        while !parser.tokens.is_empty() {
            parser.item();
        }
        for (pointer, name) in std::mem::take(&mut decl.pending) {
            let target = match decl.named.get(&name) {
                Some(id) => *id,
                None => {
                    let (kind, tag) = name.split_once(' ').unwrap();
                    let id = decl.builder.add_fwd(tag, kind == "union").unwrap();
                    decl.named.insert(name, id);
                    id
                }
            };
            decl.builder.set_target(pointer, target).unwrap();
        }
        decl
    }

    /// The type by its C name: `struct s`, `enum e`, `t` for a typedef or a basic type.
    pub(crate) fn id(&self, name: &str) -> TypeId {
        *self.named.get(name).unwrap_or_else(|| panic!("no {name}"))
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            out.push(std::mem::take(&mut word));
        }
        if c == '>' && out.last().is_some_and(|t| t == "-") {
            *out.last_mut().unwrap() = "->".to_owned();
        } else if !c.is_whitespace() {
            out.push(c.to_string());
        }
    }
    out
}

struct Parser<'t, 'd> {
    tokens: &'t [String],
    decl: &'d mut Decl,
}

impl<'t> Parser<'t, '_> {
    fn peek(&self) -> &'t str {
        self.tokens.first().map_or("", String::as_str)
    }

    fn next(&mut self) -> &'t str {
        let (first, rest) = self.tokens.split_first().expect("unfinished declaration");
        self.tokens = rest;
        first
    }

    fn eat(&mut self, token: &str) -> bool {
        let there = self.peek() == token;
        if there {
            self.next();
        }
        there
    }

    fn expect(&mut self, token: &str) {
        let got = self.next();
        assert_eq!(got, token, "in a declaration");
    }

    fn number(&mut self) -> i128 {
        let negative = self.eat("-");
        let text = self.next();
        let value = match text.strip_prefix("0x") {
            Some(hex) => i128::from_str_radix(hex, 16),
            None => text.parse(),
        };
        let value = value.unwrap_or_else(|_| panic!("{text} is no number"));
        if negative { -value } else { value }
    }

    fn item(&mut self) {
        let keyword = self.next();
        match keyword {
            "fwd" => {
                let (kind, name) = (self.next(), self.next());
                let id = self.decl.builder.add_fwd(name, kind == "union").unwrap();
                self.decl.named.insert(format!("{kind} {name}"), id);
            }
            "typedef" => {
                let name = self.next();
                self.expect("=");
                let to = self.ty();
                let id = self.decl.builder.add_typedef(name, to).unwrap();
                self.like(id, to);
                self.decl.named.insert(name.to_owned(), id);
            }
            "struct" | "union" => {
                let name = self.next();
                let id = self.composite(keyword, name);
                self.decl.named.insert(format!("{keyword} {name}"), id);
            }
            "enum" | "enum64" => {
                let name = self.next();
                let id = self.enumeration(keyword, name);
                self.decl.named.insert(format!("enum {name}"), id);
            }
            _ => panic!("{keyword} declares nothing"),
        }
        self.eat(";");
    }

    fn like(&mut self, id: TypeId, other: TypeId) {
        let layout = *self.decl.layouts.get(&other).unwrap_or(&(0, 1));
        self.decl.layouts.insert(id, layout);
    }

    fn composite(&mut self, keyword: &str, name: &str) -> TypeId {
        self.expect("{");
        let mut members: Vec<(&str, TypeId, u32, u32)> = Vec::new();
        let (mut bit, mut size, mut align) = (0u32, 0u32, 1u32);
        while !self.eat("}") {
            let member = self.next();
            self.expect(":");
            let ty = self.ty();
            let width = if self.eat(":") { self.number() as u32 } else { 0 };
            let (bytes, to) = *self.decl.layouts.get(&ty).unwrap_or(&(0, 1));
            if keyword == "union" {
                bit = 0;
            } else if width > 0 {
                let unit = bytes * 8;
                if bit / unit != (bit + width - 1) / unit {
                    bit = bit.next_multiple_of(unit);
                }
            } else {
                bit = bit.next_multiple_of(to * 8);
            }
            if self.eat("@") {
                bit = self.number() as u32;
            }
            members.push((if member == "_" { "" } else { member }, ty, bit, width));
            bit += if width > 0 { width } else { bytes * 8 };
            size = size.max(bit.div_ceil(8));
            align = align.max(to);
            self.eat(",");
        }
        let size = size.next_multiple_of(align);
        let fields = members.iter().map(|&(name, ty, bit, width)| Field::bitfield(name, ty, bit, width));
        let id = if keyword == "union" {
            self.decl.builder.add_union(name, size, fields)
        } else {
            self.decl.builder.add_struct(name, size, fields)
        };
        let id = id.unwrap();
        self.decl.layouts.insert(id, (size, align));
        id
    }

    fn enumeration(&mut self, keyword: &str, name: &str) -> TypeId {
        self.expect("{");
        let mut values: Vec<(&str, i128)> = Vec::new();
        while !self.eat("}") {
            let name = self.next();
            let next = values.last().map_or(0, |(_, value)| value + 1);
            values.push((name, if self.eat("=") { self.number() } else { next }));
            self.eat(",");
        }
        let signed = values.iter().any(|(_, value)| *value < 0);
        let (id, size) = if keyword == "enum64" {
            let values = values.iter().map(|&(name, value)| (name, value as u64));
            (self.decl.builder.add_enum64(name, 8, signed, values), 8)
        } else {
            let values = values.iter().map(|&(name, value)| (name, value as i64));
            (self.decl.builder.add_enum(name, 4, signed, values), 4)
        };
        let id = id.unwrap();
        self.decl.layouts.insert(id, (size, size));
        id
    }

    fn ty(&mut self) -> TypeId {
        let keyword = self.next();
        match keyword {
            "*" => {
                let pointee = if matches!(self.peek(), "struct" | "union") && self.tokens[1] != "{" {
                    let name = format!("{} {}", self.next(), self.next());
                    self.decl.named.get(&name).copied().ok_or(name)
                } else {
                    Ok(self.ty())
                };
                let id = self.decl.builder.add_ptr(*pointee.as_ref().unwrap_or(&TypeId::VOID)).unwrap();
                if let Err(name) = pointee {
                    self.decl.pending.push((id, name));
                }
                self.decl.layouts.insert(id, (8, 8));
                id
            }
            "[" => {
                let elem = self.ty();
                self.expect(";");
                let len = self.number() as u32;
                self.expect("]");
                let index = self.basic("u32");
                let id = self.decl.builder.add_array(elem, index, len).unwrap();
                let (size, align) = self.decl.layouts[&elem];
                self.decl.layouts.insert(id, (size.saturating_mul(len), align));
                id
            }
            "const" | "volatile" | "restrict" | "tagged" => {
                let to = self.ty();
                let builder = &mut self.decl.builder;
                let id = match keyword {
                    "const" => builder.add_const(to),
                    "volatile" => builder.add_volatile(to),
                    "restrict" => builder.add_restrict(to),
                    _ => builder.add_type_tag("tag", to, false),
                };
                let id = id.unwrap();
                self.like(id, to);
                id
            }
            "fn" => {
                self.expect("(");
                let mut params = Vec::new();
                while !self.eat(")") {
                    params.push(("", self.ty()));
                    self.eat(",");
                }
                let result = if self.eat("->") { self.ty() } else { TypeId::VOID };
                self.decl.builder.add_func_proto(result, params).unwrap()
            }
            "struct" | "union" if self.peek() == "{" => self.composite(keyword, ""),
            "enum" | "enum64" if self.peek() == "{" => self.enumeration(keyword, ""),
            "struct" | "union" | "enum" => {
                let name = format!("{keyword} {}", self.next());
                self.decl.id(&name)
            }
            name => self.basic(name),
        }
    }

    /// A basic type or typedef; basic types are added when first used.
    fn basic(&mut self, name: &str) -> TypeId {
        if let Some(id) = self.decl.named.get(name) {
            return *id;
        }
        let (signed, unsigned) = (IntEncoding::SIGNED, IntEncoding::UNSIGNED);
        let (size, encoding) = match name {
            "void" => return TypeId::VOID,
            "char" | "s8" => (1, signed),
            "schar" => (1, signed.and(IntEncoding::CHAR)),
            "bool" => (1, IntEncoding::BOOL),
            "u8" => (1, unsigned),
            "short" | "s16" => (2, signed),
            "u16" => (2, unsigned),
            "int" | "s32" => (4, signed),
            "u32" => (4, unsigned),
            "long" | "s64" => (8, signed),
            "u64" => (8, unsigned),
            "u128" => (16, unsigned),
            "float" => (4, unsigned),
            "double" => (8, unsigned),
            _ => panic!("no type {name}"),
        };
        let c_name = match name {
            "u8" => "unsigned char",
            "u16" => "unsigned short",
            "u32" => "unsigned int",
            "u64" => "unsigned long",
            other => other,
        };
        let builder = &mut self.decl.builder;
        let id = match name {
            "float" | "double" => builder.add_float(name, size),
            _ => builder.add_int(c_name, size, encoding),
        };
        let id = id.unwrap();
        self.decl.named.insert(name.to_owned(), id);
        self.decl.layouts.insert(id, (size, size));
        id
    }
}
