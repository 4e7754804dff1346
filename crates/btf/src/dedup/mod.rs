//! Leaving each type in a BTF once.
//!
//! What comes out is, byte for byte, what libbpf's `btf__dedup` gives: the same phases in the same order decide
//! which of several types stays. How they are done is another matter: see [`graph`], [`table`] and [`equiv`].

mod canon;
mod compact;
mod equiv;
mod fwd;
mod graph;
mod identical;
mod outline;
mod primitives;
mod refs;
mod shape;
mod strings;
mod structs;
mod table;

use std::ops::Range;

use crate::{
    Btf, BtfBuilder, BtfExt, Error, Kind, ProgressFn, TypeId, error::TypeProblem, progress::Reporter,
    work::Work,
};
use canon::Canon;
use equiv::Supposed;
use graph::Graph;
use identical::Known;
use shape::Hasher;
use table::Table;

/// What [`BtfBuilder::dedup`] is asked for besides.
#[derive(Default)]
#[doc(alias = "btf_dedup_opts")]
pub struct DedupOptions<'a> {
    /// The `.BTF.ext` that belongs to the BTF: its strings are kept, and it is given the new ids and string offsets.
    pub ext: Option<&'a BtfExt>,
    /// Whether typedefs of a split BTF go that the base has. libbpf leaves them, and with them all pointers,
    /// prototypes and the like that go through a typedef, because it files those of the base where it does not look
    /// for them.
    pub base_typedefs: bool,
    /// Called now and then with how far the work has come.
    pub progress: Option<&'a mut ProgressFn<'a>>,
}

impl std::fmt::Debug for DedupOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DedupOptions")
            .field("ext", &self.ext)
            .field("base_typedefs", &self.base_typedefs)
            .field("progress", &self.progress.is_some())
            .finish()
    }
}

/// What [`BtfBuilder::dedup`] has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deduped {
    /// The new id of each type, at the place of its old one: `ids[old.0 as usize]`. `void` and the types of a base
    /// keep theirs, except for forward declarations in the base that have become a type of this BTF.
    pub ids: Vec<TypeId>,
    /// The raw `.BTF.ext` that goes with the result, if one was given.
    pub ext: Option<Vec<u8>>,
}

impl BtfBuilder {
    /// Leaves each type once: of types that are the same with all that they refer to the first stays, forward
    /// declarations become what they declare, and the rest move together. Strings that nothing refers to go too,
    /// unless the BTF was made from nothing and its strings have been kept unique all along.
    ///
    /// In a split BTF, types that the base has go, and the base stays as it is.
    ///
    /// # Errors
    /// If a pointer, array or the like refers to itself without a struct, union or typedef in between; if a struct
    /// has a variable, section or declaration tag for a member's type; if names or types are so entangled that it
    /// would take very long; if the progress callback says so. The builder is then what it was before.
    ///
    /// ```
    /// use oxbpf_btf::{BtfBuilder, DedupOptions, IntEncoding};
    ///
    /// # fn main() -> Result<(), oxbpf_btf::Error> {
    /// let mut b = BtfBuilder::new();
    /// for _ in 0..2 {
    ///     let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
    ///     b.add_ptr(int)?;
    /// }
    /// let done = b.dedup(DedupOptions::default())?;
    /// assert_eq!(b.build()?.types().count(), 2);
    /// assert_eq!(done.ids[3], done.ids[1]);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "btf__dedup")]
    pub fn dedup(&mut self, options: DedupOptions<'_>) -> Result<Deduped, Error> {
        let DedupOptions { ext, base_typedefs, progress } = options;
        let mut graph = Graph::new(self.base(), self.type_words(), self.offsets())?;
        let mut report = Reporter::new(progress);
        let strings = strings::keep_each_once(self, &mut graph, ext, &mut report)?;
        let (new_strs, ext_strs) = strings.map_or((None, None), |s| (Some(s.bytes), s.ext));

        let mut dedup = Dedup::new(graph, report, self);
        dedup.file_base(base_typedefs)?;
        dedup.primitives()?;
        dedup.structs()?;
        dedup.forwards()?;
        dedup.references()?;
        let ids = dedup.compact()?;
        let (types, offs) = dedup.graph.into_own();
        let ext = ext.map(|e| e.with_ids(ext_strs, |id| ids.get(id.0 as usize).copied().unwrap_or(id)));
        self.replace(types, offs, new_strs);
        Ok(Deduped { ids, ext })
    }
}

impl Btf {
    /// Leaves each type once: see [`BtfBuilder::dedup`]. The byte order stays.
    #[doc(alias = "btf__dedup")]
    pub fn dedup(&self, options: DedupOptions<'_>) -> Result<(Btf, Deduped), Error> {
        let mut b = BtfBuilder::from(self);
        let done = b.dedup(options)?;
        Ok((b.build_as(self.endian())?, done))
    }
}

/// The work in progress. Each phase is in a file of its own.
struct Dedup<'a, 'p> {
    graph: Graph,
    canon: Canon,
    table: Table,
    hasher: Hasher,
    /// Whether types may be told apart by their outlines.
    outlines: bool,
    supposed: Supposed,
    known: Known,
    /// Comparisons that a hostile BTF may cause.
    work: Work,
    report: Reporter<'p>,
    /// As it was before, to name types in errors.
    before: &'a BtfBuilder,
}

impl<'a, 'p> Dedup<'a, 'p> {
    fn new(graph: Graph, report: Reporter<'p>, before: &'a BtfBuilder) -> Self {
        let end = graph.end();
        Dedup {
            canon: Canon::new(end),
            table: Table::new(end),
            hasher: Hasher::new(),
            outlines: outline::may_be_used(&graph),
            supposed: Supposed::new(end),
            known: Known::default(),
            // A kernel's types take less than one comparison a word.
            work: Work::on_bytes(graph.len() as u64, 512, "comparing types"),
            graph,
            report,
            before,
        }
    }

    /// All types of the base stay.
    fn file_base(&mut self, typedefs: bool) -> Result<(), Error> {
        let first = self.graph.first_own();
        self.report.phase("base", first as usize)?;
        for id in 1..first {
            self.report.step()?;
            self.canon.set(id, id);
            match self.graph.kind(id) {
                Kind::Var | Kind::Datasec => {}
                Kind::Typedef if !typedefs => self.table.count(),
                _ => self.table.add(self.key(id), id),
            }
        }
        Ok(())
    }

    #[cold]
    fn error(&self, id: u32, problem: TypeProblem) -> Error {
        self.before.describe(TypeId(id), problem)
    }

    fn own_ids(&self) -> Range<u32> {
        self.graph.first_own()..self.graph.end()
    }

    fn own_count(&self) -> usize {
        self.own_ids().len()
    }
}
