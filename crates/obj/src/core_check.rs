//! What the CO-RE relocations of an object come to on a kernel, without that kernel.

use std::convert::Infallible;
use std::fmt;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use oxbpf_btf::{CoreReloKind, ProgressFn, Reporter};

use crate::code::Code;
use crate::link::loadable;
use crate::relo_core::{
    Applied, CandidateName, Cause, Problem, Relocator, Trace, describe, name_of, shortened,
};
use crate::{Btf, CoreRelo, CoreTarget, Error, LineInfo, ObjectSpec, TypeId};

/// What each CO-RE relocation of an object comes to: made by [`ObjectSpec::core_check`].
///
/// Displayed it is a line for each that does not resolve, and a summary; with `{:#}` a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoreCheck {
    /// The relocations, in the order of `.BTF.ext`.
    pub relos: Vec<CheckedRelo>,
}

/// One relocation and what it comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedRelo {
    /// The section of the instruction.
    pub section: String,
    /// The function of the instruction.
    pub function: String,
    /// Whether a program that is to be loaded, or a function that programs may call, has it.
    pub used: bool,
    /// The instruction, counted in the function.
    pub insn: usize,
    /// File and line of the source, if the object tells: `execsnoop.bpf.c:42`.
    pub line: Option<String>,
    /// What is asked for.
    pub kind: CoreReloKind,
    /// The same in words, with the access: `byte_off of struct task_struct.pid (0:84)`.
    pub what: String,
    /// What it comes to.
    pub outcome: CoreOutcome,
}

/// What a relocation comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CoreOutcome {
    /// Found, and the instruction gets a value.
    Resolved {
        /// The type of the target that it was found in; the first of several that agree.
        found: CandidateName,
        /// What the instruction holds as compiled, where it can be told.
        old: Option<u64>,
        /// What it gets.
        new: u64,
    },
    /// The id of a type of the object itself, which no target changes.
    Local {
        /// The id.
        value: u64,
    },
    /// The target does not have it, and the program asks just that: it gets 0.
    Absent,
    /// The target does not have it: the program cannot be loaded if it can come there.
    Unresolved(Cause),
    /// No object with this relocation can be loaded on the target.
    Failed(Problem),
}

impl CoreOutcome {
    /// Whether the program can come there: the relocation has a value.
    pub fn is_resolved(&self) -> bool {
        !matches!(self, Self::Unresolved(_) | Self::Failed(_))
    }
}

impl CoreCheck {
    /// The relocations without a value.
    pub fn unresolved(&self) -> impl Iterator<Item = &CheckedRelo> {
        self.relos.iter().filter(|r| !r.outcome.is_resolved())
    }

    /// Whether every relocation that is used has a value.
    pub fn is_resolved(&self) -> bool {
        self.unresolved().all(|r| !r.used)
    }
}

impl fmt::Display for CoreOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolved { found, old: Some(old), new } if old != new => {
                write!(f, "{} (compiled with {}), in {found}", new.cast_signed(), old.cast_signed())
            }
            Self::Resolved { found, new, .. } => write!(f, "{}, in {found}", new.cast_signed()),
            Self::Local { value } => write!(f, "{value}, in the object"),
            Self::Absent => f.write_str("0: not there"),
            Self::Unresolved(cause) => cause.fmt(f),
            Self::Failed(problem) => problem.fmt(f),
        }
    }
}

impl fmt::Display for CheckedRelo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, insn, what, outcome, .. } = self;
        write!(f, "{function}: instruction {insn}")?;
        if let Some(line) = &self.line {
            write!(f, " ({line})")?;
        }
        write!(f, ": {what}: {outcome}")
    }
}

impl fmt::Display for CoreCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = f.alternate();
        for relo in self.relos.iter().filter(|r| whole || !r.outcome.is_resolved()) {
            writeln!(f, "{relo}")?;
        }
        let (all, lacking) = (self.relos.len(), self.unresolved().count());
        write!(f, "{} of {all} relocations resolve", all.saturating_sub(lacking))
    }
}

