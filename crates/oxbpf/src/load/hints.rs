//! Why a kernel most likely refused, from what this process may do and what this kernel is.

use oxbpf_obj::{AttachType, MapType, ObjectSpec, ProgramSpec, ProgramType};
use oxbpf_sys::{Capabilities, Cmd, Errno, Kernel, Lockdown, SysError, TokenInfo};

use super::memlock;
use crate::features::running;
use crate::hint::{Capability, Hint, TrampolineRefusal};

/// Whether the kernel did not understand `cmd` as it was given.
pub(crate) fn refused(error: &SysError, cmd: Cmd) -> bool {
    error.op == cmd.name()
        && matches!(error.errno, Errno::EINVAL | Errno::E2BIG | Errno::EOPNOTSUPP | Errno::ENOTSUPP)
}

/// Advice about a map that was refused with `error`, where what it belongs to has `needs` of its own; what the error says
/// of it itself is taken out.
pub(crate) fn map(
    kernel: &Kernel,
    mut needs: Vec<Capability>,
    map_type: MapType,
    error: &mut SysError,
) -> Option<Box<Hint>> {
    let hint = match error.errno {
        Errno::EPERM => {
            needs.push(Capability::Bpf);
            needs.extend(map_type.capability());
            denied(kernel, Cmd::MAP_CREATE, |token| {
                (!token.allows_map(map_type)).then(|| format!("maps of type {map_type}"))
            })
            .or_else(|| missing(kernel, needs))
            .or_else(|| charged(kernel))
        }
        _ => Hint::too_old(error),
    };
    hint.map(Box::new)
}

/// Advice about a program that was refused with `error` before it was verified; as above.
pub(super) fn program(
    kernel: &Kernel,
    object: &ObjectSpec,
    program: &ProgramSpec,
    error: &mut SysError,
) -> Option<Box<Hint>> {
    program_of(kernel, needs_of_object(object), program.prog_type, program.attach_type, error)
}

/// As above, of a program of this type that belongs to something with these needs.
pub(crate) fn program_of(
    kernel: &Kernel,
    needs: Vec<Capability>,
    prog_type: ProgramType,
    attach_type: Option<AttachType>,
    error: &mut SysError,
) -> Option<Box<Hint>> {
    let trampoline = || uses_trampoline(prog_type, attach_type).then(|| Hint::Trampoline(refusal(kernel)));
    let hint = match error.errno {
        Errno::EPERM => denied(kernel, Cmd::PROG_LOAD, |token| {
            // Of none, the kernel asks for the first.
            let attach_type = attach_type.unwrap_or(AttachType(0));
            if !token.allows_program(prog_type) {
                return Some(format!("programs of type {prog_type}"));
            }
            (!token.allows_attach(attach_type)).then(|| format!("programs of attach type {attach_type}"))
        })
        .or_else(|| missing(kernel, needs))
        .or_else(|| charged(kernel))
        .or_else(trampoline),
        _ => Hint::too_old(error),
    };
    hint.map(Box::new)
}

/// Advice about what was not to be had by its id, as above.
pub(super) fn by_id(kernel: &Kernel, error: &mut SysError) -> Option<Box<Hint>> {
    let hint = Hint::too_old(error);
    let refused = || {
        denied(kernel, Cmd::BTF_GET_FD_BY_ID, |_| None)
            .or_else(|| missing(kernel, vec![Capability::SysAdmin]))
            .filter(|_| error.errno == Errno::EPERM)
    };
    hint.or_else(refused).map(Box::new)
}

/// What the token, if there is one, does not allow: the command, or what `lacks` finds.
fn denied(kernel: &Kernel, cmd: Cmd, lacks: impl FnOnce(TokenInfo) -> Option<String>) -> Option<Hint> {
    let token = kernel.token_info(kernel.token()?).ok()?;
    let what = if token.allows_cmd(cmd) { lacks(token)? } else { cmd.name().to_owned() };
    Some(Hint::TokenDenies { what })
}

/// All that loading `object` takes, so that a person is told once.
pub(super) fn needs_of_object(object: &ObjectSpec) -> Vec<Capability> {
    let loaded = object.programs.iter().filter(|program| program.autoload);
    let mut needs: Vec<_> = loaded.flat_map(|program| program.prog_type.capabilities()).collect();
    needs.push(Capability::Bpf);
    needs
}

/// Which of `needs` this process lacks; or that what it has does not count.
fn missing(kernel: &Kernel, mut needs: Vec<Capability>) -> Option<Hint> {
    let have = kernel.capabilities().ok()?;
    if have.contains(Capabilities::SYS_ADMIN) {
        return elsewhere(kernel);
    }
    if running(kernel).is_some_and(|running| !running.at_least(5, 8)) {
        // CAP_BPF and CAP_PERFMON are no older.
        for need in &mut needs {
            if matches!(need, Capability::Bpf | Capability::Perfmon) {
                *need = Capability::SysAdmin;
            }
        }
    }
    needs.retain(|need| match need {
        Capability::Bpf => !have.may_bpf(),
        Capability::Perfmon => !have.may_trace(),
        Capability::NetAdmin => !have.may_network(),
        Capability::SysResource => !have.contains(Capabilities::SYS_RESOURCE),
        _ => true,
    });
    needs.sort_unstable();
    needs.dedup();
    if needs.is_empty() { elsewhere(kernel) } else { Some(Hint::Capabilities(needs)) }
}

/// Whether the capabilities are those of a user namespace, which only a token makes something of.
fn elsewhere(kernel: &Kernel) -> Option<Hint> {
    // The first one has all users, each as itself.
    let first = ["0", "0", "4294967295"];
    let map = kernel.read_text("/proc/self/uid_map").ok()?;
    let is_elsewhere = !map.split_whitespace().eq(first) && kernel.token().is_none();
    is_elsewhere.then_some(Hint::UserNamespace)
}

/// Kernels before 5.11 say EPERM when `RLIMIT_MEMLOCK` is used up.
fn charged(kernel: &Kernel) -> Option<Hint> {
    memlock::limit(kernel).map(|limit| Hint::Memlock { limit })
}

/// Whether the kernel makes code of its own that calls the program.
fn uses_trampoline(prog_type: ProgramType, attach_type: Option<AttachType>) -> bool {
    match prog_type {
        ProgramType::LSM | ProgramType::EXT => true,
        ProgramType::TRACING => {
            !matches!(attach_type, Some(AttachType::TRACE_RAW_TP | AttachType::TRACE_ITER))
        }
        _ => false,
    }
}

/// Why trampolines are refused to one who has the capabilities.
fn refusal(kernel: &Kernel) -> TrampolineRefusal {
    // securityfs says it, where it is mounted; otherwise what the kernel was built to do at boot does.
    let built = |option| kernel.config(option).ok().flatten().is_some_and(|value| value == "y");
    match kernel.lockdown() {
        Ok(level @ (Lockdown::Integrity | Lockdown::Confidentiality)) => TrampolineRefusal::Lockdown(level),
        _ if built("CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY") => {
            TrampolineRefusal::Lockdown(Lockdown::Confidentiality)
        }
        _ if built("CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY") => {
            TrampolineRefusal::Lockdown(Lockdown::Integrity)
        }
        _ => TrampolineRefusal::Policy,
    }
}
