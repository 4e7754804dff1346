//! Which types of the target go by the name of a root type of the object.

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use oxbpf_btf::{Btf, Kind, TypeId};

use super::{
    essential::{MAX_NAME, essential_bytes},
    view::kinds_compatible,
};
use crate::CoreTarget;

/// A type of a target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'t> {
    pub(crate) target: &'t CoreTarget<'t>,
    pub(crate) id: TypeId,
}

/// A root type: what a relocation's access starts from.
#[derive(Debug)]
struct Root {
    id: TypeId,
    kind: Kind,
}

/// Candidates of every root.
#[derive(Debug)]
pub(super) struct Candidates<'t> {
    local: &'t Btf,
    found: HashMap<TypeId, Vec<Candidate<'t>>, RandomState>,
}

impl<'t> Candidates<'t> {
    pub(super) fn new(local: &'t Btf) -> Self {
        Self { local, found: HashMap::default() }
    }

    /// Searches the first target for all `roots` at once, and the others for those that it lacks.
    ///
    /// A type of a module counts only if vmlinux has none of its name, and then those of all modules do.
    pub(super) fn search(&mut self, roots: impl IntoIterator<Item = TypeId>, targets: &'t [CoreTarget<'t>]) {
        let mut seen = HashSet::with_hasher(RandomState::default());
        let mut roots: Vec<Root> = roots
            .into_iter()
            .filter(|&id| !self.found.contains_key(&id) && seen.insert(id))
            .filter_map(|id| Some(Root { id, kind: self.local.header(id)?.kind() }))
            .collect();
        for root in &roots {
            self.found.insert(root.id, Vec::new());
        }
        let Some((main, modules)) = targets.split_first() else { return };
        self.scan(&roots, std::slice::from_ref(main));
        if !modules.is_empty() {
            roots.retain(|root| self.found.get(&root.id).is_some_and(Vec::is_empty));
            self.scan(&roots, modules);
        }
    }

    /// Searches modules for every root that has no candidate so far.
    pub(super) fn search_modules(&mut self, modules: &'t [CoreTarget<'t>]) {
        let header = |id| self.local.header(id);
        let lacking = self.found.iter().filter(|(_, candidates)| candidates.is_empty());
        let roots: Vec<Root> =
            lacking.filter_map(|(&id, _)| Some(Root { id, kind: header(id)?.kind() })).collect();
        self.scan(&roots, modules);
    }

    pub(super) fn any_lacking(&self) -> bool {
        self.found.values().any(Vec::is_empty)
    }

    /// The candidates of a root, or `None` if it was not searched for.
    pub(super) fn of(&self, root: TypeId) -> Option<&[Candidate<'t>]> {
        self.found.get(&root).map(Vec::as_slice)
    }

    /// Leaves a root only the candidates that fit what was asked of it.
    pub(super) fn retain(&mut self, root: TypeId, fitting: Vec<Candidate<'t>>) {
        self.found.insert(root, fitting);
    }

    /// One pass over the types of each target.
    fn scan(&mut self, roots: &[Root], targets: &'t [CoreTarget<'t>]) {
        let wanted = Wanted::new(self.local, roots);
        if wanted.by_name.is_empty() {
            return;
        }
        for target in targets {
            for header in target.btf.headers() {
                if !wanted.kinds.contains(header.kind()) {
                    continue;
                }
                for root in wanted.named(header.name_bytes()) {
                    if kinds_compatible(root.kind, header.kind())
                        && let Some(found) = self.found.get_mut(&root.id)
                    {
                        found.push(Candidate { target, id: header.id });
                    }
                }
            }
        }
    }
}

/// What a scan looks for, arranged so that the types it does not look for, nearly all, cost next to nothing.
struct Wanted<'r> {
    kinds: KindSet,
    starts: StartFilter,
    /// Roots by their names without flavors: several flavors of one type have the same.
    by_name: HashMap<&'r [u8], Vec<&'r Root>, RandomState>,
}

impl<'r> Wanted<'r> {
    fn new(local: &'r Btf, roots: &'r [Root]) -> Self {
        let mut wanted =
            Self { kinds: KindSet::default(), starts: StartFilter::new(), by_name: HashMap::default() };
        for root in roots {
            let name = local.header(root.id).map(|header| essential_bytes(header.name_bytes()));
            // Nothing can be found for a root without a name, or with one that is longer than any.
            let Some(name) = name.filter(|name| (1..=MAX_NAME).contains(&name.len())) else { continue };
            wanted.kinds.insert(root.kind);
            wanted.starts.insert(name);
            wanted.by_name.entry(name).or_default().push(root);
        }
        wanted
    }

    fn named(&self, name: &[u8]) -> &[&'r Root] {
        if !self.starts.may_contain(name) || name.len() > MAX_NAME {
            return &[];
        }
        self.by_name.get(essential_bytes(name)).map_or(&[], Vec::as_slice)
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
