//! Many objects to one.
//!
//! Not to be taken for [`link`](crate::link), which makes the programs of one object ready for a kernel. This is what
//! comes before: the objects of several sources become one, as `ld -r` does it for machine code.
//!
//! An object goes through these, in this order:
//! - `input`: its sections and symbols, checked;
//! - `output`: sections of the same name become one, and know where each part starts;
//! - `symbols`: definitions, externs and weak ones of the same name meet, if `same_type` and `same_map` let them;
//! - `relocs`: relocations follow symbols and sections, and `jump_tables` the code that they lead into;
//! - `types`: BTF and `.BTF.ext` are appended.
//!
//! In the end `finish` leaves each type once, and `write` makes the file. Its bytes are those that libbpf's linker
//! makes, but for what goes wrong there (see `docs/linking.md`).

mod finish;
mod input;
mod jump_tables;
mod output;
mod relocs;
mod resolve;
mod same_map;
mod same_type;
mod strtab;
mod symbols;
mod types;
mod write;

use oxbpf_btf::BtfBuilder;

use crate::elf::Elf;
use crate::error::{LinkerError, LinkerProblem};
use crate::{Btf, Endian};
use input::{Input, InputTypes, Names};
use output::{OutHeader, OutSection};
use resolve::Global;
use same_type::Compared;
use strtab::StrTab;
use symbols::OutSymbol;

/// Where the two sections that every object has are, among [`StaticLinker::sections`].
const STRTAB: usize = 0;
const SYMTAB: usize = 1;

/// Links BPF objects to one: the sections of all, each global variable, function and map once, and each type once.
/// What one object declares `extern` is found in the others; of several `__weak` definitions the first counts, unless
/// one is not weak. The types of all declarations have to be the same.
///
/// ```
/// use oxbpf_obj::{ObjectSpec, StaticLinker};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut linker = StaticLinker::new();
/// for name in ["one.bpf.o", "two.bpf.o"] {
///     linker.add(name, &std::fs::read(format!("../../testdata/linked/{name}"))?)?;
/// }
/// let spec = ObjectSpec::parse(&linker.finish()?)?;
/// assert_eq!(spec.programs.iter().map(|p| &*p.name).collect::<Vec<_>>(), ["run_one", "run_two"]);
/// # Ok(()) }
/// ```
#[doc(alias = "bpf_linker")]
pub struct StaticLinker {
    /// That of the first object.
    endian: Option<Endian>,
    /// What the objects are called.
    files: Vec<Box<str>>,
    /// Names of sections and symbols.
    names: StrTab,
    sections: Vec<OutSection>,
    by_name: Names<Box<str>, usize>,
    /// Index in the file that the next section gets.
    next_index: u16,
    symbols: Vec<OutSymbol>,
    globals: Vec<Global>,
    /// Globals by where their names are.
    global_names: Names<u32, usize>,
    btf: BtfBuilder,
    /// The types of the objects, to compare those of others with.
    types: Vec<Option<Btf>>,
    /// What was found the same of the object that is being added.
    compared: Compared,
    /// Bytes that alignment may still cost.
    padding: u64,
    /// An object was left half done.
    broken: bool,
}

impl Default for StaticLinker {
    fn default() -> Self {
        Self::new()
    }
}

impl StaticLinker {
    /// A linker without objects.
    #[doc(alias = "bpf_linker__new")]
    pub fn new() -> Self {
        let mut linker = Self {
            endian: None,
            files: Vec::new(),
            names: StrTab::new(),
            sections: Vec::new(),
            by_name: Names::default(),
            next_index: 3,
            symbols: vec![OutSymbol::default()],
            globals: Vec::new(),
            global_names: Names::default(),
            btf: BtfBuilder::new(),
            types: Vec::new(),
            compared: Compared::default(),
            padding: 8 << 20,
            broken: false,
        };
        let tables = [
            (".strtab", object::elf::SHT_STRTAB, object::elf::SHF_STRINGS.0, 1, 0),
            (".symtab", object::elf::SHT_SYMTAB, 0, 8, 24),
        ];
        for ((name, kind, flags, align, entry_size), index) in tables.into_iter().zip(1..) {
            let mut section = OutSection::new(0, name);
            section.header = Some(OutHeader {
                index,
                // They are the first names, and fit.
                name: linker.names.add(name).unwrap_or_default(),
                kind: kind.0,
                flags,
                align,
                entry_size,
                link: if entry_size == 0 { 0 } else { 1 },
                info: 0,
            });
            linker.by_name.insert(name.into(), linker.sections.len());
            linker.sections.push(section);
        }
        linker
    }

    /// Adds an object, by a name for messages. All objects have to be of the same byte order, which will be that of
    /// the result.
    ///
    /// # Errors
    /// Say which object and which section, symbol or relocation does not fit, and whom. The linker is of no use then.
    #[doc(alias = "bpf_linker__add_file")]
    #[doc(alias = "bpf_linker__add_buf")]
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), LinkerError> {
        let fail = |problem| LinkerError { file: name.into(), problem: Box::new(problem) };
        if std::mem::replace(&mut self.broken, true) {
            return Err(fail(LinkerProblem::Broken));
        }
        self.append(name, bytes).map_err(fail)?;
        self.broken = false;
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), LinkerProblem> {
        let elf = Elf::parse(bytes)?;
        if let Some(endian) = self.endian.filter(|endian| *endian != elf.endian()) {
            return Err(LinkerProblem::ByteOrder {
                found: if endian == Endian::Little { "big" } else { "little" },
                other: self.files.first().cloned().unwrap_or_default(),
            });
        }
        self.endian = Some(elf.endian());
        self.files.push(name.into());
        self.names.allow(bytes.len());
        self.padding = self.padding.saturating_add(bytes.len() as u64);
        self.compared = Compared::new(bytes.len());

        let types = InputTypes::read(&elf)?;
        let mut input = Input::read(&elf, types.as_ref())?;
        self.append_sections(&mut input)?;
        let symbols = self.append_symbols(&input)?;
        self.append_relocs(&mut input, &symbols)?;
        self.append_types(&input)?;
        self.types.push(types.as_ref().map(|types| types.btf.clone()));
        Ok(())
    }

    /// The object that was added as the `index`-th.
    fn file(&self, index: usize) -> Box<str> {
        self.files.get(index).cloned().unwrap_or_default()
    }
}

impl std::fmt::Debug for StaticLinker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaticLinker")
            .field("files", &self.files)
            .field("sections", &self.sections.len())
            .field("globals", &self.globals.len())
            .finish_non_exhaustive()
    }
}

/// How many bytes behind `size` the next multiple of `align`, a power of two, is.
fn padding(size: u64, align: u64) -> u64 {
    size.wrapping_neg() & align.max(1).wrapping_sub(1)
}
