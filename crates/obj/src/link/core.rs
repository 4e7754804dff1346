use oxbpf_btf::CoreReloKind;

use crate::code::Code;
use crate::insn::{Insn, opcode};
use crate::order::by_place;
use crate::relo_core::{Applied, Relocator, shortened};
use crate::{CoreRelo, Error, LinkOptions, ObjectSpec};

/// The code of an object after CO-RE.
pub(super) struct Relocated<'s> {
    code: &'s Code,
    /// Instructions that are not as they were compiled, by section and place.
    changed: Vec<Changed>,
    /// Instructions that fail when reached, by section and place.
    poisoned: Vec<PoisonedAt>,
    /// What is left to the kernel, by section and place.
    left: Vec<(usize, CoreRelo)>,
}

struct Changed {
    section: u32,
    insn: u32,
    to: Insn,
}

impl Changed {
    fn place(&self) -> (usize, usize) {
        (self.section as usize, self.insn as usize)
    }
}

struct PoisonedAt {
    section: usize,
    insn: usize,
    description: String,
}

impl std::fmt::Debug for Relocated<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relocated")
            .field("changed", &self.changed.len())
            .field("poisoned", &self.poisoned.len())
            .finish_non_exhaustive()
    }
}

impl<'s> Relocated<'s> {
    /// Code as it was compiled.
    pub(super) fn untouched(spec: &'s ObjectSpec) -> Self {
        Self { code: &spec.code, changed: Vec::new(), poisoned: Vec::new(), left: Vec::new() }
    }

    /// Appends the instructions of a function.
    pub(super) fn append(&self, section: usize, start: usize, end: usize, to: &mut Vec<Insn>) {
        let at = to.len();
        to.extend_from_slice(compiled(self.code, section, start, end));
        let own = to.get_mut(at..).unwrap_or_default();
        let first = self.changed.partition_point(|c| c.place() < (section, start));
        let rest = self.changed.get(first..).unwrap_or_default();
        for changed in rest.iter().take_while(|c| c.place() < (section, end)) {
            if let Some(insn) = own.get_mut((changed.insn as usize).saturating_sub(start)) {
                *insn = changed.to;
            }
        }
    }

    /// The instructions of a function that fail when reached, and why.
    pub(super) fn poisoned(
        &self,
        section: usize,
        start: usize,
        end: usize,
    ) -> impl Iterator<Item = (usize, &str)> {
        let first = self.poisoned.partition_point(|p| (p.section, p.insn) < (section, start));
        let rest = self.poisoned.get(first..).unwrap_or_default();
        rest.iter()
            .take_while(move |p| p.section == section && p.insn < end)
            .map(|p| (p.insn, p.description.as_str()))
    }

    /// The relocations of a function that are left to the kernel.
    pub(super) fn left(&self, section: usize, start: usize, end: usize) -> impl Iterator<Item = &CoreRelo> {
        let place = |at: &(usize, CoreRelo)| (at.0, at.1.insn_off as usize);
        let first = self.left.partition_point(|at| place(at) < (section, start));
        let rest = self.left.get(first..).unwrap_or_default();
        rest.iter().take_while(move |at| place(at) < (section, end)).map(|(_, relo)| relo)
    }
}

