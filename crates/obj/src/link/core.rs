use oxbpf_btf::CoreReloKind;

use crate::code::{Code, Function};
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
    let mut wanted = wanted(spec);
    let (Some(first), Some(btf)) = (wanted.first(), &spec.btf) else { return Ok(result) };
    let relos = wanted.iter().filter_map(|wanted| wanted.relo(code));
    if options.core_targets.is_empty() && relos.clone().any(|relo| needs_target(&relo)) {
        return Err(Error::NoCoreTargets { function: first.function_name(code).to_owned() });
    }
    let mut relocator = Relocator::new(btf, relos, options.core_targets);
    if let Some(modules) = options.core_modules
        && relocator.lacks_types()
    {
        relocator.search_modules(modules());
    }
    let failed = |wanted: &Wanted, source| Error::Core {
        function: wanted.function_name(code).into(),
        source: Box::new(source),
    };
    if !wanted.is_sorted_by_key(|w| w.function) {
        // What a relocation means may hang on those before it in the file, but not what is done to a function.
        for wanted in &wanted {
            let Some((function, relo)) = wanted.function(code).zip(wanted.relo(code)) else { continue };
            let settled = relocator.settle(place_in(function, &relo), &relo);
            settled.map_err(|source| failed(wanted, source))?;
        }
        by_place(&mut wanted, |w| (w.function.into(), 0));
    }
    let mut insns = Vec::new();
    for own in wanted.chunk_by(|a, b| a.function == b.function) {
        let Some(function) = own.first().and_then(|first| first.function(code)) else { continue };
        let compiled = compiled(code, function.section, function.start, function.end);
        insns.clear();
        insns.extend_from_slice(compiled);
        for wanted in own {
            let Some(relo) = wanted.relo(code) else { continue };
            let applied = relocator.apply(&mut insns, place_in(function, &relo), &relo);
            if let Applied::Poisoned(why) = applied.map_err(|source| failed(wanted, source))? {
                let insn = relo.insn_off as usize;
                let description = shortened(&why.to_string());
                tracing::debug!(function = code.name(function), insn, relo = description, "poisoned");
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

/// A relocation of code that may be loaded: there are many of them.
struct Wanted {
    /// Index in [`Code::functions`].
    function: u32,
    /// Index in [`Code::core_relos`].
    relo: u32,
}

impl Wanted {
    fn relo(&self, code: &Code) -> Option<CoreRelo> {
        code.core_relos.get(self.relo as usize)
    }

    fn function<'c>(&self, code: &'c Code) -> Option<&'c Function> {
        code.functions.get(self.function as usize)
    }

    fn function_name<'c>(&self, code: &'c Code) -> &'c str {
        self.function(code).map_or("?", |function| code.name(function))
    }
}

/// Index of the instruction in its function.
fn place_in(function: &Function, relo: &CoreRelo) -> usize {
    (relo.insn_off as usize).saturating_sub(function.start)
}

fn needs_target(relo: &CoreRelo) -> bool {
    relo.kind != CoreReloKind::TypeIdLocal
}

pub(crate) fn needs_core_targets(spec: &ObjectSpec) -> bool {
    each_wanted(spec).any(|(_, relo)| needs_target(&relo))
}

fn wanted(spec: &ObjectSpec) -> Vec<Wanted> {
    let mut found = Vec::with_capacity(spec.code.core_relos.len());
    found.extend(each_wanted(spec).map(|(wanted, _)| wanted));
    found
}

/// The relocations of programs that are to be loaded and of all functions that these may call. Records of
/// functions that a static linker has dropped are left out.
fn each_wanted(spec: &ObjectSpec) -> impl Iterator<Item = (Wanted, CoreRelo)> {
    let code = &*spec.code;
    let is_wanted = if code.core_relos.is_empty() { Vec::new() } else { loadable(spec) };
    let mut last = None;
    // A file has no room for more than 32 bits count.
    (0_u32..).zip(code.core_relos.iter()).filter_map(move |(index, (section, relo))| {
        let insn = relo.insn_off as usize;
        // Mostly they are in order.
        let is_in = |function: &usize| {
            let function = code.functions.get(*function);
            function.is_some_and(|f| f.section == section && (f.start..f.end).contains(&insn))
        };
        let function = last.filter(is_in).or_else(|| code.function_at(section, insn))?;
        last = Some(function);
        let is_wanted = is_wanted.get(function).is_some_and(|wanted| *wanted);
        let wanted = Wanted { function: u32::try_from(function).ok()?, relo: index };
        is_wanted.then_some((wanted, relo))
    })
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
