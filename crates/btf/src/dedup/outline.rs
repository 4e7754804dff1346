//! What can be said of a type from afar: types that are the same have the same outline. A kernel has thousands of
//! unions `{ T __val; char __c[1]; }`, one for each `T` that is read once; by their outlines they need not all be
//! compared with all others.

use super::{
    Dedup,
    graph::{Graph, fwd_kind, kind_of},
    shape::Hasher,
};
use crate::Kind;

/// How many references in a row an outline takes in.
const DEPTH: u32 = 4;

impl Dedup<'_, '_> {
    /// The hash under which a type is filed.
    pub(super) fn key(&self, id: u32) -> u64 {
        let ty = self.graph.ty(id);
        let hash = self.hasher.of_type(ty);
        let &[name, info, _] = ty.first_chunk::<3>().unwrap_or(&[0; 3]);
        // Few have the same name.
        if name != 0 || !kind_of(info).is_composite() || !self.outlines {
            return hash;
        }
        let members = ty.get(3..).unwrap_or_default().as_chunks::<3>().0;
        members.iter().fold(hash, |h, &[_, of, _]| Hasher::more(h, outline(&self.graph, of)))
    }
}

/// Whether outlines may tell types apart before they are compared. They may not where the comparison could come to
/// a type that cannot be a part of another, which is an error: it must be come to.
pub(super) fn may_be_used(graph: &Graph) -> bool {
    (1..graph.end()).all(|id| {
        let holds_odd_ones = matches!(graph.kind(id), Kind::Datasec | Kind::DeclTag);
        holds_odd_ones || graph.references(id).all(|to| !is_odd(graph.kind(to)))
    })
}

fn is_odd(kind: Kind) -> bool {
    matches!(kind, Kind::Var | Kind::Datasec | Kind::DeclTag)
}

fn outline(graph: &Graph, mut id: u32) -> u64 {
    let mut outline = 0;
    for _ in 0..DEPTH {
        let ty = graph.ty(id);
        let &[name, info, third] = ty.first_chunk::<3>().unwrap_or(&[0; 3]);
        let kind = kind_of(info);
        let own = match kind {
            // What a declaration declares may turn up on the other side, and the kinds of enums may differ.
            Kind::Fwd => fwd_kind(info) as u32,
            Kind::Enum | Kind::Enum64 => Kind::Enum as u32,
            Kind::Struct | Kind::Union => kind as u32,
            _ => info,
        };
        outline = Hasher::more(outline, u64::from(own) | u64::from(name) << 32);
        match kind {
            Kind::Ptr | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag => id = third,
            // Not what it consists of: see the comparison to some depth.
            Kind::Array => return Hasher::more(outline, u64::from(ty.get(5).copied().unwrap_or(0))),
            _ => break,
        }
    }
    outline
}
