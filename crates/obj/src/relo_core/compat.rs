//! Compatibility: may a field, or a type, of the target stand for the object's own?
//!
//! Both rules look through typedefs, `const` and the like, and are lenient: what differs from kernel to
//! kernel without changing how it is read should differ.

use oxbpf_btf::{Kind, Type, TypeId};

use super::{
    error::Problem,
    essential::same_name,
    view::{View, kinds_compatible},
};

/// Longest chain of pointers, arrays and results that types are compared along, and deepest nesting of
/// parameters.
pub(super) const MAX_LEVELS: u32 = 32;

/// Whether a field of type `b` can be read where one of type `a` was meant.
///
/// Structs and unions go with each other whatever is in them, as do pointers, integers of any size and sign,
/// and floats; arrays by their elements; enums and forward declarations by name, unless one has none.
pub(super) fn fields_compatible(
    local: View<'_, '_>,
    mut a: TypeId,
    target: View<'_, '_>,
    mut b: TypeId,
) -> Result<bool, Problem> {
    for _ in 0..MAX_LEVELS {
        let (x, y) = (local.resolve(a)?, target.resolve(b)?);
        if x.kind().is_composite() && y.kind().is_composite() {
            return Ok(true);
        }
        if !kinds_compatible(x.kind(), y.kind()) {
            return Ok(false);
        }
        return Ok(match x.kind() {
            Kind::Ptr | Kind::Float => true,
            Kind::Int => whole_ints(x, y),
            Kind::Fwd | Kind::Enum | Kind::Enum64 => {
                let (x, y) = (x.name(), y.name());
                x.is_empty() || y.is_empty() || same_name(x, y)
            }
            Kind::Array => match (x.array(), y.array()) {
                (Some(x), Some(y)) => {
                    (a, b) = (x.elem, y.elem);
                    continue;
                }
                _ => false,
            },
            _ => false,
        });
    }
    Err(Problem::TooDeep)
}

/// Integers that begin at a bit other than 0 are bit fields of old compilers and stand for nothing else.
fn whole_ints(x: Type<'_>, y: Type<'_>) -> bool {
    let whole = |ty: Type<'_>| ty.int().is_some_and(|int| int.bit_offset == 0);
    whole(x) && whole(y)
}

/// Whether type `b` of the target is what the object means by `a`; their names were compared already, and no
/// other names matter.
///
/// Kinds must be equal (enums of any width are), pointers and arrays are compared by what they hold, functions
/// by the number and types of parameters and the result. What is in a struct, and sizes, do not matter.
pub(super) fn types_compatible(
    local: View<'_, '_>,
    a: TypeId,
    target: View<'_, '_>,
    b: TypeId,
) -> Result<bool, Problem> {
    if !kinds_compatible(local.get(a)?.kind(), target.get(b)?.kind()) {
        return Ok(false);
    }
    compatible_at(local, a, target, b, MAX_LEVELS)
}

fn compatible_at(
    local: View<'_, '_>,
    mut a: TypeId,
    target: View<'_, '_>,
    mut b: TypeId,
    level: u32,
) -> Result<bool, Problem> {
    for _ in 0..MAX_LEVELS {
        let (x, y) = (local.resolve(a)?, target.resolve(b)?);
        if !kinds_compatible(x.kind(), y.kind()) {
            return Ok(false);
        }
        (a, b) = match x.kind() {
            Kind::Void | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Fwd => {
                return Ok(true);
            }
            Kind::Int => return Ok(whole_ints(x, y)),
            Kind::Ptr => (under(x), under(y)),
            Kind::Array => match (x.array(), y.array()) {
                (Some(x), Some(y)) => (x.elem, y.elem),
                _ => return Ok(false),
            },
            Kind::FuncProto => {
                if x.vlen() != y.vlen() {
                    return Ok(false);
                }
                for (p, q) in x.params().zip(y.params()) {
                    let level = level.checked_sub(1).ok_or(Problem::TooDeep)?;
                    if !compatible_at(local, p.ty, target, q.ty, level)? {
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

/// What a pointer points to, or a function returns.
pub(super) fn under(ty: Type<'_>) -> TypeId {
    ty.target().unwrap_or(TypeId::VOID)
}
