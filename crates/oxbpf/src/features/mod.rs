//! What a kernel has: probes that ask it, each once, and the version that brought the thing.
//!
//! Distributions carry features back to older kernels, so a version says nothing certain: where the answer decides
//! what is sent to the kernel, [`supported`] asks the kernel itself. [`Feature::since`] is for people.

mod btf;
mod helpers;
mod kfuncs;
mod links;
mod map_types;
mod maps;
mod program_types;
mod programs;
mod symbols;
mod trial;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use oxbpf_sys::{Errno, Kernel, KernelVersion, SysError};

use crate::load::memlock;

pub use helpers::{has_helper, may_call_helper};
pub use kfuncs::{Kfunc, find_kfunc, find_kfuncs, may_call_kfunc};
pub use map_types::makes_maps_of;
pub use program_types::loads_programs_of;

/// The version of `kernel`; `None` where it does not tell.
pub(crate) fn running(kernel: &Kernel) -> Option<KernelVersion> {
    kernel.kernel_version().ok()
}

/// A thing that the loader does differently where the kernel lacks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Feature {
    /// Maps and programs have names.
    ObjectNames,
    /// BTF can be loaded.
    Btf,
    /// BTF of functions and their prototypes; programs take function and line info.
    BtfFunc,
    /// BTF of variables and the sections they stand in.
    BtfDatasec,
    /// BTF functions may be marked global, and are then verified on their own.
    BtfFuncGlobal,
    /// BTF of floating-point types.
    BtfFloat,
    /// BTF declaration tags.
    BtfDeclTag,
    /// BTF type tags.
    BtfTypeTag,
    /// BTF enumerations of 64 bits, and the signedness of all enumerations.
    BtfEnum64,
    /// BTF sections whose name begins with `?`.
    BtfQmarkDatasec,
    /// BTF declaration and type tags that stand for any attribute (the kind flag).
    BtfTagKflag,
    /// Kernel modules have BTF.
    ModuleBtf,
    /// Global variables: instructions that point into the value of an array map.
    GlobalData,
    /// Array maps can be mapped into memory.
    ArrayMmap,
    /// Commands that read and write many map elements at once.
    BatchMapOps,
    /// Maps and programs are charged to the memory cgroup, not to `RLIMIT_MEMLOCK`.
    MemcgAccounting,
    /// Programs are loaded for an expected attach type.
    ExpectedAttachType,
    /// The helpers `bpf_probe_read_kernel` and `bpf_probe_read_user` (and their `_str` forms).
    ProbeReadKernel,
    /// A program can hold on to maps that its instructions do not mention.
    ProgBindMap,
    /// The tag `arg:ctx` on arguments of global functions.
    ArgCtxTag,
    /// Links to perf events: kprobes, uprobes, tracepoints.
    PerfLink,
    /// The helper `bpf_get_attach_cookie`.
    BpfCookie,
    /// One link to many uprobes that filters by process, not by thread.
    UprobeMultiLink,
    /// Instructions may point to any place in a map's value, not only to its first 512 MiB.
    DirectOffsets,
    /// System calls are entered through functions that take the registers: `__x64_sys_bpf` and the like.
    SyscallWrapper,
}

/// The first release of `major.minor`.
pub(crate) const fn version(major: u32, minor: u32) -> KernelVersion {
    KernelVersion::new(major, minor, 0)
}

type Probe = fn(&Kernel) -> Result<bool, SysError>;

impl Feature {
    /// Every feature, in the order of the enum.
    pub const ALL: &'static [Self] = &[
        Self::ObjectNames,
        Self::Btf,
        Self::BtfFunc,
        Self::BtfDatasec,
        Self::BtfFuncGlobal,
        Self::BtfFloat,
        Self::BtfDeclTag,
        Self::BtfTypeTag,
        Self::BtfEnum64,
        Self::BtfQmarkDatasec,
        Self::BtfTagKflag,
        Self::ModuleBtf,
        Self::GlobalData,
        Self::ArrayMmap,
        Self::BatchMapOps,
        Self::MemcgAccounting,
        Self::ExpectedAttachType,
        Self::ProbeReadKernel,
        Self::ProgBindMap,
        Self::ArgCtxTag,
        Self::PerfLink,
        Self::BpfCookie,
        Self::UprobeMultiLink,
        Self::DirectOffsets,
        Self::SyscallWrapper,
    ];

    /// Description, first kernel, probe.
    const fn row(self) -> (&'static str, KernelVersion, Probe) {
        match self {
            Self::ObjectNames => ("names of maps and programs", version(4, 15), programs::names),
            Self::Btf => ("BTF", version(4, 18), btf::minimal),
            Self::BtfFunc => ("BTF of functions", version(5, 0), btf::func),
            Self::BtfDatasec => ("BTF of variables and sections", version(5, 2), btf::datasec),
            Self::BtfFuncGlobal => ("BTF of global functions", version(5, 6), btf::func_global),
            Self::BtfFloat => ("BTF of floating-point types", version(5, 13), btf::float),
            Self::BtfDeclTag => ("BTF declaration tags", version(5, 16), btf::decl_tag),
            Self::BtfTypeTag => ("BTF type tags", version(5, 17), btf::type_tag),
            Self::BtfEnum64 => ("64-bit enumerations in BTF", version(6, 0), btf::enum64),
            Self::BtfQmarkDatasec => ("BTF sections named ?...", version(6, 9), btf::qmark_datasec),
            Self::BtfTagKflag => ("BTF tags with the kind flag", version(6, 15), btf::tag_kflag),
            Self::ModuleBtf => ("BTF of modules", version(5, 11), btf::module),
            Self::GlobalData => ("global variables", version(5, 2), maps::global_data),
            Self::ArrayMmap => ("array maps in memory", version(5, 5), maps::array_mmap),
            Self::BatchMapOps => ("batch commands of maps", version(5, 6), maps::batch),
            Self::MemcgAccounting => ("memory cgroup accounting", version(5, 11), programs::memcg_accounting),
            Self::ExpectedAttachType => {
                ("expected attach types", version(4, 17), programs::expected_attach_type)
            }
            Self::ProbeReadKernel => ("bpf_probe_read_kernel()", version(5, 5), programs::probe_read_kernel),
            Self::ProgBindMap => ("BPF_PROG_BIND_MAP", version(5, 10), programs::bind_map),
            Self::ArgCtxTag => ("the tag arg:ctx", version(6, 8), programs::arg_ctx_tag),
            Self::PerfLink => ("links to perf events", version(5, 15), links::perf),
            Self::BpfCookie => ("bpf_get_attach_cookie()", version(5, 15), programs::cookie),
            Self::UprobeMultiLink => ("links to many uprobes", version(6, 10), links::uprobe_multi),
            Self::DirectOffsets => {
                ("instructions that point far into maps", version(7, 0), maps::direct_offsets)
            }
            Self::SyscallWrapper => ("system call wrappers", version(4, 17), symbols::syscall_wrapper),
        }
    }

    /// The first kernel release that has it.
    pub const fn since(self) -> KernelVersion {
        self.row().1
    }

    /// What it is, as an error says it.
    pub const fn what(self) -> &'static str {
        self.row().0
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what())
    }
}

