//! The types that were found to be unlike all before, by their hash, in the order in which libbpf would look at
//! them: which of several that would do is taken depends on it.
//!
//! libbpf puts each type in front of those with the same hash, and turns the order of all round whenever its
//! table grows. Here a group is a list with two ends, and growing only swaps which end is the front.

use hashbrown::HashTable;

/// Types with the same hash.
struct Group {
    hash: u64,
    ends: [u32; 2],
}

pub(super) struct Table {
    groups: HashTable<Group>,
    /// Of each type its neighbours in its group; 0 for none. A type is in one group at most.
    links: Vec<[u32; 2]>,
    /// How many types are filed, and how many slots libbpf's table has.
    len: u64,
    capacity: u64,
    /// Which end is the front.
    front: usize,
}

impl Table {
    /// For types up to `end`.
    pub(super) fn new(end: u32) -> Table {
        let links = vec![[0; 2]; end as usize];
        Table { groups: HashTable::new(), links, len: 0, capacity: 0, front: 0 }
    }

    /// The first of the types with this hash; 0 for none.
    #[inline]
    pub(super) fn first(&self, hash: u64) -> u32 {
        let group = self.groups.find(hash, |g| g.hash == hash);
        group.and_then(|g| g.ends.get(self.front)).copied().unwrap_or(0)
    }

    /// The one behind it; 0 for none.
    #[inline]
    pub(super) fn after(&self, id: u32) -> u32 {
        // The neighbour on the side away from the front.
        let away = self.front ^ 1;
        self.links.get(id as usize).and_then(|l| l.get(away)).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, hash: u64, id: u32) {
        self.count();
        self.file(hash, id);
    }

    /// Makes room for a type that is not filed, but is in libbpf's table.
    pub(super) fn count(&mut self) {
        if self.len.saturating_add(1).saturating_mul(4) / 3 > self.capacity {
            self.capacity = self.capacity.saturating_mul(2).max(4);
            self.front ^= 1;
        }
        self.len = self.len.saturating_add(1);
    }

    fn file(&mut self, hash: u64, id: u32) {
        let front = self.front;
        let entry = self.groups.entry(hash, |g| g.hash == hash, |g| g.hash);
        let mut old = 0;
        match entry {
            hashbrown::hash_table::Entry::Occupied(mut group) => {
                if let Some(end) = group.get_mut().ends.get_mut(front) {
                    old = std::mem::replace(end, id);
                }
            }
            hashbrown::hash_table::Entry::Vacant(slot) => {
                slot.insert(Group { hash, ends: [id; 2] });
            }
        }
        self.link(id, front ^ 1, old);
        if old != 0 {
            self.link(old, front, id);
        }
    }

    fn link(&mut self, id: u32, side: usize, to: u32) {
        if let Some(link) = self.links.get_mut(id as usize).and_then(|l| l.get_mut(side)) {
            *link = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(table: &Table, hash: u64) -> Vec<u32> {
        std::iter::successors(Some(table.first(hash)), |&id| Some(table.after(id)))
            .take_while(|&id| id != 0)
            .collect()
    }

    /// libbpf's order, as lists.
    #[derive(Default)]
    struct Model {
        groups: std::collections::BTreeMap<u64, Vec<u32>>,
        len: u64,
        capacity: u64,
    }

    impl Model {
        fn add(&mut self, hash: u64, id: u32) {
            if self.len.saturating_add(1).saturating_mul(4) / 3 > self.capacity {
                self.capacity = self.capacity.saturating_mul(2).max(4);
                self.groups.values_mut().for_each(|g| g.reverse());
            }
            self.len = self.len.saturating_add(1);
            self.groups.entry(hash).or_default().insert(0, id);
        }
    }

    #[test]
    fn the_order_is_that_of_a_table_that_turns_round_when_it_grows() {
        let (mut table, mut model) = (Table::new(200), Model::default());
        for id in 1..200 {
            let hash = u64::from(id * 7 % 5);
            table.add(hash, id);
            model.add(hash, id);
            for hash in 0..5 {
                assert_eq!(order(&table, hash), model.groups.get(&hash).cloned().unwrap_or_default());
            }
        }
    }
}
