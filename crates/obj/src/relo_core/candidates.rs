//! Which types of the target go by the name of a root type of the object.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use oxbpf_btf::{Btf, Kind, TypeId};

use super::{
    essential::{MAX_NAME, essential_bytes},
    view::kinds_compatible,
};
use crate::CoreTarget;
use crate::order::by_place;

/// A type of a target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'t> {
    pub(crate) target: &'t CoreTarget<'t>,
    pub(crate) id: TypeId,
    /// The type of the object that it may be.
    root: TypeId,
}

/// A root type: what a relocation's access starts from.
#[derive(Debug)]
struct Root {
    id: TypeId,
    kind: Kind,
    /// Where its candidates are in [`Candidates::found`], and how many.
    first: usize,
    count: usize,
}

/// Candidates of every root. There may be many of both, and lists of their own for each would take far more memory than
/// what they hold.
#[derive(Debug)]
pub(super) struct Candidates<'t> {
    local: &'t Btf,
    /// What was searched for, in order.
    roots: Vec<Root>,
    /// Those of one root beside each other, in the order in which they were found.
    found: Vec<Candidate<'t>>,
}

impl<'t> Candidates<'t> {
    pub(super) fn new(local: &'t Btf) -> Self {
        Self { local, roots: Vec::new(), found: Vec::new() }
    }

    /// Searches the first target for all `roots` at once, and the others for those that it lacks.
    ///
    /// A type of a module counts only if vmlinux has none of its name, and then those of all modules do.
    pub(super) fn search(&mut self, roots: impl IntoIterator<Item = TypeId>, targets: &'t [CoreTarget<'t>]) {
        let mut ids: Vec<u32> = Vec::new();
        for id in roots.into_iter().filter(|id| self.place(*id).is_none()) {
            if ids.len() == ids.capacity() {
                // Most come many times. There is room for as many as there are then.
                ids.sort_unstable();
                ids.dedup();
                ids.reserve(ids.len());
            }
            ids.push(id.0);
        }
        ids.sort_unstable();
        ids.dedup();
        let local = self.local;
        self.roots.extend(ids.iter().filter_map(|&id| {
            let id = TypeId(id);
            Some(Root { id, kind: local.header(id)?.kind(), first: 0, count: 0 })
        }));
        by_place(&mut self.roots, |root| (0, root.id.0.into()));
        let is_new = |root: &Root| ids.binary_search(&root.id.0).is_ok();
        let Some((main, modules)) = targets.split_first() else { return };
        self.scan(std::slice::from_ref(main), is_new);
        self.scan(modules, |root| root.count == 0 && is_new(root));
    }

    /// Searches modules for every root that has no candidate so far.
    pub(super) fn search_modules(&mut self, modules: &'t [CoreTarget<'t>]) {
        self.scan(modules, |root| root.count == 0);
    }

    pub(super) fn any_lacking(&self) -> bool {
        self.roots.iter().any(|root| root.count == 0)
    }

    /// The candidates of a root, or `None` if it was not searched for.
    pub(super) fn of(&self, root: TypeId) -> Option<&[Candidate<'t>]> {
        let root = self.roots.get(self.place(root)?)?;
        Some(self.found.get(root.first..root.first.saturating_add(root.count)).unwrap_or_default())
    }

    /// Leaves a root only the candidates that fit what was asked of it: these, of those that it has.
    pub(super) fn retain(&mut self, root: TypeId, fitting: &[Candidate<'t>]) {
        let Some(root) = self.place(root).and_then(|place| self.roots.get_mut(place)) else { return };
        let end = root.first.saturating_add(fitting.len());
        if let Some(place) = self.found.get_mut(root.first..end) {
            place.copy_from_slice(fitting);
            root.count = fitting.len();
        }
    }

    /// Where a root is among [`roots`](Self::roots).
    fn place(&self, root: TypeId) -> Option<usize> {
        self.roots.binary_search_by_key(&root.0, |root| root.id.0).ok()
    }

    /// One pass over the types of each target, for the roots of which `is_wanted`.
    fn scan(&mut self, targets: &'t [CoreTarget<'t>], is_wanted: impl Fn(&Root) -> bool) {
        let first = self.found.len();
        if targets.is_empty() {
            return;
        }
        let wanted = Wanted::new(self.local, &self.roots, is_wanted);
        if wanted.by_name.is_empty() {
            return;
        }
        for target in targets {
            for header in target.btf.headers() {
                // To find out what it is called takes longer.
                if !wanted.kinds.contains(header.kind()) {
                    continue;
                }
                let name = header.name_bytes();
                if !wanted.starts.may_contain(name) || name.len() > MAX_NAME {
                    continue;
                }
                for root in wanted.named(name) {
                    if kinds_compatible(root.kind, header.kind()) {
                        self.found.push(Candidate { target, id: header.id, root: root.id });
                    }
                }
            }
        }
        drop(wanted);
        let found = self.found.get_mut(first..).unwrap_or_default();
        by_place(found, |candidate| (0, candidate.root.0.into()));
        let mut first = first;
        for own in found.chunk_by(|a, b| a.root == b.root) {
            let root = own.first().map_or(TypeId(0), |candidate| candidate.root);
            let place = self.roots.binary_search_by_key(&root.0, |root| root.id.0);
            if let Some(root) = place.ok().and_then(|place| self.roots.get_mut(place)) {
                (root.first, root.count) = (first, own.len());
            }
            first = first.saturating_add(own.len());
        }
    }
}

