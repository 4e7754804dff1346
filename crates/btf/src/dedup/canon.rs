//! Which type stands for which.

/// Not decided yet.
const OPEN: u32 = u32::MAX;
/// Being decided.
const PENDING: u32 = u32::MAX - 1;

/// For each type the one that stands for it, or one nearer to that; a type that stays stands for itself. Steps
/// never lead round in a circle: what is given another to stand for it stood for itself, or was open, and the
/// other stands for itself or is open at that time.
pub(super) struct Canon(Vec<u32>);

impl Canon {
    /// `void` stands for itself, all others are open.
    pub(super) fn new(end: u32) -> Canon {
        let mut map = vec![OPEN; end as usize];
        if let Some(void) = map.first_mut() {
            *void = 0;
        }
        Canon(map)
    }

    #[inline]
    pub(super) fn get(&self, id: u32) -> u32 {
        self.0.get(id as usize).copied().unwrap_or(OPEN)
    }

    #[inline]
    pub(super) fn set(&mut self, id: u32, to: u32) {
        if let Some(entry) = self.0.get_mut(id as usize) {
            *entry = to;
        }
    }

    #[inline]
    pub(super) fn is_decided(&self, id: u32) -> bool {
        self.get(id) < PENDING
    }

    pub(super) fn is_pending(&self, id: u32) -> bool {
        self.get(id) == PENDING
    }

    pub(super) fn set_pending(&mut self, id: u32) {
        self.set(id, PENDING);
    }

    /// Whether a type stands for itself.
    #[inline]
    pub(super) fn stays(&self, id: u32) -> bool {
        self.get(id) == id
    }

    /// What stands for a type as far as is known.
    #[inline]
    pub(super) fn resolve(&self, mut id: u32) -> u32 {
        loop {
            let next = self.get(id);
            if next == id || next >= PENDING {
                return id;
            }
            id = next;
        }
    }
}
