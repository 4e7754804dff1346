//! What a program is verified against: a function or tracepoint of the kernel, of a module, or of another program.

use std::os::fd::AsFd;
use std::sync::Arc;

use oxbpf_obj::{AttachType, Btf, KernelTarget, ProgramSpec, ProgramType, TypeId};
use oxbpf_sys::{Errno, Kernel, ObjectKind, SysError, uapi::OpenFlags};

use super::kernel_types::{Declared, KernelTypes, ModuleTypes};
use super::{handlers, hints};
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
    let missing = |reason: String| Error::Target {
        program: spec.name.clone(),
        section: spec.section.to_string(),
        reason,
    };
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
        let of = program.name();
        let btf = types_of(kernel, program).map_err(|mut source| Error::TargetBtf {
            program: spec.name.clone(),
            target: of.to_owned(),
            hint: hints::by_id(kernel, &mut source),
            source,
        })?;
        let btf =
            btf.ok_or_else(|| missing(format!("program {of} has no BTF, so its functions have no names")))?;
        let id = btf.find(name, Kind::Func);
        let id = id.ok_or_else(|| missing(format!("program {of} has no function {name}")))?;
        return Ok(Target { id, module: None, program: Some(program) });
    }
    if spec.prog_type == ProgramType::EXT {
        return Err(missing(format!(
            "the program whose function {name} it replaces is not given (LoadOptions::targets)"
        )));
    }
    let wanted = KernelTarget::new(spec.attach_type, name);
    match look(&wanted, types) {
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
    given || spec.needs_target()
}

/// Looks for a target in the kernel first, then in its modules.
fn look(wanted: &KernelTarget<'_>, types: &KernelTypes) -> Result<Option<Declared<TypeId>>, SysError> {
    let name = wanted.btf_name();
    let look = |btf: &Btf, first| btf.find(&name, wanted.kind).filter(|id| *id >= first);
    types.find(wanted.module, look)
}

/// A function of the kernel or of a module.
pub(crate) fn find_function(kernel: &Kernel, name: &str) -> Result<Option<Declared<TypeId>>, SysError> {
    look(&KernelTarget::new(None, name), &KernelTypes::new(kernel))
}

/// Functions of the kernel or of modules, whose types are read once for all of them.
pub(crate) fn find_functions<'n>(
    kernel: &Kernel,
    names: impl IntoIterator<Item = &'n str>,
) -> impl Iterator<Item = Result<Option<Declared<TypeId>>, SysError>> {
    let types = KernelTypes::new(kernel);
    names.into_iter().map(move |name| look(&KernelTarget::new(None, name), &types))
}

/// The types of another program, if it has any.
fn types_of(kernel: &Kernel, program: &Program) -> Result<Option<Btf>, SysError> {
    let info = kernel.prog_info(program.as_fd())?;
    if info.btf_id == 0 {
        return Ok(None);
    }
    let fd = kernel.fd_by_id(ObjectKind::Btf, info.btf_id, OpenFlags::empty())?;
    let btf = Btf::parse(kernel.btf_data(fd.as_fd())?);
    btf.map(Some).map_err(|error| SysError::new("parse", Errno::EINVAL).because(error.to_string()))
}
