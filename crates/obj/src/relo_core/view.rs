//! One side of a relocation, the object's BTF or a target's, as the matching rules want to see it.

use std::cell::Cell;

use oxbpf_btf::{Btf, Kind, Type, TypeId};

use super::error::Problem;

/// Longest chain of modifiers and arrays that a size is computed through.
const MAX_CHAIN: usize = 32;

/// Longest chain of typedefs and modifiers that is looked through. Nothing real comes near.
const MAX_MODIFIERS: usize = 128;

/// Work left. Hostile types can make the matching rules take exponential time, or, where types refer to each
/// other in a circle, never end; every step is paid for here, so that they end with an error instead.
#[derive(Debug)]
pub(super) struct Budget(Cell<u64>);

impl Budget {
    pub(super) const fn new(steps: u64) -> Self {
        Self(Cell::new(steps))
    }

    pub(super) fn spend(&self, steps: usize) -> Result<(), Problem> {
        let left = self.0.get().checked_sub(steps as u64).ok_or(Problem::TooMuchWork)?;
        self.0.set(left);
        Ok(())
    }

    pub(super) fn add(&self, steps: u64) {
        self.0.set(self.0.get().saturating_add(steps));
    }
}

/// A BTF with the size its pointers have, and the budget for walking it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'t, 'b> {
    pub(super) btf: &'t Btf,
    pub(super) pointer_size: u32,
    pub(super) budget: &'b Budget,
}

impl<'t, 'b> View<'t, 'b> {
    /// The object's side: pointers of BPF programs have 8 bytes, whatever its BTF makes one guess.
    pub(super) const fn local(btf: &'t Btf, budget: &'b Budget) -> Self {
        Self { btf, pointer_size: 8, budget }
    }

    /// The kernel's side.
    pub(super) fn target(btf: &'t Btf, budget: &'b Budget) -> Self {
        Self { btf, pointer_size: btf.pointer_size(), budget }
    }

    pub(super) fn get(&self, id: TypeId) -> Result<Type<'t>, Problem> {
        Ok(self.btf.get(id)?)
    }

    /// The type under modifiers and typedefs.
    pub(super) fn resolve(&self, id: TypeId) -> Result<Type<'t>, Problem> {
        let mut ty = self.get(id)?;
        for _ in 0..MAX_MODIFIERS {
            self.budget.spend(1)?;
            match (ty.kind(), ty.target()) {
                (
                    Kind::Typedef | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag,
                    Some(next),
                ) => {
                    ty = self.get(next)?;
                }
                _ => return Ok(ty),
            }
        }
        Err(Problem::TooDeep)
    }

    /// Size of a type in bytes. Types without one (void, functions, forward declarations) are a problem, as is
    /// one that does not fit 32 bits.
    pub(super) fn size(&self, id: TypeId) -> Result<u32, Problem> {
        let unsized_ = || Problem::NoSize { ty: id };
        let mut count = 1u32;
        let mut ty = self.get(id)?;
        for _ in 0..MAX_CHAIN {
            self.budget.spend(1)?;
            let next = match ty.kind() {
                Kind::Ptr => return self.pointer_size.checked_mul(count).ok_or_else(unsized_),
                Kind::Array => {
                    let array = ty.array().ok_or_else(unsized_)?;
                    count = count.checked_mul(array.len).ok_or_else(unsized_)?;
                    Some(array.elem)
                }
                Kind::Typedef
                | Kind::Const
                | Kind::Volatile
                | Kind::Restrict
                | Kind::TypeTag
                | Kind::DeclTag
                | Kind::Var => ty.target(),
                _ => return ty.size().and_then(|size| size.checked_mul(count)).ok_or_else(unsized_),
            };
            ty = self.get(next.ok_or_else(unsized_)?)?;
        }
        Err(unsized_())
    }

    /// Size of the innermost element of an array of any dimensions, of the type itself otherwise.
    pub(super) fn element_size(&self, id: TypeId) -> Result<u32, Problem> {
        let mut ty = self.resolve(id)?;
        for _ in 0..MAX_CHAIN {
            match ty.array() {
                Some(array) => ty = self.resolve(array.elem)?,
                None => return self.size(ty.id()),
            }
        }
        Err(Problem::TooDeep)
    }
}

/// Whether CO-RE lets a type of one kind stand for one of the other: the same kind, or enums of any width.
pub(super) fn kinds_compatible(a: Kind, b: Kind) -> bool {
    a == b || (a.is_enum() && b.is_enum())
}
