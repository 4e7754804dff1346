//! What it means that a loader failed.

use oxbpf_obj::{Capability, LightLoader, LightMap, LightProgram, LightStep, ProgramType};
use oxbpf_sys::{Cmd, Errno, SysError};

use super::LightLoad;
use super::run::Failure;
use crate::error::Error;
use crate::load::{MissingExtern, hints};
use crate::verifier::VerifierError;

/// The error for a failure, of which the kernel's log says this.
pub(super) fn failure(loader: &LightLoader, options: &LightLoad, failure: Failure, log: &str) -> Error {
    let explain = Explain { loader, options };
    match failure {
        Failure::Map(mut source) => {
            let hint = hints::map(&options.kernel, explain.needs(), oxbpf_obj::MapType::ARRAY, &mut source);
            let map = format!("of the loader of {}", loader.name);
            Error::MapCreate { map, map_type: oxbpf_obj::MapType::ARRAY, source: source.bare(), hint }
        }
        Failure::Loader { source, log } => explain.itself(source, &log),
        Failure::Run(source) => Error::Kernel(source.with(format!("the loader of {}", loader.name))),
        Failure::Step { step, errno } => explain.step(step, errno, log),
    }
}

struct Explain<'a> {
    loader: &'a LightLoader,
    options: &'a LightLoad,
}

impl Explain<'_> {
    /// All that loading takes.
    fn needs(&self) -> Vec<Capability> {
        let programs = self.loader.programs.iter().map(|program| program.prog_type);
        let all = programs.chain([ProgramType::SYSCALL]);
        all.flat_map(ProgramType::capabilities).collect()
    }

    /// The loader was refused.
    fn itself(&self, mut source: SysError, log: &str) -> Error {
        let (program, section) = (format!("loader of {}", self.loader.name), "syscall".to_owned());
        if !log.trim().is_empty() {
            let image = self.loader.own_image();
            let log = log.to_owned();
            let rejected = VerifierError::parse(&program, &section, &image, None, source.errno, log);
            return Error::Rejected(Box::new(rejected));
        }
        if self.options.signature.is_some() && source.errno == Errno::EOPNOTSUPP {
            source = source.because("this kernel checks no signatures (CONFIG_SYSTEM_DATA_VERIFICATION)");
        }
        let kernel = &self.options.kernel;
        let prog_type = ProgramType::SYSCALL;
        let hint = hints::program_of(kernel, self.needs(), prog_type, None, &mut source);
        Error::ProgramLoad { program, section, prog_type, source: source.bare(), hint }
    }

    fn step(&self, step: usize, errno: Errno, log: &str) -> Error {
        let of = |cmd: Cmd| SysError::new(cmd.name(), errno);
        let map = |index: &usize| self.loader.maps.get(*index);
        let failed = |index: &usize, cmd| Error::Map {
            map: map(index).map_or_else(String::new, |map| map.name.clone()),
            source: of(cmd),
        };
        match self.loader.steps.get(step) {
            Some(LightStep::Btf) => {
                let source = of(Cmd::BTF_LOAD).with(format!("the types of {}", self.loader.name));
                Error::Kernel(match log.trim().lines().last() {
                    Some(line) => source.because(line),
                    None => source,
                })
            }
            Some(LightStep::InnerMap { map: index } | LightStep::Map { map: index }) => {
                self.map(map(index), of(Cmd::MAP_CREATE))
            }
            Some(LightStep::Value { map } | LightStep::Slot { map, .. }) => failed(map, Cmd::MAP_UPDATE_ELEM),
            Some(LightStep::Freeze { map }) => failed(map, Cmd::MAP_FREEZE),
            Some(LightStep::Symbol { name, .. }) => self.symbols(step, name, errno),
            Some(LightStep::Program { program }) => match self.loader.programs.get(*program) {
                Some(about) => self.program(*program, about, of(Cmd::PROG_LOAD), log),
                None => Error::Kernel(of(Cmd::PROG_LOAD)),
            },
            None => {
                let reason = match errno {
                    Errno::EINVAL if self.loader.checks_hash => {
                        "its data are not those that it was made with"
                    }
                    _ => "its description does not fit it",
                };
                let source = SysError::new("the loader", errno);
                Error::Kernel(source.with(self.loader.name.clone()).because(reason))
            }
        }
    }

    /// A symbol was not found: which others are not there either, so that all are told at once.
    fn symbols(&self, step: usize, name: &str, errno: Errno) -> Error {
        let reason = match errno {
            Errno::ENOENT => "the kernel has no such symbol".to_owned(),
            Errno::EPERM => "its address is hidden (kptr_restrict, or no CAP_SYSLOG)".to_owned(),
            other => other.to_string(),
        };
        let mut missing = vec![MissingExtern { name: name.to_owned(), reason }];
        let kernel = &self.options.kernel;
        let btf = kernel.btf().ok();
        let modules = kernel.module_btfs().unwrap_or_default();
        let symbols = kernel.symbols().unwrap_or_default();
        for other in self.loader.steps.get(step + 1..).unwrap_or_default() {
            let LightStep::Symbol { name, kind, weak: false } = other else { continue };
            let (is_there, reason) = match (kind, &btf) {
                (Some(kind), Some(btf)) => {
                    let mut all = modules.iter().map(|(_, module)| module).chain([btf]);
                    let is_there = all.any(|btf| btf.find(name, *kind).is_some());
                    (is_there, "the kernel and its modules have no such type")
                }
                (None, _) => {
                    (symbols.iter().any(|symbol| symbol.name == name), "the kernel has no such symbol")
                }
                (Some(_), None) => continue,
            };
            if !is_there {
                missing.push(MissingExtern { name: name.clone(), reason: reason.to_owned() });
            }
        }
        Error::Externs { object: self.loader.name.clone(), missing }
    }

    fn map(&self, map: Option<&LightMap>, mut source: SysError) -> Error {
        let Some(map) = map else { return Error::Kernel(source) };
        let hint = hints::map(&self.options.kernel, self.needs(), map.map_type, &mut source);
        Error::MapCreate { map: map.name.clone(), map_type: map.map_type, source, hint }
    }

    fn program(&self, index: usize, about: &LightProgram, mut source: SysError, log: &str) -> Error {
        let LightProgram { name, section, prog_type, attach_type, .. } = about.clone();
        if let (false, Some(image)) = (log.trim().is_empty(), self.loader.image(index)) {
            let btf = self.loader.types().ok().flatten();
            let log = log.to_owned();
            let rejected = VerifierError::parse(&name, &section, &image, btf.as_ref(), source.errno, log);
            return Error::Rejected(Box::new(rejected));
        }
        let kernel = &self.options.kernel;
        let hint = hints::program_of(kernel, self.needs(), prog_type, attach_type, &mut source);
        Error::ProgramLoad { program: name, section, prog_type, source, hint }
    }
}
