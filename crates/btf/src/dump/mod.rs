//! Types as C that compilers take: `vmlinux.h`, one type with what it needs, one declaration.
//!
//! In two steps, for each type that is asked for: [`order`] finds what has to stand before it, [`emit`] writes
//! that, with forward declarations where types refer to each other. [`decl`] writes declarations, [`define`] and
//! [`record`] definitions; [`layout`] knows how large types are and how they are aligned, [`place`] where a C compiler
//! will put the members of what is written, and [`plain`] which structs need no more than their members.
//!
//! A member of a struct is mostly three copies: what stands before its name, which [`memo`] keeps by type, the name, and
//! what stands behind it.

mod affix;
mod asked;
mod classes;
mod decl;
mod define;
mod emit;
mod ident;
mod layout;
mod memo;
mod names;
mod options;
mod order;
mod pad;
mod place;
mod plain;
mod reader;
mod record;
mod references;
mod sort;
mod state;
mod survey;
mod text;
mod vmlinux;

use std::{collections::HashMap, fmt};

use crate::{Btf, Error, ProgressFn, Reporter, Type, TypeId, error::TypeProblem, work::Work};
use affix::Affixes;
use memo::Memos;
use names::Names;
pub use options::{DumpOptions, TypeDecl};
use reader::Reader;
use state::State;
use text::Text;

/// Definitions inside definitions, and parameters of parameters, go no deeper in any program; compilers have
/// such a limit too.
const MAX_NESTING: u32 = 100;

impl Btf {
    /// The types as C, each after what it needs. Sizes, offsets and values are those of this BTF, with padding
    /// and attributes where C by itself would have others.
    ///
    /// The text is that of libbpf's `btf_dump` where that is right.
    ///
    /// ```
    /// use oxbpf_btf::{BtfBuilder, DumpOptions, Field, IntEncoding};
    ///
    /// # fn main() -> Result<(), oxbpf_btf::Error> {
    /// let mut b = BtfBuilder::new();
    /// let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
    /// let next = b.add_fwd("node", false)?;
    /// let next = b.add_ptr(next)?;
    /// b.add_struct("list", 16, [Field::new("len", int, 0), Field::new("head", next, 64)])?;
    /// let text = b.build()?.dump_c(&DumpOptions::default())?;
    /// assert_eq!(text, "struct node;\n\nstruct list {\n\tint len;\n\tstruct node *head;\n};\n\n");
    /// # Ok(()) }
    /// ```
    ///
    /// Fails where types say what C cannot: a struct that contains itself, types nested deeper than compilers
    /// go ([`TypeProblem::Nesting`]), or small types that mean endless text ([`Error::DumpTooLarge`]).
    #[doc(alias = "btf_dump__dump_type")]
    pub fn dump_c(&self, options: &DumpOptions) -> Result<String, Error> {
        // As C, types take about half of what they do as BTF.
        let room = if options.types.is_none() { (self.as_bytes().len() / 8).saturating_mul(5) } else { 0 };
        let mut dump = CDump::begin(self, options.indent.as_deref().unwrap_or("\t"), options.types.is_none());
        dump.text.expect(room);
        vmlinux::write(&mut dump, options, None, &mut Reporter::new(None))?;
        Ok(dump.text.take())
    }

    /// The same, written piece by piece: the whole is never in memory.
    pub fn dump_c_to(&self, options: &DumpOptions, out: &mut dyn fmt::Write) -> Result<(), Error> {
        self.dump_reporting(options, out, Reporter::new(None))
    }

    /// The same, with a callback that is told now and then how far the work has come, and can stop it: what was written
    /// until then is incomplete.
    pub fn dump_c_with_progress(
        &self,
        options: &DumpOptions,
        out: &mut dyn fmt::Write,
        progress: &mut ProgressFn<'_>,
    ) -> Result<(), Error> {
        self.dump_reporting(options, out, Reporter::new(Some(progress)))
    }

    fn dump_reporting(
        &self,
        options: &DumpOptions,
        out: &mut dyn fmt::Write,
        mut report: Reporter<'_>,
    ) -> Result<(), Error> {
        let mut dump = CDump::begin(self, options.indent.as_deref().unwrap_or("\t"), options.types.is_none());
        vmlinux::write(&mut dump, options, Some(out), &mut report)
    }
}

/// A dump in progress: it knows what was written, and writes nothing twice. For those who choose the types one
/// by one; [`Btf::dump_c`] does it for all.
///
/// ```
/// use oxbpf_btf::{BtfBuilder, CDump, IntEncoding, TypeDecl};
///
/// # fn main() -> Result<(), oxbpf_btf::Error> {
/// let mut b = BtfBuilder::new();
/// let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
/// let pid = b.add_typedef("pid_t", int)?;
/// let array = b.add_array(pid, int, 8)?;
/// let pointer = b.add_ptr(array)?;
/// let btf = b.build()?;
///
/// let (mut dump, mut text) = (CDump::new(&btf), String::new());
/// dump.dump_type(pid, &mut text)?;
/// dump.dump_type(pid, &mut text)?; // is there already
/// dump.type_decl(pointer, &TypeDecl { name: "pids", ..TypeDecl::default() }, &mut text)?;
/// assert_eq!(text, "typedef int pid_t;\n\npid_t (*pids)[8]");
/// # Ok(()) }
/// ```
#[doc(alias = "btf_dump")]
pub struct CDump<'a> {
    btf: &'a Btf,
    reader: Reader<'a>,
    pointer_size: u32,
    text: Text,
    states: Vec<State>,
    memos: Memos,
    affixes: Affixes,
    tags: Names,
    idents: Names,
    /// Names that are not those of the BTF, by type.
    renamed: HashMap<u32, Box<[u8]>>,
    /// Whether the states know which types others refer to: all of them are, or none.
    references_known: bool,
    /// What is to be written for the type that was asked for.
    queue: Vec<u32>,
    ordering: Vec<order::Frame>,
    emitting: Vec<emit::Frame>,
    /// Chains of types of the declarations that are being written, one behind the other.
    chain: Vec<decl::Link>,
    /// Of each declarator that is open, what comes behind it.
    suffixes: Vec<decl::Suffix>,
    /// Types whose layout is being found, one behind the other.
    resolving: Vec<u32>,
    /// Members of the structs that are being written, those of the inner behind those of the outer.
    places: Vec<place::Place>,
    strip_mods: bool,
    skip_anonymous: bool,
    nesting: u32,
    work: Work,
}

