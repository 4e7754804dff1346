//! What stands in a file or in code, in the order of its places.

/// A section, say, and a place in it.
pub(crate) type Place = (u64, u64);

/// Puts things in order; those of one place stay in the order in which they were.
///
/// Files have most of them in order already. The others are put in order by a list of places alone, so that sorting is
/// compiled once and not for each kind of thing.
pub(crate) fn by_place<T>(all: &mut [T], place: impl Fn(&T) -> Place) {
    if !all.is_sorted_by_key(&place) {
        all.sort_by_cached_key(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_one_place_keeps_its_order() {
        let mut all: Vec<(u64, u64)> = (0..100).map(|n| (n * 7 % 10, n)).collect();
        by_place(&mut all, |(place, _)| (0, *place));
        assert!(all.is_sorted());
        let mut two = [(1, 0), (0, 9)];
        by_place(&mut two, |place| *place);
        assert_eq!(two, [(0, 9), (1, 0)]);
    }
}
