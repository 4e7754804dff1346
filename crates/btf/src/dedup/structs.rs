//! Structs, unions and typedefs: the types that loops go through. They are compared with all that they refer to.

use super::{Dedup, shape};
use crate::{Error, Kind};

impl Dedup<'_, '_> {
    pub(super) fn structs(&mut self) -> Result<(), Error> {
        self.report.phase("structs", self.own_count())?;
        for id in self.own_ids() {
            self.report.step()?;
            let kind = self.graph.kind(id);
            let concerned = kind.is_composite() || kind == Kind::Typedef;
            if concerned && !self.canon.is_decided(id) {
                self.structure(id, kind)?;
            }
        }
        Ok(())
    }

    fn structure(&mut self, id: u32, kind: Kind) -> Result<(), Error> {
        let hash = self.key(id);
        let mut found = self.table.first(hash);
        while found != 0 {
            // Not only for speed: a forward declaration must not be taken for the struct that it declares.
            let (ty, other) = (self.graph.ty(id), self.graph.ty(found));
            let alike = match kind {
                Kind::Typedef => shape::same_name_and_info(ty, other),
                _ => shape::same_members(ty, other),
            };
            if alike && self.equivalent(id, found)? {
                self.settle();
                if !self.supposed.changes_base {
                    break;
                }
            }
            found = self.table.after(found);
        }
        if found == 0 {
            self.table.add(hash, id);
            found = id;
        }
        self.canon.set(id, found);
        Ok(())
    }

    /// Makes of what was supposed what is, as far as it can be said already.
    fn settle(&mut self) {
        for i in 0..self.supposed.list.len() {
            let Some(&old) = self.supposed.list.get(i) else { return };
            let new = self.canon.resolve(self.supposed.get(old));
            let old = self.canon.resolve(old);
            let (new_kind, old_kind) = (self.graph.kind(new), self.graph.kind(old));
            // To a struct that is not decided yet as well: once it is, the declaration follows. A declaration in
            // the base becomes one of the own structs, so that other declarations of it find that.
            if new_kind != Kind::Fwd && old_kind == Kind::Fwd {
                self.canon.set(old, new);
            }
            if self.supposed.changes_base {
                continue;
            }
            if new_kind == Kind::Fwd && old_kind != Kind::Fwd {
                self.canon.set(new, old);
            }
            // Saves comparing these again. Only if the old one is sure to stay.
            if new_kind.is_composite()
                && old_kind != Kind::Fwd
                && self.canon.is_decided(old)
                && !self.canon.is_decided(new)
            {
                self.canon.set(new, old);
            }
        }
    }
}
