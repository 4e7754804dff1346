//! Matching: does a type of the target have all that the object's own declaration of it has?
//!
//! This is what `bpf_core_type_matches` asks, and stricter than compatibility: names, sizes and signs count.

use oxbpf_btf::{Kind, Type, TypeId};

use super::{
    compat::{MAX_LEVELS, under},
    error::Problem,
    essential::{comparable, same_name},
    view::View,
};

/// Whether type `b` of the target matches the object's type `a`; the names of the roots were compared already.
///
/// - Typedefs and modifiers are looked through; names without flavors must be equal, all the way down.
/// - Integers: same size and sign. Arrays: same length, matching elements. Pointers: what they point to
///   matches, where structs and unions behind a pointer are compared by name and kind only, and may be forward
///   declarations.
/// - Structs and unions: the target has every member of the object's, and it matches.
/// - Enums of any width: same size, and the target has an enumerator by every name; values do not matter.
/// - Functions: same number of parameters, each matching, and the result.
pub(super) fn types_match(
    local: View<'_, '_>,
    a: TypeId,
    target: View<'_, '_>,
    b: TypeId,
) -> Result<bool, Problem> {
    Matcher { local, target }.matches(a, b, false, MAX_LEVELS)
}

struct Matcher<'t, 'b> {
    local: View<'t, 'b>,
    target: View<'t, 'b>,
}

impl<'t> Matcher<'t, '_> {
    fn matches(
        &self,
        mut a: TypeId,
        mut b: TypeId,
        mut by_pointer: bool,
        level: u32,
    ) -> Result<bool, Problem> {
        let deeper = level.checked_sub(1).ok_or(Problem::TooDeep)?;
        for _ in 0..MAX_LEVELS {
            let (x, y) = (self.local.resolve(a)?, self.target.resolve(b)?);
            if !same_name(x.name(), y.name()) {
                return Ok(false);
            }
            let same_kind = x.kind() == y.kind();
            (a, b) = match x.kind() {
                Kind::Void => return Ok(same_kind),
                Kind::Fwd => return Ok(forward_matches(x, y, by_pointer)),
                Kind::Enum | Kind::Enum64 => return self.enums_match(x, y),
                Kind::Struct | Kind::Union if by_pointer => {
                    return Ok(same_kind || (y.kind() == Kind::Fwd && forward_kind(y) == x.kind()));
                }
                _ if !same_kind => return Ok(false),
                Kind::Struct | Kind::Union => return self.members_match(x, y, deeper),
                Kind::Int => return Ok(x.size() == y.size() && is_signed(x) == is_signed(y)),
                Kind::Ptr => {
                    by_pointer = true;
                    (under(x), under(y))
                }
                Kind::Array => match (x.array(), y.array()) {
                    (Some(x), Some(y)) if x.len == y.len => (x.elem, y.elem),
                    _ => return Ok(false),
                },
                Kind::FuncProto => {
                    if x.vlen() != y.vlen() {
                        return Ok(false);
                    }
                    for (p, q) in x.params().zip(y.params()) {
                        if !self.matches(p.ty, q.ty, by_pointer, deeper)? {
                            return Ok(false);
                        }
                    }
                    (under(x), under(y))
                }
                // Nothing else is a type that a program can ask for, floats included.
                _ => return Ok(false),
            };
        }
        Err(Problem::TooDeep)
    }

    fn enums_match(&self, x: Type<'t>, y: Type<'t>) -> Result<bool, Problem> {
        if !y.kind().is_enum() || x.size() != y.size() || x.vlen() > y.vlen() {
            return Ok(false);
        }
        self.local.budget.spend(y.vlen() as usize)?;
        let candidates: Vec<&str> = y.enumerators().filter_map(|e| comparable(e.name)).collect();
        for wanted in x.enumerators() {
            self.local.budget.spend(candidates.len())?;
            if !comparable(wanted.name).is_some_and(|name| candidates.contains(&name)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn members_match(&self, x: Type<'t>, y: Type<'t>, level: u32) -> Result<bool, Problem> {
        if x.vlen() > y.vlen() {
            return Ok(false);
        }
        self.local.budget.spend(y.vlen() as usize)?;
        let candidates: Vec<(&str, TypeId)> =
            y.members().filter_map(|member| Some((comparable(member.name)?, member.ty))).collect();
        for wanted in x.members() {
            self.local.budget.spend(candidates.len())?;
            let Some(name) = comparable(wanted.name) else { return Ok(false) };
            let mut found = false;
            // Several may have the name: those that have none.
            for &(_, candidate) in candidates.iter().filter(|(candidate, _)| *candidate == name) {
                if self.matches(wanted.ty, candidate, false, level)? {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn forward_matches(x: Type<'_>, y: Type<'_>, by_pointer: bool) -> bool {
    let same = y.kind() == Kind::Fwd && forward_kind(x) == forward_kind(y);
    same || (by_pointer && y.kind() == forward_kind(x))
}

/// What a forward declaration declares.
fn forward_kind(ty: Type<'_>) -> Kind {
    if ty.kind_flag() { Kind::Union } else { Kind::Struct }
}

fn is_signed(ty: Type<'_>) -> bool {
    ty.int().is_some_and(|int| int.signed)
}
