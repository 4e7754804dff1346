//! Distilling the base of a split BTF: down to what is needed to find the same types in another base later.

use crate::{
    Btf, BtfBuilder, Error, Kind, Type, TypeId, carry::Carried, error::TypeProblem, parse::KIND_SHIFT,
};

/// What [`Btf::distill`] makes of a split BTF and its base.
#[derive(Clone, Debug)]
pub struct Distilled {
    /// What is left of the base: a module has it in the ELF section `.BTF.base`.
    pub base: Btf,
    /// The split BTF, on [`base`](Self::base): the section `.BTF`.
    pub split: Btf,
}

impl Btf {
    /// Makes a split BTF independent of the base it was made for, so that it can be [`relocate`](Btf::relocate)d
    /// to another, for instance a kernel that was built again. (Modules carry the result since Linux 6.11.)
    ///
    /// Of the base are kept integers, floats and forward declarations that the split BTF needs, whole, and named
    /// structs, unions and enums, of which only name and size. What else it needs of the base, as pointers, arrays,
    /// typedefs, and structs without a name, is added at the end of the split BTF.
    ///
    /// # Errors
    /// If there is no base, or a function, variable, section or declaration tag of it is referred to.
    ///
    /// ```
    /// use oxbpf_btf::{BtfBuilder, Field, IntEncoding, Kind};
    ///
    /// # fn main() -> Result<(), oxbpf_btf::Error> {
    /// let mut kernel = BtfBuilder::new();
    /// let int = kernel.add_int("int", 4, IntEncoding::SIGNED)?;
    /// kernel.add_struct("task_struct", 4, [Field::new("pid", int, 0)])?;
    /// let kernel = kernel.build()?;
    ///
    /// let mut module = BtfBuilder::split(&kernel);
    /// let task = kernel.find("task_struct", Kind::Struct).expect("it was added above");
    /// let ptr = module.add_ptr(task)?;
    /// module.add_struct("watch", 8, [Field::new("task", ptr, 0)])?;
    ///
    /// let distilled = module.build()?.distill()?;
    /// let names: Vec<_> = distilled.base.types().map(|t| (t.kind(), t.name(), t.vlen())).collect();
    /// assert_eq!(names, [(Kind::Struct, "task_struct", 0)]);
    ///
    /// // Another kernel, with the struct in another place.
    /// let mut newer = BtfBuilder::new();
    /// newer.add_float("double", 8)?;
    /// let int = newer.add_int("int", 4, IntEncoding::SIGNED)?;
    /// let task = newer.add_struct("task_struct", 4, [Field::new("pid", int, 0)])?;
    /// let module = distilled.split.relocate(&newer.build()?)?;
    /// let watch = module.find("watch", Kind::Struct).expect("it is in the module");
    /// let member = module.get(watch)?.members().next().expect("it has one");
    /// assert_eq!(module.get(member.ty)?.target(), Some(task));
    /// # Ok(()) }
    /// ```
    #[doc(alias = "btf__distill_base")]
    pub fn distill(&self) -> Result<Distilled, Error> {
        let first = self.base().ok_or(Error::NotSplit)?.end_id().0;
        let mut ids = needed(self, first)?;
        let mut strings = Carried::from(self);

        let mut base = BtfBuilder::new();
        for id in (1..first).map(TypeId) {
            if let Some(new) = ids.get_mut(id.0 as usize).filter(|new| **new != NOT_NEEDED) {
                let ty = self.get(id)?;
                if in_base(ty) {
                    *new = base_type(&mut base, ty, &mut strings)?.0;
                }
            }
        }
        let distilled = base.build_as(self.endian())?;

        let mut split = BtfBuilder::split(&distilled);
        let moved = first.saturating_sub(distilled.end_id().0);
        for ty in self.types() {
            let new = split.push_words(ty)?.0;
            debug_assert_eq!(new, ty.id().0.saturating_sub(moved));
        }
        for id in (1..first).map(TypeId) {
            if let Some(new) = ids.get_mut(id.0 as usize).filter(|new| **new != NOT_NEEDED) {
                let ty = self.get(id)?;
                if !in_base(ty) {
                    *new = split.push_words(ty)?.0;
                }
            }
        }
        split.try_each(|_, mut edit, add| {
            for s in edit.strings() {
                *s = strings.offset(*s, |s| match base.find_bytes(s) {
                    Some(off) => Ok(off),
                    None => add(s),
                })?;
            }
            for id in edit.ids() {
                *id = ids.get(*id as usize).copied().unwrap_or_else(|| id.saturating_sub(moved));
            }
            Ok(())
        })?;
        let split = split.build_as(self.endian())?;
        Ok(Distilled { base: distilled, split })
    }
}

const NOT_NEEDED: u32 = 0;
const NEEDED: u32 = u32::MAX;

/// For each type of the base (all below `first`) whether the split BTF needs it.
fn needed(btf: &Btf, first: u32) -> Result<Vec<u32>, Error> {
    let mut ids = vec![NOT_NEEDED; first as usize];
    let mut todo: Vec<TypeId> = Vec::new();
    let mut own = btf.types();
    loop {
        let ty = match todo.pop() {
            Some(id) => btf.get(id)?,
            None => match own.next() {
                Some(ty) => ty,
                None => return Ok(ids),
            },
        };
        for id in ty.ids().filter(|&id| id != TypeId::VOID) {
            // Its own types have no place in the table.
            let Some(new) = ids.get_mut(id.0 as usize).filter(|new| **new == NOT_NEEDED) else { continue };
            *new = NEEDED;
            let target = btf.get(id)?;
            match target.kind() {
                Kind::Func | Kind::Var | Kind::Datasec | Kind::DeclTag => {
                    return Err(ty.error(TypeProblem::TargetKind {
                        what: "a reference".into(),
                        target: id,
                        expected: "a type of values or a prototype",
                        got: target.kind(),
                    }));
                }
                // The members of a named one are left out.
                k if k.is_composite() && target.name_off() != 0 => {}
                _ => todo.push(id),
            }
        }
    }
}

/// Whether a type that is needed goes into the distilled base; otherwise it goes into the split BTF.
fn in_base(ty: Type<'_>) -> bool {
    match ty.kind() {
        Kind::Int | Kind::Float | Kind::Fwd => true,
        Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 => ty.name_off() != 0,
        _ => false,
    }
}

fn base_type(base: &mut BtfBuilder, ty: Type<'_>, strings: &mut Carried<'_>) -> Result<TypeId, Error> {
    let name = strings.offset(ty.name_off(), |s| base.add_bytes(s))?;
    let kind = match ty.kind() {
        Kind::Enum64 => Kind::Enum,
        k => k,
    };
    match kind {
        Kind::Struct | Kind::Union | Kind::Enum => {
            base.push_raw([name, (kind as u32) << KIND_SHIFT, ty.size().unwrap_or(0)])
        }
        _ => base.push_raw(std::iter::once(name).chain(ty.words().skip(1))),
    }
}