/// Whether this kernel has `feature`.
///
/// The first call for a feature asks the kernel; the answer is kept in `kernel`. A probe that is refused (no
/// `CAP_BPF`) or that fails for want of memory counts as "no" and is asked again the next time; [`probe`] tells these
/// apart.
pub fn supported(kernel: &Kernel, feature: Feature) -> bool {
    probe(kernel, feature).unwrap_or_else(|error| {
        tracing::debug!(feature = feature.what(), %error, "could not probe the kernel");
        false
    })
}

/// Whether this kernel has `feature`, or why that cannot be told. An answer is kept in `kernel`.
///
/// ```
/// use oxbpf::features::{Feature, probe};
/// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
///
/// // On this machine: let kernel = oxbpf::Kernel::host();
/// match probe(&kernel, Feature::ArrayMmap) {
///     Ok(true) => println!("global variables can be mapped"),
///     Ok(false) => println!("not before Linux {}", Feature::ArrayMmap.since()),
///     Err(error) => println!("cannot tell: {error}"),
/// }
/// ```
///
/// # Errors
/// `EPERM`, `EACCES` (an LSM), `ENOMEM`, `EMFILE`, `ENFILE`: it cannot be found out; `EAGAIN`: signals came again and
/// again.
pub fn probe(kernel: &Kernel, feature: Feature) -> Result<bool, SysError> {
    let (what, _, ask) = feature.row();
    kept(kernel, "oxbpf features", what, || {
        let found = match feature {
            // Lifting the limit asks for this.
            Feature::MemcgAccounting => ask(kernel)?,
            _ => memlock::retried(kernel, || ask(kernel))?,
        };
        tracing::debug!(feature = what, found, "probed the kernel");
        Ok(found)
    })
}

/// The answer to a question, asked once; what could not be told is asked again.
fn kept<K: Ord + Send + 'static>(
    kernel: &Kernel,
    what: &'static str,
    key: K,
    ask: impl FnOnce() -> Result<bool, SysError>,
) -> Result<bool, SysError> {
    kept_if_lasting(kernel, what, key, || Ok(Answer { yes: ask()?, lasts: true }))
}

/// What a question gave.
struct Answer {
    yes: bool,
    /// Whether it is the same as long as the kernel runs.
    lasts: bool,
}

/// As [`kept`], but for answers that may be others later.
fn kept_if_lasting<K: Ord + Send + 'static>(
    kernel: &Kernel,
    what: &'static str,
    key: K,
    ask: impl FnOnce() -> Result<Answer, SysError>,
) -> Result<bool, SysError> {
    let known: Arc<Mutex<BTreeMap<K, bool>>> = kernel.memo(what, Arc::default);
    let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = lock().get(&key) {
        return Ok(*answer);
    }
    // Not locked meanwhile: one answer may take others.
    let Answer { yes, lasts } = ask()?;
    if lasts {
        lock().insert(key, yes);
    }
    Ok(yes)
}

/// What a probe makes of the command it tried: done means "has it", refused or out of means "cannot tell", any other
/// error "lacks it".
fn loaded<T>(outcome: Result<T, SysError>) -> Result<bool, SysError> {
    match outcome {
        Ok(_) => Ok(true),
        Err(error) if says_nothing(&error) => Err(error),
        Err(_) => Ok(false),
    }
}

/// Whether a refusal is about who asks or what the machine has left, not about what is asked for.
fn says_nothing(error: &SysError) -> bool {
    is_about_asker(error) || is_about_moment(error)
}

/// A privilege is missing. `EACCES` is an LSM's (SELinux says it of maps and programs); the verifier's comes with words.
fn is_about_asker(error: &SysError) -> bool {
    matches!(error.errno, Errno::EPERM | Errno::EACCES)
}

/// Nothing is left right now, or a signal came.
fn is_about_moment(error: &SysError) -> bool {
    matches!(error.errno, Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE | Errno::EAGAIN | Errno::EINTR)
}

/// Whether this kernel lacks `feature`, without asking one that is new enough by its version.
pub(crate) fn lacks(kernel: &Kernel, feature: Feature) -> bool {
    running(kernel).is_none_or(|running| running < feature.since()) && !supported(kernel, feature)
}