impl<'a> CDump<'a> {
    /// A dump of types of `btf`, in which nothing is written yet.
    #[doc(alias = "btf_dump__new")]
    pub fn new(btf: &'a Btf) -> CDump<'a> {
        Self::begin(btf, "\t", false)
    }

    /// `whole` if all types will be asked for.
    fn begin(btf: &'a Btf, indent: &str, whole: bool) -> CDump<'a> {
        let reader = Reader::new(btf);
        let count = btf.end_id().0 as usize;
        let states = survey::states(&reader, count, whole);
        // To make room for the names of a kernel at once costs less than step by step.
        let (tags, idents) = if whole { (count / 10, count / 5) } else { (0, 0) };
        let chain: Vec<&Btf> = std::iter::successors(Some(btf), |b| b.base()).collect();
        let bytes = chain.iter().fold(0u64, |n, b| n.saturating_add(b.as_bytes().len() as u64));
        CDump {
            btf,
            reader,
            pointer_size: btf.pointer_size(),
            text: Text::new(indent, bytes.saturating_mul(4).saturating_add(8 << 20)),
            states,
            memos: Memos::new(count),
            affixes: Affixes::new(bytes),
            tags: Names::expecting(tags),
            idents: Names::expecting(idents),
            renamed: HashMap::new(),
            references_known: whole,
            queue: Vec::new(),
            ordering: Vec::new(),
            emitting: Vec::new(),
            chain: Vec::new(),
            suffixes: Vec::new(),
            resolving: Vec::new(),
            places: Vec::new(),
            strip_mods: false,
            skip_anonymous: false,
            nesting: 0,
            work: Work::on(&chain, 16, "writing types as C"),
        }
    }

    /// Writes type `id` after all that it needs and that was not written yet. Functions, variables and sections
    /// are not types of C: nothing is written for them.
    ///
    /// After an error the dump should be given up: what it wrote last may be incomplete.
    #[doc(alias = "btf_dump__dump_type")]
    pub fn dump_type(&mut self, id: TypeId, out: &mut dyn fmt::Write) -> Result<(), Error> {
        self.one(id).inspect_err(|_| self.text.discard())?;
        self.text.flush(out)
    }

    /// Writes a declaration: `char (*name)[8]`. What it needs is not written with it; anonymous structs are
    /// written inside.
    #[doc(alias = "btf_dump__emit_type_decl")]
    pub fn type_decl(
        &mut self,
        id: TypeId,
        decl: &TypeDecl<'_>,
        out: &mut dyn fmt::Write,
    ) -> Result<(), Error> {
        self.btf.get(id)?;
        (self.strip_mods, self.skip_anonymous) = (decl.strip_mods, decl.skip_anonymous);
        let written = self.decl(id.0, decl::Name::Given(decl.name.as_bytes()), decl.level);
        (self.strip_mods, self.skip_anonymous) = (false, false);
        written.inspect_err(|_| self.text.discard())?;
        self.text.flush(out)
    }

    #[inline]
    fn state(&self, id: u32) -> State {
        self.states.get(id as usize).copied().unwrap_or_default()
    }

    #[inline]
    fn update(&mut self, id: u32, change: impl FnOnce(&mut State)) {
        if let Some(state) = self.states.get_mut(id as usize) {
            change(state);
        }
    }

    #[inline]
    fn ty(&self, id: u32) -> Result<Type<'a>, Error> {
        self.reader.ty(id)
    }

    #[inline]
    fn name(&self, off: u32) -> &'a [u8] {
        self.reader.name(off)
    }

    /// Fails when more steps were taken than a BTF of this size can need.
    #[inline]
    fn step(&mut self) -> Result<(), Error> {
        self.work.spend(1)
    }

    /// A definition or a list of parameters inside another starts.
    fn nest(&mut self, ty: Type<'_>) -> Result<(), Error> {
        self.nesting = self.nesting.saturating_add(1);
        if self.nesting > MAX_NESTING {
            return Err(ty.error(TypeProblem::Nesting { limit: MAX_NESTING }));
        }
        Ok(())
    }

    fn unnest(&mut self) {
        self.nesting = self.nesting.saturating_sub(1);
    }

    /// Whether any type refers to this one. Found for all when first asked.
    fn is_referenced(&mut self, id: u32) -> bool {
        if !std::mem::replace(&mut self.references_known, true) {
            self.reader.each_type(|_, _, _, references| _ = survey::mark(&mut self.states, references));
        }
        self.state(id).referenced()
    }
}

impl fmt::Debug for CDump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.states.iter().filter(|s| s.emitted()).count();
        f.debug_struct("CDump").field("btf", self.btf).field("written", &written).finish_non_exhaustive()
    }
}
