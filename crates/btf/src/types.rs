//! Views of one type and its entries. They copy nothing and decode when asked.

use std::fmt;

use crate::{
    ArrayType, Btf, Enumerators, IntType, Kind, MemberEntries, Members, Params, SecVars, TypeId,
    parse::{KFLAG, KIND_MASK, KIND_SHIFT, VLEN_MASK, short},
    words::{Order, Word},
};

/// One type of a BTF. `Copy`, and as long-lived as a borrow of the [`Btf`].
#[derive(Clone, Copy)]
#[doc(alias = "btf_type")]
pub struct Type<'a> {
    btf: &'a Btf,
    order: Order,
    id: TypeId,
    name_off: u32,
    info: u32,
    third: u32,
    /// The words behind the first three, to the end of the type section.
    rest: &'a [Word],
}

impl<'a> Type<'a> {
    pub(crate) fn void(btf: &'a Btf) -> Self {
        Self::new(btf, Order(false), TypeId::VOID, [0; 3], &[])
    }

    #[inline]
    pub(crate) fn new(btf: &'a Btf, order: Order, id: TypeId, head: [u32; 3], rest: &'a [Word]) -> Self {
        let [name_off, info, third] = head;
        Type { btf, order, id, name_off, info, third, rest }
    }

    /// The BTF it was got from.
    pub fn btf(&self) -> &'a Btf {
        self.btf
    }

    /// Its number.
    #[inline]
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// What it is.
    #[inline]
    pub fn kind(&self) -> Kind {
        Kind::from_number(self.info >> KIND_SHIFT & KIND_MASK).unwrap_or(Kind::Void)
    }

    /// Its name; empty for anonymous types. Of a tag: its value. A name that is not UTF-8 is cut before the
    /// first byte that is not; [`Type::name_bytes`] has it whole.
    #[doc(alias = "btf__name_by_offset")]
    pub fn name(&self) -> &'a str {
        name_at(self.btf, self.name_off)
    }

    /// The bytes of its name.
    #[inline]
    pub fn name_bytes(&self) -> &'a [u8] {
        self.btf.bytes_at(self.name_off).unwrap_or_default()
    }

    /// Where its name is in the strings; 0 means that there is none.
    #[inline]
    pub fn name_off(&self) -> u32 {
        self.name_off
    }

    /// Number of entries: members, enumerators, parameters or variables. (A function keeps its
    /// [linkage](Type::linkage) there.)
    #[inline]
    #[doc(alias = "btf_vlen")]
    pub fn vlen(&self) -> u32 {
        self.info & VLEN_MASK
    }

    /// The kind flag. Struct and union: members have bit-field sizes. Enums: signed. Forward declaration:
    /// of a union. Tags: an arbitrary attribute (Linux 6.15).
    #[inline]
    #[doc(alias = "btf_kflag")]
    pub fn kind_flag(&self) -> bool {
        self.info & KFLAG != 0
    }

    /// Size in bytes of an integer, struct, union, enum, float or section.
    #[inline]
    pub fn size(&self) -> Option<u32> {
        self.kind().has_size().then_some(self.third)
    }

    /// What a pointer, typedef, modifier, function, variable or tag refers to, and what a function
    /// prototype returns.
    #[inline]
    pub fn target(&self) -> Option<TypeId> {
        self.kind().has_target().then_some(TypeId(self.third))
    }

    /// The words behind the first three that are its own.
    fn own_words(&self) -> &'a [Word] {
        let (fixed, each) = self.kind().trailing_words();
        let len = (each as usize).saturating_mul(self.vlen() as usize).saturating_add(fixed as usize);
        self.rest.get(..len).unwrap_or_default()
    }

    /// All its words in native order: name, info, size or target, and what follows.
    pub(crate) fn words(&self) -> impl Iterator<Item = u32> + use<'a> {
        let order = self.order;
        let head = [self.name_off, self.info, self.third];
        head.into_iter().chain(self.own_words().iter().map(move |&w| order.u32(w)))
    }

    /// Every type that it refers to, `void` included.
    pub(crate) fn ids(&self) -> impl Iterator<Item = TypeId> + use<'a> {
        let order = self.order;
        let entries = self.kind().id_words().of(self.own_words().iter());
        self.target().into_iter().chain(entries.map(move |&w| TypeId(order.u32(w))))
    }

    fn word(&self, i: usize) -> u32 {
        self.rest.get(i).map_or(0, |&w| self.order.u32(w))
    }

    /// How an integer is encoded.
    #[doc(alias = "btf_int_encoding")]
    pub fn int(&self) -> Option<IntType> {
        (self.kind() == Kind::Int).then(|| {
            let w = self.word(0);
            IntType {
                signed: w & 1 << 24 != 0,
                char: w & 1 << 25 != 0,
                bool: w & 1 << 26 != 0,
                bit_offset: w >> 16 & 0xff,
                bits: w & 0xff,
            }
        })
    }

    /// What an array consists of.
    #[doc(alias = "btf_array")]
    pub fn array(&self) -> Option<ArrayType> {
        (self.kind() == Kind::Array).then(|| ArrayType {
            elem: TypeId(self.word(0)),
            index: TypeId(self.word(1)),
            len: self.word(2),
        })
    }

    /// The entries as chunks of `N` words, if the kind is right.
    #[inline]
    fn entries<const N: usize>(&self, right: bool) -> &'a [[Word; N]] {
        let n = if right { self.vlen() as usize } else { 0 };
        self.rest.as_chunks::<N>().0.get(..n).unwrap_or_default()
    }

    /// The members of a struct or union, in the order in which they are written; none for other kinds.
    #[doc(alias = "btf_members")]
    pub fn members(&self) -> Members<'a> {
        let kflag = self.kind_flag();
        let entries = self.entries(self.kind().is_composite());
        Members { btf: self.btf, order: self.order, kflag, entries: entries.iter() }
    }

    /// The members without their names: where they are and what they are. For searches by name, which need
    /// not read every name whole: see [`MemberEntry::is_named`](crate::MemberEntry::is_named).
    pub fn member_entries(&self) -> MemberEntries<'a> {
        MemberEntries { members: self.members() }
    }

    /// The types of the members from this one on.
    #[inline]
    pub(crate) fn member_types(&self, from: u32) -> impl Iterator<Item = u32> + use<'a> {
        let order = self.order;
        let members: &'a [[Word; 3]] = self.entries(self.kind().is_composite());
        members.get(from as usize..).unwrap_or_default().iter().map(move |&[_, ty, _]| order.u32(ty))
    }

    /// The enumerators of an enum of either width; none for other kinds.
    #[doc(alias = "btf_enum")]
    pub fn enumerators(&self) -> Enumerators<'a> {
        let (narrow, wide) =
            (self.entries(self.kind() == Kind::Enum), self.entries(self.kind() == Kind::Enum64));
        Enumerators {
            btf: self.btf,
            order: self.order,
            signed: self.kind_flag(),
            narrow: narrow.iter(),
            wide: wide.iter(),
        }
    }

    /// The first name of this enum with that value. Cheaper than going through
    /// [`enumerators`](Type::enumerators): only the one name is read.
    pub fn enumerator(&self, value: i128) -> Option<&'a str> {
        let mut all = self.enumerators();
        std::iter::from_fn(|| all.next_raw())
            .find(|&(_, v)| v == value)
            .map(|(name, _)| name_at(self.btf, name))
    }

    /// Whether this is an enum whose values are signed.
    pub fn is_signed_enum(&self) -> bool {
        self.kind().is_enum() && self.kind_flag()
    }

    /// The parameters of a function prototype; none for other kinds. A last one without name and type is
    /// the `...` of a variadic function.
    #[doc(alias = "btf_params")]
    pub fn params(&self) -> Params<'a> {
        let entries = self.entries(self.kind() == Kind::FuncProto);
        Params { btf: self.btf, order: self.order, entries: entries.iter() }
    }

    /// Parameter `i`: where its name is, and its type.
    #[inline]
    pub(crate) fn raw_param(&self, i: u32) -> Option<(u32, TypeId)> {
        let &[name, ty] = self.entries::<2>(self.kind() == Kind::FuncProto).get(i as usize)?;
        Some((self.order.u32(name), TypeId(self.order.u32(ty))))
    }

    /// The variables of a section; none for other kinds.
    #[doc(alias = "btf_var_secinfos")]
    pub fn variables(&self) -> SecVars<'a> {
        let entries = self.entries(self.kind() == Kind::Datasec);
        SecVars { order: self.order, entries: entries.iter() }
    }

    /// Linkage of a function or variable: 0 static, 1 global, 2 extern.
    pub fn linkage(&self) -> Option<u32> {
        match self.kind() {
            Kind::Func => Some(self.vlen()),
            Kind::Var => Some(self.word(0)),
            _ => None,
        }
    }

    /// Of a declaration tag: the member or parameter it is on, -1 for the declaration itself.
    pub fn component(&self) -> Option<i32> {
        // The same 32 bits, read as signed.
        (self.kind() == Kind::DeclTag).then(|| self.word(0) as i32)
    }
}

impl fmt::Debug for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.kind())?;
        if let Some(n) = short(self.name_bytes()) {
            write!(f, " '{n}'")?;
        }
        if let Some(s) = self.size() {
            write!(f, " size={s}")?;
        }
        if let Some(t) = self.target() {
            write!(f, " -> {t}")?;
        }
        if self.vlen() != 0 {
            write!(f, " vlen={}", self.vlen())?;
        }
        Ok(())
    }
}

pub(crate) fn name_at(btf: &Btf, off: u32) -> &str {
    btf.text_at(off, btf.bytes_at(off).unwrap_or_default())
}
