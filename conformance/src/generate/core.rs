//! Objects with CO-RE relocations, of every kind and to whatever their types have, and the types of a kernel that is
//! another build of the same program.

use oxbpf_btf::{CoreReloKind, Endian, Kind};

use super::elf;
use super::model::{Graph, Strings, Ty, Word};
use super::unit::Unit;
use super::universe::Universe;
use crate::random::Random;

/// An object, and types to relocate it against.
pub(crate) struct CoreSample {
    /// Raw BTF.
    pub(crate) target: Vec<u8>,
    /// An ELF file.
    pub(crate) object: Vec<u8>,
}

struct Relo {
    insn: u32,
    ty: u32,
    access: String,
    kind: u32,
}

/// The same for the same seed.
pub(crate) fn core(seed: u64) -> CoreSample {
    let random = &mut Random::new(seed);
    let universe = Universe::new(random).only_c();
    let target = program(&universe, random, 6).write(&mut Strings::new(0), random, Endian::NATIVE);
    let mut local = program(&universe, random, 2);
    // Variables would want symbols.
    while local.types.iter().any(|ty| ty.kind == Kind::Datasec) {
        local = program(&universe, random, 2);
    }
    local.types.iter_mut().for_each(|ty| flavour(ty, random));
    let count = *random.pick(&[1, 1, 1, 2, 3, 8]);
    let relos: Vec<Relo> = (0..count).map(|insn| relo(&local, random, insn)).collect();
    let mut strings = Strings::new(0);
    let section = strings.place("xdp", random);
    let words: Vec<u32> = relos
        .iter()
        .flat_map(|relo| [relo.insn * 8, relo.ty, strings.place(&relo.access, random), relo.kind])
        .collect();
    let btf = local.write(&mut strings, random, Endian::NATIVE);
    CoreSample { target, object: elf::object(count, &btf, &ext(section, &words)) }
}

/// A few units as a compiler makes them: types of one program refer to each other in ways that C has.
fn program(universe: &Universe, random: &mut Random, most: u32) -> Graph {
    let mut graph = Graph::new(1);
    for _ in 0..random.from(1..=most) {
        Unit::add(universe, random, &mut graph);
    }
    if random.percent(30) {
        graph.shuffle(random);
    }
    graph
}

/// Makes a type one of several of the same name, now and then.
fn flavour(ty: &mut Ty, random: &mut Random) {
    if !ty.name.is_empty() && ty.kind != Kind::Func && random.percent(10) {
        ty.name.push_str(random.pick::<&str>(&["___old", "___2", "___a___b"]));
    }
}

/// A relocation that makes sense, mostly.
fn relo(local: &Graph, random: &mut Random, insn: u32) -> Relo {
    let mut ty = random.below(local.end());
    for _ in 0..8 {
        if at(local, ty).is_some_and(|ty| !ty.name.is_empty() && !STRANGE.contains(&ty.kind)) {
            break;
        }
        ty = random.below(local.end());
    }
    let end = resolve(local, ty);
    let kind = end.map_or(Kind::Void, |end| end.kind);
    let values = end.map_or(0, |end| end.vlen);
    let (kind, access) = if kind.is_composite() && random.percent(70) || random.percent(2) {
        let path = path(local, ty, random);
        let kinds = if random.percent(30) { &FIELD[..] } else { &FIELD[..3] };
        (*random.pick(kinds), path)
    } else if kind.is_enum() && values > 0 && random.percent(60) {
        (*random.pick(&VALUE), random.below(values).to_string())
    } else {
        let sized = !matches!(kind, Kind::Void | Kind::Fwd | Kind::Func | Kind::FuncProto | Kind::DeclTag);
        let kinds = if sized || random.percent(2) { &TYPE[..] } else { &TYPE[1..] };
        (*random.pick(kinds), "0".to_owned())
    };
    Relo { insn, ty, access, kind: kind as u32 }
}

/// What programs do not ask for.
const STRANGE: [Kind; 4] = [Kind::Func, Kind::Fwd, Kind::TypeTag, Kind::DeclTag];

/// The first three can be asked of elements of arrays, too.
const FIELD: [CoreReloKind; 6] = [
    CoreReloKind::FieldByteOffset,
    CoreReloKind::FieldByteSize,
    CoreReloKind::FieldExists,
    CoreReloKind::FieldSigned,
    CoreReloKind::FieldLshiftU64,
    CoreReloKind::FieldRshiftU64,
];

/// The first can be asked of what has a size.
const TYPE: [CoreReloKind; 6] = [
    CoreReloKind::TypeSize,
    CoreReloKind::TypeIdLocal,
    CoreReloKind::TypeIdTarget,
    CoreReloKind::TypeExists,
    CoreReloKind::TypeMatches,
    CoreReloKind::TypeMatches,
];

const VALUE: [CoreReloKind; 2] = [CoreReloKind::EnumvalExists, CoreReloKind::EnumvalValue];

/// A way from a type to a member, element or member of a member: `0:1:2`.
fn path(local: &Graph, ty: u32, random: &mut Random) -> String {
    let mut path = if random.percent(90) { 0 } else { random.below(3) }.to_string();
    let mut at = resolve(local, ty);
    for _ in 0..6 {
        let Some(of) = at else { break };
        let (index, next) = match of.kind {
            Kind::Struct | Kind::Union if of.vlen > 0 => {
                let index = random.below(of.vlen);
                (index, of.words.get(index as usize * 3 + 2))
            }
            Kind::Array => match of.words.get(3) {
                Some(&Word::Num(len)) => (random.below(len + 1), of.words.get(1)),
                _ => break,
            },
            _ => break,
        };
        path = format!("{path}:{index}");
        at = next.and_then(|next| if let Word::Id(id) = next { resolve(local, *id) } else { None });
        if random.percent(35) {
            break;
        }
    }
    path
}

fn at(graph: &Graph, id: u32) -> Option<&Ty> {
    graph.types.get(id.checked_sub(graph.first)? as usize)
}

/// What typedefs and the like lead to; none if that is `void`.
fn resolve(graph: &Graph, id: u32) -> Option<&Ty> {
    let mut ty = at(graph, id)?;
    while ty.kind == Kind::Typedef || ty.kind.is_modifier() {
        let Some(Word::Id(next)) = ty.words.first() else { return None };
        ty = at(graph, *next)?;
    }
    Some(ty)
}

/// `.BTF.ext` with nothing but relocations of one section, four words each.
fn ext(section: u32, relos: &[u32]) -> Vec<u8> {
    let count = relos.len() as u32 / 4;
    let len = 12 + relos.len() as u32 * 4;
    // The other two subsections are empty.
    let header = [32, 0, 0, 0, 0, 0, len];
    let magic = 0xeb9f_u16.to_ne_bytes();
    let words = header.into_iter().chain([16, section, count]).chain(relos.iter().copied());
    magic.into_iter().chain([1, 0]).chain(words.flat_map(u32::to_ne_bytes)).collect()
}
