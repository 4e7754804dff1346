//! Which helpers a kernel has, and which programs may call them: a program of that call alone is offered, and the
//! verifier's words tell.

use oxbpf_obj::ProgramType;
use oxbpf_obj::insn::Assembler;
use oxbpf_sys::{Kernel, SysError};

use super::trial::{self, Trial};
use super::{kept, loads_programs_of};

/// Whether this kernel has the helper of this number, for whatever type of program. The answer is kept in `kernel`.
///
/// ```
/// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
/// use oxbpf::features;
/// use oxbpf::obj::insn::{helper_id, helper_since};
///
/// // On this machine: let kernel = oxbpf::Kernel::host();
/// let output = helper_id("bpf_ringbuf_output").ok_or("no such helper")?;
/// if !features::has_helper(&kernel, output)? {
///     eprintln!("bpf_ringbuf_output() came with Linux {:?}", helper_since(output));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `EPERM` (no `CAP_BPF`), `EACCES` (an LSM), `ENOMEM`, `EMFILE`, `ENFILE`, `EAGAIN` (signals came again and again): it
/// cannot be found out.
pub fn has_helper(kernel: &Kernel, helper: u32) -> Result<bool, SysError> {
    kept(kernel, "oxbpf helpers", helper, || {
        let heard = Trial::new(kernel, ProgramType::SOCKET_FILTER).offer(kernel, call(helper), &[])?;
        // To every kernel that has it, it has a name.
        heard.unless(|words| words.contains("invalid func "))
    })
}

/// Whether programs of a type may call the helper of this number on this kernel. The answer is kept in `kernel`.
///
/// For types that are for functions of the kernel (`tracing`, `lsm`, `struct_ops`) functions are chosen that every
/// kernel has; a helper that only programs on certain others may call counts as one that they may not. With missing
/// capabilities, the answer is that for a program of this process. The kernel's log notes that `bpf_probe_write_user`
/// was asked for, and before 5.9 `bpf_trace_printk`.
///
/// ```
/// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
/// use oxbpf::{ProgramType, features, obj::insn::helper_id};
///
/// // On this machine: let kernel = oxbpf::Kernel::host();
/// let cookie = helper_id("bpf_get_attach_cookie").ok_or("no such helper")?;
/// let cookies = features::may_call_helper(&kernel, ProgramType::KPROBE, cookie)?;
/// println!("kprobes have cookies: {cookies}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// - `EPERM` (a capability that the type takes is missing, or this kernel refuses trampolines), and otherwise as
///   [`has_helper`]: it cannot be found out
/// - `EOPNOTSUPP`: programs of the type cannot be asked with (`ext`: they may call what those that they extend may)
/// - `ENOENT`: types that are for functions of the kernel cannot be asked with where it shows no types of its own
///   (`CONFIG_DEBUG_INFO_BTF`)
#[doc(alias = "libbpf_probe_bpf_helper")]
pub fn may_call_helper(kernel: &Kernel, prog_type: ProgramType, helper: u32) -> Result<bool, SysError> {
    kept(kernel, "oxbpf helpers of programs", (prog_type, helper), || {
        // Whether there are such programs does not matter where they say nothing.
        let known = prog_type == ProgramType::EXT || loads_programs_of(kernel, prog_type)?;
        if !known || !has_helper(kernel, helper)? {
            return Ok(false);
        }
        let ways = Trial::ways(kernel, prog_type)?;
        let answers = trial::any(&ways, |way| way.offer(kernel, call(helper), &[])?.unless(is_denied));
        match answers {
            (Some(true), _) => Ok(true),
            // Perhaps in the way that could not be asked.
            (_, Some(error)) => Err(error),
            _ => Ok(false),
        }
    })
}

fn call(helper: u32) -> Assembler {
    Assembler::new().call(helper).exit()
}

/// Whether the verifier knows no such helper, or does not let the program call it.
fn is_denied(words: &str) -> bool {
    ["invalid func ", "unknown func ", "cannot use helper "].iter().any(|denial| words.contains(denial))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_verifiers() {
        assert!(is_denied("0: (85) call unknown#4711\ninvalid func unknown#4711\n"));
        assert!(is_denied("unknown func bpf_sys_bpf#166"));
        assert!(is_denied("program of this type cannot use helper bpf_sys_bpf#166"));
        assert!(!is_denied("0: (85) call bpf_map_lookup_elem#1\nR1 type=ctx expected=map_ptr"));
    }
}
