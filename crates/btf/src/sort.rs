//! Types in the order of their names, which makes an index of names unnecessary.

use std::cmp::Ordering;

use crate::{Btf, Error, Header, TypeId, work::Work};

impl Btf {
    /// The same types in the order of their names, by bytes: first those without a name, and among equals in the
    /// order they have. So does the kernel's build sort `vmlinux` and modules (Linux 7.0). Comes with the new id of
    /// each own type, in the order of the old ones, for [`BtfExt::renumber`](crate::BtfExt::renumber).
    ///
    /// [`find`](Btf::find) sees that a BTF is sorted, and then builds no index.
    ///
    /// # Errors
    /// If names overlap so that comparing them is out of proportion to the size of the BTF.
    ///
    /// ```
    /// use oxbpf_btf::{BtfBuilder, IntEncoding, Kind, TypeId};
    ///
    /// # fn main() -> Result<(), oxbpf_btf::Error> {
    /// let mut b = BtfBuilder::new();
    /// let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
    /// b.add_typedef("counter", int)?;
    /// b.add_ptr(int)?;
    /// let (sorted, new_ids) = b.build()?.sorted()?;
    /// assert!(sorted.is_sorted());
    /// assert_eq!(sorted.types().map(|t| t.name()).collect::<Vec<_>>(), ["", "counter", "int"]);
    /// assert_eq!(new_ids, [TypeId(3), TypeId(2), TypeId(1)]);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "btf__permute")]
    pub fn sorted(&self) -> Result<(Btf, Vec<TypeId>), Error> {
        let mut work = Work::on(&[self], NAMES, "sorting names");
        let types: Result<Vec<_>, Error> = self.headers().map(|h| Named::new(h, &mut work)).collect();
        let mut types = types?;
        types.sort_by(Named::cmp);
        let first = self.first_id().0;
        let mut new_ids = vec![TypeId::VOID; types.len()];
        for (ty, new) in types.iter().zip(first..) {
            if let Some(id) = new_ids.get_mut(ty.id.0.wrapping_sub(first) as usize) {
                *id = TypeId(new);
            }
        }
        Ok((self.permute(&new_ids)?, new_ids))
    }

    /// Whether its own types are in the order of their names, so that [`find`](Btf::find) needs no index.
    pub fn is_sorted(&self) -> bool {
        self.first_named().is_some()
    }

    /// If its own types are sorted, the first that has a name; one past the last if none has.
    pub(crate) fn find_first_named(&self) -> Option<u32> {
        // One whose names overlap without measure is looked up by the index.
        let mut work = Work::on(&[self], NAMES, "comparing names");
        let (mut before, mut first) = (None::<Named<'_>>, None);
        for h in self.headers() {
            let ty = Named::new(h, &mut work).ok()?;
            if before.is_some_and(|before| before.cmp(&ty) == Ordering::Greater) {
                return None;
            }
            if first.is_none() && !ty.name.is_empty() {
                first = Some(ty.id.0);
            }
            before = Some(ty);
        }
        Some(first.unwrap_or(self.end_id().0))
    }

    /// The own types of this name, of a BTF that is sorted and has none without a name from `first` on.
    pub(crate) fn sorted_named<'a>(&'a self, first: u32, name: &'a [u8]) -> impl Iterator<Item = Header<'a>> {
        let at = |id: u32| self.header(TypeId(id));
        let (mut low, mut high) = (first, self.end_id().0);
        while low < high {
            let middle = low.midpoint(high);
            match at(middle).is_some_and(|h| before(h.name_onward().unwrap_or_default(), name)) {
                true => low = middle.saturating_add(1),
                false => high = middle,
            }
        }
        (low..self.end_id().0).map_while(at).take_while(move |h| h.name_is(name))
    }
}

/// How many times its size the names of a BTF may have, each type's counted.
const NAMES: u64 = 16;

/// Whether the string that starts here comes before `name`.
fn before(strs: &[u8], name: &[u8]) -> bool {
    for (i, &wanted) in name.iter().enumerate() {
        match strs.get(i).copied().unwrap_or(0).cmp(&wanted) {
            Ordering::Equal => {}
            other => return other == Ordering::Less,
        }
    }
    false
}

/// A type's name, with its beginning as a number, which settles most comparisons.
#[derive(Clone, Copy)]
struct Named<'a> {
    start: u64,
    name: &'a [u8],
    id: TypeId,
}

impl<'a> Named<'a> {
    fn new(header: Header<'a>, work: &mut Work) -> Result<Self, Error> {
        let name = header.name_bytes();
        work.spend(name.len())?;
        let mut start = [0; 8];
        start.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
        Ok(Named { start: u64::from_be_bytes(start), name, id: header.id })
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let names = || self.name.cmp(other.name);
        self.start.cmp(&other.start).then_with(names).then(self.id.cmp(&other.id))
    }
}
