//! Moving a split BTF from its distilled base to a whole one.

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};

use crate::{Btf, BtfBuilder, Error, Header, Kind, TypeId, error::TypeProblem, work::Work};

impl Btf {
    /// Puts a split BTF whose base was [distilled](Btf::distill) on another base, a running kernel's for instance:
    /// each type of the distilled base is found there, and references and names follow.
    ///
    /// What is found for what is decided as the kernel decides it (Linux 6.11):
    ///
    /// - integers by name, size and encoding; floats and enums of either width by name and size;
    /// - structs and unions by name, and by size where the base has several of the name, or where the split BTF has
    ///   one as a member that is no pointer;
    /// - forward declarations by name, to such declarations of the same kind and to whole types: structs without
    ///   bit-fields, or unions with some.
    ///
    /// # Errors
    /// If there is no base, the base is not a distilled one, or a type of it is not found or could be several; names
    /// the type.
    #[doc(alias = "btf__relocate")]
    pub fn relocate(&self, base: &Btf) -> Result<Btf, Error> {
        let distilled = self.base().ok_or(Error::NotSplit)?;
        let found = Search::new(self, distilled)?.run(base)?;

        let (old_end, new_end) = (distilled.end_id().0, base.end_id().0);
        let old_strs = self.first_str();
        let new_strs = u32::try_from(base.strs_end()).map_err(|_| Error::TooMany { what: "strings" })?;
        let moved = |v: u32, old: u32, new: u32, what| {
            v.checked_sub(old).and_then(|own| own.checked_add(new)).ok_or(Error::TooMany { what })
        };
        let mut out = BtfBuilder::from(self);
        out.set_base(base)?;
        let mut own = self.types();
        out.try_each(|_, mut edit, _| {
            let ty = own.next();
            for id in edit.ids() {
                *id = match found.ids.get(*id as usize) {
                    Some(new) => new.0,
                    None => moved(*id, old_end, new_end, "types")?,
                };
            }
            for s in edit.strings().filter(|s| **s != 0) {
                *s = match found.names.get(s) {
                    Some(new) => *new,
                    None if *s >= old_strs => moved(*s, old_strs, new_strs, "strings")?,
                    None => {
                        let problem = TypeProblem::BaseString { offset: *s };
                        return Err(ty.map_or(Error::NotSplit, |ty| ty.error(problem)));
                    }
                };
            }
            Ok(())
        })?;
        out.build_as(self.endian())
    }
}

/// What the types and names of a distilled base are in another.
struct Found {
    /// By id, `void` first.
    ids: Vec<TypeId>,
    /// By offset.
    names: HashMap<u32, u32, FixedState>,
}

struct Search<'a> {
    distilled: &'a Btf,
    /// Structs and unions of which the split BTF has members: their size must be right.
    embedded: HashSet<TypeId, FixedState>,
    found: Found,
}

impl<'a> Search<'a> {
    fn new(split: &Btf, distilled: &'a Btf) -> Result<Self, Error> {
        if distilled.base().is_some() {
            return Err(Error::SplitBase);
        }
        for ty in distilled.types() {
            let right = matches!(
                ty.kind(),
                Kind::Int | Kind::Float | Kind::Enum | Kind::Struct | Kind::Union | Kind::Fwd
            );
            if !right || ty.name_off() == 0 {
                return Err(ty.error(TypeProblem::NotDistilled));
            }
        }
        let ids = vec![TypeId::VOID; distilled.end_id().0 as usize];
        let found = Found { ids, names: HashMap::default() };
        Ok(Search { distilled, embedded: embedded(split, distilled.end_id())?, found })
    }

