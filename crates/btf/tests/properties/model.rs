//! Types as plain data, and random ones.

use oxbpf_btf::{BtfBuilder, Field, IntEncoding, Kind, SecVar, Type, TypeId};
use proptest::prelude::*;

/// A type as plain data: what is given to the builder, and what is read back.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    Int { name: String, size: u32, offset: u32, bits: u32, signed: bool },
    Float { name: String, size: u32 },
    To { kind: Kind, name: String, target: u32 },
    Array { elem: u32, index: u32, len: u32 },
    Composite { union: bool, name: String, size: u32, members: Vec<(String, u32, u32, u32)> },
    Enum { wide: bool, name: String, size: u32, signed: bool, values: Vec<(String, i128)> },
    Fwd { name: String, union: bool },
    Proto { result: u32, params: Vec<(String, u32)> },
    Func { name: String, linkage: u32, proto: u32 },
    Var { name: String, target: u32, linkage: u32 },
    Datasec { name: String, size: u32, vars: Vec<(u32, u32, u32)> },
    Tag { decl: bool, value: String, target: u32, component: Option<u16>, attribute: bool },
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z_]{1,3}", "[A-Za-z0-9_.äπ]{1,40}"]
}

/// Of what has to have one.
fn named() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_]{1,3}", "[A-Za-z0-9_.äπ]{1,40}"]
}

/// Ids are drawn from all numbers, and brought into range when it is known.
pub fn model() -> impl Strategy<Value = Model> {
    use Model::*;
    let id = any::<u32>;
    let to = [Kind::Ptr, Kind::Typedef, Kind::Volatile, Kind::Const, Kind::Restrict];
    prop_oneof![
        (name(), 0..=16u32, 0..9u32, any::<bool>()).prop_map(|(name, size, offset, signed)| {
            let offset = offset.min(size * 8);
            Int { name, size, offset, bits: size * 8 - offset, signed }
        }),
        (named(), prop::sample::select(vec![2, 4, 8, 12, 16])).prop_map(|(name, size)| Float { name, size }),
        (prop::sample::select(to.to_vec()), named(), id()).prop_map(|(kind, name, target)| {
            let name = if kind == Kind::Typedef { name } else { String::new() };
            To { kind, name, target }
        }),
        (id(), id(), id()).prop_map(|(elem, index, len)| Array { elem, index, len }),
        (
            any::<bool>(),
            name(),
            id(),
            prop::collection::vec((name(), id(), id(), 0..200u32), 0..6),
            any::<bool>()
        )
            .prop_map(|(union, name, size, mut members, bitfields)| {
                for (_, _, offset, bits) in &mut members {
                    *bits = if bitfields { *bits } else { 0 };
                    *offset = (u64::from(*offset) % (u64::from(size) * 8 + 1)) as u32;
                }
                if members.iter().any(|m| m.3 != 0) {
                    members.iter_mut().for_each(|m| m.2 &= 0xff_ffff);
                }
                members.iter_mut().filter(|m| m.3 == 0).for_each(|m| m.2 &= !7);
                members.iter_mut().filter(|_| union).for_each(|m| m.2 = 0);
                Composite { union, name, size, members }
            }),
        (
            name(),
            any::<[bool; 2]>(),
            prop::sample::select(vec![1, 2, 4, 8]),
            prop::collection::vec((named(), any::<u64>()), 0..6)
        )
            .prop_map(|(name, [wide, signed], size, values)| {
                let value = |v: u64| match (wide, signed) {
                    (true, true) => i128::from(v as i64),
                    (true, false) => i128::from(v),
                    (false, true) => i128::from(v as i32),
                    (false, false) => i128::from(v as u32),
                };
                let values = values.into_iter().map(|(n, v)| (n, value(v))).collect();
                Enum { wide, name, size, signed, values }
            }),
        (named(), any::<bool>()).prop_map(|(name, union)| Fwd { name, union }),
        (id(), prop::collection::vec((name(), id()), 0..5))
            .prop_map(|(result, params)| Proto { result, params }),
        (named(), 0..3u32, id()).prop_map(|(name, linkage, proto)| Func { name, linkage, proto }),
        (named(), id(), 0..3u32).prop_map(|(name, target, linkage)| Var { name, target, linkage }),
        (named(), id(), prop::collection::vec((id(), id(), id()), 0..5))
            .prop_map(|(name, size, vars)| Datasec { name, size, vars }),
        (any::<bool>(), named(), id(), any::<Option<u16>>(), any::<bool>()).prop_map(
            |(decl, value, target, component, attribute)| Tag {
                decl,
                value,
                target,
                component: component.filter(|_| decl),
                attribute,
            }
        ),
    ]
}

