//! Which objects are linked with each other.

use std::path::{Path, PathBuf};

use super::theirs;
use crate::Outcome;
use crate::random::Random;

/// Those that the selftests themselves link: `linked_vars1.c` with `linked_vars2.c`, in both orders.
pub(super) fn of_the_selftests(objects: &[PathBuf]) -> Vec<Vec<PathBuf>> {
    let mut sets = Vec::new();
    for first in objects {
        let second = PathBuf::from(first.to_string_lossy().replace("1.bpf.o", "2.bpf.o"));
        if &second != first && second.exists() {
            sets.push(vec![first.clone(), second.clone()]);
            sets.push(vec![second, first.clone()]);
        }
    }
    sets
}

/// So many objects, or fewer, that libbpf takes one after the other. Most pairs have a name in common.
pub(super) fn that_link(
    random: &mut Random,
    objects: &[PathBuf],
    size: usize,
    folder: &Path,
) -> Outcome<Vec<PathBuf>> {
    let mut candidates = objects.to_vec();
    random.shuffle(&mut candidates);
    let (so_far, next) = (folder.join("so-far.o"), folder.join("next.o"));
    let mut set: Vec<PathBuf> = Vec::new();
    for candidate in candidates {
        let mut both = vec![candidate.clone()];
        if !set.is_empty() {
            both.insert(0, so_far.clone());
        }
        if theirs::link(&both, &next).is_ok() {
            std::fs::rename(&next, &so_far)?;
            set.push(candidate);
        }
        if set.len() == size {
            break;
        }
    }
    Ok(set)
}
