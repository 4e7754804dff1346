//! A BTF with only some of the types of another, and of structs and unions only some members.

use std::collections::BTreeSet;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::{
    Btf, BtfBuilder, Error, Member, Type, TypeId,
    carry::Carried,
    parse::{KFLAG, KIND_SHIFT},
};

/// Which types of a BTF, and which members of its structs and unions, [`Btf::subset`] keeps.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    types: BTreeSet<TypeId>,
    members: HashMap<TypeId, BTreeSet<u32>, FixedState>,
}

impl Selection {
    /// Nothing.
    pub fn new() -> Self {
        Selection::default()
    }

    /// Selects a type, a struct or union without members so far; whether it was not selected before.
    pub fn add(&mut self, id: TypeId) -> bool {
        self.types.insert(id)
    }

    /// Selects a member of a struct or union; that one has to be selected as well.
    pub fn add_member(&mut self, id: TypeId, index: u32) {
        self.members.entry(id).or_default().insert(index);
    }

    /// Whether a type is selected.
    pub fn contains(&self, id: TypeId) -> bool {
        self.types.contains(&id)
    }

    /// How many types are selected.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    fn members<'a>(&self, ty: Type<'a>) -> impl Iterator<Item = Member<'a>> {
        let selected = self.members.get(&ty.id());
        let all = ty.members().zip(0u32..);
        all.filter(move |(_, index)| selected.is_some_and(|s| s.contains(index))).map(|(member, _)| member)
    }
}

impl Btf {
    /// A BTF of what is selected alone, in the same order and with new ids; not split, even if this one is.
    /// References to what is not selected become `void`. Sizes and offsets stay.
    ///
    /// # Errors
    /// If a type is selected that does not exist, or names overlap out of all proportion.
    ///
    /// ```
    /// use oxbpf_btf::{BtfBuilder, Field, IntEncoding, Kind, Selection};
    ///
    /// # fn main() -> Result<(), oxbpf_btf::Error> {
    /// let mut b = BtfBuilder::new();
    /// let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
    /// let s = b.add_struct("s", 8, [Field::new("a", int, 0), Field::new("b", int, 32)])?;
    /// b.add_ptr(s)?;
    /// let btf = b.build()?;
    ///
    /// let mut selection = Selection::new();
    /// selection.add(int);
    /// selection.add(s);
    /// selection.add_member(s, 1);
    /// let subset = btf.subset(&selection)?;
    /// let s = subset.get(subset.find("s", Kind::Struct).expect("it was selected"))?;
    /// assert_eq!(s.size(), Some(8));
    /// assert_eq!(s.members().map(|m| (m.name, m.bit_offset)).collect::<Vec<_>>(), [("b", 32)]);
    /// assert_eq!(subset.types().len(), 2);
    /// # Ok(()) }
    /// ```
    pub fn subset(&self, selection: &Selection) -> Result<Btf, Error> {
        let mut strings = Carried::from(self);
        let mut out = BtfBuilder::new();
        let mut new_ids: HashMap<u32, u32, FixedState> = HashMap::default();
        for &id in selection.types.iter().filter(|id| **id != TypeId::VOID) {
            let ty = self.get(id)?;
            let new =
                if ty.kind().is_composite() { out.push_raw(cut(ty, selection)) } else { out.push_words(ty) };
            new_ids.insert(id.0, new?.0);
        }
        out.try_each(|_, mut edit, add| {
            for s in edit.strings() {
                *s = strings.offset(*s, &mut *add)?;
            }
            for id in edit.ids() {
                *id = new_ids.get(id).copied().unwrap_or(0);
            }
            Ok(())
        })?;
        out.build_as(self.endian())
    }
}

/// The words of a struct or union with the selected members.
fn cut(ty: Type<'_>, selection: &Selection) -> Vec<u32> {
    let members: Vec<_> = selection.members(ty).collect();
    // Whole bytes need no bit-fields.
    let bits = members.iter().any(|m| m.bitfield_size != 0 || !m.bit_offset.is_multiple_of(8));
    let flag = if bits && ty.kind_flag() { KFLAG } else { 0 };
    // No more than the type had.
    let info = flag | (ty.kind() as u32) << KIND_SHIFT | members.len() as u32;
    let head = [ty.name_off(), info, ty.size().unwrap_or(0)];
    let entries = members.iter().flat_map(|m| [m.name_off, m.ty.0, m.bitfield_size << 24 | m.bit_offset]);
    head.into_iter().chain(entries).collect()
}
