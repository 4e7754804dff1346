//! Which types of programs a kernel loads.

use oxbpf_obj::ProgramType;
use oxbpf_sys::{Errno, Kernel, SysError};

use super::kept;
use super::programs::empty;
use super::trial::{Heard, Trial};

/// Whether this kernel loads programs of a type, found by offering the smallest one. The answer is kept in `kernel`.
///
/// ```
/// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
/// use oxbpf::{ProgramType, features};
///
/// // On this machine: let kernel = oxbpf::Kernel::host();
/// if !features::loads_programs_of(&kernel, ProgramType::SK_LOOKUP)? {
///     eprintln!("sk_lookup came with Linux 5.9");
/// }
/// # Ok::<(), oxbpf::sys::SysError>(())
/// ```
///
/// # Errors
/// `EPERM` (`CAP_BPF` is missing, for most types `CAP_PERFMON` or `CAP_NET_ADMIN`, too), `EACCES` (an LSM), `ENOMEM`,
/// `EMFILE`, `ENFILE`, `EAGAIN` (signals came again and again): it cannot be found out.
#[doc(alias = "libbpf_probe_bpf_prog_type")]
pub fn loads_programs_of(kernel: &Kernel, prog_type: ProgramType) -> Result<bool, SysError> {
    kept(kernel, "oxbpf program types", prog_type, || {
        let plain = Trial::new(kernel, prog_type);
        let trial = match prog_type {
            // For no function: the kernel has words for that only where it knows the type.
            ProgramType::TRACING | ProgramType::LSM | ProgramType::EXT | ProgramType::STRUCT_OPS => {
                plain.on(1)
            }
            _ => plain,
        };
        Ok(match trial.offer(kernel, empty(), &[])? {
            Heard::Loaded => true,
            Heard::Refused(error, words) => !words.is_empty() || error.errno == Errno::ENOTSUPP,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oxbpf_sys::doors::{Fake, Faults, Recorder};

    use super::*;

    #[test]
    fn each_type_is_asked_for_once() {
        let door = Arc::new(Recorder::new(Arc::new(Fake::new())));
        let kernel = Kernel::with_door(door.clone());
        for _ in 0..2 {
            assert_eq!(loads_programs_of(&kernel, ProgramType::XDP), Ok(true));
        }
        assert_eq!(door.take().iter().filter(|call| call.cmd.is_some()).count(), 1);
    }

    #[test]
    fn what_cannot_be_known_is_no_answer() {
        let kernel = Kernel::with_door(Arc::new(Faults::nth(Arc::new(Fake::new()), 0, Errno::EPERM)));
        assert_eq!(loads_programs_of(&kernel, ProgramType::XDP).unwrap_err().errno, Errno::EPERM);
        assert_eq!(loads_programs_of(&kernel, ProgramType::XDP), Ok(true), "it is asked again");
    }
}
