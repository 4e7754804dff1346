//! What an object is and what it needs, without a kernel: [`ObjectSpec::plan`].
//!
//! - `need`: what is needed, by what, and what a kernel without it does;
//! - `program`, `map`: what the parts are;
//! - `scan`, `loops`, `guards`: what stands in instructions, and whether they are sure to be verified;
//! - `flags`, `memory`: facts about flags and sizes;
//! - `show`: all of it as text.

mod flags;
mod guards;
mod loops;
mod map;
mod memory;
mod need;
mod program;
mod scan;
mod show;

use std::collections::BTreeSet;

use crate::core_check::CoreCheck;
use crate::link::Linker;
use crate::relo_core::shortened;
use crate::spec::ExternKind;
use crate::{Capability, CoreTarget, ObjectSpec, ProgramImage};
use guards::Guards;
use need::Needs;

pub use map::MapPlan;
pub use memory::Memory;
pub use need::{Need, Privilege, Release, When, Whose};
pub use program::ProgramPlan;

/// What an object is and what it needs: made by [`ObjectSpec::plan`].
///
/// It goes by tables of what came with which release of kernel.org. What it does not claim: that a kernel which has all
/// of it takes the object. Its verifier may still refuse a program, as every release knows more than the one before; it
/// may have been built without something ([`ProgramPlan::config`]); and whether a program's type may call each helper,
/// and has the function or tracepoint that it is for, is not looked at. The other way, a distribution may have carried
/// something back to an older kernel.
///
/// Displayed it is a report for people; with `{:#}` it tells of every need, and of every relocation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The object's name.
    pub object: String,
    /// Its license.
    pub license: String,
    /// Its programs.
    pub programs: Vec<ProgramPlan>,
    /// Its maps.
    pub maps: Vec<MapPlan>,
    /// What it expects from outside.
    pub externs: Vec<ExternPlan>,
    /// All that not every kernel has, the youngest first; each thing with the first part of the object that needs it.
    pub needs: Vec<Need>,
    /// The capabilities that it takes, each with all that takes it.
    pub privileges: Vec<Privilege>,
    /// What its CO-RE relocations come to, on each kernel that was given.
    pub kernels: Vec<KernelPlan>,
}

/// Something that an object expects from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternPlan {
    /// The symbol's name.
    pub name: String,
    /// What it is.
    pub kind: ExternKind,
    /// Whether it may be missing.
    pub weak: bool,
    /// Whether the object says of which type it is: then the kernel's types have to have it.
    pub typed: bool,
}

/// Types of a kernel that an object is held against.
#[derive(Clone, Copy, Debug)]
pub struct PlanKernel<'a> {
    /// What to call it.
    pub name: &'a str,
    /// The types: those of vmlinux first, then those of modules.
    pub targets: &'a [CoreTarget<'a>],
}

/// What the CO-RE relocations of an object come to on a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelPlan {
    /// What the caller calls it.
    pub name: String,
    /// The relocations.
    pub check: CoreCheck,
}

