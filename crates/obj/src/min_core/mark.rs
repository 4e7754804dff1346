//! Which types and members of the target one relocation needs.

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use oxbpf_btf::{CoreReloKind, Kind, Selection, Type};

use crate::relo_core::{Found, Problem, is_enum_based, is_type_based};
use crate::{Btf, TypeId};

/// What has been marked so far.
pub(super) struct Marks<'t> {
    target: &'t Btf,
    pub(super) selection: Selection,
    /// Types of which is marked all that a way of going on leads to.
    done: HashSet<(TypeId, Reach), FixedState>,
}

/// How far marking goes on from a type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Reach {
    /// To what its value consists of, members apart: where a field has the type.
    Value,
    /// To what pointers lead to as well: where the type itself is asked for.
    Pointers,
    /// To members: where the type has to match.
    Members,
    /// The same, but this type is behind a pointer: structs and unions match by name then.
    Named,
}

impl<'t> Marks<'t> {
    pub(super) fn new(target: &'t Btf) -> Self {
        Marks { target, selection: Selection::new(), done: HashSet::default() }
    }

    /// Marks what a relocation of `kind` that was found needs.
    pub(super) fn relocation(&mut self, kind: CoreReloKind, found: &Found<'_>) -> Result<(), Problem> {
        let root = found.candidate.id;
        if kind == CoreReloKind::TypeMatches {
            self.mark(root, Reach::Members)
        } else if is_type_based(kind) {
            self.mark(root, Reach::Pointers)
        } else if is_enum_based(kind) {
            self.mark(root, Reach::Value)
        } else {
            self.field(root, &found.path)
        }
    }

    /// Marks the way to a field. The first index is that of an array of roots.
    fn field(&mut self, root: TypeId, path: &[u32]) -> Result<(), Problem> {
        self.mark(root, Reach::Value)?;
        let mut ty = self.target.resolve(root)?;
        for &index in path.iter().skip(1) {
            let next = match ty.array() {
                Some(array) => array.elem,
                None => {
                    let member = ty.members().nth(index as usize);
                    let member = member.ok_or(Problem::NotAggregate { ty: ty.id(), kind: ty.kind() })?;
                    self.selection.add_member(ty.id(), index);
                    self.mark(member.ty, Reach::Value)?;
                    member.ty
                }
            };
            ty = self.target.resolve(next)?;
        }
        Ok(())
    }

    /// Marks a type and what belongs to it. Each type is gone on from once for each reach, so that this ends whatever
    /// refers to what.
    fn mark(&mut self, id: TypeId, reach: Reach) -> Result<(), Problem> {
        let mut todo = vec![(id, reach)];
        while let Some((id, reach)) = todo.pop() {
            if id == TypeId::VOID || !self.done.insert((id, reach)) {
                continue;
            }
            self.selection.add(id);
            let ty = self.target.get(id)?;
            if reach == Reach::Members && ty.kind().is_composite() {
                (0..ty.vlen()).for_each(|index| self.selection.add_member(id, index));
            }
            todo.extend(onward(ty, reach));
        }
        Ok(())
    }
}

/// Where marking goes on from a type.
fn onward(ty: Type<'_>, reach: Reach) -> Vec<(TypeId, Reach)> {
    // What is not the same value is not behind the same pointer any more.
    let part = if reach == Reach::Named { Reach::Members } else { reach };
    let target = ty.target().into_iter();
    match ty.kind() {
        Kind::Ptr => match reach {
            Reach::Value => Vec::new(),
            Reach::Pointers => target.map(|id| (id, reach)).collect(),
            Reach::Members | Reach::Named => target.map(|id| (id, Reach::Named)).collect(),
        },
        Kind::Array => ty.array().into_iter().flat_map(|a| [(a.elem, part), (a.index, part)]).collect(),
        Kind::FuncProto => target.chain(ty.params().map(|p| p.ty)).map(|id| (id, part)).collect(),
        Kind::Struct | Kind::Union if reach == Reach::Members => {
            ty.members().map(|m| (m.ty, reach)).collect()
        }
        Kind::Struct | Kind::Union => Vec::new(),
        _ => target.map(|id| (id, reach)).collect(),
    }
}