impl ObjectSpec {
    /// What the CO-RE relocations of the object come to on a kernel with these types: which resolve, to what, and
    /// which fail and why. All are asked, those of programs that are not to be loaded too.
    ///
    /// The first of `targets` is vmlinux, or another BTF in its place; the others are modules, which are asked for
    /// the types that the first has not. To check against several kernels, call it for each.
    ///
    /// ```
    /// use oxbpf_obj::{CoreTarget, ObjectSpec};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ObjectSpec::parse(&std::fs::read("../../testdata/rejected/no_such_field.bpf.o")?)?;
    /// // On a kernel these would be its types, from /sys/kernel/btf/vmlinux.
    /// let kernel = oxbpf_btf::BtfBuilder::new().build()?;
    /// let check = spec.core_check(&[CoreTarget { name: "vmlinux", btf: &kernel }]);
    /// assert!(!check.is_resolved());
    /// for relo in check.unresolved() {
    ///     println!("{relo}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn core_check(&self, targets: &[CoreTarget<'_>]) -> CoreCheck {
        let Ok(check) = self.checked(targets, || Ok::<_, Infallible>(()));
        check
    }

    /// The same, with a callback that is told now and then how far the work has come, and can stop it.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the callback says so.
    pub fn core_check_with_progress(
        &self,
        targets: &[CoreTarget<'_>],
        progress: &mut ProgressFn<'_>,
    ) -> Result<CoreCheck, Error> {
        let mut report = Reporter::new(Some(progress));
        report.phase("relocations", self.code.core_relos.len()).map_err(Error::Cancelled)?;
        self.checked(targets, || report.step().map_err(Error::Cancelled))
    }

    /// Checks each relocation, after a `step`.
    fn checked<E>(
        &self,
        targets: &[CoreTarget<'_>],
        mut step: impl FnMut() -> Result<(), E>,
    ) -> Result<CoreCheck, E> {
        let code = &*self.code;
        let mut relos = Vec::new();
        let Some(btf) = &self.btf else { return Ok(CoreCheck { relos }) };
        let mut relocator = Relocator::new(btf, code.core_relos.iter().map(|(_, relo)| relo), targets);
        let used = loadable(self);
        let mut known: HashMap<(TypeId, u32, CoreReloKind), Known<'_>, RandomState> = HashMap::default();
        let mut check = |section: usize, relo: &CoreRelo| {
            let function = code.function_at(section, relo.insn_off as usize)?;
            let key = (relo.ty, relo.access_str_off, relo.kind);
            let known = known
                .entry(key)
                .or_insert_with(|| Known { trace: relocator.trace(relo), what: describe(btf, relo) });
            let trace = known.trace.clone();
            let outcome = trace.and_then(|trace| outcome(&mut relocator, code, section, relo, trace));
            let place = code.functions.get(function)?;
            Some(CheckedRelo {
                section: shortened(&code.sections.get(section)?.name),
                function: shortened(code.name(place)),
                used: used.get(function).is_some_and(|used| *used),
                insn: (relo.insn_off as usize).saturating_sub(place.start),
                line: code
                    .sections
                    .get(section)
                    .and_then(|s| line_of(btf, s.line_info.last_at(relo.insn_off)?)),
                kind: relo.kind,
                what: known.what.clone(),
                outcome: outcome.unwrap_or_else(CoreOutcome::Failed),
            })
        };
        for (section, relo) in code.core_relos.iter() {
            step()?;
            relos.extend(check(section, &relo));
        }
        Ok(CoreCheck { relos })
    }
}

/// What is the same for all relocations of one meaning.
struct Known<'t> {
    trace: Result<Trace<'t>, Problem>,
    what: String,
}

/// What became of the instruction, on a copy of it.
fn outcome(
    relocator: &mut Relocator<'_>,
    code: &Code,
    section: usize,
    relo: &CoreRelo,
    trace: Trace<'_>,
) -> Result<CoreOutcome, Problem> {
    let start = relo.insn_off as usize;
    let insns = code.sections.get(section).and_then(|s| s.insns.get(start..));
    // No instruction has more than two slots.
    let mut insns: Vec<_> = insns.unwrap_or_default().iter().take(2).copied().collect();
    if let Applied::Poisoned(why) = relocator.apply(&mut insns, 0, relo).map_err(|e| e.problem)? {
        return Ok(CoreOutcome::Unresolved(why.cause));
    }
    Ok(match trace {
        Trace::To { found, old, new } => CoreOutcome::Resolved { found: *name_of(found.candidate), old, new },
        Trace::Value(value) if relo.kind == CoreReloKind::TypeIdLocal => CoreOutcome::Local { value },
        Trace::Value(_) => CoreOutcome::Absent,
        Trace::Nowhere(cause) => CoreOutcome::Unresolved(cause),
    })
}

/// Where in the source an instruction comes from, by the records of its image.
pub(crate) fn line_at(btf: &Btf, lines: &[LineInfo], insn: u32) -> Option<String> {
    let last = lines.partition_point(|l| l.insn_off <= insn).checked_sub(1)?;
    line_of(btf, *lines.get(last)?)
}

fn line_of(btf: &Btf, info: LineInfo) -> Option<String> {
    let file = btf.str_lossy_at(info.file_name_off).ok()?;
    let name = file.rsplit('/').next().unwrap_or_default();
    Some(format!("{}:{}", shortened(name), info.line()))
}