/// Brings references into range: `first` is the id of the first model, types below it are a base's. A function
/// refers to a prototype and a section to variables; without any they are left out.
pub fn settle(mut models: Vec<Model>, first: u32) -> Vec<Model> {
    let has = |ms: &[Model], f: fn(&Model) -> bool| ms.iter().any(f);
    if !has(&models, |m| matches!(m, Model::Proto { .. })) {
        models.retain(|m| !matches!(m, Model::Func { .. }));
    }
    let entry = |m: &Model| matches!(m, Model::Func { .. } | Model::Var { .. });
    let ids = |f: &dyn Fn(&Model) -> bool| -> Vec<u32> {
        models.iter().zip(first..).filter(|(m, _)| f(m)).map(|(_, id)| id).collect()
    };
    let (protos, entries) = (ids(&|m| matches!(m, Model::Proto { .. })), ids(&entry));
    let end = first + models.len() as u32;
    let any = |id: &mut u32| *id %= end;
    let of = |ids: &[u32], id: &mut u32| *id = ids[*id as usize % ids.len()];
    for m in &mut models {
        match m {
            Model::To { target, .. } | Model::Var { target, .. } | Model::Tag { target, .. } => any(target),
            Model::Array { elem, index, .. } => {
                any(elem);
                any(index);
            }
            Model::Composite { members, .. } => members.iter_mut().for_each(|m| any(&mut m.1)),
            Model::Proto { result, params } => {
                any(result);
                params.iter_mut().for_each(|p| any(&mut p.1));
            }
            Model::Func { proto, .. } => of(&protos, proto),
            Model::Datasec { vars, .. } if entries.is_empty() => vars.clear(),
            Model::Datasec { vars, .. } => vars.iter_mut().for_each(|v| of(&entries, &mut v.0)),
            Model::Int { .. } | Model::Float { .. } | Model::Enum { .. } | Model::Fwd { .. } => {}
        }
    }
    models
}

fn add(b: &mut BtfBuilder, m: &Model) -> TypeId {
    let added = match m {
        Model::Int { name, size, offset, bits, signed } => {
            let encoding = if *signed { IntEncoding::SIGNED } else { IntEncoding::UNSIGNED };
            b.add_int_bits(name, *size, encoding, *offset, *bits)
        }
        Model::Float { name, size } => b.add_float(name, *size),
        Model::To { kind, name, target } => {
            let to = TypeId(*target);
            match kind {
                Kind::Ptr => b.add_ptr(to),
                Kind::Typedef => b.add_typedef(name, to),
                Kind::Volatile => b.add_volatile(to),
                Kind::Const => b.add_const(to),
                _ => b.add_restrict(to),
            }
        }
        Model::Array { elem, index, len } => b.add_array(TypeId(*elem), TypeId(*index), *len),
        Model::Composite { union, name, size, members } => {
            let fields = members.iter().map(|(name, ty, bit_offset, bitfield_size)| Field {
                name,
                ty: TypeId(*ty),
                bit_offset: *bit_offset,
                bitfield_size: *bitfield_size,
            });
            if *union { b.add_union(name, *size, fields) } else { b.add_struct(name, *size, fields) }
        }
        Model::Enum { wide: true, name, size, signed, values } => {
            b.add_enum64(name, *size, *signed, values.iter().map(|(n, v)| (&**n, *v as u64)))
        }
        Model::Enum { name, size, signed, values, .. } => {
            b.add_enum(name, *size, *signed, values.iter().map(|(n, v)| (&**n, *v as i64)))
        }
        Model::Fwd { name, union } => b.add_fwd(name, *union),
        Model::Proto { result, params } => {
            b.add_func_proto(TypeId(*result), params.iter().map(|(n, t)| (&**n, TypeId(*t))))
        }
        Model::Func { name, linkage, proto } => b.add_func(name, *linkage, TypeId(*proto)),
        Model::Var { name, target, linkage } => b.add_var(name, TypeId(*target), *linkage),
        Model::Datasec { name, size, vars } => {
            let vars = vars.iter().map(|&(ty, offset, size)| SecVar { ty: TypeId(ty), offset, size });
            b.add_datasec(name, *size, vars)
        }
        Model::Tag { decl: true, value, target, component, attribute } => {
            b.add_decl_tag(value, TypeId(*target), *component, *attribute)
        }
        Model::Tag { value, target, attribute, .. } => b.add_type_tag(value, TypeId(*target), *attribute),
    };
    added.unwrap()
}

