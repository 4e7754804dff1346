//! Programs: handed to the verifier, with what this kernel takes of what they come with.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use oxbpf_obj::{
    AttachKind, AttachType, Insn, MapOrigin, ObjectSpec, ProgramImage, ProgramSpec, ProgramType, insn::opcode,
};
use oxbpf_sys::{Cmd, Errno, InfoRecords, Kernel, KernelVersion, LogBuf, ProgLoad, SysError};

use super::hints::refused;
use super::kernel_types::ModuleTypes;
use super::parts::Parts;
use super::target::{self, Target};
use super::{LoadOptions, hints, memlock, names, parallel};
use crate::error::{Error, Result};
use crate::features::{Feature, lacks, running};
use crate::map::Map;
use crate::program::{About, Program};
use crate::verifier::VerifierError;

/// Room for the verifier's log at first.
const LOG_SIZE: usize = 64 * 1024;
/// Instructions that are worth a thread of their own, a program counting for [`EACH`] at least.
const SHARE: usize = 512;
const EACH: usize = 64;

/// Loads the programs of `parts`, several at a time, in the order of the spec.
pub(super) fn load(spec: &ObjectSpec, options: &LoadOptions, parts: &Parts) -> Result<Vec<Program>> {
    let fd_array = fd_array(&parts.modules);
    let loader = Loader { spec, options, parts, fd_array: &fd_array };
    parallel::map(parts.images.len(), threads(options, &parts.images), |i| {
        let image = parts.images.get(i).expect("numbers are below the count of images");
        loader.load(image)
    })
}

/// The descriptors that calls of functions of modules name by their place: the first place means the kernel itself, so
/// that what stands there does not matter. Empty if there is no such function.
fn fd_array(modules: &[Arc<ModuleTypes>]) -> Vec<BorrowedFd<'_>> {
    modules.first().into_iter().chain(modules).map(|module| module.fd.as_fd()).collect()
}

/// How many threads the programs are worth.
fn threads(options: &LoadOptions, images: &[ProgramImage]) -> NonZeroUsize {
    if let Some(asked) = options.threads {
        return asked;
    }
    let work: usize = images.iter().map(|image| image.insns.len().max(EACH)).sum();
    match NonZeroUsize::new(work / SHARE) {
        // Asking for the number of CPUs is several system calls.
        None | Some(NonZeroUsize::MIN) => NonZeroUsize::MIN,
        Some(shares) => shares.min(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)),
    }
}

struct Loader<'a> {
    spec: &'a ObjectSpec,
    options: &'a LoadOptions,
    parts: &'a Parts,
    /// What calls of functions of modules refer to.
    fd_array: &'a [BorrowedFd<'a>],
}

/// A program as it will be offered to the kernel next.
struct Attempt<'a> {
    insns: Cow<'a, [Insn]>,
    name: String,
    attach_type: Option<AttachType>,
    kernel_version: u32,
    target: Target<'a>,
}