    fn run(mut self, base: &'a Btf) -> Result<Found, Error> {
        let mut work = Work::on(&[self.distilled, base], 32, "looking up the types of a distilled base");
        let Candidates { types, several, .. } = self.candidates(base, &mut work)?;
        for (new, name) in types {
            let with_size = match new.kind() {
                Kind::Struct | Kind::Union => several.contains(&new.name_off()),
                kind => kind != Kind::Fwd,
            };
            for old in self.distilled.own_named(name) {
                work.spend(name.len().saturating_add(1))?;
                if with_size && old.size_or_target != new.size_or_target || !self.fits(old, new) {
                    continue;
                }
                let Some(id) = self.found.ids.get_mut(old.id.0 as usize) else { continue };
                if *id != TypeId::VOID {
                    let problem = TypeProblem::Ambiguous { first: *id, second: new.id };
                    return Err(self.distilled.get(old.id)?.error(problem));
                }
                *id = new.id;
                self.found.names.insert(old.name_off(), new.name_off());
            }
        }
        let lacking = self.found.ids.iter().skip(1).position(|id| *id == TypeId::VOID);
        match lacking.and_then(|own| self.distilled.types().nth(own)) {
            Some(ty) => Err(ty.error(TypeProblem::NotInBase { size: ty.size().unwrap_or(0) })),
            None => Ok(self.found),
        }
    }
}

/// The types of the new base that have the name of one of the distilled base.
#[derive(Default)]
struct Candidates<'a> {
    /// In the order of their ids, with their names.
    types: Vec<(Header<'a>, &'a [u8])>,
    /// Where the names of structs and unions are in the strings, and those of several of them. As in the kernel a
    /// name that is written twice counts as two: linkers and pahole write each once.
    composites: HashSet<u32, FixedState>,
    several: HashSet<u32, FixedState>,
}

impl<'a> Search<'a> {
    /// The types of `base` that come into question.
    fn candidates(&self, base: &'a Btf, work: &mut Work) -> Result<Candidates<'a>, Error> {
        let mut all = Candidates::default();
        for header in (1..base.end_id().0).filter_map(|id| base.header(TypeId(id))) {
            let kind = header.kind();
            let right =
                matches!(kind, Kind::Int | Kind::Float | Kind::Fwd) || kind.is_enum() || kind.is_composite();
            if !right || header.name_off() == 0 {
                continue;
            }
            let name = header.name_bytes();
            work.spend(name.len())?;
            if self.distilled.own_named(name).next().is_none() {
                continue;
            }
            if kind.is_composite() && !all.composites.insert(header.name_off()) {
                all.several.insert(header.name_off());
            }
            all.types.push((header, name));
        }
        Ok(all)
    }

    /// Whether `new` can stand for `old`, which has the same name and, where it matters for `new`, the same size.
    fn fits(&self, old: Header<'_>, new: Header<'_>) -> bool {
        match old.kind() {
            Kind::Int => new.kind() == Kind::Int && encoding(old) == encoding(new),
            Kind::Float => new.kind() == Kind::Float,
            Kind::Enum => new.kind().is_enum(),
            Kind::Fwd => match new.kind() {
                Kind::Fwd => old.kind_flag() == new.kind_flag(),
                Kind::Struct => !new.kind_flag(),
                Kind::Union => new.kind_flag(),
                _ => false,
            },
            // Once it is found, another of any size makes it ambiguous.
            _ => {
                let found = self.found.ids.get(old.id.0 as usize).is_some_and(|id| *id != TypeId::VOID);
                found || !self.embedded.contains(&old.id) || old.size_or_target == new.size_or_target
            }
        }
    }
}

/// What an integer's bits mean.
fn encoding(header: Header<'_>) -> Option<(bool, bool, bool)> {
    header.ty().int().map(|int| (int.signed, int.char, int.bool))
}

/// The structs and unions below `end` that structs and unions of `split` contain, as members or elements of them.
fn embedded(split: &Btf, end: TypeId) -> Result<HashSet<TypeId, FixedState>, Error> {
    let mut embedded = HashSet::default();
    // Where a chain joins one that was followed, its end has been seen.
    let mut followed: HashSet<TypeId, FixedState> = HashSet::default();
    for ty in split.types().filter(|ty| ty.kind().is_composite()) {
        for mut id in ty.ids() {
            while followed.insert(id) {
                let ty = split.get(id)?;
                id = match ty.kind() {
                    Kind::Array => ty.array().map_or(TypeId::VOID, |a| a.elem),
                    k if k.is_modifier() || k == Kind::Typedef => ty.target().unwrap_or_default(),
                    k => {
                        if k.is_composite() && id < end {
                            embedded.insert(id);
                        }
                        break;
                    }
                };
            }
        }
    }
    Ok(embedded)
}