/// What a scan looks for, arranged so that the types it does not look for, nearly all, cost next to nothing.
struct Wanted<'r> {
    kinds: KindSet,
    starts: StartFilter,
    roots: &'r [Root],
    /// The last of the roots of a name without flavors: several flavors of one type have the same.
    by_name: HashMap<&'r [u8], u32, RandomState>,
    /// For each root the one before it of the same name.
    before: Vec<Option<u32>>,
}

impl<'r> Wanted<'r> {
    fn new(local: &'r Btf, roots: &'r [Root], is_wanted: impl Fn(&Root) -> bool) -> Self {
        let (kinds, starts) = (KindSet::default(), StartFilter::new());
        let before = vec![None; roots.len()];
        let mut wanted = Self { kinds, starts, roots, by_name: HashMap::default(), before };
        // There are no more types than 32 bits count.
        for ((place, root), before) in (0_u32..).zip(roots).zip(&mut wanted.before) {
            let name = local.header(root.id).map(|header| essential_bytes(header.name_bytes()));
            // Nothing can be found for a root without a name, or with one that is longer than any.
            let is_name = |name: &&[u8]| (1..=MAX_NAME).contains(&name.len());
            let Some(name) = name.filter(is_name).filter(|_| is_wanted(root)) else { continue };
            wanted.kinds.insert(root.kind);
            wanted.starts.insert(name);
            *before = wanted.by_name.insert(name, place);
        }
        wanted
    }

    /// The roots that a name stands for.
    fn named(&self, name: &[u8]) -> impl Iterator<Item = &'r Root> {
        let last = self.by_name.get(essential_bytes(name)).copied();
        let before = |place: &u32| self.before.get(*place as usize).copied().flatten();
        std::iter::successors(last, before).filter_map(|place| self.roots.get(place as usize))
    }
}

/// Kinds that a candidate may have.
#[derive(Default)]
struct KindSet(u32);

impl KindSet {
    fn insert(&mut self, kind: Kind) {
        self.0 |= 1 << (kind as u32);
        if kind.is_enum() {
            self.0 |= 1 << (Kind::Enum as u32) | 1 << (Kind::Enum64 as u32);
        }
    }

    fn contains(&self, kind: Kind) -> bool {
        self.0 & 1 << (kind as u32) != 0
    }
}

/// Tells by the first two bytes of a name that it is none of those wanted.
struct StartFilter(Vec<u64>);

impl StartFilter {
    fn new() -> Self {
        Self(vec![0; 1024])
    }

    fn slot(first: u8, second: u8) -> (usize, u64) {
        (usize::from(first) << 2 | usize::from(second) >> 6, 1 << (second & 63))
    }

    fn insert(&mut self, essential: &[u8]) {
        let mut set = |first, second| {
            let (word, bit) = Self::slot(first, second);
            if let Some(word) = self.0.get_mut(word) {
                *word |= bit;
            }
        };
        match *essential {
            [] => {}
            [only] => {
                set(only, 0);
                set(only, b'_');
            }
            [first, second, ..] => set(first, second),
        }
    }

    fn may_contain(&self, name: &[u8]) -> bool {
        let (word, bit) = match *name {
            [] => return false,
            [only] => Self::slot(only, 0),
            [first, second, ..] => Self::slot(first, second),
        };
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}
