//! What a program is and needs.

use std::collections::BTreeSet;

use super::need::{Need, Privilege, Release, When, Whose};
use super::scan::{self, Scan};
use super::{Planner, flags};
use crate::insn::{helper_name, helper_since};
use crate::relo_core::shortened;
use crate::spec::ExternKind;
use crate::uapi::{AttachType, ProgramFlags, ProgramType, since};
use crate::{AttachKind, Capability, ProgramImage, ProgramSpec, TypeId, helper_capability, kfunc_since};

/// A program of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProgramPlan {
    /// Its name.
    pub name: String,
    /// The section's name.
    pub section: String,
    /// Its type.
    pub prog_type: ProgramType,
    /// The attach type expected at load.
    pub attach_type: Option<AttachType>,
    /// How it is attached, if its section says.
    pub attach: Option<AttachKind>,
    /// What it is attached to, if its section says.
    pub target: Option<String>,
    /// Whether it is loaded unless it is turned on or off.
    pub loaded: bool,
    /// Whether it may sleep.
    pub sleepable: bool,
    /// Its own instructions, in slots of 8 bytes.
    pub own_insns: usize,
    /// Those with all functions that it reaches.
    pub insns: usize,
    /// The functions that it reaches, in the order of the instructions.
    pub functions: Vec<String>,
    /// The helpers that it calls, by name; numbers of those without.
    pub helpers: Vec<String>,
    /// The functions of the kernel and its modules that it calls.
    pub kfuncs: Vec<String>,
    /// The maps that it uses, those of global variables included.
    pub maps: Vec<String>,
    /// The option of the kernel's build that its type depends on.
    pub config: Option<&'static str>,
    /// The capabilities that loading it takes.
    pub capabilities: BTreeSet<Capability>,
    /// What makes the oldest kernel that may load it the one that it is.
    pub oldest: Option<Need>,
    /// Why its instructions could not be looked at: it cannot be loaded either.
    pub problem: Option<String>,
}

impl Planner<'_> {
    /// Looks at a program; what it needs goes to the planner's lists.
    pub(super) fn program(&mut self, index: usize, program: &ProgramSpec, loaded: bool) -> ProgramPlan {
        let mut plan = ProgramPlan {
            name: shortened(&program.name),
            section: shortened(&program.section),
            prog_type: program.prog_type,
            attach_type: program.attach_type,
            attach: program.def.map(|def| def.attach),
            target: program.attach_to.as_deref().map(shortened),
            loaded,
            sleepable: program.flags.contains(ProgramFlags::SLEEPABLE),
            own_insns: program.insns().len(),
            insns: 0,
            functions: Vec::new(),
            helpers: Vec::new(),
            kfuncs: Vec::new(),
            maps: Vec::new(),
            config: program.prog_type.config(),
            capabilities: program.prog_type.capabilities().into_iter().collect(),
            oldest: None,
            problem: None,
        };
        let mut needs = as_such(program);
        match self.image(index) {
            Ok(image) => needs.extend(self.instructions(&mut plan, &image)),
            Err(problem) => plan.problem = Some(problem),
        }
        if program.prog_type == ProgramType::UNSPEC {
            plan.problem =
                Some("its section says no type: no kernel loads it unless it is given one".to_owned());
        }
        plan.oldest =
            needs.iter().filter(|need| need.when == When::Load).max_by_key(|need| need.since).cloned();
        if !loaded {
            self.needs.add(needs.into_iter().map(|need| Need { when: When::Spared, ..need }));
            return plan;
        }
        self.needs.add(needs);
        for capability in program.prog_type.capabilities() {
            self.takes(capability, format!("programs of type {}", program.prog_type), false);
        }
        for capability in to_attach(program) {
            self.takes(capability, format!("attaching program {}", shortened(&program.name)), true);
        }
        plan
    }

    /// What follows from its instructions.
    fn instructions(&mut self, plan: &mut ProgramPlan, image: &ProgramImage) -> Vec<Need> {
        let found = Scan::of(image);
        plan.insns = image.insns.len();
        plan.functions = image.functions.iter().map(|(name, _)| shortened(name)).collect();
        plan.maps = found
            .maps
            .iter()
            .filter_map(|map| self.spec.maps.get(*map))
            .map(|map| shortened(&map.name))
            .collect();
        // Whatever is asked, the way to the first question is gone.
        let sure = if self.guards.any_in(image) { scan::first_branch(image) } else { image.insns.len() };
        let btf = self.spec.btf.as_ref();
        let mut needs = Vec::new();
        let mut add = |since: Release, what: String, at: usize, spared: bool| {
            let whose = scan::place(btf, &plan.name, image, at);
            let when = match at <= sure {
                _ if spared => When::Spared,
                true => When::Load,
                false => When::Reached,
            };
            needs.push(Need { since, what, whose, when });
        };
        for (id, at) in &found.helpers {
            plan.helpers.push(helper_name(*id).map_or_else(|| id.to_string(), str::to_owned));
            if let Some(since) = helper_since(*id) {
                add(since.into(), scan::helper(*id), *at, is_replaced(*id));
            }
        }
        for (what, (since, at)) in &found.features {
            add(*since, (*what).to_owned(), *at, false);
        }
        for (index, at) in &found.symbols {
            let Some(symbol) = self.spec.externs.get(*index) else { continue };
            match symbol.kind {
                ExternKind::KsymFunc => {
                    let name = shortened(&symbol.name);
                    let known = kfunc_since(crate::relo_core::essential_name(&symbol.name));
                    add(known.unwrap_or((5, 13)).into(), format!("kernel function {name}"), *at, symbol.weak);
                    plan.kfuncs.push(name);
                }
                ExternKind::KsymVar if symbol.value_type != TypeId(0) => {
                    add(
                        (5, 10).into(),
                        format!("address of the kernel's variable {}", shortened(&symbol.name)),
                        *at,
                        symbol.weak,
                    );
                }
                _ => {}
            }
        }
        for (what, (since, at)) in &found.shape {
            let whose = scan::place(btf, &plan.name, image, *at);
            needs.push(Need { since: *since, what: (*what).to_owned(), whose, when: When::Load });
        }
        self.listed(plan.functions.len().saturating_add(plan.maps.len()).saturating_add(plan.kfuncs.len()));
        for id in found.helpers.keys() {
            let Some(capability) = helper_capability(*id) else { continue };
            // Most types take it anyway.
            if plan.capabilities.insert(capability) && plan.loaded {
                self.takes(capability, scan::helper(*id), false);
            }
        }
        needs
    }

    fn takes(&mut self, capability: Capability, what: String, attach: bool) {
        let known = self.privileges.iter().any(|p| p.capability == capability && p.what == what);
        if !known {
            self.privileges.push(Privilege { capability, what, attach });
        }
    }
}

