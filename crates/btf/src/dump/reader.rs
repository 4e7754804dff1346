//! Types and names straight from the bytes. A [`Btf`] finds its bytes anew for each question; here they are found
//! once for all.

use crate::{
    Btf, Error, Type, TypeId,
    dump::references::References,
    parse::VLEN_MASK,
    words::{Order, Word, c_str},
};

/// A BTF with its bases, itself first.
pub(super) struct Reader<'a> {
    btf: &'a Btf,
    own: Layer<'a>,
    bases: Vec<Layer<'a>>,
}

/// The types and strings that one BTF of the chain has itself.
struct Layer<'a> {
    first_id: u32,
    offs: &'a [u32],
    words: &'a [Word],
    order: Order,
    first_str: u32,
    strs: &'a [u8],
}

impl<'a> Layer<'a> {
    fn new(btf: &'a Btf) -> Layer<'a> {
        Layer {
            first_id: btf.first_id().0,
            offs: btf.offsets(),
            words: btf.type_words(),
            order: btf.order(),
            first_str: btf.first_str(),
            strs: btf.own_strs(),
        }
    }

    /// The words of type `id` and of those behind it, if the type is in this one.
    #[inline(always)]
    fn words(&self, id: u32) -> Option<&'a [Word]> {
        let at = *self.offs.get(id.checked_sub(self.first_id)? as usize)?;
        self.words.get(at as usize..)
    }

    #[inline(always)]
    fn each_type(&self, order: Order, f: &mut impl FnMut(u32, u32, u32, References<'a>)) {
        for (&at, id) in self.offs.iter().zip(self.first_id..) {
            let Some([name, info, words @ ..]) = self.words.get(at as usize..) else { continue };
            let info = order.u32(*info);
            f(id, order.u32(*name), info, References::of(info, words, order));
        }
    }
}

/// No function has more parameters. Thousands of pointers can refer to a prototype that does.
pub(super) const MANY: u32 = 64;

/// The type that no BTF has to say.
const VOID: &[Word] = &[[0; 4]; 3];

impl<'a> Reader<'a> {
    pub(super) fn new(btf: &'a Btf) -> Reader<'a> {
        let bases = std::iter::successors(btf.base(), |b| b.base());
        Reader { btf, own: Layer::new(btf), bases: bases.map(Layer::new).collect() }
    }

    /// Type `id`.
    #[inline(always)]
    pub(super) fn ty(&self, id: u32) -> Result<Type<'a>, Error> {
        let Some((order, [name, info, third, rest @ ..])) = self.words(id) else {
            return Err(self.missing(id));
        };
        let head = [name, info, third].map(|word| order.u32(*word));
        Ok(Type::new(self.btf, order, TypeId(id), head, rest))
    }

    #[cold]
    fn missing(&self, id: u32) -> Error {
        self.btf.no_such_type(TypeId(id))
    }

    /// The words of type `id` and of those behind it.
    #[inline(always)]
    fn words(&self, id: u32) -> Option<(Order, &'a [Word])> {
        match self.own.words(id) {
            Some(words) => Some((self.own.order, words)),
            None => self.base_words(id),
        }
    }

    /// Those of a type of a base. Most BTFs have none.
    #[cold]
    fn base_words(&self, id: u32) -> Option<(Order, &'a [Word])> {
        if id == 0 {
            return Some((Order(false), VOID));
        }
        self.bases.iter().find_map(|layer| Some((layer.order, layer.words(id)?)))
    }

    /// What type `id` refers to, if its kind refers to one type.
    #[inline]
    pub(super) fn target(&self, id: u32) -> u32 {
        match self.words(id) {
            Some((order, &[_, _, target, ..])) => order.u32(target),
            _ => 0,
        }
    }

    /// What array `id` consists of.
    #[inline]
    pub(super) fn element(&self, id: u32) -> u32 {
        match self.words(id) {
            Some((order, &[_, _, _, element, ..])) => order.u32(element),
            _ => 0,
        }
    }

    /// Whether this holds for the result and the parameters of prototype `id`. Each is asked, as that is quicker than
    /// to find out when to stop; but where there are [`MANY`], none is, and the answer is no.
    #[inline]
    pub(super) fn proto_all(&self, id: u32, holds: impl Fn(u32) -> bool) -> bool {
        let Some((order, &[_, info, result, ref rest @ ..])) = self.words(id) else { return false };
        let count = order.u32(info) & VLEN_MASK;
        let params = rest.as_chunks::<2>().0.get(..count as usize).unwrap_or_default();
        let result = holds(order.u32(result));
        count <= MANY && params.iter().fold(result, |all, &[_, ty]| all & holds(order.u32(ty)))
    }

    /// The bytes of the string at `off`; none where there is none.
    #[inline]
    pub(super) fn name(&self, off: u32) -> &'a [u8] {
        c_str(self.onward(off), 0).unwrap_or_default()
    }

    /// Has the processor fetch the name at `off`, which will be asked for soon: to fetch many at once takes little
    /// longer than to fetch one.
    #[inline(always)]
    pub(super) fn fetch(&self, off: u32) {
        let own = off.wrapping_sub(self.own.first_str) as usize;
        std::hint::black_box(self.own.strs.get(own).copied().unwrap_or_default());
    }

    /// The strings from `off` on.
    #[inline]
    pub(super) fn onward(&self, off: u32) -> &'a [u8] {
        match off.checked_sub(self.own.first_str) {
            Some(own) => self.own.strs.get(own as usize..).unwrap_or_default(),
            None => self.onward_in_base(off),
        }
    }

    #[cold]
    fn onward_in_base(&self, off: u32) -> &'a [u8] {
        let owner = self.bases.iter().find(|b| off >= b.first_str);
        let onward = owner.and_then(|b| b.strs.get(off.wrapping_sub(b.first_str) as usize..));
        onward.unwrap_or_default()
    }

    /// Gives of each type its number, where its name is, the word with its kind, and the types that it refers to.
    #[inline]
    pub(super) fn each_type(&self, mut f: impl FnMut(u32, u32, u32, References<'a>)) {
        for layer in self.layers() {
            // Compiled for either order, as the question would cost more than each of the answers.
            match layer.order {
                Order(false) => layer.each_type(Order(false), &mut f),
                Order(true) => layer.each_type(Order(true), &mut f),
            }
        }
    }

    /// The chain, from the bottom up.
    fn layers(&self) -> impl Iterator<Item = &Layer<'a>> {
        self.bases.iter().rev().chain([&self.own])
    }
}
