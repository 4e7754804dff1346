use std::{
    fmt,
    ops::Range,
    sync::{Arc, OnceLock},
};

use crate::{
    Bytes, Endian, Error, Header, Headers, Kind, Type, TypeId, Types, check,
    header::Layout,
    index::Index,
    long::{LONG, LongStrings},
    lookup::{self, Patience, SameName},
    parse, scan,
    strindex::StrIndex,
    words::{Order, Word, words},
};

/// The type information of a kernel, a kernel module or a BPF object: validated bytes, with the place of each
/// type. Cloning is cheap and shares everything.
///
/// Types are numbered from 1. A *split* BTF (a module's) continues the numbers and strings of its base.
#[derive(Clone)]
#[doc(alias = "btf")]
pub struct Btf(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    bytes: Bytes,
    layout: Layout,
    order: Order,
    base: Option<Btf>,
    first_id: u32,
    /// Where the own strings start in the numbering that includes the base's.
    first_str: u32,
    /// Of each own type, its first word in the type section.
    offs: Vec<u32>,
    pointer_size: OnceLock<Option<u32>>,
    /// Of a BTF that is sorted by name, the first type that has one.
    first_named: OnceLock<Option<u32>>,
    patience: Patience,
    index: OnceLock<Index>,
    strings: OnceLock<StrIndex>,
    long: OnceLock<LongStrings>,
}

impl Btf {
    /// Parses and validates raw BTF (the ELF section `.BTF`, `/sys/kernel/btf/vmlinux`) in either byte order.
    /// The bytes are kept, not copied.
    ///
    /// What is checked: the header, the strings, and of each type that its entries, names and references
    /// exist and that its fields make sense by themselves. That a type does not contain itself is not
    /// checked here; questions that follow references are bounded and say so.
    #[doc(alias = "btf__new")]
    pub fn parse(data: impl Into<Bytes>) -> Result<Btf, Error> {
        Self::parse_bytes(data.into(), None)
    }

    /// Parses BTF that continues another: a kernel module's on `vmlinux`.
    #[doc(alias = "btf__new_split")]
    pub fn parse_split(data: impl Into<Bytes>, base: &Btf) -> Result<Btf, Error> {
        Self::parse_bytes(data.into(), Some(base))
    }

    fn parse_bytes(bytes: Bytes, base: Option<&Btf>) -> Result<Btf, Error> {
        let layout = Layout::read(&bytes, base.is_some())?;
        let order = Order::of(layout.endian);
        let first_id = base.map_or(1, |b| b.end_id().0);
        let first_str = u32::try_from(base.map_or(0, Btf::strs_end));
        let first_str = first_str.map_err(|_| Error::TooMany { what: "strings" })?;
        let mut inner = Inner {
            bytes,
            layout,
            order,
            base: base.cloned(),
            first_id,
            first_str,
            offs: Vec::new(),
            pointer_size: OnceLock::new(),
            first_named: OnceLock::new(),
            patience: Patience::default(),
            index: OnceLock::new(),
            strings: OnceLock::new(),
            long: OnceLock::new(),
        };
        let scan = scan::scan(words(layout.types_of(&inner.bytes)), order, first_id);
        let scan = match scan {
            Ok(scan) => scan,
            Err((id, at, problem)) => return Err(parse::describe(&Btf(Arc::new(inner)), id, at, problem)),
        };
        let n = u32::try_from(scan.offs.len()).ok();
        let end = n.and_then(|n| first_id.checked_add(n)).ok_or(Error::TooMany { what: "types" })?;
        let sure = scan.is_sure(u64::from(first_str).saturating_add(layout.strs_len as u64), TypeId(end));
        inner.offs = scan.offs;
        let btf = Btf(Arc::new(inner));
        if !sure {
            check::check_all(&btf)?;
        }
        Ok(btf)
    }

    /// The thorough check, which a parse that is sure leaves out. Tests hold the two against each other.
    #[doc(hidden)]
    pub fn check_all(&self) -> Result<(), Error> {
        check::check_all(self)
    }

    /// The byte order of the data.
    #[doc(alias = "btf__endianness")]
    pub fn endian(&self) -> Endian {
        self.0.layout.endian
    }

    /// Size of a pointer in bytes: that of the type `long` where there is one, otherwise 8.
    #[doc(alias = "btf__pointer_size")]
    pub fn pointer_size(&self) -> u32 {
        self.known_pointer_size().unwrap_or(8)
    }

