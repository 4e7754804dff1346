//! A plan as JSON.

use std::io::{self, Write};
use std::path::Path;
use std::ptr;

use oxbpf::obj::{
    Capability, ExternKind, ExternPlan, KernelPlan, MapPlan, Memory, Need, Pinning, Plan, Privilege,
    ProgramPlan, Whose,
};
use serde::Serialize;

use crate::btf::Relocation;

pub(super) fn print(plans: &[(&Path, Plan)], to: &mut impl Write) -> io::Result<()> {
    let all: Vec<_> = plans.iter().map(|(path, plan)| Object::of(path, plan)).collect();
    serde_json::to_writer(&mut *to, &all)?;
    to.write_all(b"\n")
}

#[derive(Serialize)]
struct Object<'p> {
    path: String,
    name: &'p str,
    license: &'p str,
    /// The oldest kernel that may load it, null if every one may; and what makes it that.
    oldest: Option<Needed<'p>>,
    /// The same if every instruction is reached.
    oldest_if_reached: Option<Needed<'p>>,
    /// The same for attaching its programs.
    oldest_to_attach: Option<Needed<'p>>,
    programs: Vec<Program<'p>>,
    maps: Vec<Map<'p>>,
    externs: Vec<Extern<'p>>,
    needs: Vec<Needed<'p>>,
    privileges: Vec<Taken<'p>>,
    kernels: Vec<Kernel<'p>>,
}

