//! The fixed parts of types: for passes over all of them.

use std::fmt;

use crate::{
    Btf, Kind, Type, TypeId,
    parse::{self, KFLAG, KIND_MASK, KIND_SHIFT, VLEN_MASK},
    words::Word,
};

/// The fixed part of a type: what [`Btf::headers`] yields.
#[derive(Clone, Copy)]
pub struct Header<'a> {
    owner: &'a Btf,
    strs: &'a [u8],
    /// The type's id.
    pub id: TypeId,
    name_off: u32,
    info: u32,
    pub(crate) size_or_target: u32,
}

impl<'a> Header<'a> {
    #[inline]
    pub(crate) fn new(owner: &'a Btf, strs: &'a [u8], id: TypeId, &[name, info, third]: &[Word; 3]) -> Self {
        let o = owner.order();
        Header { owner, strs, id, name_off: o.u32(name), info: o.u32(info), size_or_target: o.u32(third) }
    }

    /// The whole type.
    pub fn ty(&self) -> Type<'a> {
        self.owner.get(self.id).unwrap_or(Type::void(self.owner))
    }

    /// What the type is.
    #[inline]
    pub fn kind(&self) -> Kind {
        Kind::from_number(self.info >> KIND_SHIFT & KIND_MASK).unwrap_or(Kind::Void)
    }

    /// Number of entries: members, enumerators, parameters or variables.
    #[inline]
    pub fn vlen(&self) -> u32 {
        self.info & VLEN_MASK
    }

    /// The kind flag; its meaning depends on the kind.
    #[inline]
    pub fn kind_flag(&self) -> bool {
        self.info & KFLAG != 0
    }

    /// Where the name is in the strings; 0 means that there is none.
    #[inline]
    pub fn name_off(&self) -> u32 {
        self.name_off
    }

    /// The bytes of the name; empty when there is none.
    #[inline]
    pub fn name_bytes(&self) -> &'a [u8] {
        self.owner.bytes_at(self.name_off).unwrap_or_default()
    }

    /// Whether this is the name, which is cheaper to say than what it is.
    #[inline]
    pub fn name_is(&self, name: &[u8]) -> bool {
        let Some(s) = self.name_onward() else { return name.is_empty() };
        s.strip_prefix(name).is_some_and(|rest| rest.first() == Some(&0)) && !name.contains(&0)
    }

    /// The strings from the name on.
    #[inline]
    pub(crate) fn name_onward(&self) -> Option<&'a [u8]> {
        match self.name_off.checked_sub(self.owner.first_str()) {
            Some(own) => self.strs.get(own as usize..),
            None => self.name_onward_in_base(),
        }
    }

    #[cold]
    fn name_onward_in_base(&self) -> Option<&'a [u8]> {
        let mut owner = self.owner;
        loop {
            match self.name_off.checked_sub(owner.first_str()) {
                Some(own) => return owner.own_strs().get(own as usize..),
                None => owner = owner.base()?,
            }
        }
    }
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = parse::short(self.name_bytes()).unwrap_or_default();
        write!(f, "{} {} '{name}' vlen={}", self.id, self.kind(), self.vlen())
    }
}

/// What [`Btf::headers`] returns.
#[derive(Clone)]
pub struct Headers<'a> {
    btf: &'a Btf,
    words: &'a [Word],
    strs: &'a [u8],
    offs: std::slice::Iter<'a, u32>,
    id: u32,
}

impl<'a> Headers<'a> {
    pub(crate) fn new(btf: &'a Btf) -> Self {
        let (words, strs) = (btf.type_words(), btf.own_strs());
        Headers { btf, words, strs, offs: btf.offsets().iter(), id: btf.first_id().0 }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    #[inline]
    fn next(&mut self) -> Option<Header<'a>> {
        let &at = self.offs.next()?;
        let head = self.words.get(at as usize..)?.first_chunk::<3>()?;
        let id = TypeId(self.id);
        self.id = self.id.wrapping_add(1);
        Some(Header::new(self.btf, self.strs, id, head))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.offs.size_hint()
    }
}

impl DoubleEndedIterator for Headers<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let &at = self.offs.next_back()?;
        let head = self.words.get(at as usize..)?.first_chunk::<3>()?;
        let id = TypeId(self.id.wrapping_add(self.offs.len() as u32));
        Some(Header::new(self.btf, self.strs, id, head))
    }
}

impl ExactSizeIterator for Headers<'_> {}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Headers(from {}, {} left)", self.id, self.offs.len())
    }
}

/// What [`Btf::types`] returns.
#[derive(Clone, Debug)]
pub struct Types<'a> {
    pub(crate) headers: Headers<'a>,
}

impl<'a> Iterator for Types<'a> {
    type Item = Type<'a>;

    fn next(&mut self) -> Option<Type<'a>> {
        let id = self.headers.next()?.id;
        self.headers.btf.get(id).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.headers.size_hint()
    }
}

impl ExactSizeIterator for Types<'_> {}
