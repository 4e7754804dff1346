//! Programs: handed to the verifier, with what this kernel takes of what they come with.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use oxbpf_obj::{AttachType, MapOrigin, ObjectSpec, ProgramImage, ProgramSpec, insn::opcode};
use oxbpf_sys::{Errno, LogBuf, SysError};

use super::images::Images;
use super::kernel_types::ModuleTypes;
use super::parts::Parts;
use super::request::{self, Common, LoadRequest};
use super::target::{self, Target};
use super::{LoadOptions, handlers, hints, parallel};
use crate::error::{Error, Result};
use crate::map::Map;
use crate::program::{About, Kinds, Program};
use crate::verifier::VerifierError;

/// Room for the verifier's log at first.
const LOG_SIZE: usize = 64 * 1024;
/// Instructions that are worth a thread of their own, a program counting for [`EACH`] at least.
const SHARE: usize = 512;
const EACH: usize = 64;

/// Loads the programs of `parts`, several at a time, in the order of the spec.
pub(super) fn load(
    spec: &ObjectSpec,
    options: &LoadOptions,
    parts: &Parts,
    images: &Images<'_>,
) -> Result<Vec<Program>> {
    let fd_array = fd_array(&parts.modules);
    let loader = Loader::new(spec, options, parts, &fd_array);
    let programs = images.programs();
    parallel::map(programs.len(), threads(options, images), |i| {
        loader.load(&*images.get(i, programs[i], &parts.maps)?)
    })
}

/// Loads the program of `image` as `spec` says. Constants that it does not use are not bound to it.
pub(super) fn load_copy(
    object: &ObjectSpec,
    options: &LoadOptions,
    parts: &Parts,
    spec: &ProgramSpec,
    image: &ProgramImage,
) -> Result<Program> {
    let fd_array = fd_array(&parts.modules);
    Loader::new(object, options, parts, &fd_array).load_as(spec, image)
}

/// The descriptors that calls of functions of modules name by their place: the first place means the kernel itself, so
/// that what stands there does not matter. Empty if there is no such function.
fn fd_array(modules: &[Arc<ModuleTypes>]) -> Vec<BorrowedFd<'_>> {
    modules.first().into_iter().chain(modules).map(|module| module.fd.as_fd()).collect()
}

