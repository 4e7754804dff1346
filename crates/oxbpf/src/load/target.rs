//! What a program is verified against: a function or tracepoint of the kernel, of a module, or of another program.

use std::os::fd::AsFd;
use std::sync::Arc;

use oxbpf_obj::{AttachType, Btf, ProgramSpec, ProgramType, TypeId};
use oxbpf_sys::{Kernel, ObjectKind, SysError, uapi::OpenFlags};

use super::handlers;
use super::kernel_types::{Declared, KernelTypes, ModuleTypes};
use crate::btf::Kind;
use crate::error::{Error, Result};
use crate::program::Program;

/// What a program is verified against; nothing for most.
#[derive(Debug, Default)]
pub(super) struct Target<'a> {
    /// The function, in the types of the kernel, of `module` or of `program`.
    pub(super) id: TypeId,
    /// The types of the module that has it.
    pub(super) module: Option<Arc<ModuleTypes>>,
    /// The program that has it.
    pub(super) program: Option<&'a Program>,
}

/// Finds the target of `spec`: of `program` where the caller gives one.
pub(super) fn find<'a>(
    kernel: &Kernel,
    types: &KernelTypes,
    spec: &ProgramSpec,
    program: Option<&'a Program>,
) -> Result<Target<'a>> {
    let missing =
        |reason: String| Error::Target { program: spec.name.clone(), section: spec.section.clone(), reason };
    let untold = |source| {
        let what = format!("program {} ({})", spec.name, spec.section);
        Error::KernelBtf { what, source }
    };
    if is_of_many(spec.attach_type) {
        // Which functions is said when it is attached; but of which module they are, now.
        let Some((module, _)) = spec.attach_to.as_deref().and_then(|to| to.split_once(':')) else {
            return Ok(Target::default());
        };
        let found = types.find(Some(module), |_, _| Some(())).map_err(untold)?;
        let found = found.ok_or_else(|| missing(format!("this kernel has no module {module} with types")))?;
        return Ok(Target { module: found.module, ..Target::default() });
    }
    if !needs_target(spec, program.is_some()) {
        return Ok(Target::default());
    }
    let Some(name) = &spec.attach_to else {
        return Err(missing("its section names no target; set attach_to before loading".into()));
    };
    if let Some(program) = program {
        let id = in_program(kernel, name, program).map_err(missing)?;
        return Ok(Target { id, module: None, program: Some(program) });
    }
    if spec.prog_type == ProgramType::EXT {
        return Err(missing(format!(
            "the program whose function {name} it replaces is not given (LoadOptions::targets)"
        )));
    }
    let wanted = Wanted::of(spec.attach_type, name);
    match wanted.find(types) {
        Ok(Some(Declared { found, module, .. })) => Ok(Target { id: found, module, program: None }),
        Ok(None) => Err(missing(format!("this kernel has no {wanted}"))),
        Err(source) => Err(untold(source)),
    }
}

/// Whether programs of this attach type trace many functions at a time.
fn is_of_many(attach_type: Option<AttachType>) -> bool {
    matches!(
        attach_type,
        Some(
            AttachType::TRACE_FENTRY_MULTI | AttachType::TRACE_FEXIT_MULTI | AttachType::TRACE_FSESSION_MULTI
        )
    )
}

fn needs_target(spec: &ProgramSpec, given: bool) -> bool {
    // Who handles the section may know the target by other means.
    if spec.attach_to.is_none() && handlers::of(spec).is_some() {
        return false;
    }
    match spec.def {
        Some(def) => def.attach_btf || given,
        None => given || matches!(spec.prog_type, ProgramType::TRACING | ProgramType::LSM | ProgramType::EXT),
    }
}

/// A name in the kernel's types.
struct Wanted<'a> {
    /// The module that it must be in; any for `None`.
    module: Option<&'a str>,
    name: &'a str,
    prefix: &'static str,
    kind: Kind,
}

impl<'a> Wanted<'a> {
    /// What programs of this attach type mean by `name`, which may be `module:name`.
    fn of(attach_type: Option<AttachType>, name: &'a str) -> Self {
        let (module, name) = match name.split_once(':') {
            Some((module, name)) => (Some(module), name),
            None => (None, name),
        };
        let (prefix, kind) = match attach_type {
            Some(AttachType::TRACE_RAW_TP) => ("btf_trace_", Kind::Typedef),
            Some(AttachType::LSM_MAC | AttachType::LSM_CGROUP) => ("bpf_lsm_", Kind::Func),
            Some(AttachType::TRACE_ITER) => ("bpf_iter_", Kind::Func),
            _ => ("", Kind::Func),
        };
        Self { module, name, prefix, kind }
    }

    fn find(&self, types: &KernelTypes) -> Result<Option<Declared<TypeId>>, SysError> {
        let name = format!("{}{}", self.prefix, self.name);
        let look = |btf: &Btf, first| btf.find(&name, self.kind).filter(|id| *id >= first);
        types.find(self.module, look)
    }
}

impl std::fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.prefix {
            "btf_trace_" => "tracepoint",
            "bpf_lsm_" => "LSM hook",
            "bpf_iter_" => "iterator",
            _ => "function",
        };
        write!(f, "{what} {}", self.name)?;
        match self.module {
            Some(module) => write!(f, " in {module}"),
            None => f.write_str(" in its BTF"),
        }
    }
}

/// A function of the kernel or of a module.
pub(crate) fn find_function(kernel: &Kernel, name: &str) -> Result<Option<Declared<TypeId>>, SysError> {
    Wanted::of(None, name).find(&KernelTypes::new(kernel))
}

/// The function `name` of another program.
fn in_program(kernel: &Kernel, name: &str, program: &Program) -> Result<TypeId, String> {
    let of = program.name();
    let explain = |error: SysError| format!("program {of}: {error}");
    let info = kernel.prog_info(program.as_fd()).map_err(explain)?;
    if info.btf_id == 0 {
        return Err(format!("program {of} has no BTF, so its functions have no names"));
    }
    let fd = kernel.fd_by_id(ObjectKind::Btf, info.btf_id, OpenFlags::empty()).map_err(explain)?;
    let data = kernel.btf_data(fd.as_fd()).map_err(explain)?;
    let btf = Btf::parse(data).map_err(|error| format!("the BTF of program {of}: {error}"))?;
    btf.find(name, Kind::Func).ok_or_else(|| format!("program {of} has no function {name}"))
}
