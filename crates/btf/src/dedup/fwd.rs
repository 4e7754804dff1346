//! Forward declarations that no comparison of structs has resolved: they become the one struct or union of their
//! name, if there is one only.

use std::collections::HashMap;

use super::{Dedup, graph::fwd_kind};
use crate::{Error, Kind};

impl Dedup<'_, '_> {
    pub(super) fn forwards(&mut self) -> Result<(), Error> {
        let open: Vec<u32> =
            self.own_ids().filter(|&id| self.graph.kind(id) == Kind::Fwd && self.canon.stays(id)).collect();
        self.report.phase("forward declarations", open.len())?;
        if open.is_empty() {
            return Ok(());
        }
        // By name, the struct or union; 0 if there are several.
        let mut named: HashMap<u32, Option<u32>, foldhash::fast::RandomState> =
            open.iter().map(|&id| (self.name(id), None)).collect();
        for id in 1..self.graph.end() {
            if self.graph.kind(id).is_composite()
                && self.canon.stays(id)
                && let Some(entry) = named.get_mut(&self.name(id))
            {
                *entry = Some(if entry.is_none() { id } else { 0 });
            }
        }
        for id in open {
            self.report.step()?;
            let found = named.get(&self.name(id)).copied().flatten().unwrap_or(0);
            if found != 0 && self.graph.kind(found) == fwd_kind(self.graph.info(id)) {
                self.canon.set(id, found);
            }
        }
        Ok(())
    }

    fn name(&self, id: u32) -> u32 {
        self.graph.word(self.graph.at(id))
    }
}
