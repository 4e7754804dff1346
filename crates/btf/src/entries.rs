//! What types consist of: members, enumerators, parameters, variables.

use std::fmt;

use crate::{
    Btf, TypeId,
    parse::MEMBER_OFFSET_MASK,
    types::name_at,
    words::{Order, Word},
};

/// How an integer is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntType {
    /// Negative values exist.
    pub signed: bool,
    /// A character.
    pub char: bool,
    /// A boolean.
    pub bool: bool,
    /// Where the value starts inside the type's bytes; 0 but for bit-fields of old compilers.
    pub bit_offset: u32,
    /// Number of bits of the value.
    pub bits: u32,
}

/// What an array consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayType {
    /// Type of its elements.
    pub elem: TypeId,
    /// Type of its index.
    pub index: TypeId,
    /// Number of elements; 0 for a flexible array.
    pub len: u32,
}

/// A member of a struct or union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "btf_member")]
pub struct Member<'a> {
    /// Its name; empty for an anonymous struct or union.
    pub name: &'a str,
    /// Where its name is in the strings.
    pub name_off: u32,
    /// Its type.
    pub ty: TypeId,
    /// Where it starts, in bits from the start of the struct.
    pub bit_offset: u32,
    /// Its width in bits if it is a bit-field, otherwise 0.
    pub bitfield_size: u32,
}

/// A name of an enum with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "btf_enum64")]
pub struct Enumerator<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where its name is in the strings.
    pub name_off: u32,
    /// Its value; negative only in signed enums.
    pub value: i128,
}

/// A parameter of a function prototype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "btf_param")]
pub struct Param<'a> {
    /// Its name, often empty.
    pub name: &'a str,
    /// Where its name is in the strings.
    pub name_off: u32,
    /// Its type.
    pub ty: TypeId,
}

/// A variable (or an extern function) in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "btf_var_secinfo")]
pub struct SecVar {
    /// The [`Kind::Var`](crate::Kind::Var), or the [`Kind::Func`](crate::Kind::Func) of an extern function.
    pub ty: TypeId,
    /// Where it starts, in bytes from the start of the section. Compilers leave this 0.
    pub offset: u32,
    /// Its size in bytes.
    pub size: u32,
}

macro_rules! exact_size {
    ($($name:ident),*) => {$(
        impl ExactSizeIterator for $name<'_> {}
        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list().entries(self.clone()).finish()
            }
        }
    )*};
}
exact_size!(Members, Enumerators, Params, SecVars);

/// What [`Type::members`](crate::Type::members) returns.
#[derive(Clone)]
pub struct Members<'a> {
    pub(crate) btf: &'a Btf,
    pub(crate) order: Order,
    pub(crate) kflag: bool,
    pub(crate) entries: std::slice::Iter<'a, [Word; 3]>,
}

impl<'a> Members<'a> {
    #[inline]
    fn next_entry(&mut self) -> Option<MemberEntry<'a>> {
        let [name_off, ty, off] = self.entries.next()?.map(|w| self.order.u32(w));
        let (bit_offset, bitfield_size) =
            if self.kflag { (off & MEMBER_OFFSET_MASK, off >> 24) } else { (off, 0) };
        Some(MemberEntry { btf: self.btf, name_off, ty: TypeId(ty), bit_offset, bitfield_size })
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    #[inline]
    fn next(&mut self) -> Option<Member<'a>> {
        self.next_entry().map(MemberEntry::member)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }

    /// Members that are passed over are not decoded.
    fn nth(&mut self, n: usize) -> Option<Member<'a>> {
        if n > 0 {
            self.entries.nth(n.saturating_sub(1))?;
        }
        self.next()
    }
}

/// A member whose name is read only when asked for.
#[derive(Clone, Copy, Debug)]
pub struct MemberEntry<'a> {
    pub(crate) btf: &'a Btf,
    /// Where its name is in the strings; 0 for an anonymous struct or union.
    pub name_off: u32,
    /// Its type.
    pub ty: TypeId,
    /// Where it starts, in bits from the start of the struct.
    pub bit_offset: u32,
    /// Its width in bits if it is a bit-field, otherwise 0.
    pub bitfield_size: u32,
}

