//! Comparing two raw BTFs: byte for byte; and type by type, whatever their order and that of their strings.
#![allow(dead_code, reason = "for the subjects that come next")]

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use oxbpf_btf::{Btf, Kind, Type, TypeId};

use crate::tally::Verdict;

/// Where the bytes have to be the same.
pub(super) fn bytes(ours: &[u8], theirs: &[u8]) -> Verdict {
    if ours == theirs { Verdict::Equal } else { Verdict::Different(describe(ours, theirs)) }
}

/// Where only the types have to be the same. `base`: what both are split from.
pub(super) fn types(ours: &[u8], theirs: &[u8], base: Option<&Btf>) -> Verdict {
    if ours == theirs {
        return Verdict::Equal;
    }
    let parse = |raw: &[u8]| match base {
        Some(base) => Btf::parse_split(raw, base),
        None => Btf::parse(raw),
    };
    match (parse(ours), parse(theirs)) {
        (Ok(a), Ok(b)) if canonical(&a) == canonical(&b) => Verdict::SameTypes,
        (Err(error), _) => Verdict::Different(format!("ours does not parse: {error}")),
        _ => Verdict::Different(describe(ours, theirs)),
    }
}

/// A number for each own type that says what it is, whatever its place; sorted.
fn canonical(btf: &Btf) -> Vec<u64> {
    let first = btf.first_id().0;
    let own: Vec<Type<'_>> = btf.types().collect();
    let mut colors: Vec<u64> = own.iter().map(|ty| hash(alone(*ty))).collect();
    let mut classes = 0;
    // What each refers to is taken in until that tells no more types apart.
    loop {
        let seen: std::collections::HashSet<u64> = colors.iter().copied().collect();
        if seen.len() == classes {
            break;
        }
        classes = seen.len();
        let color = |id: TypeId| match id.0.checked_sub(first) {
            Some(own) => colors.get(own as usize).copied().unwrap_or(1),
            None => u64::from(id.0) << 32,
        };
        colors = own
            .iter()
            .zip(&colors)
            .map(|(ty, &before)| hash((before, references(*ty).map(color).collect::<Vec<_>>())))
            .collect();
    }
    colors.sort_unstable();
    colors
}

fn hash(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// All of a type but what it refers to.
fn alone(ty: Type<'_>) -> impl Hash {
    let members: Vec<_> = ty.members().map(|m| (m.name, m.bit_offset, m.bitfield_size)).collect();
    let values: Vec<_> = ty.enumerators().map(|e| (e.name, e.value)).collect();
    let params: Vec<_> = ty.params().map(|p| p.name).collect();
    let vars: Vec<_> = ty.variables().map(|v| (v.offset, v.size)).collect();
    let int = ty.int().map(|i| (i.signed, i.char, i.bool, i.bit_offset, i.bits));
    let head = (ty.kind() as u8, ty.name_bytes(), ty.kind_flag(), ty.vlen(), ty.size());
    let rest = (ty.array().map(|a| a.len), ty.linkage(), ty.component());
    (head, int, rest, members, values, params, vars)
}

/// What a type refers to, in its order.
fn references(ty: Type<'_>) -> impl Iterator<Item = TypeId> {
    let array = ty.array().into_iter().flat_map(|a| [a.elem, a.index]);
    let entries = ty.members().map(|m| m.ty).chain(ty.params().map(|p| p.ty));
    ty.target().into_iter().chain(array).chain(entries).chain(ty.variables().map(|v| v.ty))
}

/// How many types of which kind, and where the first difference is.
fn describe(ours: &[u8], theirs: &[u8]) -> String {
    let at = ours.iter().zip(theirs).position(|(a, b)| a != b).unwrap_or(ours.len().min(theirs.len()));
    format!(
        "ours {} bytes{}, theirs {} bytes{}, from byte {at} on",
        ours.len(),
        kinds(ours),
        theirs.len(),
        kinds(theirs)
    )
}

/// The numbers of types by kind, of a BTF that is not split.
fn kinds(raw: &[u8]) -> String {
    let Ok(btf) = Btf::parse(raw) else { return String::new() };
    let mut counts: HashMap<Kind, u32> = HashMap::new();
    for header in btf.headers() {
        *counts.entry(header.kind()).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable();
    let text: Vec<String> = counts.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    format!(" ({})", text.join(", "))
}