/// What follows from its type, its attach type and its flags.
fn as_such(program: &ProgramSpec) -> Vec<Need> {
    let mut needs = Vec::new();
    let whose = || Whose::Program { name: shortened(&program.name) };
    let mut add = |since: Release, what: String, when| {
        needs.push(Need { since, what, whose: whose(), when });
    };
    if let Some(since) = program.prog_type.since() {
        add(since.into(), format!("programs of type {}", program.prog_type), When::Load);
    }
    let optional = program.def.is_some_and(|def| def.attach_type_optional);
    if let Some(attach) = program.attach_type
        && let Some(since) = attach.since()
    {
        let when =
            if flags::minds_attach_type(program.prog_type) && !optional { When::Load } else { When::Attach };
        add(since.into(), format!("attach type {attach}"), when);
        // Before, no attach type could be given at all; number 0 is as good as none.
        if attach.0 != 0 && program.prog_type != ProgramType::STRUCT_OPS {
            let when = if optional { When::Spared } else { When::Load };
            let (since, what) = since::EXPECTED_ATTACH_TYPE;
            add(since.into(), what.to_owned(), when);
        }
    }
    for (since, what, when) in flags::of_program(program.flags, program.prog_type, program.attach_type) {
        add(since, what.to_owned(), when);
    }
    needs
}

/// Helpers that the loader puts an older one in the place of.
fn is_replaced(helper: u32) -> bool {
    matches!(helper, 112..=115)
}

/// What attaching takes that loading may not.
fn to_attach(program: &ProgramSpec) -> Vec<Capability> {
    use AttachKind as K;
    let Some(def) = program.def else { return Vec::new() };
    match def.attach {
        K::Tracepoint
        | K::Kprobe
        | K::Kretprobe
        | K::Ksyscall
        | K::Kretsyscall
        | K::Uprobe
        | K::Uretprobe => {
            vec![Capability::Perfmon]
        }
        K::Usdt | K::PerfEvent => vec![Capability::Perfmon],
        K::Xdp | K::Tc | K::Tcx | K::Netkit | K::Netfilter | K::Cgroup | K::Netns | K::Lirc => {
            vec![Capability::NetAdmin]
        }
        _ => Vec::new(),
    }
}
