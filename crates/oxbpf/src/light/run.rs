//! One run of a loader.

use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use oxbpf_obj::{Btf, LightLoader, LightMap, LightStep, MapType, ProgramFlags, ProgramType, SectionDef};
use oxbpf_sys::{Errno, Kernel, LogBuf, MapCreate, MapFd, ProgLoad, SysError, TestRun, uapi::ElemFlags};

use super::buffers::Buffers;
use super::{LOG_SIZE, LightLoad};
use crate::error::{Error, Result};
use crate::load::memlock;
use crate::map::{Map, Shape, create};
use crate::object::Object;
use crate::program::{About, Kinds};

/// The license of loaders: they call helpers that ask for one.
const LICENSE: &str = "Dual BSD/GPL";

/// A loader and what it is run with.
#[derive(Debug)]
pub(super) struct Run<'a> {
    loader: &'a LightLoader,
    options: &'a LightLoad,
    btf: Option<Btf>,
    /// Of each map: how many entries, and the value that it is given.
    maps: Vec<(u32, Option<&'a [u8]>)>,
    insns: Vec<u8>,
}

/// Why a run did not come to its end.
#[derive(Debug)]
pub(super) enum Failure {
    /// The loader's map could not be made.
    Map(SysError),
    /// The kernel refused the loader, and says this.
    Loader { source: SysError, log: String },
    /// It could not be run.
    Run(SysError),
    /// It stopped at a step, the number of which may be none.
    Step { step: usize, errno: Errno },
}

impl Failure {
    /// The step where it stopped, if a log says more about it.
    pub(super) fn logged_step(&self, loader: &LightLoader) -> Option<usize> {
        let Self::Step { step, .. } = self else { return None };
        let is_logged = matches!(loader.steps.get(*step)?, LightStep::Btf | LightStep::Program { .. });
        is_logged.then_some(*step)
    }
}

/// The descriptors that a loader returned.
#[derive(Debug)]
pub(super) struct Descriptors {
    maps: Vec<OwnedFd>,
    programs: Vec<OwnedFd>,
}

impl<'a> Run<'a> {
    /// Checks what the loader is to be run with.
    pub(super) fn new(loader: &'a LightLoader, options: &'a LightLoad) -> Result<Self> {
        if !loader.is_consistent() {
            let error = SysError::new("the loader", Errno::EINVAL).with(loader.name.clone());
            return Err(Error::Kernel(error.because("its description is not that of its instructions")));
        }
        let failed = |source| Error::Link { object: loader.name.clone(), source };
        let btf = loader.types().map_err(failed)?;
        for name in options.values.keys().chain(options.max_entries.keys()) {
            if !loader.maps.iter().any(|map| map.name == *name) {
                return Err(Error::NoSuchMap {
                    object: loader.name.clone(),
                    name: name.clone(),
                    have: loader.maps.iter().map(|map| map.name.clone()).collect(),
                });
            }
        }
        let maps = loader.maps.iter().map(|map| Self::check(map, options)).collect::<Result<_>>()?;
        Ok(Self { loader, options, btf, maps, insns: loader.encoded() })
    }

    fn check(map: &LightMap, options: &'a LightLoad) -> Result<(u32, Option<&'a [u8]>)> {
        let value = options.values.get(&map.name).map(Vec::as_slice);
        if let Some(value) = value {
            // The loader reads so many.
            let room = map.initial.as_ref().map(|range| range.end.saturating_sub(range.start) as usize);
            let Some(expected) = room else {
                let reason = "its loader takes no initial value for it".to_owned();
                return Err(Error::MapDefinition { map: map.name.clone(), reason });
            };
            if value.len() != expected {
                let (map, got) = (map.name.clone(), value.len());
                return Err(Error::Size { map, what: "value", expected, got });
            }
        }
        let asked = options.max_entries.get(&map.name).copied().unwrap_or(map.max_entries);
        let entries = create::max_entries(&options.kernel, map.map_type, asked)
            .map_err(|source| Error::Map { map: map.name.clone(), source })?;
        Ok((entries, value))
    }

