//! Values of relocations about a field: where it is, how large, and how to shift it out of its bytes.

use oxbpf_btf::{CoreReloKind, Endian, Kind, Member, Type, TypeId};

use super::{
    error::Problem,
    spec::{Spec, member},
    value::{Access, Value},
};

/// The bytes that a field is read from, and the bits of it in them.
struct Place {
    /// Offset of the first byte.
    byte: i64,
    /// Number of bytes.
    bytes: u32,
    /// Offset of the field in bits.
    bit: i64,
    /// Width of the field in bits.
    bits: u32,
}

/// The value of a relocation of `kind`, any about a field but existence, for the access `spec`.
pub(super) fn value<'t>(
    kind: CoreReloKind,
    spec: &Spec<'t, '_>,
    endian: Endian,
) -> Result<Value<'t>, Problem> {
    let last = spec.accessors.last().ok_or(Problem::ArrayElement)?;
    if last.name.is_none() {
        return element(kind, spec, spec.view.get(last.ty)?);
    }
    let container = spec.view.get(last.ty)?;
    let member = member(container, last.index).ok_or(Problem::ArrayElement)?;
    let ty = spec.view.resolve(member.ty)?;
    let is_bitfield = member.bitfield_size > 0;
    let place = if is_bitfield { bitfield(spec, member)? } else { whole(spec, ty.id())? };

    let mut field = Value { value: 0, check: !is_bitfield, access: None };
    field.value = match kind {
        CoreReloKind::FieldByteSize => u64::from(place.bytes),
        CoreReloKind::FieldSigned => {
            field.check = true;
            u64::from(ty.is_signed_enum() || ty.int().is_some_and(|int| int.signed))
        }
        CoreReloKind::FieldLshiftU64 => left_shift(&place, endian),
        CoreReloKind::FieldRshiftU64 => {
            field.check = true;
            u64::from(64u32.wrapping_sub(place.bits))
        }
        _ => {
            if !is_bitfield {
                let size = spec.view.element_size(ty.id())?;
                field.access = Some(Access { size, ty });
            }
            place.byte.cast_unsigned()
        }
    };
    Ok(field)
}

/// The access ends at an array element, or at the root itself.
fn element<'t>(kind: CoreReloKind, spec: &Spec<'t, '_>, ty: Type<'t>) -> Result<Value<'t>, Problem> {
    match kind {
        CoreReloKind::FieldByteOffset => {
            let size = spec.view.element_size(ty.id())?;
            let value = spec.bits.div_euclid(8).cast_unsigned();
            Ok(Value { value, check: true, access: Some(Access { size, ty }) })
        }
        CoreReloKind::FieldByteSize => {
            Ok(Value { value: u64::from(spec.view.size(ty.id())?), check: true, access: None })
        }
        _ => Err(Problem::ArrayElement),
    }
}

fn whole(spec: &Spec<'_, '_>, ty: TypeId) -> Result<Place, Problem> {
    let bytes = spec.view.size(ty)?;
    // Widths beyond 32 bits wrap: shifts of such fields mean nothing.
    Ok(Place { byte: spec.bits.div_euclid(8), bytes, bit: spec.bits, bits: bytes.wrapping_mul(8) })
}

/// The smallest aligned load that has all bits of a bit field: one of its declared type, or larger if it
/// straddles two of these.
fn bitfield(spec: &Spec<'_, '_>, member: Member<'_>) -> Result<Place, Problem> {
    let ty = spec.view.resolve(member.ty)?;
    let wrong_type = || Problem::BitfieldType { ty: ty.id(), kind: ty.kind() };
    if !matches!(ty.kind(), Kind::Int | Kind::Enum | Kind::Enum64) {
        return Err(wrong_type());
    }
    let (bit, bits) = (spec.bits, member.bitfield_size);
    let end = bit.checked_add(i64::from(bits)).ok_or(Problem::Overflow)?;
    let mut bytes = ty.size().filter(|&size| size > 0).ok_or_else(wrong_type)?;
    loop {
        let width = i64::from(bytes).saturating_mul(8);
        let start =
            bit.checked_div_euclid(width).and_then(|n| n.checked_mul(width)).ok_or(Problem::Overflow)?;
        if end <= start.saturating_add(width) {
            return Ok(Place { byte: start.div_euclid(8), bytes, bit, bits });
        }
        if bytes >= 8 {
            return Err(Problem::WideBitfield { bit_offset: bit, bits });
        }
        bytes = bytes.saturating_mul(2);
    }
}

/// How far to shift left so that the field's first bit becomes the highest of 64.
fn left_shift(place: &Place, endian: Endian) -> u64 {
    let bit_in_load = place.bit.wrapping_sub(place.byte.wrapping_mul(8));
    let shift = match endian {
        Endian::Little => 64i64.wrapping_sub(bit_in_load.wrapping_add(i64::from(place.bits))),
        Endian::Big => {
            let unused = 8i64.wrapping_sub(i64::from(place.bytes)).wrapping_mul(8);
            unused.wrapping_add(bit_in_load)
        }
    };
    // A shift is a 32-bit number; that of a field of more than 8 bytes wraps and means nothing.
    u64::from(shift as u32)
}
