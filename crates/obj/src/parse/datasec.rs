use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};
use oxbpf_btf::{BtfBuilder, Kind, SecVar, Type, TypeId};

use super::externs::Externs;
use super::{Parser, extern_types};
use crate::code::Code;
use crate::elf::Symbol;
use crate::error::DatasecProblem;
use crate::order::by_place;
use crate::{Btf, Error};

const VAR_STATIC: u32 = 0;
const VAR_GLOBAL: u32 = 1;
const FUNC_STATIC: u32 = 0;
const FUNC_GLOBAL: u32 = 1;

/// What is to be changed in the object's types.
#[derive(Default)]
struct Changes {
    /// `.ksyms` and `.kconfig`.
    externs: Vec<TypeId>,
    sizes: Vec<(TypeId, u32)>,
    vars: Vec<(TypeId, Vec<SecVar>)>,
    linkages: Vec<(TypeId, u32)>,
}

impl Parser<'_> {
    /// Fills in what only the linker of an ordinary program would know, and clang therefore leaves 0: sizes of
    /// sections and offsets of variables in them. Sorts variables by offset, as kernels want them. Marks what is
    /// hidden as static, so that kernels verify it with its callers and skeletons do not show it.
    pub(super) fn fill_datasecs(&self, btf: Btf, code: &Code, externs: &Externs) -> Result<Btf, Error> {
        let mut changes = Changes::default();
        let mut lookups = None;
        for sec in btf.types_of(Kind::Datasec) {
            // These have no place in the file.
            if matches!(sec.name(), ".kconfig" | ".ksyms") {
                changes.externs.push(sec.id());
                continue;
            }
            let lookups = match &lookups {
                Some(lookups) => lookups,
                None => lookups.insert(self.lookups()?),
            };
            fill_datasec(&btf, sec, lookups, &mut changes)?;
        }
        hide_functions(&btf, code, &mut changes);
        changes.apply(btf, externs)
    }

    fn lookups(&self) -> Result<Lookups<'_>, Error> {
        let mut all = Lookups::default();
        for section in self.elf.sections() {
            all.sizes.entry(section.name).or_insert(section.size());
        }
        for symbol in self.symbols.objects.iter().filter(|s| s.is_global()) {
            all.objects.entry(self.elf.symbol_name(symbol)?).or_insert(symbol);
        }
        Ok(all)
    }
}

/// What the file says about sections and variables, by name.
#[derive(Default)]
struct Lookups<'p> {
    sizes: HashMap<&'p str, u64, FixedState>,
    objects: HashMap<&'p str, &'p Symbol, FixedState>,
}

fn fill_datasec(btf: &Btf, sec: Type<'_>, lookups: &Lookups<'_>, changes: &mut Changes) -> Result<(), Error> {
    let fail = |problem| Error::Datasec { section: sec.name().to_owned(), problem };
    // A static linker has filled all of it in already.
    let is_filled = sec.size().unwrap_or_default() != 0;
    let mut size = sec.size().unwrap_or_default();
    if !is_filled {
        let found = lookups.sizes.get(sec.name()).copied().filter(|size| *size != 0);
        let found = found.ok_or_else(|| fail(DatasecProblem::NoSection))?;
        size = u32::try_from(found).map_err(|_| fail(DatasecProblem::TooLarge { size: found }))?;
        changes.sizes.push((sec.id(), size));
    }
    let mut vars: Vec<SecVar> = sec.variables().collect();
    let mut is_changed = false;
    for (index, var) in vars.iter_mut().enumerate() {
        let ty = btf.get(var.ty).map_err(Error::btf)?;
        if ty.kind() != Kind::Var {
            return Err(fail(DatasecProblem::NotVar { index, kind: ty.kind() }));
        }
        if ty.linkage() != Some(VAR_GLOBAL) {
            // Of static variables clang knows the offset.
            continue;
        }
        let symbol = lookups.objects.get(ty.name());
        let symbol = symbol.ok_or_else(|| fail(DatasecProblem::NoSymbol(ty.name().to_owned())))?;
        if !is_filled {
            let offset = u32::try_from(symbol.value).ok().filter(|at| *at < size);
            let offset = offset.ok_or_else(|| {
                let (name, offset) = (ty.name().to_owned(), symbol.value);
                fail(DatasecProblem::OutOfSection { name, offset })
            })?;
            is_changed |= offset != var.offset;
            var.offset = offset;
        }
        if symbol.hidden {
            changes.linkages.push((ty.id(), VAR_STATIC));
        }
    }
    if !vars.is_sorted_by_key(|v| v.offset) {
        is_changed = true;
        by_place(&mut vars, |v| (0, v.offset.into()));
    }
    if is_changed {
        changes.vars.push((sec.id(), vars));
    }
    Ok(())
}

/// Marks functions that are hidden, and called by programs, as static.
fn hide_functions(btf: &Btf, code: &Code, changes: &mut Changes) {
    let hidden = code.functions.iter().filter(|f| f.global && f.hidden && f.subprogram);
    let hidden: HashSet<&str, FixedState> = hidden.map(|f| code.name(f)).collect();
    if hidden.is_empty() {
        return;
    }
    for ty in btf.types_of(Kind::Func) {
        if ty.linkage() == Some(FUNC_GLOBAL) && hidden.contains(ty.name()) {
            changes.linkages.push((ty.id(), FUNC_STATIC));
        }
    }
}

/// The sections that BTF describes, by name.
#[derive(Default)]
pub(super) struct Datasecs<'b> {
    by_name: HashMap<&'b str, TypeId, FixedState>,
}

impl<'b> Datasecs<'b> {
    pub(super) fn collect(btf: &'b Btf) -> Self {
        let mut all = Self::default();
        for ty in btf.types_of(Kind::Datasec) {
            all.by_name.entry(ty.name()).or_insert(ty.id());
        }
        all
    }

    pub(super) fn get(&self, section: &str) -> Option<TypeId> {
        self.by_name.get(section).copied()
    }

    /// The types of a section, for one section only: of several with one name the first has them.
    pub(super) fn take(&mut self, section: &str) -> Option<TypeId> {
        self.by_name.remove(section)
    }
}

impl Changes {
    fn apply(self, mut btf: Btf, externs: &Externs) -> Result<Btf, Error> {
        let apply = || {
            for (id, size) in self.sizes {
                btf.set_datasec_size(id, size)?;
            }
            for (id, vars) in self.vars {
                btf.set_datasec_vars(id, &vars)?;
            }
            for (id, linkage) in self.linkages {
                btf.set_linkage(id, linkage)?;
            }
            if self.externs.is_empty() {
                return Ok(btf);
            }
            // Types are added to these.
            let mut builder = BtfBuilder::from(&btf);
            for id in self.externs {
                let sec = btf.get(id)?;
                match sec.name() {
                    ".ksyms" => extern_types::ksyms(&btf, sec, &mut builder)?,
                    _ => extern_types::kconfig(&btf, sec, externs, &mut builder)?,
                }
            }
            builder.build_as(btf.endian())
        };
        apply().map_err(Error::btf)
    }
}
