//! An access spelled out: from a root type through members and elements to a bit offset.

use oxbpf_btf::{CoreRelo, CoreReloKind, Kind, Member, Type, TypeId};

use super::{access, describe::shortened, error::Problem, view::View};

/// One turn on the way that has a meaning in any version of the types: a named member, an element, or an
/// enumerator. Anonymous members are no turns, they come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accessor<'t> {
    /// The struct, union or enum that has it; for an element its own type.
    pub(super) ty: TypeId,
    /// Which member, element or enumerator.
    pub(super) index: u32,
    /// Name of the member or enumerator; an element has none.
    pub(super) name: Option<&'t str>,
}

/// A whole access in the terms of one BTF.
#[derive(Clone, Debug)]
pub(super) struct Spec<'t, 'b> {
    pub(super) view: View<'t, 'b>,
    /// Where it starts, modifiers and all.
    pub(super) root: TypeId,
    /// The turns. Empty for relocations of types.
    pub(super) accessors: Vec<Accessor<'t>>,
    /// Components of the access string: which member, element or enumerator at each turn, and which of the anonymous
    /// members between them.
    pub(super) path: Vec<u32>,
    /// Where it ends, in bits from where it starts; negative for `p[-1]`.
    pub(super) bits: i64,
}

impl<'t, 'b> Spec<'t, 'b> {
    pub(super) const fn new(view: View<'t, 'b>, root: TypeId) -> Self {
        Self { view, root, accessors: Vec::new(), path: Vec::new(), bits: 0 }
    }

    /// Reads the access of a relocation against the object's own BTF.
    pub(super) fn local(view: View<'t, 'b>, relo: &CoreRelo) -> Result<Self, Problem> {
        let text = view.btf.str_at(relo.access_str_off)?;
        let mut spec = Self::new(view, view.get(relo.ty)?.id());
        if is_type_based(relo.kind) {
            if text != "0" {
                return Err(Problem::TypeAccessString { text: shortened(text) });
            }
            return Ok(spec);
        }
        let path = access::parse(text)?;
        let Some((&first, rest)) = path.split_first() else {
            return Err(Problem::BadAccessString { text: shortened(text) });
        };
        let root = view.resolve(relo.ty)?;
        if is_enum_based(relo.kind) {
            if !rest.is_empty() {
                return Err(Problem::BadAccessString { text: shortened(text) });
            }
            spec.push_enumerator(root, first)?;
        } else {
            spec.push_element(root.id(), first)?;
            let mut ty = root;
            for &index in rest {
                ty = spec.step(ty, index)?;
            }
        }
        Ok(spec)
    }

    fn push_enumerator(&mut self, ty: Type<'t>, index: u32) -> Result<(), Problem> {
        if !ty.kind().is_enum() {
            return Err(Problem::NotEnum { ty: ty.id(), kind: ty.kind() });
        }
        let found = ty.enumerators().nth(index as usize);
        let name = found.ok_or_else(|| no_entry("enumerator", index, ty))?.name;
        self.accessors.push(Accessor { ty: ty.id(), index, name: Some(name) });
        self.path.push(index);
        Ok(())
    }

    /// Goes to element `index` of an array whose elements are `elem`.
    pub(super) fn push_element(&mut self, elem: TypeId, index: u32) -> Result<(), Problem> {
        if self.path.len() >= access::MAX_DEPTH {
            return Err(Problem::TooDeep);
        }
        let size = i64::from(self.view.size(elem)?);
        let bytes = access::distance(index).checked_mul(size).ok_or(Problem::Overflow)?;
        self.advance(bytes.checked_mul(8).ok_or(Problem::Overflow)?)?;
        self.accessors.push(Accessor { ty: elem, index, name: None });
        self.path.push(index);
        Ok(())
    }

    pub(super) fn advance(&mut self, bits: i64) -> Result<(), Problem> {
        self.bits = self.bits.checked_add(bits).ok_or(Problem::Overflow)?;
        Ok(())
    }

    /// Goes into `ty` by one component of the access string; gives the type it comes to.
    fn step(&mut self, ty: Type<'t>, index: u32) -> Result<Type<'t>, Problem> {
        match ty.kind() {
            Kind::Struct | Kind::Union => {
                let member = member(ty, index).ok_or_else(|| no_entry("member", index, ty))?;
                self.advance(i64::from(member.bit_offset))?;
                if !member.name.is_empty() {
                    self.accessors.push(Accessor { ty: ty.id(), index, name: Some(member.name) });
                }
                self.path.push(index);
                self.view.resolve(member.ty)
            }
            Kind::Array => {
                let array = ty.array().ok_or_else(|| not_aggregate(ty))?;
                if index >= array.len && !self.is_flexible(array.len)? {
                    return Err(no_entry("element", index, ty));
                }
                let elem = self.view.resolve(array.elem)?;
                self.push_element(elem.id(), index)?;
                Ok(elem)
            }
            _ => Err(not_aggregate(ty)),
        }
    }

    /// Whether the array of `len` elements that the access has come to may be indexed at will: it has none of
    /// its own and is the last member of its struct.
    pub(super) fn is_flexible(&self, len: u32) -> Result<bool, Problem> {
        let Some(Accessor { ty, index, name: Some(_) }) = self.accessors.last() else { return Ok(false) };
        Ok(len == 0 && index.checked_add(1) == Some(self.view.get(*ty)?.vlen()))
    }
}

pub(super) fn member(ty: Type<'_>, index: u32) -> Option<Member<'_>> {
    ty.members().nth(index as usize)
}

fn no_entry(what: &'static str, index: u32, ty: Type<'_>) -> Problem {
    let len = ty.array().map_or_else(|| ty.vlen(), |array| array.len);
    Problem::NoSuchEntry { what, index, ty: ty.id(), len }
}

fn not_aggregate(ty: Type<'_>) -> Problem {
    Problem::NotAggregate { ty: ty.id(), kind: ty.kind() }
}

/// About a whole type.
pub(crate) const fn is_type_based(kind: CoreReloKind) -> bool {
    matches!(
        kind,
        CoreReloKind::TypeIdLocal
            | CoreReloKind::TypeIdTarget
            | CoreReloKind::TypeExists
            | CoreReloKind::TypeSize
            | CoreReloKind::TypeMatches
    )
}

/// About an enumerator.
pub(crate) const fn is_enum_based(kind: CoreReloKind) -> bool {
    matches!(kind, CoreReloKind::EnumvalExists | CoreReloKind::EnumvalValue)
}