impl Loader<'_> {
    fn load(&self, image: &ProgramImage) -> Result<Program> {
        let spec = self.spec.programs.get(image.program).ok_or_else(|| Error::NoSuchProgram {
            object: self.spec.name.clone(),
            name: format!("#{}", image.program),
            have: self.spec.programs.iter().map(|program| program.name.clone()).collect(),
        })?;
        let kernel = &self.options.kernel;
        let mut attempt = Attempt {
            insns: Cow::Borrowed(&image.insns),
            name: names::for_kernel(&spec.name),
            attach_type: attach_type(kernel, spec),
            kernel_version: self.spec.kernel_version,
            target: Target::default(),
        };
        match self.parts.struct_ops.role(image.program) {
            Some(role) => {
                // Of these the number means which function of the struct it is.
                attempt.attach_type = Some(AttachType(role.member));
                attempt.target = Target { id: role.ty, module: role.module.clone(), program: None };
            }
            None => {
                let program = self.options.targets.get(&spec.name);
                attempt.target = target::find(kernel, &self.parts.types, spec, program)?;
            }
        }
        let level = self.options.log_level | spec.log_level;
        let (fd, log) = self.offer(spec, image, &mut attempt, level)?;
        self.bind_constants(kernel, image, &fd);
        let about = About {
            name: spec.name.clone(),
            section: spec.section.clone(),
            def: spec.def,
            prog_type: spec.prog_type,
            attach_type: attach_type(kernel, spec),
            attach_to: spec.attach_to.clone(),
            flags: spec.flags,
            autoattach: spec.autoattach,
            ifindex: spec.ifindex,
            log,
        };
        Ok(Program::new(fd, kernel.clone(), about))
    }

    /// Offers the program: first without a log unless one is asked for, then with what the kernel lacks taken back,
    /// last with a log that says what is wrong.
    fn offer(
        &self,
        spec: &ProgramSpec,
        image: &ProgramImage,
        attempt: &mut Attempt<'_>,
        level: u32,
    ) -> Result<(OwnedFd, Option<String>)> {
        let kernel = &self.options.kernel;
        if level == 0 {
            loop {
                let error = match self.send(spec, image, attempt, None) {
                    Ok(fd) => return Ok((fd, None)),
                    Err(error) => error,
                };
                if !lower(kernel, spec, attempt, &error) {
                    break;
                }
            }
        }
        let level = if level == 0 { LogBuf::ERRORS } else { level };
        let mut log = LogBuf::new(level, LOG_SIZE);
        let error = loop {
            match self.send(spec, image, attempt, Some(&mut log)) {
                Ok(fd) => return Ok((fd, Some(log.text().into_owned()))),
                Err(error) if error.errno == Errno::ENOSPC && log.size() < LogBuf::MAX_SIZE => {
                    let needed = log.true_size().map_or(0, |size| size as usize);
                    log = LogBuf::new(level, needed.max(log.size().saturating_mul(2)));
                }
                Err(error) if lower(kernel, spec, attempt, &error) => {}
                Err(error) => break error,
            }
        };
        Err(self.explain(spec, image, error, &log.text()))
    }

    fn send(
        &self,
        spec: &ProgramSpec,
        image: &ProgramImage,
        attempt: &Attempt<'_>,
        mut log: Option<&mut LogBuf>,
    ) -> Result<OwnedFd, SysError> {
        let functions: Vec<u8> = image
            .func_info
            .iter()
            .flat_map(|info| [info.insn_off, info.ty.0])
            .flat_map(u32::to_ne_bytes)
            .collect();
        let lines: Vec<u8> = image
            .line_info
            .iter()
            .flat_map(|info| [info.insn_off, info.file_name_off, info.line_off, info.line_col])
            .flat_map(u32::to_ne_bytes)
            .collect();
        let mut load = ProgLoad {
            prog_type: spec.prog_type,
            expected_attach_type: attempt.attach_type,
            insns: Insn::native_bytes(&attempt.insns),
            license: &self.spec.license,
            name: &attempt.name,
            flags: spec.flags,
            kern_version: attempt.kernel_version,
            ifindex: spec.ifindex,
            attach_btf_id: attempt.target.id.0,
            attach_btf_obj_fd: attempt.target.module.as_ref().map(|module| module.fd.as_fd()),
            attach_prog_fd: attempt.target.program.map(AsFd::as_fd),
            fd_array: self.fd_array,
            ..ProgLoad::default()
        };
        if let Some(btf) = self.parts.btf.as_ref().filter(|btf| btf.functions) {
            load.btf_fd = Some(btf.fd.as_fd());
            load.func_info = InfoRecords { rec_size: 8, records: &functions };
            load.line_info = InfoRecords { rec_size: 16, records: &lines };
        }
        let kernel = &self.options.kernel;
        memlock::retried(kernel, || kernel.prog_load(&load, log.as_deref_mut()))
    }

    /// Keeps the object's constants alive with a program that does not use them, so that tools that look at the program
    /// find them (5.10). The kernel binds those that it does use by itself.
    fn bind_constants(&self, kernel: &Kernel, image: &ProgramImage, program: &OwnedFd) {
        let constants = self.spec.maps.iter().enumerate().filter_map(|(index, map)| {
            let unused =
                matches!(map.origin, MapOrigin::Rodata { .. }) && !uses(image, self.parts.maps.get(index)?);
            unused.then(|| self.parts.maps.get(index)).flatten()
        });
        for map in constants {
            if let Err(error) = kernel.prog_bind_map(program.as_fd(), map.as_fd()) {
                tracing::debug!(map = map.name(), %error, "constants not bound to the program");
            }
        }
    }

    fn explain(&self, spec: &ProgramSpec, image: &ProgramImage, mut error: SysError, log: &str) -> Error {
        if log.trim().is_empty() {
            return Error::ProgramLoad {
                program: spec.name.clone(),
                section: spec.section.clone(),
                prog_type: spec.prog_type,
                hint: hints::program(&self.options.kernel, self.spec, spec, &mut error),
                // The name stands before it.
                source: error.bare(),
            };
        }
        let btf = self.spec.btf.as_ref();
        let rejected =
            VerifierError::parse(&spec.name, &spec.section, image, btf, error.errno, log.to_owned());
        Error::Rejected(Box::new(rejected))
    }
}