    fn kernel(&self) -> &'a Kernel {
        &self.options.kernel
    }

    /// Runs the loader.
    pub(super) fn go(&self, log: Option<(usize, &mut [u8])>) -> Result<Descriptors, Failure> {
        let map = self.map().map_err(Failure::Map)?;
        let program = self.load(&map)?;
        let mut buffers = Buffers::new(self.loader, log);
        for (index, (entries, value)) in self.maps.iter().enumerate() {
            buffers.max_entries(self.loader, index, *entries);
            if let Some(value) = value {
                buffers.initial(self.loader, index, value);
            }
        }
        let mut run = TestRun { ctx_in: &mut buffers.context, ..TestRun::default() };
        let answer = self.kernel().prog_test_run(program.as_fd(), &mut run).map_err(Failure::Run)?;
        let result = answer.retval.cast_signed();
        if result < 0 {
            let begun = buffers.word(self.loader.step_slot()) as usize;
            return Err(Failure::Step { step: begun.wrapping_sub(1), errno: Errno(-result) });
        }
        let own = |at: u32| {
            let fd = buffers.word(at).cast_signed();
            // SAFETY: it is where the loader puts descriptors (`is_consistent`), which it has opened, knows of nobody
            // else who has, and hands over.
            (fd > 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
        };
        // All of them are owned before it is asked whether one is missing.
        let maps: Vec<_> = (0..self.loader.maps.len()).map(|map| own(self.loader.map_slot(map))).collect();
        let programs: Vec<_> =
            (0..self.loader.programs.len()).map(|program| own(self.loader.program_slot(program))).collect();
        let whole = |all: Vec<Option<OwnedFd>>| all.into_iter().collect::<Option<Vec<_>>>();
        match (whole(maps), whole(programs)) {
            (Some(maps), Some(programs)) => Ok(Descriptors { maps, programs }),
            _ => Err(Failure::Step { step: usize::MAX, errno: Errno::EBADF }),
        }
    }

    /// The map with the loader's data.
    fn map(&self) -> Result<MapFd, SysError> {
        let (kernel, data) = (self.kernel(), &self.loader.data);
        let digest = self.loader.checks_hash.then(|| self.loader.digest());
        let create = MapCreate {
            map_type: MapType::ARRAY,
            key_size: 4,
            value_size: u32::try_from(data.len()).unwrap_or(u32::MAX),
            max_entries: 1,
            name: "__loader.map",
            excl_prog_hash: digest.as_ref().map_or(&[], |digest| &digest[..]),
            ..MapCreate::default()
        };
        let map = memlock::retried(kernel, || kernel.map_create(&create))?;
        kernel.map_update_elem(&map, &0_u32.to_ne_bytes(), data, ElemFlags::empty())?;
        if self.loader.checks_hash {
            kernel.map_freeze(map.as_fd())?;
            // With that the kernel has it ready for the loader to look at.
            kernel.map_hash(map.as_fd())?;
        }
        Ok(map)
    }

    /// The loader as a program: with a log if it is refused without.
    fn load(&self, map: &MapFd) -> Result<OwnedFd, Failure> {
        let kernel = self.kernel();
        let fd_array = [map.as_fd()];
        let signature = self.options.signature.as_ref();
        let load = ProgLoad {
            prog_type: ProgramType::SYSCALL,
            insns: &self.insns,
            license: LICENSE,
            name: "__loader.prog",
            flags: ProgramFlags::SLEEPABLE,
            fd_array: &fd_array,
            signature: signature.map_or(&[], |signature| &signature.pkcs7),
            keyring_id: signature.map_or(0, |signature| signature.keyring),
            ..ProgLoad::default()
        };
        let refused = match memlock::retried(kernel, || kernel.prog_load(&load, None)) {
            Ok(fd) => return Ok(fd),
            Err(refused) => refused,
        };
        let mut log = LogBuf::new(LogBuf::ERRORS, LOG_SIZE);
        match kernel.prog_load(&load, Some(&mut log)) {
            Ok(fd) => Ok(fd),
            Err(source) if log.text().trim().is_empty() => {
                let source = if source.errno == Errno::ENOSPC { refused } else { source };
                Err(Failure::Loader { source, log: String::new() })
            }
            Err(source) => Err(Failure::Loader { source, log: log.text().into_owned() }),
        }
    }

    /// What was loaded.
    pub(super) fn object(self, loaded: Descriptors) -> Result<Object> {
        let Descriptors { maps, programs } = loaded;
        let maps = self.loader.maps.iter().zip(maps).zip(&self.maps);
        let maps: Vec<Map> =
            maps.map(|((map, fd), (entries, _))| self.wrap(map, *entries, fd)).collect::<Result<_>>()?;
        let globals = self.btf.iter().flat_map(|btf| self.loader.globals(btf));
        let globals = globals.filter_map(|var| Some((maps.get(var.map)?, var)));
        let globals = globals.map(|(map, var)| (var, map.clone())).collect();
        let kinds = Kinds::new(self.kernel());
        let programs = self.loader.programs.iter().zip(programs).map(|(program, fd)| {
            let about = About {
                name: &program.name,
                section: &program.section,
                def: SectionDef::find(&program.section).map(|(def, _)| def),
                prog_type: program.prog_type,
                attach_type: program.attach_type,
                attach_to: program.attach_to.as_deref(),
                flags: program.flags,
                autoattach: program.autoattach,
                ifindex: program.ifindex,
                log: None,
                handler: None,
            };
            kinds.program(fd, about)
        });
        Ok(Object {
            name: self.loader.name.clone(),
            kernel: self.kernel().clone(),
            programs: programs.collect(),
            btf: self.btf.clone(),
            maps,
            globals,
        })
    }

    fn wrap(&self, map: &LightMap, max_entries: u32, fd: OwnedFd) -> Result<Map> {
        // Its sizes as the kernel has them: what the loader's description says is not what makes access safe.
        let fd = self.kernel().map_from_fd(fd);
        let fd = fd.map_err(|source| Error::Map { map: map.name.clone(), source })?;
        let shape = Shape {
            name: map.name.clone(),
            section: map.section.clone(),
            map_type: fd.map_type(),
            key_size: u32::try_from(fd.key_size()).unwrap_or(map.key_size),
            value_size: u32::try_from(fd.value_size()).unwrap_or(map.value_size),
            max_entries,
            flags: map.flags,
            map_extra: map.map_extra,
            key_type: map.key_type,
            value_type: map.value_type,
        };
        Ok(Map::new(fd, self.kernel().clone(), shape, self.btf.clone()))
    }
}
