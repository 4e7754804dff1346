//! Types that refer to no other: integers, floats, enums and forward declarations.

use super::{Dedup, shape};
use crate::{Error, Kind};

impl Dedup<'_, '_> {
    pub(super) fn primitives(&mut self) -> Result<(), Error> {
        self.report.phase("primitive types", self.own_count())?;
        for id in self.own_ids() {
            self.report.step()?;
            match self.graph.kind(id) {
                Kind::Int | Kind::Fwd | Kind::Float => self.file(id),
                Kind::Enum | Kind::Enum64 => self.enumeration(id),
                // Never the same as another.
                Kind::Var | Kind::Datasec => self.canon.set(id, id),
                _ => {}
            }
        }
        Ok(())
    }

    /// Finds the type that is word for word the same, or files this one.
    pub(super) fn file(&mut self, id: u32) {
        let ty = self.graph.ty(id);
        let hash = self.hasher.of_type(ty);
        let mut found = self.table.first(hash);
        while found != 0 && self.graph.ty(found) != ty {
            found = self.table.after(found);
        }
        if found == 0 {
            self.table.add(hash, id);
            found = id;
        }
        self.canon.set(id, found);
    }

    /// An enum that is only declared becomes one with values, in whichever order the two come.
    fn enumeration(&mut self, id: u32) {
        let ty = self.graph.ty(id);
        let hash = self.hasher.of_type(ty);
        let mut found = self.table.first(hash);
        while found != 0 {
            let other = self.graph.ty(found);
            if ty == other {
                break;
            }
            if shape::compatible_enums(ty, other) {
                if shape::is_enum_fwd(ty) {
                    break;
                }
                self.canon.set(found, id);
            }
            found = self.table.after(found);
        }
        if found == 0 {
            self.table.add(hash, id);
            found = id;
        }
        self.canon.set(id, found);
    }
}