impl<'a> MemberEntry<'a> {
    /// Whether `name` is its name.
    #[inline]
    pub fn is_named(&self, name: &str) -> bool {
        self.btf.str_is(self.name_off, name.as_bytes())
    }

    /// The member with its name.
    #[inline]
    pub fn member(self) -> Member<'a> {
        let Self { btf, name_off, ty, bit_offset, bitfield_size } = self;
        Member { name: name_at(btf, name_off), name_off, ty, bit_offset, bitfield_size }
    }
}

/// What [`Type::member_entries`](crate::Type::member_entries) returns.
#[derive(Clone, Debug)]
pub struct MemberEntries<'a> {
    pub(crate) members: Members<'a>,
}

impl<'a> Iterator for MemberEntries<'a> {
    type Item = MemberEntry<'a>;

    #[inline]
    fn next(&mut self) -> Option<MemberEntry<'a>> {
        self.members.next_entry()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.members.size_hint()
    }

    /// Members that are passed over are not decoded.
    #[inline]
    fn nth(&mut self, n: usize) -> Option<MemberEntry<'a>> {
        if n > 0 {
            self.members.entries.nth(n.saturating_sub(1))?;
        }
        self.next()
    }
}

impl ExactSizeIterator for MemberEntries<'_> {}

/// What [`Type::enumerators`](crate::Type::enumerators) returns.
#[derive(Clone)]
pub struct Enumerators<'a> {
    pub(crate) btf: &'a Btf,
    pub(crate) order: Order,
    pub(crate) signed: bool,
    pub(crate) narrow: std::slice::Iter<'a, [Word; 2]>,
    pub(crate) wide: std::slice::Iter<'a, [Word; 3]>,
}

impl Enumerators<'_> {
    /// Name offset and value.
    pub(crate) fn next_raw(&mut self) -> Option<(u32, i128)> {
        Some(if let Some(e) = self.narrow.next() {
            let [name_off, v] = e.map(|w| self.order.u32(w));
            (name_off, if self.signed { i128::from(v as i32) } else { i128::from(v) })
        } else {
            let [name_off, lo, hi] = self.wide.next()?.map(|w| self.order.u32(w));
            let v = u64::from(hi) << 32 | u64::from(lo);
            (name_off, if self.signed { i128::from(v as i64) } else { i128::from(v) })
        })
    }
}

impl<'a> Iterator for Enumerators<'a> {
    type Item = Enumerator<'a>;

    fn next(&mut self) -> Option<Enumerator<'a>> {
        let (name_off, value) = self.next_raw()?;
        Some(Enumerator { name: name_at(self.btf, name_off), name_off, value })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let n = self.narrow.len().saturating_add(self.wide.len());
        (n, Some(n))
    }

    /// Enumerators that are passed over are not decoded.
    fn nth(&mut self, n: usize) -> Option<Enumerator<'a>> {
        // An enum has those of one width only.
        if n > 0 && self.narrow.nth(n.saturating_sub(1)).is_none() {
            self.wide.nth(n.saturating_sub(1))?;
        }
        self.next()
    }
}

/// What [`Type::params`](crate::Type::params) returns.
#[derive(Clone)]
pub struct Params<'a> {
    pub(crate) btf: &'a Btf,
    pub(crate) order: Order,
    pub(crate) entries: std::slice::Iter<'a, [Word; 2]>,
}

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        let [name_off, ty] = self.entries.next()?.map(|w| self.order.u32(w));
        Some(Param { name: name_at(self.btf, name_off), name_off, ty: TypeId(ty) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

/// What [`Type::variables`](crate::Type::variables) returns.
#[derive(Clone)]
pub struct SecVars<'a> {
    pub(crate) order: Order,
    pub(crate) entries: std::slice::Iter<'a, [Word; 3]>,
}

impl Iterator for SecVars<'_> {
    type Item = SecVar;

    fn next(&mut self) -> Option<SecVar> {
        let [ty, offset, size] = self.entries.next()?.map(|w| self.order.u32(w));
        Some(SecVar { ty: TypeId(ty), offset, size })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}