impl ObjectSpec {
    /// What the object is and what it needs of a kernel, told without one: its programs, maps and externs, which release
    /// each needs and because of what, the privileges it takes, and what its CO-RE relocations come to on any number of
    /// kernels, of which only the types are needed.
    ///
    /// It is about the spec as it is: what is turned off does not count.
    ///
    /// ```
    /// use oxbpf_obj::{CoreTarget, ObjectSpec, PlanKernel};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ObjectSpec::parse(&std::fs::read("../../testdata/execsnoop.bpf.o")?)?;
    /// // On a kernel these would be its types, from /sys/kernel/btf/vmlinux.
    /// let types = spec.btf.clone().ok_or("no types")?;
    /// let targets = [CoreTarget { name: "vmlinux", btf: &types }];
    /// let plan = spec.plan(&[PlanKernel { name: "mine", targets: &targets }]);
    /// let because = plan.oldest().ok_or("it runs everywhere")?;
    /// assert_eq!(because.since.to_string(), "5.8");
    /// assert_eq!(because.what, "maps of type ringbuf");
    /// assert!(plan.kernels[0].check.is_resolved());
    /// println!("{plan}");
    /// # Ok(()) }
    /// ```
    pub fn plan(&self, kernels: &[PlanKernel<'_>]) -> Plan {
        let mut planner = Planner {
            spec: self,
            linker: Linker::untouched(self),
            guards: Guards::of(self),
            left: MAX_INSNS,
            needs: Needs::default(),
            privileges: Vec::new(),
        };
        let loaded: BTreeSet<usize> = self.loaded_programs().map(|(index, _)| index).collect();
        let programs = self.programs.iter().enumerate();
        let programs =
            programs.map(|(index, p)| planner.program(index, p, loaded.contains(&index))).collect();
        let maps = self.maps.iter().map(|map| planner.map(map)).collect();
        let externs = self.externs.iter().map(|symbol| ExternPlan {
            name: shortened(&symbol.name),
            kind: symbol.kind,
            weak: symbol.weak,
            typed: symbol.value_type.0 != 0,
        });
        let kernels = kernels.iter().map(|kernel| KernelPlan {
            name: kernel.name.to_owned(),
            check: self.core_check(kernel.targets),
        });
        let Planner { needs, mut privileges, .. } = planner;
        privileges.sort_by_key(|privilege| (privilege.attach, privilege.capability));
        Plan {
            object: self.name.clone(),
            license: self.license.clone(),
            programs,
            maps,
            externs: externs.collect(),
            needs: needs.sorted(),
            privileges,
            kernels: kernels.collect(),
        }
    }
}

impl Plan {
    /// The oldest kernel that may load the object, and because of what it is that one: the youngest of what a kernel
    /// cannot do without.
    pub fn oldest(&self) -> Option<&Need> {
        self.youngest(&[When::Load])
    }

    /// The same if every instruction is reached.
    pub fn oldest_if_reached(&self) -> Option<&Need> {
        self.youngest(&[When::Load, When::Reached])
    }

    /// The oldest kernel that its programs may be attached to as their sections say, once they are loaded.
    pub fn oldest_to_attach(&self) -> Option<&Need> {
        self.youngest(&[When::Load, When::Attach])
    }

    fn youngest(&self, when: &[When]) -> Option<&Need> {
        self.needs.iter().find(|need| when.contains(&need.when))
    }

    /// The capabilities that loading takes.
    pub fn capabilities(&self) -> BTreeSet<Capability> {
        self.privileges
            .iter()
            .filter(|privilege| !privilege.attach)
            .map(|privilege| privilege.capability)
            .collect()
    }
}

impl KernelPlan {
    /// Relocations of code that may be loaded which have no value there, and whether the same function asks for
    /// something that is not there: then it may well not come to them, and can be loaded.
    pub fn unresolved(&self) -> impl Iterator<Item = (&crate::CheckedRelo, bool)> {
        let asking: BTreeSet<(&str, &str)> = self
            .check
            .relos
            .iter()
            .filter(|relo| relo.outcome == crate::CoreOutcome::Absent)
            .map(|relo| (relo.section.as_str(), relo.function.as_str()))
            .collect();
        let used = self.check.unresolved().filter(|relo| relo.used);
        used.map(move |relo| (relo, asking.contains(&(relo.section.as_str(), relo.function.as_str()))))
    }
}

/// Instructions that are looked at in all; a file may make every program reach all of its functions.
const MAX_INSNS: usize = 1 << 22;
/// Instructions that a name in a list counts as.
const NAME: usize = 64;

/// What is gathered on the way.
struct Planner<'s> {
    spec: &'s ObjectSpec,
    linker: Linker<'s>,
    guards: Guards<'s>,
    /// Instructions that may still be looked at.
    left: usize,
    needs: Needs,
    privileges: Vec<Privilege>,
}

impl Planner<'_> {
    /// A program with all its functions.
    fn image(&mut self, index: usize) -> Result<ProgramImage, String> {
        if self.left == 0 {
            return Err("the programs before it reach too many instructions".to_owned());
        }
        let image = self.linker.image(index).map_err(|error| error.to_string());
        let size = image.as_ref().map_or(0, |image| image.insns.len());
        self.left = self.left.saturating_sub(size.max(1));
        image
    }

    /// Takes note of so many names that were listed.
    fn listed(&mut self, names: usize) {
        self.left = self.left.saturating_sub(names.saturating_mul(NAME));
    }
}