impl<'p> Object<'p> {
    fn of(path: &'p Path, plan: &'p Plan) -> Self {
        Self {
            path: path.display().to_string(),
            name: &plan.object,
            license: &plan.license,
            oldest: plan.oldest().map(Needed::of),
            oldest_if_reached: plan.oldest_if_reached().map(Needed::of),
            oldest_to_attach: plan.oldest_to_attach().map(Needed::of),
            programs: plan.programs.iter().map(Program::of).collect(),
            maps: plan.maps.iter().map(Map::of).collect(),
            externs: plan.externs.iter().map(Extern::of).collect(),
            needs: plan.needs.iter().map(Needed::of).collect(),
            privileges: plan.privileges.iter().map(Taken::of).collect(),
            kernels: plan.kernels.iter().map(Kernel::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct Needed<'p> {
    since: String,
    what: &'p str,
    /// `load`, `reached`, `attach` or `spared`.
    when: &'static str,
    program: Option<&'p str>,
    map: Option<&'p str>,
    function: Option<&'p str>,
    insn: Option<usize>,
    line: Option<&'p str>,
}

impl<'p> Needed<'p> {
    fn of(need: &'p Need) -> Self {
        let when = need.when.name();
        let plain = Self {
            since: need.since.to_string(),
            what: &need.what,
            when,
            program: None,
            map: None,
            function: None,
            insn: None,
            line: None,
        };
        match &need.whose {
            Whose::Program { name } => Self { program: Some(name), ..plain },
            Whose::Map { name } => Self { map: Some(name), ..plain },
            Whose::Instruction { program, function, insn, line } => Self {
                program: Some(program),
                function: Some(function),
                insn: Some(*insn),
                line: line.as_deref(),
                ..plain
            },
            _ => plain,
        }
    }
}

#[derive(Serialize)]
struct Program<'p> {
    name: &'p str,
    section: &'p str,
    r#type: String,
    attach_type: Option<String>,
    target: Option<&'p str>,
    loaded: bool,
    sleepable: bool,
    own_insns: usize,
    insns: usize,
    functions: &'p [String],
    helpers: &'p [String],
    kfuncs: &'p [String],
    maps: &'p [String],
    config: Option<&'static str>,
    capabilities: Vec<&'static str>,
    oldest: Option<Needed<'p>>,
    problem: Option<&'p str>,
}

impl<'p> Program<'p> {
    fn of(plan: &'p ProgramPlan) -> Self {
        Self {
            name: &plan.name,
            section: &plan.section,
            r#type: plan.prog_type.to_string(),
            attach_type: plan.attach_type.map(|attach| attach.to_string()),
            target: plan.target.as_deref(),
            loaded: plan.loaded,
            sleepable: plan.sleepable,
            own_insns: plan.own_insns,
            insns: plan.insns,
            functions: &plan.functions,
            helpers: &plan.helpers,
            kfuncs: &plan.kfuncs,
            maps: &plan.maps,
            config: plan.config,
            capabilities: plan.capabilities.iter().copied().map(Capability::name).collect(),
            oldest: plan.oldest.as_ref().map(Needed::of),
            problem: plan.problem.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct Map<'p> {
    name: &'p str,
    r#type: String,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: Vec<&'static str>,
    pinned: bool,
    global_data: bool,
    created: bool,
    inner: Option<Box<Map<'p>>>,
    memory: Option<Room>,
    config: Option<&'static str>,
    oldest: Option<String>,
}

/// An estimate, in bytes.
#[derive(Serialize)]
struct Room {
    created: u64,
    full: u64,
    per_cpu: u64,
}

impl<'p> Map<'p> {
    fn of(plan: &'p MapPlan) -> Self {
        let room = |Memory { created, full, per_cpu, .. }: Memory| Room { created, full, per_cpu };
        Self {
            name: &plan.name,
            r#type: plan.map_type.to_string(),
            key_size: plan.key_size,
            value_size: plan.value_size,
            max_entries: plan.max_entries,
            flags: plan.flags.iter_names().map(|(name, _)| name).collect(),
            pinned: plan.pinning != Pinning::None,
            global_data: plan.global_data,
            created: plan.created,
            inner: plan.inner.as_deref().map(|inner| Box::new(Map::of(inner))),
            memory: plan.memory.map(room),
            config: plan.config,
            oldest: plan.oldest.map(|oldest| oldest.to_string()),
        }
    }
}

#[derive(Serialize)]
struct Extern<'p> {
    name: &'p str,
    /// `kconfig`, `variable`, `symbol`, `function` or `unknown`.
    kind: &'static str,
    weak: bool,
}

impl<'p> Extern<'p> {
    fn of(plan: &'p ExternPlan) -> Self {
        let kind = match plan.kind {
            ExternKind::Kconfig { .. } => "kconfig",
            ExternKind::KsymVar if plan.typed => "variable",
            ExternKind::KsymVar => "symbol",
            ExternKind::KsymFunc => "function",
            _ => "unknown",
        };
        Self { name: &plan.name, kind, weak: plan.weak }
    }
}

#[derive(Serialize)]
struct Taken<'p> {
    capability: &'static str,
    what: &'p str,
    /// Whether it is attaching that takes it.
    attach: bool,
}

impl<'p> Taken<'p> {
    fn of(privilege: &'p Privilege) -> Self {
        Self { capability: privilege.capability.name(), what: &privilege.what, attach: privilege.attach }
    }
}

#[derive(Serialize)]
struct Kernel<'p> {
    btf: &'p str,
    /// Whether every relocation that is used resolves.
    resolved: bool,
    relocations: Vec<Relocation<'p>>,
    /// Those without a value, by their number above, that the same function may step around: it asks what is there.
    guarded: Vec<usize>,
}

impl<'p> Kernel<'p> {
    fn of(plan: &'p KernelPlan) -> Self {
        let guarded = plan.unresolved().filter(|(_, guarded)| *guarded);
        // They come in the order of all.
        let mut all = plan.check.relos.iter().enumerate();
        let mut number = |relo| all.find(|(_, other)| ptr::eq(*other, relo)).map(|(number, _)| number);
        Self {
            btf: &plan.name,
            resolved: plan.check.is_resolved(),
            relocations: plan.check.relos.iter().map(Relocation::of).collect(),
            guarded: guarded.filter_map(|(relo, _)| number(relo)).collect(),
        }
    }
}
