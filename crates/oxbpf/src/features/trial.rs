//! Programs that are offered to learn what the verifier says of them.

use std::os::fd::BorrowedFd;

use oxbpf_obj::insn::Assembler;
use oxbpf_obj::{AttachType, Endian, ProgramFlags, ProgramType};
use oxbpf_sys::{Errno, Kernel, KernelVersion, LogBuf, ProgLoad, SysError};

use super::running;
use crate::btf::Kind;
use crate::load::memlock;

/// Room for what the verifier has to say of two instructions.
const LOG_SIZE: usize = 4096;

/// What a program has to come with so that its instructions are looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trial {
    prog_type: ProgramType,
    attach_type: Option<AttachType>,
    flags: ProgramFlags,
    kern_version: u32,
    /// A type of the kernel's: the function that it is for.
    target: u32,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Heard {
    Loaded,
    /// Refused; the words may be none.
    Refused(SysError, String),
}

impl Heard {
    /// A yes, unless the words are a denial.
    ///
    /// # Errors
    /// The refusal, if there are no words.
    pub(super) fn unless(self, is_denial: impl Fn(&str) -> bool) -> Result<bool, SysError> {
        match self {
            Self::Loaded => Ok(true),
            Self::Refused(error, words) if words.is_empty() => Err(error),
            Self::Refused(_, words) => Ok(!is_denial(&words)),
        }
    }
}

impl Trial {
    /// Programs of a type, but for a target where it needs one.
    pub(super) fn new(kernel: &Kernel, prog_type: ProgramType) -> Self {
        let attach_type = match prog_type {
            ProgramType::CGROUP_SOCK_ADDR => Some(AttachType::CGROUP_INET4_CONNECT),
            ProgramType::CGROUP_SOCKOPT => Some(AttachType::CGROUP_GETSOCKOPT),
            ProgramType::SK_LOOKUP => Some(AttachType::SK_LOOKUP),
            ProgramType::LIRC_MODE2 => Some(AttachType::LIRC_MODE2),
            ProgramType::NETFILTER => Some(AttachType::NETFILTER),
            // Not one that takes a trampoline, which not every machine lets be made.
            ProgramType::TRACING => Some(AttachType::TRACE_RAW_TP),
            ProgramType::LSM => Some(AttachType::LSM_MAC),
            _ => None,
        };
        let flags = match prog_type {
            ProgramType::SYSCALL => ProgramFlags::SLEEPABLE,
            _ => ProgramFlags::empty(),
        };
        // Kernels before 5.0 compare it.
        let kern_version = match prog_type {
            ProgramType::KPROBE => running(kernel).map_or(0, KernelVersion::code),
            _ => 0,
        };
        Self { prog_type, attach_type, flags, kern_version, target: 0 }
    }

    /// The same for a function or another type of the kernel.
    pub(super) fn on(self, target: u32) -> Self {
        Self { target, ..self }
    }

    /// Ways of offering programs of a type whose instructions the kernel then looks at. Which functions they may call
    /// can depend on the way: what one of them lets them call they may.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for a type of which there is none: programs that replace others may call what these may.
    pub(super) fn ways(kernel: &Kernel, prog_type: ProgramType) -> Result<Vec<Self>, SysError> {
        let plain = Self::new(kernel, prog_type);
        let wanted: &[(AttachType, &str, Kind)] = match prog_type {
            ProgramType::TRACING => &[
                (AttachType::TRACE_RAW_TP, "btf_trace_sched_switch", Kind::Typedef),
                (AttachType::TRACE_ITER, "bpf_iter_task", Kind::Func),
                (AttachType::TRACE_FENTRY, "vfs_read", Kind::Func),
            ],
            ProgramType::LSM => &[(AttachType::LSM_MAC, "bpf_lsm_file_open", Kind::Func)],
            // Of these the attach type says which member of the struct.
            ProgramType::STRUCT_OPS => &[(AttachType(0), "tcp_congestion_ops", Kind::Struct)],
            ProgramType::EXT => &[],
            _ => return Ok(vec![plain]),
        };
        let mut ways = Vec::new();
        for &(attach, name, kind) in wanted {
            let btf = kernel.btf()?;
            let Some(id) = btf.find(name, kind) else { continue };
            let attach = match prog_type {
                ProgramType::STRUCT_OPS => member(&btf, id, "ssthresh").map(AttachType),
                _ => Some(attach),
            };
            ways.extend(attach.map(|attach| Self { attach_type: Some(attach), target: id.0, ..plain }));
        }
        if ways.is_empty() {
            let why = format!("there is no program of type {prog_type} to ask with");
            return Err(SysError::new("BPF_PROG_LOAD", Errno::EOPNOTSUPP).with(why));
        }
        Ok(ways)
    }

    /// Offers a program.
    ///
    /// # Errors
    /// Those that say nothing of the program.
    pub(super) fn offer(
        &self,
        kernel: &Kernel,
        program: Assembler,
        fd_array: &[BorrowedFd<'_>],
    ) -> Result<Heard, SysError> {
        let insns = program.encode(Endian::NATIVE);
        let insns = insns.map_err(|e| SysError::new("BPF_PROG_LOAD", Errno::EINVAL).with(e.to_string()))?;
        let load = ProgLoad {
            prog_type: self.prog_type,
            expected_attach_type: self.attach_type,
            flags: self.flags,
            kern_version: self.kern_version,
            attach_btf_id: self.target,
            insns: &insns,
            license: "GPL",
            fd_array,
            ..ProgLoad::default()
        };
        let mut log = LogBuf::new(LogBuf::ERRORS, LOG_SIZE);
        match memlock::retried(kernel, || kernel.prog_load(&load, Some(&mut log))) {
            Ok(_) => Ok(Heard::Loaded),
            // Whatever the verifier said until then.
            Err(error) if super::is_about_moment(&error) => Err(error),
            Err(error) => {
                let words = log.text().trim().to_owned();
                if super::is_about_asker(&error) && !tells(&words) {
                    return Err(error);
                }
                Ok(Heard::Refused(error, words))
            }
        }
    }
}

/// Whether there is more than how much the verifier did: then a missing privilege is one for these instructions.
fn tells(words: &str) -> bool {
    words.lines().any(|line| !line.starts_with("processed "))
}

/// Which member of a struct this is.
fn member(btf: &oxbpf_obj::Btf, ty: oxbpf_obj::TypeId, name: &str) -> Option<u32> {
    let place = btf.get(ty).ok()?.members().position(|member| member.name == name)?;
    u32::try_from(place).ok()
}

/// What came of asking in several ways: a yes if there was one, otherwise a no if there was one; and why another could
/// not be asked.
pub(super) fn any(
    ways: &[Trial],
    ask: impl Fn(&Trial) -> Result<bool, SysError>,
) -> (Option<bool>, Option<SysError>) {
    let (mut answer, mut untold) = (None, None);
    for way in ways {
        match ask(way) {
            Ok(true) => return (Some(true), None),
            Ok(false) => answer = Some(false),
            Err(error) => untold = Some(error),
        }
    }
    (answer, untold)
}
