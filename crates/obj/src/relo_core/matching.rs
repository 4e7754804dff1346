//! Finding the access of the object's types in a type of the target.

use oxbpf_btf::{CoreReloKind, Type, TypeId};

use super::{
    access,
    compat::{fields_compatible, types_compatible},
    error::Problem,
    essential::{MAX_NAME, same_name},
    spec::{Accessor, Spec, is_enum_based, is_type_based, member},
    types_match::types_match,
    view::View,
};

/// The access `local` in the target's type `root`, or `None` where that type has no such thing.
pub(super) fn find<'t, 'b>(
    kind: CoreReloKind,
    local: &Spec<'t, 'b>,
    target: View<'t, 'b>,
    root: TypeId,
) -> Result<Option<Spec<'t, 'b>>, Problem> {
    let mut spec = Spec::new(target, root);
    let found = if kind == CoreReloKind::TypeMatches {
        types_match(local.view, local.root, target, root)?
    } else if is_type_based(kind) {
        types_compatible(local.view, local.root, target, root)?
    } else if is_enum_based(kind) {
        find_enumerator(local, &mut spec)?
    } else {
        find_field(local, &mut spec)?
    };
    Ok(found.then_some(spec))
}

fn find_enumerator(local: &Spec<'_, '_>, spec: &mut Spec<'_, '_>) -> Result<bool, Problem> {
    let Some(Accessor { name: Some(wanted), .. }) = local.accessors.first() else { return Ok(false) };
    let ty = spec.view.resolve(spec.root)?;
    spec.view.budget.spend(ty.vlen() as usize)?;
    if !ty.kind().is_enum() {
        return Ok(false);
    }
    for (index, enumerator) in (0..).zip(ty.enumerators()) {
        if same_name(enumerator.name, wanted) {
            spec.accessors.push(Accessor { ty: ty.id(), index, name: Some(enumerator.name) });
            spec.path.push(index);
            return Ok(true);
        }
    }
    Ok(false)
}

fn find_field<'t, 'b>(local: &Spec<'t, 'b>, spec: &mut Spec<'t, 'b>) -> Result<bool, Problem> {
    let mut at = spec.root;
    for (i, turn) in local.accessors.iter().enumerate() {
        let ty = spec.view.resolve(at)?;
        let next = match turn.name {
            Some(name) if name.len() > MAX_NAME => None,
            Some(name) => Search { local, turn, name }.member(ty, spec)?,
            // The first one indexes the root, which is the element.
            None if i == 0 => element(ty, turn.index, spec)?,
            None => match ty.array() {
                Some(array) if turn.index < array.len || spec.is_flexible(array.len)? => {
                    element(spec.view.resolve(array.elem)?, turn.index, spec)?
                }
                _ => None,
            },
        };
        match next {
            Some(next) => at = next,
            None => return Ok(false),
        }
    }
    Ok(true)
}

fn element(elem: Type<'_>, index: u32, spec: &mut Spec<'_, '_>) -> Result<Option<TypeId>, Problem> {
    spec.push_element(elem.id(), index)?;
    Ok(Some(elem.id()))
}

/// The search for one named member, through anonymous members.
struct Search<'s, 't, 'b> {
    local: &'s Spec<'t, 'b>,
    turn: &'s Accessor<'t>,
    name: &'t str,
}

impl<'t, 'b> Search<'_, 't, 'b> {
    /// Goes to the member of `ty` and gives its type; `None` where there is none or it is of another nature.
    fn member(&self, ty: Type<'t>, spec: &mut Spec<'t, 'b>) -> Result<Option<TypeId>, Problem> {
        if !ty.kind().is_composite() {
            return Ok(None);
        }
        spec.view.budget.spend(ty.vlen() as usize)?;
        if ty.vlen() > 0 && spec.path.len() >= access::MAX_DEPTH {
            return Err(Problem::TooDeep);
        }
        for (index, candidate) in (0..).zip(ty.member_entries()) {
            if candidate.is_named("") {
                let inner = spec.view.resolve(candidate.ty)?;
                let start = spec.bits;
                spec.advance(i64::from(candidate.bit_offset))?;
                spec.path.push(index);
                if let Some(next) = self.member(inner, spec)? {
                    return Ok(Some(next));
                }
                spec.path.pop();
                spec.bits = start;
            } else if candidate.is_named(self.name) {
                if !self.is_compatible(spec.view, candidate.ty)? {
                    break;
                }
                spec.advance(i64::from(candidate.bit_offset))?;
                spec.path.push(index);
                spec.accessors.push(Accessor { ty: ty.id(), index, name: Some(self.name) });
                return Ok(Some(candidate.ty));
            }
        }
        Ok(None)
    }

    fn is_compatible(&self, target: View<'t, 'b>, id: TypeId) -> Result<bool, Problem> {
        let local = self.local.view;
        let container = local.get(self.turn.ty)?;
        match member(container, self.turn.index) {
            Some(own) => fields_compatible(local, own.ty, target, id),
            None => Ok(false),
        }
    }
}
