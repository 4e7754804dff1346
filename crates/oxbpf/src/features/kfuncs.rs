//! Which kernel functions there are for programs to call, and which programs may.

use std::os::fd::AsFd;

use oxbpf_obj::insn::Assembler;
use oxbpf_obj::{ProgramType, TypeId};
use oxbpf_sys::{Kernel, SysError};

use super::trial::{self, Trial};
use super::{Answer, kept_if_lasting, loads_programs_of};
use crate::load::{Declared, find_function, find_functions};

/// A function of the kernel or of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kfunc {
    /// It in the types of the kernel, or of the module.
    pub id: TypeId,
    /// The module that has it; `None` for the kernel itself.
    pub module: Option<String>,
}

/// Looks for a function by its name in the types of the kernel and then in those of its modules.
///
/// That there is one does not make it one for programs to call: [`may_call_kfunc`] tells. Modules may come and go, so
/// the answer is not kept.
///
/// ```no_run
/// use oxbpf::{Kernel, features::find_kfunc};
///
/// match find_kfunc(&Kernel::host(), "bpf_task_acquire")? {
///     Some(found) => println!("in {}", found.module.as_deref().unwrap_or("the kernel")),
///     None => println!("not on this kernel"),
/// }
/// # Ok::<(), oxbpf::sys::SysError>(())
/// ```
///
/// # Errors
/// `ENOENT`: the kernel shows no types of its own (`CONFIG_DEBUG_INFO_BTF`). Those of reading them.
pub fn find_kfunc(kernel: &Kernel, name: &str) -> Result<Option<Kfunc>, SysError> {
    Ok(find_function(kernel, name)?.map(kfunc))
}

/// As [`find_kfunc`], for many functions, in their order. The types of the modules, which those have to be looked for in
/// that the kernel itself lacks, are read once.
///
/// # Errors
/// An item is an error as those of [`find_kfunc`]; the next one follows.
pub fn find_kfuncs<'n>(
    kernel: &Kernel,
    names: impl IntoIterator<Item = &'n str>,
) -> impl Iterator<Item = Result<Option<Kfunc>, SysError>> {
    find_functions(kernel, names).map(|found| Ok(found?.map(kfunc)))
}

fn kfunc(at: Declared<TypeId>) -> Kfunc {
    Kfunc { id: at.found, module: at.module.map(|module| module.name.clone()) }
}

/// Whether programs of a type, sleepable or not, may call the kernel function of this name (5.13). The answer is kept in
/// `kernel` if the function is the kernel's own: modules may come and go.
///
/// It is found as that about a helper: see [`may_call_helper`](super::may_call_helper). A function that the kernel and
/// its modules do not have may not be called.
///
/// # Errors
/// As those of [`may_call_helper`](super::may_call_helper) and [`find_kfunc`].
pub fn may_call_kfunc(kernel: &Kernel, prog_type: ProgramType, name: &str) -> Result<bool, SysError> {
    kept_if_lasting(kernel, "oxbpf kfuncs of programs", (prog_type, name.to_owned()), || {
        if !loads_programs_of(kernel, prog_type)? {
            return Ok(Answer { yes: false, lasts: true });
        }
        let Some(Declared { found: id, module, .. }) = find_function(kernel, name)? else {
            return Ok(Answer { yes: false, lasts: false });
        };
        let ways = Trial::ways(kernel, prog_type)?;
        // The first place of the array means the kernel.
        let fds: Vec<_> = module.iter().chain(&module).map(|module| module.fd.as_fd()).collect();
        let place = i16::from(module.is_some());
        let answers = trial::any(&ways, |way| {
            let call = Assembler::new().call_kfunc(id.0.cast_signed(), place).exit();
            way.offer(kernel, call, &fds)?.unless(is_denied)
        });
        match answers {
            // It is the same for all programs of a type.
            (Some(yes), _) => Ok(Answer { yes, lasts: module.is_none() }),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(Answer { yes: false, lasts: true }),
        }
    })
}

/// Whether the verifier does not let the program call it, or the kernel knows no such calls.
fn is_denied(words: &str) -> bool {
    // The program may not; older kernels; kernels without a JIT that can.
    ["is not allowed", "reserved fields", "JIT", "not supported"].iter().any(|denial| words.contains(denial))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_verifiers() {
        assert!(is_denied("calling kernel function bpf_task_acquire is not allowed\n"));
        assert!(is_denied("BPF_CALL uses reserved fields\n"));
        assert!(!is_denied("program must be sleepable to call sleepable kfunc bpf_copy_from_user_str\n"));
        assert!(!is_denied("arg#0 pointer type STRUCT task_struct must point to scalar\n"));
    }
}
