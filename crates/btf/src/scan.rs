//! The first pass over the types: finds where each starts, and sees whether all are surely valid.

use crate::{
    Kind, TypeId,
    error::TypeProblem,
    parse::{
        KFLAG, KIND_MASK, KIND_SHIFT, MAX_LINKAGE, MEMBER_OFFSET_MASK, RESERVED, VLEN_MASK, earlier_kind,
        int_bits, int_fits, is_enum_size, is_float_size,
    },
    words::{Order, Word},
};

const INT: u32 = Kind::Int as u32;
const PTR: u32 = Kind::Ptr as u32;
const ARRAY: u32 = Kind::Array as u32;
const STRUCT: u32 = Kind::Struct as u32;
const UNION: u32 = Kind::Union as u32;
const ENUM: u32 = Kind::Enum as u32;
const FWD: u32 = Kind::Fwd as u32;
const TYPEDEF: u32 = Kind::Typedef as u32;
const VOLATILE: u32 = Kind::Volatile as u32;
const CONST: u32 = Kind::Const as u32;
const RESTRICT: u32 = Kind::Restrict as u32;
const FUNC: u32 = Kind::Func as u32;
const FUNC_PROTO: u32 = Kind::FuncProto as u32;
const VAR: u32 = Kind::Var as u32;
const DATASEC: u32 = Kind::Datasec as u32;
const FLOAT: u32 = Kind::Float as u32;
const DECL_TAG: u32 = Kind::DeclTag as u32;
const TYPE_TAG: u32 = Kind::TypeTag as u32;
const ENUM64: u32 = Kind::Enum64 as u32;

/// What the first pass found.
pub(crate) struct Scan {
    /// Where each type starts, in words from the start of the type section.
    pub(crate) offs: Vec<u32>,
    /// Largest string offset and type id that were seen.
    max_name: u32,
    max_id: u32,
    /// Something may be wrong that the two do not show.
    doubtful: bool,
}

impl Scan {
    /// Whether every type is surely valid. If not, only [`check_all`](super::check::check_all) can tell.
    pub(crate) fn is_sure(&self, strs_len: u64, end_id: TypeId) -> bool {
        !self.doubtful && u64::from(self.max_name) < strs_len && self.max_id < end_id.0
    }
}

type Broken = (TypeId, u32, TypeProblem);

/// The first pass: finds where each type starts. On its way it gathers what it can say about validity
/// without knowing how many types there are, which for a good BTF is all.
pub(crate) fn scan(words: &[Word], order: Order, first_id: u32) -> Result<Scan, Broken> {
    if order.0 { scan_in::<true>(words, first_id) } else { scan_in::<false>(words, first_id) }
}

