//! Types and names straight from the bytes. A [`Btf`] finds its bytes anew for each question; here they are found
//! once for all.

use crate::{
    Btf, Error, Type, TypeId,
    words::{Order, Word, c_str},
};

/// A BTF with its bases, itself first.
pub(super) struct Reader<'a> {
    btf: &'a Btf,
    order: Order,
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
}

impl<'a> Reader<'a> {
    pub(super) fn new(btf: &'a Btf) -> Reader<'a> {
        let bases = std::iter::successors(btf.base(), |b| b.base());
        Reader { btf, order: btf.order(), own: Layer::new(btf), bases: bases.map(Layer::new).collect() }
    }

    /// Type `id`.
    #[inline]
    pub(super) fn ty(&self, id: u32) -> Result<Type<'a>, Error> {
        let own = &self.own;
        let at = id.checked_sub(own.first_id).and_then(|i| own.offs.get(i as usize));
        let head = at.and_then(|&at| own.words.get(at as usize..)).and_then(|w| w.split_first_chunk::<3>());
        match head {
            Some((&[name, info, third], rest)) => {
                let o = self.order;
                Ok(Type::new(self.btf, o, TypeId(id), [o.u32(name), o.u32(info), o.u32(third)], rest))
            }
            None => self.btf.get(TypeId(id)),
        }
    }

    /// The bytes of the string at `off`; none where there is none.
    #[inline]
    pub(super) fn name(&self, off: u32) -> &'a [u8] {
        c_str(self.onward(off), 0).unwrap_or_default()
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

    /// All types, whatever their order.
    pub(super) fn all(&self) -> impl Iterator<Item = Type<'a>> {
        let layers = std::iter::once(&self.own).chain(&self.bases);
        let btf = self.btf;
        layers.flat_map(move |l| {
            l.offs.iter().zip(l.first_id..).filter_map(move |(&at, id)| {
                let (&[name, info, third], rest) = l.words.get(at as usize..)?.split_first_chunk::<3>()?;
                let o = l.order;
                Some(Type::new(btf, o, TypeId(id), [o.u32(name), o.u32(info), o.u32(third)], rest))
            })
        })
    }
}
