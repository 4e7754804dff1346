use std::borrow::Cow;

use oxbpf_btf::CoreReloKind;

use crate::code::Code;
use crate::insn::{Insn, opcode};
use crate::relo_core::{Applied, Relocator};
use crate::{CoreRelo, Error, LinkOptions, ObjectSpec};

/// The code of an object after CO-RE.
pub(super) struct Relocated<'s> {
    /// Instructions by section.
    code: Vec<Cow<'s, [Insn]>>,
    /// Instructions that fail when reached, by section and place.
    poisoned: Vec<PoisonedAt>,
    /// What is left to the kernel, by section and place.
    left: Vec<(usize, CoreRelo)>,
}

struct PoisonedAt {
    section: usize,
    insn: usize,
    description: String,
}

impl std::fmt::Debug for Relocated<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relocated").field("poisoned", &self.poisoned.len()).finish_non_exhaustive()
    }
}

impl<'s> Relocated<'s> {
    /// Code as it was compiled.
    pub(super) fn untouched(spec: &'s ObjectSpec) -> Self {
        let code = spec.code.sections.iter().map(|s| Cow::Borrowed(&*s.insns));
        Self { code: code.collect(), poisoned: Vec::new(), left: Vec::new() }
    }

    pub(super) fn insns(&self, section: usize, start: usize, end: usize) -> &[Insn] {
        self.code.get(section).and_then(|code| code.get(start..end)).unwrap_or_default()
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
        result.left.sort_by_key(|(section, relo)| (*section, relo.insn_off));
        return Ok(result);
    }
    let wanted = wanted(spec, code);
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
    for Wanted { function, relo } in wanted {
        let Some(function) = code.functions.get(function) else { continue };
        let Some(section) = result.code.get_mut(function.section) else { continue };
        let insn = relo.insn_off as usize;
        let Some(insns) = section.to_mut().get_mut(function.start..function.end) else { continue };
        let applied = relocator.apply(insns, insn.saturating_sub(function.start), &relo);
        let applied = applied.map_err(|source| Error::Core {
            function: function.name.as_str().into(),
            source: Box::new(source),
        })?;
        if let Applied::Poisoned(why) = applied {
            let description = shortened(why.to_string());
            tracing::debug!(function = function.name, insn, relo = description, "poisoned");
            result.poisoned.push(PoisonedAt { section: function.section, insn, description });
        }
    }
    result.poisoned.sort_by_key(|p| (p.section, p.insn));
    Ok(result)
}

/// Cuts what a file with names of megabytes would make of a description.
pub(crate) fn shortened(mut description: String) -> String {
    const MAX: usize = 512;
    if description.len() > MAX {
        let end = (0..MAX).rev().find(|i| description.is_char_boundary(*i)).unwrap_or(0);
        description.truncate(end);
        description.push_str("...");
        description.shrink_to_fit();
    }
    description
}

/// A relocation of code that may be loaded.
struct Wanted {
    /// Index in [`Code::functions`].
    function: usize,
    relo: CoreRelo,
}

impl Wanted {
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
