//! What stays moves together, and all references follow.

use super::Dedup;
use crate::{Error, TypeId, builder::Edit, error::TypeProblem};

impl Dedup<'_, '_> {
    /// Leaves only the types that stay. Gives for each type, the base's included, its new id.
    pub(super) fn compact(&mut self) -> Result<Vec<TypeId>, Error> {
        self.report.phase("new ids", self.own_count())?;
        let (first, end) = (self.graph.first_own(), self.graph.end());
        // What is not kept has no id.
        let mut kept = vec![u32::MAX; end as usize];
        let mut next = first;
        for (id, new) in (0..end).zip(kept.iter_mut()) {
            if id < first {
                *new = id;
            } else if self.canon.stays(id) {
                *new = next;
                next = next.saturating_add(1);
            }
        }
        let mut ids = Vec::with_capacity(end as usize);
        for id in 0..end {
            match kept.get(self.canon.resolve(id) as usize) {
                Some(&new) if new != u32::MAX => ids.push(TypeId(new)),
                _ => return Err(self.error(id, TypeProblem::NotAPart)),
            }
        }
        self.move_together(next, &ids)?;
        Ok(ids)
    }

    fn move_together(&mut self, new_end: u32, ids: &[TypeId]) -> Result<(), Error> {
        let (first, end) = (self.graph.first_own(), self.graph.end());
        let mut to = self.graph.at(first) as usize;
        let mut new = first as usize;
        for id in first..end {
            self.report.step()?;
            if !self.canon.stays(id) {
                continue;
            }
            let (start, stop) = (self.graph.at(id) as usize, self.graph.at(id.saturating_add(1)) as usize);
            let (words, offs) = self.graph.own_parts();
            // Only to the front: the place was checked when it was read.
            words.copy_within(start..stop, to);
            let len = stop.saturating_sub(start);
            if let Some(ty) = words.get_mut(to..to.saturating_add(len)) {
                for id in Edit::of(ty).iter_mut().flat_map(Edit::ids) {
                    *id = ids.get(*id as usize).map_or(*id, |new| new.0);
                }
            }
            if let Some(off) = offs.get_mut(new) {
                *off = to as u32;
            }
            to = to.saturating_add(len);
            new = new.saturating_add(1);
        }
        let (words, offs) = self.graph.own_parts();
        words.truncate(to);
        offs.truncate(new_end as usize);
        offs.push(to as u32);
        Ok(())
    }
}
