//! Comparing two types by what they are made of, to some depth: compilers describe one type twice even within
//! a unit, mostly arrays.

use std::collections::HashMap;

use super::{Dedup, graph::kind_of, shape};
use crate::{Error, Kind};

/// How deep the comparison goes. What lies deeper counts as different.
pub(super) const DEPTH: u8 = 16;

/// What is known of pairs of types. Without it, structs that each have the next one twice would take 2^16 steps.
pub(super) type Known = HashMap<(u32, u32), Answer, foldhash::fast::RandomState>;

/// Deeper comparisons can only find more types the same.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    /// From this depth on the two are the same.
    same_from: u8,
    /// Up to this depth they are not.
    different_to: u8,
}

impl Dedup<'_, '_> {
    pub(super) fn identical(&mut self, mut a: u32, mut b: u32, depth: u8) -> Result<bool, Error> {
        if depth == 0 {
            return Ok(false);
        }
        loop {
            self.work.spend(1)?;
            let (t, u) = (self.graph.ty(a), self.graph.ty(b));
            let &[_, info, target] = t.first_chunk::<3>().unwrap_or(&[0; 3]);
            let &[_, other, other_target] = u.first_chunk::<3>().unwrap_or(&[0; 3]);
            let kind = kind_of(info);
            if kind != kind_of(other) {
                return Ok(false);
            }
            return Ok(match kind {
                Kind::Void => true,
                Kind::Int | Kind::Fwd | Kind::Float => t == u,
                Kind::Enum | Kind::Enum64 => shape::compatible_enums(t, u),
                // libbpf compares what the first array consists of with itself.
                Kind::Array => shape::same_array(t, u),
                Kind::Ptr
                | Kind::Const
                | Kind::Volatile
                | Kind::Restrict
                | Kind::Typedef
                | Kind::Func
                | Kind::TypeTag => {
                    if !shape::same_name_and_info(t, u) {
                        return Ok(false);
                    }
                    (a, b) = (target, other_target);
                    continue;
                }
                Kind::Struct | Kind::Union => shape::same_members(t, u) && self.same_parts(a, b, depth)?,
                Kind::FuncProto => shape::same_params(t, u) && self.same_parts(a, b, depth)?,
                Kind::Var | Kind::Datasec | Kind::DeclTag => false,
            });
        }
    }

    /// Whether what two structs or prototypes of the same shape refer to is the same, one level deeper.
    fn same_parts(&mut self, a: u32, b: u32, depth: u8) -> Result<bool, Error> {
        let known =
            self.known.get(&(a, b)).copied().unwrap_or(Answer { same_from: u8::MAX, different_to: 0 });
        if depth >= known.same_from {
            return Ok(true);
        }
        if depth <= known.different_to {
            return Ok(false);
        }
        let same = self.compare_parts(a, b, depth.saturating_sub(1))?;
        let entry = self.known.entry((a, b)).or_insert(known);
        if same {
            entry.same_from = entry.same_from.min(depth);
        } else {
            entry.different_to = entry.different_to.max(depth);
        }
        Ok(same)
    }

    fn compare_parts(&mut self, a: u32, b: u32, depth: u8) -> Result<bool, Error> {
        let proto = self.graph.kind(a) == Kind::FuncProto;
        let (from, to) = (self.graph.at(a), self.graph.at(b));
        // A prototype's result, then the type of each parameter; the type of each member.
        let (first, step) = if proto { (2, 2) } else { (4, 3) };
        let len = self.graph.ty(a).len() as u32;
        for at in (first..len).step_by(step) {
            let (x, y) = (self.graph.word(from.wrapping_add(at)), self.graph.word(to.wrapping_add(at)));
            if x != y && !self.identical(x, y, depth)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