pub fn read(t: Type<'_>) -> Model {
    let name = t.name().to_owned();
    let target = t.target().map_or(0, |t| t.0);
    let size = t.size().unwrap_or(0);
    match t.kind() {
        Kind::Void => panic!("void is no type of a BTF"),
        Kind::Int => {
            let i = t.int().unwrap();
            Model::Int { name, size, offset: i.bit_offset, bits: i.bits, signed: i.signed }
        }
        Kind::Float => Model::Float { name, size },
        kind @ (Kind::Ptr | Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict) => {
            Model::To { kind, name, target }
        }
        Kind::Array => {
            let a = t.array().unwrap();
            Model::Array { elem: a.elem.0, index: a.index.0, len: a.len }
        }
        kind @ (Kind::Struct | Kind::Union) => Model::Composite {
            union: kind == Kind::Union,
            name,
            size,
            members: t
                .members()
                .map(|m| (m.name.to_owned(), m.ty.0, m.bit_offset, m.bitfield_size))
                .collect(),
        },
        kind @ (Kind::Enum | Kind::Enum64) => Model::Enum {
            wide: kind == Kind::Enum64,
            name,
            size,
            signed: t.is_signed_enum(),
            values: t.enumerators().map(|e| (e.name.to_owned(), e.value)).collect(),
        },
        Kind::Fwd => Model::Fwd { name, union: t.kind_flag() },
        Kind::FuncProto => {
            Model::Proto { result: target, params: t.params().map(|p| (p.name.to_owned(), p.ty.0)).collect() }
        }
        Kind::Func => Model::Func { name, linkage: t.linkage().unwrap(), proto: target },
        Kind::Var => Model::Var { name, target, linkage: t.linkage().unwrap() },
        Kind::Datasec => {
            let vars = t.variables().map(|v| (v.ty.0, v.offset, v.size)).collect();
            Model::Datasec { name, size, vars }
        }
        kind @ (Kind::DeclTag | Kind::TypeTag) => Model::Tag {
            decl: kind == Kind::DeclTag,
            value: name,
            target,
            component: t.component().and_then(|c| u16::try_from(c).ok()),
            attribute: t.kind_flag(),
        },
    }
}

pub fn built(models: &[Model], mut b: BtfBuilder) -> BtfBuilder {
    for m in models {
        let id = b.end_id();
        assert_eq!(add(&mut b, m), id);
    }
    b
}

/// Makes of any types such as a compiler could have made: only structs and unions refer to later types, and nothing
/// but tags and sections refers to what is no type of a value. What cannot be is left out.
pub fn as_compiled(models: Vec<Model>) -> Vec<Model> {
    let mut models = settle(models, 1);
    let of_value = |m: &Model| {
        !matches!(
            m,
            Model::Var { .. } | Model::Datasec { .. } | Model::Func { .. } | Model::Tag { decl: true, .. }
        )
    };
    let values: Vec<bool> = models.iter().map(of_value).collect();
    let composites: Vec<bool> = models.iter().map(|m| matches!(m, Model::Composite { .. })).collect();
    for (i, m) in models.iter_mut().enumerate() {
        // The nearest that will do, downwards.
        let fix = |id: &mut u32, later: bool| {
            while *id != 0 {
                let to = *id as usize - 1;
                if values[to] && (later || to < i || composites[to]) {
                    break;
                }
                *id -= 1;
            }
        };
        match m {
            Model::To { target, .. } | Model::Var { target, .. } | Model::Tag { decl: false, target, .. } => {
                fix(target, false);
            }
            Model::Array { elem, index, .. } => {
                fix(elem, false);
                fix(index, false);
            }
            Model::Tag { target, .. } => *target %= i as u32 + 1,
            Model::Composite { members, .. } => members.iter_mut().for_each(|m| fix(&mut m.1, true)),
            Model::Proto { result, params } => {
                fix(result, false);
                params.iter_mut().for_each(|p| fix(&mut p.1, false));
            }
            _ => {}
        }
    }
    models
}
