//! What a relocation puts into the instruction, for an access that was found.

use oxbpf_btf::{CoreReloKind, Endian, Kind, Type};

use super::{
    error::Problem,
    field,
    spec::{Spec, is_type_based},
};

/// What an instruction holds if the types are those of one side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'t> {
    pub(super) value: u64,
    /// Whether clang must have come to the same value. Not so for bit fields, which it may load otherwise, and
    /// for numbers of types, which linkers change.
    pub(super) check: bool,
    /// How a load or store accesses the field, if it can do so directly.
    pub(super) access: Option<Access<'t>>,
}

/// The access of a load or store to a field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access<'t> {
    /// Bytes: of the innermost element if the field is an array.
    pub(super) size: u32,
    /// Type of the field.
    pub(super) ty: Type<'t>,
}

impl<'t> Value<'t> {
    /// The value of an access. `endian` is the byte order of the machine that will run the program.
    pub(super) fn of(kind: CoreReloKind, spec: &Spec<'t, '_>, endian: Endian) -> Result<Self, Problem> {
        let plain = |value| Self { value, check: true, access: None };
        Ok(match kind {
            CoreReloKind::FieldExists
            | CoreReloKind::TypeExists
            | CoreReloKind::TypeMatches
            | CoreReloKind::EnumvalExists => plain(1),
            CoreReloKind::TypeSize => plain(u64::from(spec.view.size(spec.root)?)),
            CoreReloKind::TypeIdLocal | CoreReloKind::TypeIdTarget => {
                Self { check: false, ..plain(u64::from(spec.root.0)) }
            }
            CoreReloKind::EnumvalValue => plain(enumerator(spec)?),
            _ => field::value(kind, spec, endian)?,
        })
    }
}

/// The value where the access was found nowhere; `None` if then there is no right one, and the instruction must
/// not run.
pub(super) fn absent(kind: CoreReloKind) -> Option<u64> {
    let asks = matches!(kind, CoreReloKind::FieldExists | CoreReloKind::EnumvalExists);
    (asks || is_type_based(kind)).then_some(0)
}

/// How an instruction is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// What the instruction holds if clang and the object's BTF agree, where that is worth a check.
    pub(super) old: Option<u64>,
    /// What it is to hold.
    pub(super) new: u64,
    /// Bytes that a load or store of the field accesses, where they differ.
    pub(super) resize: Option<Resize>,
}

/// A field whose size is not the same on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resize {
    pub(super) old: u32,
    pub(super) new: u32,
    /// Whether a load or store of `new` bytes gives the same value as one of `old` bytes would.
    pub(super) harmless: bool,
}

impl Change {
    /// From the value by the object's types to `new`.
    pub(super) fn to(old: &Value<'_>, new: u64) -> Self {
        Self { old: old.check.then_some(old.value), new, resize: None }
    }

    /// From the value by the object's types to that by the target's.
    pub(super) fn between(old: &Value<'_>, new: &Value<'_>) -> Self {
        let size = |access: Option<Access<'_>>| access.map_or(0, |access| access.size);
        let (before, after) = (size(old.access), size(new.access));
        let resize = (before != after).then(|| Resize {
            old: before,
            new: after,
            harmless: old.access.zip(new.access).is_some_and(|(old, new)| extends(old.ty, new.ty)),
        });
        Self { resize, ..Self::to(old, new.value) }
    }
}

/// Whether a load of another size than the object meant still gives the right value: pointers, of which 32-bit
/// kernels have smaller ones, and unsigned integers, because loads extend with zeros.
fn extends(old: Type<'_>, new: Type<'_>) -> bool {
    match (old.kind(), new.kind()) {
        (Kind::Ptr, Kind::Ptr) => true,
        (Kind::Int, Kind::Int) => !is_plain_signed(old) && !is_plain_signed(new),
        _ => false,
    }
}

/// Whether this is an integer with a sign and no other property: signed characters do not count.
fn is_plain_signed(ty: Type<'_>) -> bool {
    ty.int().is_some_and(|int| int.signed && !int.char && !int.bool)
}

fn enumerator(spec: &Spec<'_, '_>) -> Result<u64, Problem> {
    let not_enum = || Problem::NotEnum { ty: spec.root, kind: Kind::Void };
    let turn = spec.accessors.first().ok_or_else(not_enum)?;
    let ty = spec.view.get(turn.ty)?;
    let value = ty.enumerators().nth(turn.index as usize).ok_or_else(not_enum)?.value;
    // Instructions have values in two's complement. Values of 32 bits extend with the sign whatever the type
    // says of it: kernels before 6.0 do not say, and their negative values look unsigned.
    Ok(if ty.kind() == Kind::Enum { i64::from(value as i32).cast_unsigned() } else { value as u64 })
}
