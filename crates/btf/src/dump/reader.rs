//! Types and names straight from the bytes. A [`Btf`] finds its bytes anew for each question; here they are found
//! once for all.

use crate::{
    Btf, Error, Kind, Type, TypeId,
    parse::{KIND_MASK, KIND_SHIFT, VLEN_MASK},
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

    /// The words of type `id` and of those behind it.
    #[inline]
    fn own_words(&self, id: u32) -> Option<&'a [Word]> {
        let at = *self.own.offs.get(id.checked_sub(self.own.first_id)? as usize)?;
        self.own.words.get(at as usize..)
    }

    /// Where the name of type `id` is.
    #[inline]
    pub(super) fn name_off(&self, id: u32) -> u32 {
        match self.own_words(id).and_then(<[Word]>::first) {
            Some(&name) => self.order.u32(name),
            None => self.ty(id).map_or(0, |ty| ty.name_off()),
        }
    }

    /// What type `id` refers to, if its kind refers to one type.
    #[inline]
    pub(super) fn target(&self, id: u32) -> u32 {
        match self.own_words(id) {
            Some(&[_, _, target, ..]) => self.order.u32(target),
            _ => self.ty(id).ok().and_then(|ty| ty.target()).unwrap_or_default().0,
        }
    }

    /// Whether all of these hold for the result and the parameters of prototype `id`. Each is asked, as that is
    /// quicker than to find out when to stop.
    #[inline]
    pub(super) fn proto_all(&self, id: u32, holds: impl Fn(u32) -> bool) -> bool {
        if let Some(&[_, info, result, ref rest @ ..]) = self.own_words(id) {
            let count = (self.order.u32(info) & VLEN_MASK) as usize;
            let params = rest.as_chunks::<2>().0.get(..count).unwrap_or_default();
            let all = holds(self.order.u32(result));
            return params.iter().fold(all, |all, &[_, ty]| all & holds(self.order.u32(ty)));
        }
        self.ty(id).is_ok_and(|ty| ty.ids().all(|id| holds(id.0)))
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

    /// Gives the number of each type, where its name is, and the word with its kind.
    pub(super) fn each_head(&self, mut f: impl FnMut(u32, u32, u32)) {
        for layer in std::iter::once(&self.own).chain(&self.bases) {
            for (&at, id) in layer.offs.iter().zip(layer.first_id..) {
                if let Some(&[name, info, ..]) = layer.words.get(at as usize..) {
                    f(id, layer.order.u32(name), layer.order.u32(info));
                }
            }
        }
    }

    /// Gives each reference of a type to another, whatever their order, but for those of functions, and results of
    /// prototypes.
    pub(super) fn each_reference(&self, mut f: impl FnMut(u32)) {
        for layer in std::iter::once(&self.own).chain(&self.bases) {
            let id = |w: &Word| layer.order.u32(*w);
            for &at in layer.offs {
                let Some([_, info, third, rest @ ..]) = layer.words.get(at as usize..) else { continue };
                let info = id(info);
                let count = (info & VLEN_MASK) as usize;
                match Kind::from_number(info >> KIND_SHIFT & KIND_MASK).unwrap_or(Kind::Void) {
                    // Half of all types are functions, and they refer to prototypes, which nobody asks about.
                    Kind::Func => {}
                    // That a prototype's result counts for nothing here is libbpf's.
                    Kind::FuncProto => entries(rest, count).for_each(|[_, ty]| f(id(ty))),
                    Kind::Struct | Kind::Union => entries(rest, count).for_each(|[_, ty, _]| f(id(ty))),
                    Kind::Datasec => entries(rest, count).for_each(|[ty, _, _]| f(id(ty))),
                    Kind::Array => rest.iter().take(2).for_each(|ty| f(id(ty))),
                    kind if kind.has_target() => f(id(third)),
                    _ => {}
                }
            }
        }
    }
}

fn entries<const N: usize>(words: &[Word], count: usize) -> std::slice::Iter<'_, [Word; N]> {
    words.as_chunks().0.get(..count).unwrap_or_default().iter()
}