    /// Size of a pointer in bytes if it can be told: it was [set](Self::with_pointer_size), for this BTF or its
    /// base, or one of them has the type `long`.
    pub fn known_pointer_size(&self) -> Option<u32> {
        *self.0.pointer_size.get_or_init(|| {
            if let Some(known) = self.base().and_then(Btf::known_pointer_size) {
                return Some(known);
            }
            let long = self.headers().find(|h| {
                h.kind() == Kind::Int && matches!(h.size_or_target, 4 | 8) && is_long(h.name_bytes())
            });
            long.map(|h| h.size_or_target)
        })
    }

    /// The same BTF with pointers of `size` bytes, 4 or 8, whatever its types suggest: that of the ELF file that it
    /// comes from.
    ///
    /// # Errors
    /// For any other size.
    #[doc(alias = "btf__set_pointer_size")]
    pub fn with_pointer_size(mut self, size: u32) -> Result<Btf, Error> {
        if !matches!(size, 4 | 8) {
            return Err(Error::PointerSize { got: size });
        }
        Arc::make_mut(&mut self.0).pointer_size = OnceLock::from(Some(size));
        Ok(self)
    }

    /// The BTF that this one continues.
    #[doc(alias = "btf__base_btf")]
    pub fn base(&self) -> Option<&Btf> {
        self.0.base.as_ref()
    }

    /// Whether the two are one, not only equal.
    pub(crate) fn is(&self, other: &Btf) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The data as it was given.
    #[doc(alias = "btf__raw_data")]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The first type that this BTF adds: 1, or the one after the last of the base.
    pub fn first_id(&self) -> TypeId {
        TypeId(self.0.first_id)
    }

    /// One past the last type.
    #[doc(alias = "btf__type_cnt")]
    pub fn end_id(&self) -> TypeId {
        // Compared when it was parsed.
        TypeId(self.0.first_id.wrapping_add(self.0.offs.len() as u32))
    }