/// Whether instructions of `image` refer to `map`.
fn uses(image: &ProgramImage, map: &Map) -> bool {
    use std::os::fd::AsRawFd;
    let fd = map.as_fd().as_raw_fd();
    image.insns.iter().any(|insn| {
        insn.is_ldimm64()
            && matches!(insn.src(), opcode::PSEUDO_MAP_FD | opcode::PSEUDO_MAP_VALUE)
            && insn.imm == fd
    })
}

/// What the kernel is told a program is for. Probes of USDT are attached many at a time where the kernel can.
fn attach_type(kernel: &Kernel, spec: &ProgramSpec) -> Option<AttachType> {
    let is_usdt = spec.def.is_some_and(|def| def.attach == AttachKind::Usdt);
    if is_usdt && !lacks(kernel, Feature::UprobeMultiLink) {
        return Some(AttachType::TRACE_UPROBE_MULTI);
    }
    spec.attach_type
}

/// Takes back one thing of `attempt` that this kernel lacks; false if there is none left.
fn lower(kernel: &Kernel, spec: &ProgramSpec, attempt: &mut Attempt<'_>, error: &SysError) -> bool {
    if !refused(error, Cmd::PROG_LOAD) {
        return false;
    }
    if !attempt.name.is_empty() && lacks(kernel, Feature::ObjectNames) {
        attempt.name.clear();
    } else if spec.def.is_some_and(|def| def.attach_type_optional)
        && attempt.attach_type.is_some_and(|attach| is_new_to(kernel, attach))
    {
        attempt.attach_type = None;
    } else if spec.prog_type == ProgramType::KPROBE
        && let Some(code) = version_code_needed(kernel)
        && attempt.kernel_version != code
    {
        attempt.kernel_version = code;
    } else if attempt.insns.iter().any(|insn| older_helper(*insn).is_some())
        && lacks(kernel, Feature::ProbeReadKernel)
    {
        for insn in attempt.insns.to_mut() {
            insn.imm = older_helper(*insn).unwrap_or(insn.imm);
        }
    } else {
        return false;
    }
    true
}

/// Whether this kernel is from before `attach`, or from before attach types mattered at load.
fn is_new_to(kernel: &Kernel, attach: AttachType) -> bool {
    let older = |(major, minor): (u16, u16)| {
        running(kernel).is_some_and(|running| !running.at_least(major.into(), minor.into()))
    };
    attach.since().is_some_and(older) || lacks(kernel, Feature::ExpectedAttachType)
}

/// The version that kprobe programs must name before 5.0.
fn version_code_needed(kernel: &Kernel) -> Option<u32> {
    running(kernel).filter(|running| !running.at_least(5, 0)).map(KernelVersion::code)
}

/// The helper that reads memory of either kind, in place of one that says which (5.5).
fn older_helper(insn: Insn) -> Option<i32> {
    const PROBE_READ: i32 = 4;
    const PROBE_READ_STR: i32 = 45;
    if !insn.is_helper_call() {
        return None;
    }
    match insn.imm {
        112 | 113 => Some(PROBE_READ),
        114 | 115 => Some(PROBE_READ_STR),
        _ => None,
    }
}