/// Applies CO-RE relocations to all code that may be loaded.
pub(super) fn relocate<'s>(spec: &'s ObjectSpec, options: &LinkOptions<'_>) -> Result<Relocated<'s>, Error> {
    let code = &*spec.code;
    let mut result = Relocated::untouched(spec);
    if options.core_by_kernel {
        result.left.extend(code.core_relos.iter());
        by_place(&mut result.left, |(section, relo)| (*section as u64, relo.insn_off.into()));
        return Ok(result);
    }
    let mut wanted = wanted(spec, code);
    let (Some(first), Some(btf)) = (wanted.first(), &spec.btf) else { return Ok(result) };
    if options.core_targets.is_empty() && wanted.iter().any(Wanted::needs_target) {
        let function = code.functions.get(first.function).map_or("?", |f| f.name.as_str());
        return Err(Error::NoCoreTargets { function: function.to_owned() });
    }
    let mut relocator = Relocator::new(btf, wanted.iter().map(|w| w.relo), options.core_targets);
    if let Some(modules) = options.core_modules
        && relocator.lacks_types()
    {
        relocator.search_modules(modules());
    }
    let failed = |wanted: &Wanted, source| Error::Core {
        function: code.functions.get(wanted.function).map_or("?", |f| f.name.as_str()).into(),
        source: Box::new(source),
    };
    if !wanted.is_sorted_by_key(|w| w.function) {
        // What a relocation means may hang on those before it in the file, but not what is done to a function.
        for wanted in &wanted {
            let settled = relocator.settle(wanted.insn(code), &wanted.relo);
            settled.map_err(|source| failed(wanted, source))?;
        }
        by_place(&mut wanted, |w| (w.function as u64, 0));
    }
    let mut insns = Vec::new();
    for own in wanted.chunk_by(|a, b| a.function == b.function) {
        let Some(first) = own.first() else { continue };
        let Some(function) = code.functions.get(first.function) else { continue };
        let compiled = compiled(code, function.section, function.start, function.end);
        insns.clear();
        insns.extend_from_slice(compiled);
        for wanted in own {
            let applied = relocator.apply(&mut insns, wanted.insn(code), &wanted.relo);
            if let Applied::Poisoned(why) = applied.map_err(|source| failed(wanted, source))? {
                let insn = wanted.relo.insn_off as usize;
                let description = shortened(&why.to_string());
                tracing::debug!(function = function.name, insn, relo = description, "poisoned");
                result.poisoned.push(PoisonedAt { section: function.section, insn, description });
            }
        }
        let Ok(section) = u32::try_from(function.section) else { continue };
        let changed = (function.start..).zip(compiled.iter().zip(&insns)).filter(|(_, (was, is))| was != is);
        result.changed.extend(changed.filter_map(|(insn, (_, is))| {
            Some(Changed { section, insn: u32::try_from(insn).ok()?, to: *is })
        }));
    }
    by_place(&mut result.poisoned, |p| (p.section as u64, p.insn as u64));
    Ok(result)
}

/// Instructions of a section as they were compiled.
fn compiled(code: &Code, section: usize, start: usize, end: usize) -> &[Insn] {
    code.sections.get(section).and_then(|section| section.insns.get(start..end)).unwrap_or_default()
}

/// A relocation of code that may be loaded.
struct Wanted {
    /// Index in [`Code::functions`].
    function: usize,
    relo: CoreRelo,
}

impl Wanted {
    /// Index of the instruction in the function.
    fn insn(&self, code: &Code) -> usize {
        let start = code.functions.get(self.function).map_or(0, |f| f.start);
        (self.relo.insn_off as usize).saturating_sub(start)
    }

    fn needs_target(&self) -> bool {
        self.relo.kind != CoreReloKind::TypeIdLocal
    }
}

pub(crate) fn needs_core_targets(spec: &ObjectSpec) -> bool {
    wanted(spec, &spec.code).iter().any(Wanted::needs_target)
}

/// The relocations of programs that are to be loaded and of all functions that these may call. Records of
/// functions that a static linker has dropped are left out.
fn wanted(spec: &ObjectSpec, code: &Code) -> Vec<Wanted> {
    if code.core_relos.is_empty() {
        return Vec::new();
    }
    let is_wanted = loadable(spec);
    let mut found = Vec::with_capacity(code.core_relos.len());
    for (section, relo) in code.core_relos.iter() {
        let Some(function) = code.function_at(section, relo.insn_off as usize) else { continue };
        if is_wanted.get(function).is_some_and(|w| *w) {
            found.push(Wanted { function, relo });
        }
    }
    found
}

/// For each function whether it is a program that is to be loaded, or one that programs may call.
pub(crate) fn loadable(spec: &ObjectSpec) -> Vec<bool> {
    let mut is_wanted: Vec<bool> = spec.code.functions.iter().map(|f| f.subprogram).collect();
    for (_, program) in spec.loaded_programs() {
        if let Some(wanted) = is_wanted.get_mut(program.function) {
            *wanted = true;
        }
    }
    is_wanted
}

/// Number of the helper that a poisoned instruction calls; `None` for an instruction that is as it was.
pub(super) fn poison_of(insn: Insn) -> Option<i32> {
    (insn.code == opcode::CLASS_JMP | opcode::CALL && insn.src() == 0).then_some(insn.imm)
}
