//! Types that refer to each other at random: nothing that a compiler would make, but nothing that libbpf refuses.

use oxbpf_btf::Kind;

use super::model::{Graph, Ty, Word};
use crate::random::Random;

/// Adds types. Structs and unions refer to any type, others to earlier ones and to structs: libbpf never comes back
/// from loops without one.
pub(crate) fn add(graph: &mut Graph, random: &mut Random, base: Option<&Graph>) {
    let first = graph.end();
    let kinds: Vec<Kind> = (0..random.from(5..=60)).map(|_| *random.pick(&KINDS)).collect();
    let end = first + kinds.len() as u32;
    let of_base = |id: u32| base.and_then(|b| b.types.get((id as usize).checked_sub(1)?)).map(|ty| ty.kind);
    let of = |id: u32| id.checked_sub(first).map_or_else(|| of_base(id), |own| Some(kinds[own as usize]));
    for (&kind, id) in kinds.iter().zip(first..) {
        // What can be the type of something; void now and then.
        let pick = |random: &mut Random, any: bool| {
            (0..20)
                .map(|_| {
                    let later = any || random.percent(50);
                    random.below(if later { end } else { id })
                })
                .find(|&to| match of(to) {
                    Some(Kind::Struct | Kind::Union) => true,
                    Some(Kind::Func | Kind::Var | Kind::Datasec | Kind::DeclTag) => false,
                    Some(_) => any || to < id,
                    // Earlier units' types are left alone, but for void.
                    None => to == 0,
                })
                .unwrap_or(0)
        };
        let name = format!("n{}", random.below(3));
        let ty = match kind {
            Kind::Int => {
                let size = *random.pick(&[1, 4]);
                Ty::new(kind, &name, vec![Word::Num(size), Word::Num(size * 8)])
            }
            Kind::Float => Ty::new(kind, &name, vec![Word::Num(8)]),
            Kind::Fwd => Ty::new(kind, &name, vec![Word::Num(0)]).flagged(random.percent(30)),
            Kind::Enum => {
                let values = (0..random.below(3)).map(|n| [Word::Str(format!("V{n}")), Word::Num(n)]);
                Ty::of_entries(kind, &name, Word::Num(*random.pick(&[4, 8])), values.collect())
            }
            Kind::Enum64 => {
                let values =
                    (0..random.below(3)).map(|n| [Word::Str(format!("V{n}")), Word::Num(n), Word::Num(0)]);
                Ty::of_entries(kind, &name, Word::Num(8), values.collect())
            }
            Kind::Struct | Kind::Union => {
                let name = if random.percent(20) { String::new() } else { name };
                let members = (0..random.below(4))
                    .map(|n| [Word::Str(format!("m{n}")), Word::Id(pick(random, true)), Word::Num(n * 32)])
                    .collect();
                Ty::of_entries(kind, &name, Word::Num(16), members)
            }
            Kind::Typedef | Kind::TypeTag => Ty::new(kind, &name, vec![Word::Id(pick(random, false))]),
            Kind::Array => {
                let ids = [pick(random, false), pick(random, false)];
                Ty::new(
                    kind,
                    "",
                    vec![Word::Num(0), Word::Id(ids[0]), Word::Id(ids[1]), Word::Num(random.below(2))],
                )
            }
            Kind::FuncProto => {
                let result = Word::Id(pick(random, false));
                let params = (0..random.below(3))
                    .map(|n| [Word::Str(format!("p{n}")), Word::Id(pick(random, false))])
                    .collect();
                Ty::of_entries(kind, "", result, params)
            }
            _ => Ty::reference(kind, pick(random, false)),
        };
        graph.add(ty);
    }
}

const KINDS: [Kind; 20] = [
    Kind::Int,
    Kind::Int,
    Kind::Float,
    Kind::Fwd,
    Kind::Fwd,
    Kind::Enum,
    Kind::Enum,
    Kind::Enum64,
    Kind::Struct,
    Kind::Struct,
    Kind::Struct,
    Kind::Union,
    Kind::Typedef,
    Kind::Typedef,
    Kind::TypeTag,
    Kind::Array,
    Kind::FuncProto,
    Kind::Ptr,
    Kind::Ptr,
    Kind::Const,
];
