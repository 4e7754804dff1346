//! Types that refer to others: pointers, arrays, modifiers, functions, prototypes, tags. They are decided from
//! what they refer to upwards; when a type's turn comes, its references are final.

use super::{Dedup, graph::vlen_of};
use crate::{Error, Kind, error::TypeProblem};

impl Dedup<'_, '_> {
    pub(super) fn references(&mut self) -> Result<(), Error> {
        self.report.phase("references", self.own_count())?;
        // Types that wait for what they refer to, and which reference is next. Each is there once at most.
        let mut waiting: Vec<(u32, u32)> = Vec::new();
        for id in self.own_ids() {
            self.report.step()?;
            self.enter(id, &mut waiting);
            while let Some(&(id, next)) = waiting.last() {
                let Some(at) = self.reference(id, next) else {
                    waiting.pop();
                    self.file(id);
                    continue;
                };
                let to = self.graph.word(at);
                if self.canon.is_decided(to) {
                    let to = self.canon.resolve(to);
                    self.graph.set_word(at, to);
                    if let Some(top) = waiting.last_mut() {
                        top.1 = next.saturating_add(1);
                    }
                } else if self.canon.is_pending(to) {
                    return Err(self.error(id, TypeProblem::Circle));
                } else {
                    self.enter(to, &mut waiting);
                }
            }
        }
        Ok(())
    }

    fn enter(&mut self, id: u32, waiting: &mut Vec<(u32, u32)>) {
        if !self.canon.is_decided(id) {
            self.canon.set_pending(id);
            waiting.push((id, 0));
        }
    }

    /// Where reference `n` of a type is.
    fn reference(&self, id: u32, n: u32) -> Option<u32> {
        let info = self.graph.info(id);
        let at = match super::graph::kind_of(info) {
            Kind::Array if n < 2 => n.wrapping_add(3),
            Kind::Array => return None,
            // The result, then the type of each parameter.
            Kind::FuncProto if n <= vlen_of(info) => n.wrapping_mul(2).wrapping_add(2),
            Kind::FuncProto => return None,
            _ if n == 0 => 2,
            _ => return None,
        };
        Some(self.graph.at(id).wrapping_add(at))
    }
}
