//! The keys of a map, one system call each.

use super::Map;
use crate::error::Result;

impl Map {
    /// All keys, one system call each; where the values are wanted too, [`iter`](Self::iter) takes far fewer.
    ///
    /// The key after the one at hand is asked for beforehand, so that the walk goes on where it is if its caller deletes
    /// what it was given. Elements that others add and delete meanwhile may be missed or seen twice: if the key
    /// that was asked for last is deleted, the walk of a hash begins anew. It ends all the same, after as many keys as
    /// the map can hold.
    #[doc(alias = "bpf_map_get_next_key")]
    pub fn keys(&self) -> Keys<'_> {
        Keys { map: self, ahead: None, left: self.most_entries(), started: false }
    }

    /// How many keys a walk comes to at most, however often it begins anew.
    pub(super) fn most_entries(&self) -> usize {
        match self.max_entries() {
            // As many as there are cgroups, or other owners.
            0 => usize::MAX,
            entries => entries as usize,
        }
    }
}

/// The keys of a map; see [`Map::keys`]. An error is the last item.
#[derive(Debug)]
pub struct Keys<'m> {
    map: &'m Map,
    ahead: Option<Result<Vec<u8>>>,
    left: usize,
    started: bool,
}

impl Iterator for Keys<'_> {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.started {
            self.started = true;
            self.ahead = self.map.next_key(None).transpose();
        }
        self.left = self.left.checked_sub(1)?;
        let current = self.ahead.take()?;
        if let Ok(key) = &current
            && self.left > 0
        {
            self.ahead = self.map.next_key(Some(key)).transpose();
        }
        Some(current)
    }
}
