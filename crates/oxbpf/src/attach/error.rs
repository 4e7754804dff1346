//! Why a program could not be attached.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

use oxbpf_obj::{AttachKind, ProgramType, SectionDef};
use oxbpf_sys::{Errno, SysError};

use super::elf_symbol::SymbolError;
use super::suggest::did_you_mean;
use crate::Hint;

/// A program that could not be attached, and why.
///
/// `Display` is one line that begins with the program and its section and ends with a hint, where there is one.
#[derive(Debug)]
pub struct AttachError {
    /// The program's name.
    pub program: String,
    /// Its section.
    pub section: String,
    /// Why.
    pub reason: AttachReason,
    /// What to do about it, where that is known.
    pub hint: Option<Hint>,
}

impl AttachError {
    /// The kernel's error number, where it was the kernel that refused.
    pub fn errno(&self) -> Option<Errno> {
        match &self.reason {
            AttachReason::Kernel(e)
            | AttachReason::NoTracefs(e)
            | AttachReason::NotCgroup2 { source: e, .. }
            | AttachReason::Refused { source: e, .. } => Some(e.errno),
            _ => None,
        }
    }
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot attach program {}", self.program)?;
        // Of a program that was opened by its id, say, it is not known.
        if !self.section.is_empty() {
            write!(f, " ({})", self.section)?;
        }
        write!(f, ": {}", self.reason)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl StdError for AttachError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.reason.source()
    }
}

/// The reason in an [`AttachError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachReason {
    /// This library cannot attach programs of such sections yet.
    #[error("attaching `{section}` is not supported yet")]
    NotYet {
        /// The section.
        section: String,
    },
    /// The section's name is in no table, so it says nothing about attaching.
    #[error("the section's name does not say what to attach to; use one of Program's `attach_` methods")]
    UnknownSection,
    /// What handles the section attaches it to nothing by itself.
    #[error("the section's handler attaches it to nothing: use one of Program's `attach_` methods")]
    NotByHandler,
    /// What handles the section failed.
    #[error(transparent)]
    Handler(Box<dyn StdError + Send + Sync>),
    /// Programs of the section are put to use in another way.
    #[error("it is not attached: {how}")]
    NotAttached {
        /// What to do instead.
        how: &'static str,
    },
    /// The section says how to attach, but not to what.
    #[error("the section names no {what}: use `Program::{method}`{}", form(section_form))]
    NeedsTarget {
        /// What is missing: `function`, `interface`.
        what: &'static str,
        /// The method that takes it.
        method: &'static str,
        /// How a section that names it looks, if there is such a thing.
        section_form: Option<&'static str>,
    },
    /// The program was opened by its id, its pin or a descriptor, and the way to attach it depends on more than its type.
    #[error("the kernel does not tell what it was loaded for: say it by `Program::loaded_for`")]
    Untold,
    /// What the section names does not read as a target.
    #[error("`{target}` is not of the form {form}")]
    BadTarget {
        /// What follows the section's prefix.
        target: String,
        /// What it should look like.
        form: &'static str,
    },
    /// The program's type is not one that the method attaches.
    #[error("`Program::{method}` is for programs of type {expected}, this is of type {found}")]
    WrongType {
        /// The method that was called.
        method: &'static str,
        /// The type it is for.
        expected: &'static str,
        /// The program's type.
        found: ProgramType,
    },
    /// A return probe cannot have an offset: a function returns from wherever it does.
    #[error("a return probe takes no offset")]
    ReturnOffset,
    /// tracefs cannot be read.
    #[error("tracefs is needed: {0}")]
    NoTracefs(#[source] SysError),
    /// The kernel has no such tracepoint.
    #[error("this kernel has no tracepoint `{name}`{}", did_you_mean(near))]
    NoTracepoint {
        /// `category/name`, or the name of a raw tracepoint.
        name: String,
        /// Tracepoints with names like it.
        near: Vec<String>,
    },
    /// The kernel has neither the PMU for kprobes nor a list of them in tracefs.
    #[error("this kernel has no kprobes (CONFIG_KPROBE_EVENTS)")]
    NoKprobes,
    /// The kernel has neither the PMU for uprobes nor a list of them in tracefs.
    #[error("this kernel has no uprobes (CONFIG_UPROBE_EVENTS)")]
    NoUprobes,
    /// The kernel has no such function to probe: another name, inlined everywhere, or in a module that is not loaded.
    #[error("this kernel has no function `{function}`, or only inlined{}", did_you_mean(near))]
    NoFunction {
        /// The function.
        function: String,
        /// Functions with names like it.
        near: Vec<String>,
    },
    /// A program or library is nowhere to be found.
    #[error("there is no program or library `{name}` in PATH or where the dynamic linker looks")]
    NoBinary {
        /// Its name.
        name: String,
    },
    /// A program or library has no such function, or cannot be read.
    #[error("{}: {source}", path.display())]
    Symbol {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SymbolError,
    },
    /// There is no such network interface in this network namespace.
    #[error("there is no network interface {interface}")]
    NoInterface {
        /// Its name, or its number.
        interface: String,
    },
    /// The interface has another XDP program, and it takes one.
    #[error("interface {interface} has another XDP program already")]
    XdpBusy {
        /// Its name, or its number.
        interface: String,
    },
    /// The interface's driver knows no XDP of the mode that was asked for.
    #[error("the driver of interface {interface} cannot do that; try `XdpFlags::SKB_MODE`")]
    XdpMode {
        /// Its name, or its number.
        interface: String,
    },
    /// Not a directory of a cgroup v2 hierarchy.
    #[error("{cgroup} is not a cgroup of a v2 hierarchy")]
    NotCgroup2 {
        /// Its path, or its descriptor.
        cgroup: String,
        /// What the kernel said.
        source: SysError,
    },
    /// The kernel's limit of programs on one event.
    #[error("the kernel allows no more programs on {target}")]
    Crowded {
        /// What they are attached to.
        target: String,
    },
    /// Cookies are newer than this kernel.
    #[error("this kernel gives programs no cookie here (needs kernel >= {since})")]
    NoCookies {
        /// The first kernel that does.
        since: &'static str,
    },
    /// The machine has no such perf event.
    #[error("this machine has no perf event of type {event_type} with config {config:#x}")]
    NoEvent {
        /// The type of the event.
        event_type: u32,
        /// Which of them.
        config: u64,
    },
    /// The kernel refuses the target, for a reason that its error number does not tell.
    #[error("{why}: {source}")]
    Refused {
        /// What it can be.
        why: &'static str,
        /// What the kernel said.
        source: SysError,
    },
    /// The kernel refused.
    #[error(transparent)]
    Kernel(#[from] SysError),
}

impl AttachReason {
    /// Whether it is only that nothing was said of what to attach the program to.
    pub(super) fn is_waiting(&self) -> bool {
        match self {
            Self::NeedsTarget { .. }
            | Self::NotByHandler
            | Self::NotAttached { .. }
            | Self::UnknownSection => true,
            Self::NotYet { section } => SectionDef::find(section).is_some_and(|(def, _)| {
                use AttachKind as K;
                matches!(
                    def.attach,
                    K::Tc | K::Tcx | K::Netkit | K::Netfilter | K::Netns | K::Sockmap | K::Lirc
                )
            }),
            _ => false,
        }
    }
}

fn form(section_form: &Option<&'static str>) -> String {
    section_form.map_or_else(String::new, |form| format!(", or name it in the section: `{form}`"))
}
