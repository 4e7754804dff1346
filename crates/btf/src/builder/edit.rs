//! Changing types that are there.

use super::BtfBuilder;
use crate::{
    Error, Kind, SecVar, TypeId,
    error::TypeProblem,
    parse::{KIND_MASK, KIND_SHIFT, MAX_LINKAGE, VLEN_MASK, short},
};

/// Adds a string to those of the BTF, and says where it is.
pub(crate) type AddString<'a> = &'a mut dyn FnMut(&[u8]) -> Result<u32, Error>;

/// A type open for editing.
pub(crate) struct Edit<'a> {
    pub(crate) kind: Kind,
    pub(crate) name: &'a mut u32,
    pub(crate) info: &'a mut u32,
    pub(crate) third: &'a mut u32,
    pub(crate) rest: &'a mut [u32],
}

impl BtfBuilder {
    /// Sets the size of a section, which compilers leave 0.
    pub fn set_datasec_size(&mut self, id: TypeId, size: u32) -> Result<(), Error> {
        let ty = self.edit(id, "a section", |k| k == Kind::Datasec)?;
        *ty.third = size;
        Ok(())
    }

    /// Sets entry `index` of a section: compilers leave the offsets 0.
    pub fn set_datasec_var(&mut self, id: TypeId, index: usize, var: SecVar) -> Result<(), Error> {
        let ty = self.edit(id, "a section", |k| k == Kind::Datasec)?;
        let entries = ty.rest.as_chunks_mut::<3>().0;
        let len = entries.len();
        if let Some(e) = entries.get_mut(index) {
            *e = [var.ty.0, var.offset, var.size];
            return Ok(());
        }
        Err(self.error_about(id, TypeProblem::NoSuchEntry { index, len }))
    }

    /// Sets the linkage of a function or variable: 0 static, 1 global, 2 extern.
    pub fn set_linkage(&mut self, id: TypeId, linkage: u32) -> Result<(), Error> {
        if linkage > MAX_LINKAGE {
            return Err(self.error_about(id, TypeProblem::Linkage { got: linkage }));
        }
        let ty = self.edit(id, "a function or variable", |k| matches!(k, Kind::Func | Kind::Var))?;
        match ty.rest.first_mut() {
            Some(w) if ty.kind == Kind::Var => *w = linkage,
            _ => *ty.info = *ty.info & !VLEN_MASK | linkage,
        }
        Ok(())
    }

    /// What a pointer, typedef, modifier, function, variable or tag refers to, and what a prototype returns.
    pub fn set_target(&mut self, id: TypeId, target: TypeId) -> Result<(), Error> {
        let ty = self.edit(id, "a type that refers to another", Kind::has_target)?;
        *ty.third = target.0;
        Ok(())
    }

    /// Gives a type another name.
    pub fn set_name(&mut self, id: TypeId, name: &str) -> Result<(), Error> {
        let off = self.add_str(name)?;
        let ty = self.edit(id, "a type of this BTF", |_| true)?;
        *ty.name = off;
        Ok(())
    }

    /// Names parameter `index` of a prototype: kernels want the parameters of functions named, and clang leaves
    /// those of functions that are only declared without names.
    pub fn set_param_name(&mut self, id: TypeId, index: usize, name: &str) -> Result<(), Error> {
        let off = self.add_str(name)?;
        let ty = self.edit(id, "a prototype", |k| k == Kind::FuncProto)?;
        let entries = ty.rest.as_chunks_mut::<2>().0;
        let len = entries.len();
        if let Some([name, _]) = entries.get_mut(index) {
            *name = off;
            return Ok(());
        }
        Err(self.error_about(id, TypeProblem::NoSuchEntry { index, len }))
    }

    /// An own type, if its kind is right.
    fn edit(
        &mut self,
        id: TypeId,
        expected: &'static str,
        right: impl Fn(Kind) -> bool,
    ) -> Result<Edit<'_>, Error> {
        let end = self.end_id();
        let Some((own, [_, info, _])) = self.own(id) else { return Err(Error::NoSuchType { id, end }) };
        let kind = kind_of(info);
        if !right(kind) {
            return Err(self.error_about(id, TypeProblem::WrongKind { expected }));
        }
        let start = self.offs.get(own).map_or(usize::MAX, |&at| at as usize);
        let stop = own.checked_add(1).and_then(|next| self.offs.get(next));
        let stop = stop.map_or(self.types.len(), |&next| next as usize);
        let words = self.types.get_mut(start..stop).and_then(|w| w.split_first_chunk_mut::<3>());
        match words {
            Some(([name, info, third], rest)) => Ok(Edit { kind, name, info, third, rest }),
            None => Err(Error::NoSuchType { id, end }),
        }
    }

    /// The place of an own type among its own, and its fixed part.
    pub(super) fn own(&self, id: TypeId) -> Option<(usize, [u32; 3])> {
        let own = id.0.checked_sub(self.first_id())? as usize;
        let start = *self.offs.get(own)? as usize;
        Some((own, *self.types.get(start..)?.first_chunk::<3>()?))
    }

    /// An error about a type that is there.
    #[cold]
    pub(super) fn error_about(&self, id: TypeId, problem: TypeProblem) -> Error {
        let Some((_, [name, info, _])) = self.own(id) else {
            return Error::NoSuchType { id, end: self.end_id() };
        };
        let base = || self.base.as_ref()?.bytes_at(name).ok();
        let name = self.strs.get(name).or_else(base).and_then(short);
        self.type_error(id, Some(kind_of(info)), name, problem)
    }

    /// Every own type for editing in place, in the order of their ids, with a way to add strings.
    pub(crate) fn each(&mut self, mut f: impl FnMut(TypeId, Edit<'_>, &mut dyn FnMut(&str) -> u32)) {
        // Nothing fails.
        let _ = self.try_each(|id, edit, add| {
            // Only names that are already there, changed by a few bytes, are added by editors.
            f(id, edit, &mut |s| add(s.as_bytes()).unwrap_or(0));
            Ok(())
        });
    }

    /// The same, up to the first error.
    pub(crate) fn try_each(
        &mut self,
        mut f: impl FnMut(TypeId, Edit<'_>, AddString<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let own_empty = self.base.is_none();
        let (mut id, strs) = (self.first_id(), &mut self.strs);
        let mut rest = self.types.as_mut_slice();
        let ends = self.offs.iter().skip(1).map(|&end| end as usize).chain([rest.len()]);
        let mut start = 0;
        for end in ends.take(self.offs.len()) {
            let Some((ty, tail)) = rest.split_at_mut_checked(end.wrapping_sub(start)) else { break };
            (rest, start) = (tail, end);
            if let Some(edit) = Edit::of(ty) {
                f(TypeId(id), edit, &mut |s| strs.add(s, own_empty))?;
            }
            id = id.wrapping_add(1);
        }
        Ok(())
    }
}

pub(super) fn kind_of(info: u32) -> Kind {
    Kind::from_number(info >> KIND_SHIFT & KIND_MASK).unwrap_or(Kind::Void)
}