    /// Type `id`, the base's types and `void` included.
    #[inline]
    #[doc(alias = "btf__type_by_id")]
    pub fn get(&self, id: TypeId) -> Result<Type<'_>, Error> {
        let Some((owner, at)) = self.locate(id) else {
            return if id == TypeId::VOID { Ok(Type::void(self)) } else { Err(self.no_such_type(id)) };
        };
        let types = owner.type_words();
        let head = types.get(at as usize..).and_then(|w| w.split_first_chunk::<3>());
        let Some((&[name, info, third], rest)) = head else { return Err(self.no_such_type(id)) };
        let o = owner.0.order;
        Ok(Type::new(self, o, id, [o.u32(name), o.u32(info), o.u32(third)], rest))
    }

    /// The BTF of the chain that holds `id`, and where.
    #[inline]
    fn locate(&self, id: TypeId) -> Option<(&Btf, u32)> {
        let mut owner = self;
        loop {
            match id.0.checked_sub(owner.0.first_id) {
                Some(i) => return owner.0.offs.get(i as usize).map(|&at| (owner, at)),
                None => owner = owner.0.base.as_ref()?,
            }
        }
    }

    #[cold]
    pub(crate) fn no_such_type(&self, id: TypeId) -> Error {
        Error::NoSuchType { id, end: self.end_id() }
    }

    /// Its own types (not the base's, not `void`) in the order of their ids.
    pub fn types(&self) -> Types<'_> {
        Types { headers: self.headers() }
    }

    /// The headers of its own types in the order of their ids: the way to look at all types when only
    /// kinds and names matter. It reads twelve bytes of each type, and the name only when asked.
    pub fn headers(&self) -> Headers<'_> {
        Headers::new(self)
    }

    /// Its own types of one kind in the order of their ids. Of the others it reads no more than headers.
    pub fn types_of(&self, kind: Kind) -> impl Iterator<Item = Type<'_>> {
        self.headers().filter(move |header| header.kind() == kind).map(|header| header.ty())
    }

    /// The header of type `id`; none for `void` and for ids that do not exist.
    #[inline]
    pub fn header(&self, id: TypeId) -> Option<Header<'_>> {
        let (owner, at) = self.locate(id)?;
        let words = owner.type_words().get(at as usize..)?.first_chunk::<3>()?;
        Some(Header::new(owner, owner.own_strs(), id, words))
    }

    /// The type with this name and kind that has the lowest id, the base's first; `void` is type 0.
    ///
    /// The third call builds an index of all names, in about the time that a parse takes; none is needed for
    /// a BTF whose types are [sorted](Btf::sorted) by name.
    #[doc(alias = "btf__find_by_name_kind")]
    pub fn find(&self, name: &str, kind: Kind) -> Option<TypeId> {
        if let Some(b) = &self.0.base
            && let Some(id) = b.find(name, kind)
        {
            return Some(id);
        }
        self.find_own(name, kind)
    }

    /// The same among its own types: the base is not asked.
    #[doc(alias = "btf__find_by_name_kind_own")]
    pub fn find_own(&self, name: &str, kind: Kind) -> Option<TypeId> {
        if kind == Kind::Void {
            return (name == "void").then_some(TypeId::VOID);
        }
        let name = name.as_bytes();
        let worth_an_index = self.0.index.get().is_some() || self.first_named().is_some();
        let short = !name.is_empty() && name.len() < LONG;
        if !worth_an_index && short && !name.contains(&0) && self.0.patience.is_left() {
            return lookup::scan(self, name, kind);
        }
        self.own_named(name).find(|h| h.kind() == kind).map(|h| h.id)
    }

    /// Every type with this name, the base's first, in the order of their ids.
    #[doc(alias = "btf__find_by_name")]
    pub fn find_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = TypeId> + 'a {
        let mut chain: Vec<&Btf> = std::iter::successors(Some(self), |b| b.base()).collect();
        chain.reverse();
        chain.into_iter().flat_map(move |b| b.own_named(name.as_bytes()).map(|h| h.id))
    }

    pub(crate) fn own_named<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = Header<'a>> + 'a {
        let sorted = self.first_named().filter(|_| !name.is_empty());
        let index = sorted.is_none().then(|| self.0.index.get_or_init(|| Index::build(self)));
        let mut same = SameName::new(name);
        let of_index =
            index.into_iter().flat_map(move |index| index.candidates(name)).filter_map(move |own| {
                let h = self.header(TypeId(self.0.first_id.wrapping_add(own)))?;
                same.is(&h).then_some(h)
            });
        sorted.into_iter().flat_map(move |first| self.sorted_named(first, name)).chain(of_index)
    }

    /// If its own types are in the order of their names, the first that has one.
    pub(crate) fn first_named(&self) -> Option<u32> {
        *self.0.first_named.get_or_init(|| self.find_first_named())
    }

    /// The index of its own strings.
    pub(crate) fn str_index(&self) -> &StrIndex {
        self.0.strings.get_or_init(|| StrIndex::of(self.own_strs()))
    }

    /// Its own long strings.
    pub(crate) fn long_strings(&self) -> &LongStrings {
        self.0.long.get_or_init(|| LongStrings::of(self.own_strs()))
    }

    pub(crate) fn order(&self) -> Order {
        self.0.order
    }

    pub(crate) fn offsets(&self) -> &[u32] {
        &self.0.offs
    }

    #[inline]
    pub(crate) fn type_words(&self) -> &[Word] {
        words(self.0.layout.types_of(&self.0.bytes))
    }

    /// The same to be changed, after what others share was copied.
    pub(crate) fn type_words_mut(&mut self) -> &mut [Word] {
        let inner = Arc::make_mut(&mut self.0);
        inner.layout.types_of_mut(inner.bytes.make_mut()).as_chunks_mut().0
    }

    /// Where the words of an own type are among those of all.
    pub(crate) fn words_of(&self, own: usize) -> Range<usize> {
        let at = |own: usize| self.0.offs.get(own).map(|&at| at as usize);
        let end = self.type_words().len();
        at(own).unwrap_or(end)..at(own.saturating_add(1)).unwrap_or(end)
    }

    pub(crate) fn types_offset(&self) -> usize {
        self.0.layout.types
    }

    #[inline]
    pub(crate) fn own_strs(&self) -> &[u8] {
        self.0.layout.strs_of(&self.0.bytes)
    }

    pub(crate) fn first_str(&self) -> u32 {
        self.0.first_str
    }

    /// Length of all strings, the base's included.
    pub(crate) fn strs_end(&self) -> u64 {
        u64::from(self.0.first_str).saturating_add(self.0.layout.strs_len as u64)
    }
}

impl fmt::Debug for Btf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Btf")
            .field("endian", &self.endian())
            .field("ids", &(self.first_id().0..self.end_id().0))
            .field("bytes", &self.0.bytes)
            .field("base", &self.0.base)
            .finish()
    }
}

/// `long`, with or without `unsigned` and `int`, in whatever order compilers write it.
fn is_long(name: &[u8]) -> bool {
    // "long unsigned int" is the longest; cut before splitting so that a hostile name costs nothing.
    if name.len() > 17 {
        return false;
    }
    let mut longs = 0u32;
    for word in name.split(|&b| b == b' ') {
        match word {
            b"long" => longs = longs.wrapping_add(1),
            b"unsigned" | b"int" => {}
            _ => return false,
        }
    }
    longs == 1
}
