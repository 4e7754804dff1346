//! Numbers of a BTF that a linker fills in, changed in place. Nothing moves, so nothing is read again.

use crate::{
    Btf, Error, Kind, SecVar, TypeId, TypeProblem,
    parse::{MAX_LINKAGE, VLEN_MASK},
    words::{Order, Word},
};

/// An own type to be changed: what is behind its name.
struct Patch<'a> {
    order: Order,
    info: &'a mut Word,
    third: &'a mut Word,
    rest: &'a mut [Word],
}

/// Changes that keep the size of everything. Clones of the BTF stay as they are: what they share is copied first.
impl Btf {
    /// Sets the size of a section, in bytes: compilers leave it 0.
    ///
    /// # Errors
    /// If the type is not a section of this BTF (its base's cannot be changed).
    pub fn set_datasec_size(&mut self, id: TypeId, size: u32) -> Result<(), Error> {
        let ty = self.patch(id, "a section", |kind| kind == Kind::Datasec)?;
        *ty.third = ty.order.word(size);
        Ok(())
    }

    /// Sets the variables of a section, from its first on: compilers leave the offsets 0.
    ///
    /// # Errors
    /// If the type is not a section of this BTF, if the section has fewer variables, or if the
    /// type of one is not that of a variable.
    pub fn set_datasec_vars(&mut self, id: TypeId, vars: &[SecVar]) -> Result<(), Error> {
        for var in vars {
            let ty = self.get(var.ty)?;
            // Compilers list extern functions in the section `.ksyms`.
            if !matches!(ty.kind(), Kind::Var | Kind::Func) {
                return Err(ty.error(TypeProblem::WrongKind { expected: "a variable or function" }));
            }
        }
        let ty = self.patch(id, "a section", |kind| kind == Kind::Datasec)?;
        let (order, entries) = (ty.order, ty.rest.as_chunks_mut::<3>().0);
        if entries.len() < vars.len() {
            let problem = TypeProblem::NoSuchEntry { index: entries.len(), len: entries.len() };
            return Err(self.get(id)?.error(problem));
        }
        for (entry, var) in entries.iter_mut().zip(vars) {
            *entry = [var.ty.0, var.offset, var.size].map(|word| order.word(word));
        }
        Ok(())
    }

    /// Sets the linkage of a function or variable: 0 static, 1 global, 2 extern.
    ///
    /// # Errors
    /// If the type is neither, or the number is larger.
    pub fn set_linkage(&mut self, id: TypeId, linkage: u32) -> Result<(), Error> {
        if linkage > MAX_LINKAGE {
            return Err(self.get(id)?.error(TypeProblem::Linkage { got: linkage }));
        }
        let ty = self.patch(id, "a function or variable", |kind| matches!(kind, Kind::Func | Kind::Var))?;
        match ty.rest.first_mut() {
            // Only a variable has more than the three words.
            Some(word) => *word = ty.order.word(linkage),
            None => *ty.info = ty.order.word(ty.order.u32(*ty.info) & !VLEN_MASK | linkage),
        }
        Ok(())
    }

    fn patch(
        &mut self,
        id: TypeId,
        expected: &'static str,
        right: impl Fn(Kind) -> bool,
    ) -> Result<Patch<'_>, Error> {
        let ty = self.get(id)?;
        if !right(ty.kind()) {
            return Err(ty.error(TypeProblem::WrongKind { expected }));
        }
        let nothing = Error::NoSuchType { id, end: self.end_id() };
        let Some(own) = id.0.checked_sub(self.first_id().0) else { return Err(nothing) };
        let (order, range) = (self.order(), self.words_of(own as usize));
        let words = self.type_words_mut().get_mut(range).and_then(|words| words.split_first_chunk_mut::<3>());
        let Some(([_, info, third], rest)) = words else { return Err(nothing) };
        Ok(Patch { order, info, third, rest })
    }
}
