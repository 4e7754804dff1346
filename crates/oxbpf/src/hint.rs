//! What a person can do about a refusal: the advice an error carries.

use std::fmt;
use std::path::PathBuf;

use oxbpf_sys::{Lockdown, SysError, Unsupported};

pub use oxbpf_obj::Capability;

/// Advice that goes with an error: why the kernel most likely refused, and what to do about it.
///
/// A hint is worked out from what this process may do and from what this kernel is, never guessed from the error
/// code alone; where neither says anything there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// The process lacks capabilities that this needs.
    Capabilities(Vec<Capability>),
    /// The process has the capabilities, but in a user namespace, as in a container: for BPF those of the first one count,
    /// or a token (6.9).
    UserNamespace,
    /// As above, and where a token was looked for unasked there was none to be had.
    NoToken {
        /// Where: the place of the BPF file system.
        path: PathBuf,
        /// What went wrong.
        source: SysError,
    },
    /// There is a token, but it does not allow this (known since 6.17).
    TokenDenies {
        /// What it does not allow: `BPF_MAP_CREATE`, `maps of type array`, `programs of type xdp`.
        what: String,
    },
    /// The kernel is older than the first one that has what was asked for.
    KernelTooOld(Box<Unsupported>),
    /// `RLIMIT_MEMLOCK` bounds the memory of maps and programs on kernels before 5.11, and it could not be raised.
    Memlock {
        /// The limit in force, in bytes.
        limit: u64,
    },
    /// The kernel refuses BPF trampolines (`fentry`, `fexit`, `fmod_ret`, `freplace`, LSM) whoever asks.
    Trampoline(TrampolineRefusal),
}

/// Why a kernel that has BPF trampolines does not let anyone use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrampolineRefusal {
    /// The lockdown LSM is on.
    Lockdown(Lockdown),
    /// Nothing at hand says why: a hypervisor that forbids new kernel code, or a security module of its own.
    Policy,
}

impl Hint {
    /// What the kernel is too old for, taken out of its refusal so that it is said once.
    pub(crate) fn too_old(error: &mut SysError) -> Option<Self> {
        error.unsupported.take().map(Self::KernelTooOld)
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capabilities(all) => {
                f.write_str("needs ")?;
                for (i, capability) in all.iter().enumerate() {
                    match i {
                        0 => {}
                        _ if i + 1 == all.len() => f.write_str(" and ")?,
                        _ => f.write_str(", ")?,
                    }
                    f.write_str(capability.name())?;
                }
                f.write_str("; run as root")
            }
            Self::UserNamespace => f.write_str(
                "this process is in a user namespace, whose capabilities do not count for BPF: run it outside, or with a \
                 BPF token (LIBBPF_BPF_TOKEN_PATH)",
            ),
            Self::NoToken { path, source } => write!(
                f,
                "this process is in a user namespace, whose capabilities do not count for BPF, and no BPF token was to be \
                 had from {}: {source}; run it outside, or set LIBBPF_BPF_TOKEN_PATH to a BPF file system that delegates \
                 privileges",
                path.display()
            ),
            Self::TokenDenies { what } => write!(
                f,
                "the BPF token does not allow {what}: see the delegate_* options of its BPF file system"
            ),
            Self::KernelTooOld(unsupported) => unsupported.fmt(f),
            Self::Memlock { limit } => write!(
                f,
                "RLIMIT_MEMLOCK is {limit} bytes and this kernel (before 5.11) charges maps and programs to it; \
                 raise it (ulimit -l unlimited)"
            ),
            Self::Trampoline(why) => {
                f.write_str("this kernel refuses BPF trampolines (fentry, fexit, fmod_ret, freplace, LSM)")?;
                match why {
                    TrampolineRefusal::Lockdown(level) => {
                        let level = match level {
                            Lockdown::Confidentiality => "confidentiality",
                            _ => "integrity",
                        };
                        write!(f, ": it is locked down ({level}), see kernel_lockdown(7)")
                    }
                    TrampolineRefusal::Policy => {
                        f.write_str(" although the capabilities are there: a policy of its hypervisor or of a security module")
                    }
                }
            }
        }
    }
}