/// Written out kind by kind, with no more in common than the first three words: this loop is the time of a
/// parse.
fn scan_in<const SWAP: bool>(words: &[Word], first_id: u32) -> Result<Scan, Broken> {
    let order = Order(SWAP);
    // A type has three words or more. Pages of the reservation that are not reached are never touched.
    let mut offs: Vec<u32> = Vec::with_capacity(words.len() / 3);
    let mut protos = Bits::default();
    let mut rest = words;
    let (mut max_name, mut max_id) = (0u32, 0u32);
    // Bits that are set in any info word, and in those of types that have no entries.
    let (mut info_bits, mut plain_bits, mut doubtful) = (0u32, 0u32, false);
    while let Some((&[name, info, third], tail)) = rest.split_first_chunk::<3>() {
        let [name, info, third] = [name, info, third].map(|w| order.u32(w));
        let at = words.len().wrapping_sub(rest.len()) as u32;
        let vlen = (info & VLEN_MASK) as usize;
        max_name = max_name.max(name);
        info_bits |= info;
        let next = match info >> KIND_SHIFT & KIND_MASK {
            FUNC => {
                doubtful |= vlen as u32 > MAX_LINKAGE;
                // Prototypes come before functions, except where they do not.
                doubtful |= !protos.has(third.wrapping_sub(first_id));
                Some(tail)
            }
            FUNC_PROTO => {
                protos.add(offs.len() as u32);
                max_id = max_id.max(third);
                tail.split_at_checked(vlen.wrapping_mul(2)).map(|(entries, next)| {
                    for &[n, t] in entries.as_chunks::<2>().0 {
                        max_name = max_name.max(order.u32(n));
                        max_id = max_id.max(order.u32(t));
                    }
                    next
                })
            }
            PTR | TYPEDEF | VOLATILE | CONST | RESTRICT | TYPE_TAG => {
                max_id = max_id.max(third);
                plain_bits |= info;
                Some(tail)
            }
            STRUCT | UNION => tail.split_at_checked(vlen.wrapping_mul(3)).map(|(entries, next)| {
                let mask = if info & KFLAG != 0 { MEMBER_OFFSET_MASK } else { u32::MAX };
                let mut end = 0;
                for &[n, t, o] in entries.as_chunks::<3>().0 {
                    max_name = max_name.max(order.u32(n));
                    max_id = max_id.max(order.u32(t));
                    end = end.max(order.u32(o) & mask);
                }
                doubtful |= u64::from(end) > u64::from(third).wrapping_mul(8);
                next
            }),
            ARRAY => {
                plain_bits |= info;
                tail.split_first_chunk::<3>().map(|(&[elem, index, _], next)| {
                    max_id = max_id.max(order.u32(elem)).max(order.u32(index));
                    next
                })
            }
            ENUM => tail.split_at_checked(vlen.wrapping_mul(2)).map(|(entries, next)| {
                for &[n, _] in entries.as_chunks::<2>().0 {
                    max_name = max_name.max(order.u32(n));
                }
                doubtful |= !is_enum_size(third);
                next
            }),
            ENUM64 => tail.split_at_checked(vlen.wrapping_mul(3)).map(|(entries, next)| {
                for &[n, _, _] in entries.as_chunks::<3>().0 {
                    max_name = max_name.max(order.u32(n));
                }
                doubtful |= !is_enum_size(third);
                next
            }),
            INT => {
                plain_bits |= info;
                tail.split_first().map(|(&encoding, next)| {
                    doubtful |= !int_fits(int_bits(order.u32(encoding)), third);
                    next
                })
            }
            VAR => {
                plain_bits |= info;
                max_id = max_id.max(third);
                tail.split_first().map(|(&linkage, next)| {
                    doubtful |= order.u32(linkage) > MAX_LINKAGE;
                    next
                })
            }
            DECL_TAG => {
                plain_bits |= info;
                max_id = max_id.max(third);
                tail.split_first().map(|(&component, next)| {
                    doubtful |= (order.u32(component) as i32) < -1;
                    next
                })
            }
            DATASEC => tail.split_at_checked(vlen.wrapping_mul(3)).map(|(entries, next)| {
                for &[t, _, _] in entries.as_chunks::<3>().0 {
                    let own = order.u32(t).wrapping_sub(first_id);
                    doubtful |= !matches!(earlier_kind(words, order, &offs, own), VAR | FUNC);
                }
                next
            }),
            FLOAT => {
                plain_bits |= info;
                doubtful |= !is_float_size(third);
                Some(tail)
            }
            FWD => {
                plain_bits |= info;
                Some(tail)
            }
            _ => None,
        };
        let Some(next) = next else { break };
        offs.push(at);
        rest = next;
    }
    if !rest.is_empty() {
        let at = words.len().wrapping_sub(rest.len()) as u32;
        let id = TypeId(first_id.wrapping_add(offs.len() as u32));
        return Err((id, at, why_broken(order, rest)));
    }
    offs.shrink_to_fit();
    doubtful |= info_bits & RESERVED != 0 || plain_bits & VLEN_MASK != 0;
    Ok(Scan { offs, max_name, max_id, doubtful })
}

/// Why the scan stopped at a type.
#[cold]
fn why_broken(order: Order, rest: &[Word]) -> TypeProblem {
    let got = (rest.len() as u64).saturating_mul(4);
    let Some(&[_, info, _]) = rest.first_chunk::<3>() else {
        return TypeProblem::Truncated { expected: 12, got };
    };
    let number = order.u32(info) >> KIND_SHIFT & KIND_MASK;
    match Kind::from_number(number) {
        None | Some(Kind::Void) => TypeProblem::UnknownKind { got: number },
        Some(kind) => {
            let (fixed, each) = kind.trailing_words();
            let vlen = u64::from(order.u32(info) & VLEN_MASK);
            let words =
                vlen.saturating_mul(u64::from(each)).saturating_add(u64::from(fixed)).saturating_add(3);
            TypeProblem::Truncated { expected: words.saturating_mul(4), got }
        }
    }
}

/// Which types are prototypes. Half the types of a kernel are functions, and to look at the prototype of each
/// where it is in memory takes longer than all the rest.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    /// Adds a number above all that were added before.
    #[inline]
    fn add(&mut self, n: u32) {
        let i = (n / 64) as usize;
        if i >= self.0.len() {
            self.0.resize(i.saturating_add(1), 0);
        }
        if let Some(word) = self.0.last_mut() {
            *word |= 1 << (n % 64);
        }
    }

    #[inline]
    fn has(&self, n: u32) -> bool {
        self.0.get((n / 64) as usize).is_some_and(|word| word >> (n % 64) & 1 != 0)
    }
}