/// How many threads the programs are worth.
fn threads(options: &LoadOptions, images: &Images<'_>) -> NonZeroUsize {
    if let Some(asked) = options.threads {
        return asked;
    }
    match NonZeroUsize::new(images.work(EACH) / SHARE) {
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
    kinds: Kinds,
}

impl<'a> Loader<'a> {
    fn new(
        spec: &'a ObjectSpec,
        options: &'a LoadOptions,
        parts: &'a Parts,
        fd_array: &'a [BorrowedFd<'a>],
    ) -> Self {
        Self { spec, options, parts, fd_array, kinds: Kinds::new(&options.kernel) }
    }

    /// The program at this place of the spec.
    fn load(&self, image: &ProgramImage) -> Result<Program> {
        let spec = self.spec.programs.get(image.program).ok_or_else(|| Error::NoSuchProgram {
            object: self.spec.name.clone(),
            name: format!("#{}", image.program),
            have: self.spec.programs.iter().map(|program| program.name.clone()).collect(),
        })?;
        let program = self.load_as(spec, image)?;
        self.bind_constants(image, &program);
        Ok(program)
    }

    /// A program, loaded as `spec` says.
    fn load_as(&self, spec: &ProgramSpec, image: &ProgramImage) -> Result<Program> {
        let mut request = self.request(spec, image)?;
        let handler = handlers::of(spec);
        if let Some(handler) = handler {
            handler.prepare_load(spec, &mut request)?;
        }
        let attach_type = request.attach_type.filter(|_| self.parts.struct_ops.role(image.program).is_none());
        let (fd, log) = self.offer(spec, image, &mut request)?;
        let about = About {
            name: &spec.name,
            section: &spec.section,
            def: spec.def,
            prog_type: request.prog_type,
            attach_type,
            attach_to: spec.attach_to.as_deref(),
            flags: request.flags,
            autoattach: spec.autoattach,
            ifindex: request.ifindex,
            log,
            handler,
        };
        Ok(self.kinds.program(fd, about))
    }

    /// What the kernel will be asked for.
    fn request<'i>(&self, spec: &ProgramSpec, image: &'i ProgramImage) -> Result<LoadRequest<'i>> {
        let kernel = &self.options.kernel;
        let (attach_type, target) = match self.parts.struct_ops.role(image.program) {
            // Of these the number means which function of the struct it is.
            Some(role) => (
                Some(AttachType(role.member)),
                Target { id: role.ty, module: role.module.clone(), program: None },
            ),
            None => {
                // A copy under another name is for the same.
                let own = self.spec.programs.get(image.program).map_or(&spec.name, |own| &own.name);
                let program = self.options.targets.get(own);
                let target = target::find(kernel, &self.parts.types, spec, program)?;
                (request::attach_type(kernel, spec), target)
            }
        };
        Ok(LoadRequest {
            insns: Cow::Borrowed(&image.insns),
            func_info: Cow::Borrowed(&image.func_info),
            line_info: Cow::Borrowed(&image.line_info),
            name: spec.name.clone(),
            prog_type: spec.prog_type,
            attach_type,
            flags: spec.flags,
            kernel_version: self.spec.kernel_version,
            ifindex: spec.ifindex,
            attach_btf_id: target.id,
            attach_program: target.program.cloned(),
            module: target.module,
            log_level: self.options.log_level | spec.log_level,
        })
    }

    /// Offers the program: first without a log unless one is asked for, then with what the kernel lacks taken back,
    /// last with a log that says what is wrong.
    fn offer(
        &self,
        spec: &ProgramSpec,
        image: &ProgramImage,
        request: &mut LoadRequest<'_>,
    ) -> Result<(OwnedFd, Option<String>)> {
        let kernel = &self.options.kernel;
        let btf = self.parts.btf.as_ref().filter(|btf| btf.functions);
        let common = Common {
            license: &self.spec.license,
            btf: btf.map(|btf| btf.fd.as_fd()),
            fd_array: self.fd_array,
        };
        let mut refusal = None;
        while request.log_level == 0 {
            let error = match request.send(kernel, common, None) {
                Ok(fd) => return Ok((fd, None)),
                Err(error) => error,
            };
            if !request.lower(kernel, spec, &error) {
                refusal = Some(error);
                break;
            }
        }
        let level = if request.log_level == 0 { LogBuf::ERRORS } else { request.log_level };
        let size = spec.log_size.or(self.options.log_size);
        let mut log = LogBuf::new(level, size.map_or(LOG_SIZE, |size| size.get() as usize));
        let error = loop {
            match request.send(kernel, common, Some(&mut log)) {
                Ok(fd) => {
                    self.tell(spec, &log);
                    return Ok((fd, Some(log.text().into_owned())));
                }
                Err(error) if error.errno == Errno::ENOSPC => match size {
                    None if log.size() < LogBuf::MAX_SIZE => {
                        let needed = log.true_size().map_or(0, |size| size as usize);
                        log = LogBuf::new(level, needed.max(log.size().saturating_mul(2)));
                    }
                    // That the log is cut is no reason.
                    _ => break refusal.unwrap_or(error),
                },
                Err(error) if request.lower(kernel, spec, &error) => {}
                Err(error) => break error,
            }
        };
        self.tell(spec, &log);
        Err(self.explain(spec, image, error, &log.text()))
    }

    fn tell(&self, spec: &ProgramSpec, log: &LogBuf) {
        if let Some(sink) = &self.options.on_log {
            sink.tell(&spec.name, &log.text());
        }
    }

    /// Keeps the object's constants alive with a program that does not use them, so that tools that look at the program
    /// find them (5.10). The kernel binds those that it does use by itself.
    fn bind_constants(&self, image: &ProgramImage, program: &Program) {
        let kernel = &self.options.kernel;
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
                section: spec.section.to_string(),
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
