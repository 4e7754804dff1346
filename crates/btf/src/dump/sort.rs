//! Types in an order that stays the same from one kernel to the next, which is bpftool's: enums first, then
//! numbers, then structs, each with the typedefs and pointers that lead to them, by name.

use std::{cmp::Ordering, collections::HashMap};

use crate::{Btf, Kind, Type, TypeId, words::c_str};

/// No chain of references to a type is as long in any program. Where one is, the order is another, no more.
const MAX_CHAIN: u32 = 256;

/// Nor is any name, which makes sorting types that share one no longer than that.
const MAX_NAME: usize = 512;

/// Ranks of types that are not ordered by what they are.
const LAST: u8 = 10;

struct Key<'a> {
    rank: u8,
    /// The name of what a chain of references ends in.
    end_name: &'a [u8],
    own_name: &'a [u8],
    id: u32,
}

/// The ids of all types, those of the base included.
pub(super) fn sorted(btf: &Btf) -> Vec<TypeId> {
    let all = (1..btf.end_id().0).filter_map(|id| btf.get(TypeId(id)).ok());
    // Nothing is written for these.
    let written = all.filter(|t| !matches!(t.kind(), Kind::Func | Kind::Var | Kind::Datasec | Kind::DeclTag));
    let mut keys: Vec<Key<'_>> = written.map(|ty| key(btf, ty)).collect();
    let mut contents = Contents { btf, of: HashMap::new() };
    keys.sort_by(|a, b| {
        let by_name = (a.rank, a.end_name, a.own_name).cmp(&(b.rank, b.end_name, b.own_name));
        by_name.then_with(|| contents.compare(a.id, b.id)).then(a.id.cmp(&b.id))
    });
    keys.into_iter().map(|key| TypeId(key.id)).collect()
}

/// What a reference refers to.
fn next<'a>(btf: &'a Btf, ty: Type<'a>) -> Option<Type<'a>> {
    let id = match ty.kind() {
        Kind::Array => ty.array()?.elem,
        k if k.is_modifier() || matches!(k, Kind::Ptr | Kind::Typedef | Kind::DeclTag) => ty.target()?,
        _ => return None,
    };
    btf.get(id).ok()
}

fn key<'a>(btf: &'a Btf, ty: Type<'a>) -> Key<'a> {
    let end = (0..MAX_CHAIN).try_fold(ty, |ty, _| next(btf, ty).ok_or(ty)).unwrap_or_else(|end| end);
    let (named, refers) = (ty.name_off() != 0, end.id() != ty.id());
    let rank = match end.kind() {
        _ if refers && !named => LAST,
        Kind::Enum | Kind::Enum64 => u8::from(named),
        Kind::Int | Kind::Float => 2,
        Kind::Struct | Kind::Union if named => 3,
        Kind::FuncProto if named => 4,
        _ => LAST,
    };
    // An enum that is only its values goes by the first of them.
    let value = if refers || named { None } else { end.enumerators().next_raw() };
    let end_name = name_at(btf, value.map_or(end.name_off(), |(name, _)| name));
    Key { rank, end_name, own_name: name_at(btf, ty.name_off()), id: ty.id().0 }
}

/// A name as far as it is compared.
fn name_at(btf: &Btf, off: u32) -> &[u8] {
    let name = btf.strs_from(off).unwrap_or_default();
    let name = name.get(..MAX_NAME).unwrap_or(name);
    c_str(name, 0).unwrap_or_default()
}

/// Hashes of what types consist of, to order those of the same name.
struct Contents<'a> {
    btf: &'a Btf,
    of: HashMap<(u32, bool), u64>,
}

impl Contents<'_> {
    fn compare(&mut self, a: u32, b: u32) -> Ordering {
        self.hash(a, true).cmp(&self.hash(b, true))
    }

    fn hash(&mut self, id: u32, members: bool) -> u64 {
        if let Some(&known) = self.of.get(&(id, members)) {
            return known;
        }
        let Ok(mut ty) = self.btf.get(TypeId(id)) else { return 0 };
        // From the type to the end of its chain; the hash goes from the end back.
        let mut chain = Vec::new();
        while let Some(to) = next(self.btf, ty).filter(|_| chain.len() < MAX_CHAIN as usize) {
            chain.push(ty);
            ty = to;
        }
        let mut hash = self.name(0, ty.name_off());
        match ty.kind() {
            Kind::Enum | Kind::Enum64 => {
                let mut values = ty.enumerators();
                while let Some((name, _)) = values.next_raw() {
                    hash = self.name(hash, name);
                }
            }
            Kind::Struct | Kind::Union if members => {
                for m in ty.member_entries() {
                    hash = self.name(hash, m.name_off);
                    hash = mix(hash, self.hash(m.ty.0, false));
                }
            }
            _ => {}
        }
        for ty in chain.into_iter().rev() {
            let mut outer = self.name(0, ty.name_off());
            if let Some(array) = ty.array() {
                outer = mix(outer, array.len.into());
            }
            hash = mix(outer, hash);
        }
        self.of.insert((id, members), hash);
        hash
    }

    fn name(&self, hash: u64, off: u32) -> u64 {
        if off == 0 {
            return hash;
        }
        let name = name_at(self.btf, off);
        // Bytes are signed where bpftool usually runs.
        mix(hash, name.iter().fold(0, |h, &b| mix(h, b as i8 as u64)))
    }
}

fn mix(hash: u64, value: u64) -> u64 {
    hash.wrapping_mul(31).wrapping_add(value)
}
