//! Which objects are linked with each other.

use std::path::{Path, PathBuf};

use super::theirs;
use crate::random::Random;
use crate::{Outcome, inputs};

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

/// Those of this repository that are made to be linked, or to refuse it: each with each, and three.
pub(super) fn of_this_repository() -> Outcome<Vec<Vec<PathBuf>>> {
    let mut objects = inputs::all_objects()?;
    objects.retain(|path| path.parent().is_some_and(|folder| folder.ends_with("testdata/linked")));
    let mut sets = Vec::new();
    for first in &objects {
        sets.extend(objects.iter().filter(|second| *second != first).map(|b| vec![first.clone(), b.clone()]));
    }
    for names in THREES {
        sets.push(names.map(|name| inputs::root().join(format!("testdata/linked/{name}.bpf.o"))).to_vec());
    }
    Ok(sets)
}

/// Three of `testdata/linked`.
const THREES: [[&str; 3]; 8] = [
    ["many_one", "many_two", "many_three"],
    ["many_one", "many_three", "many_two"],
    ["many_two", "many_one", "many_three"],
    ["many_two", "many_three", "many_one"],
    ["many_three", "many_one", "many_two"],
    ["many_three", "many_two", "many_one"],
    ["strong", "user", "weak"],
    ["jumps_one", "jumps_two", "arena_one"],
];

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
        if theirs::link(&both, &next)?.is_ok() {
            std::fs::rename(&next, &so_far)?;
            set.push(candidate);
        }
        if set.len() == size {
            break;
        }
    }
    Ok(set)
}
