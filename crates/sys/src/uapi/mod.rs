//! What the kernel's binary interface is made of: command numbers, flags and the layouts of the structures
//! that pass through bpf(2) and perf_event_open(2), to Linux 6.18 and what is known of later ones.
//!
//! The `*Attr` types are the parts of `union bpf_attr`, one for each command (or family of commands with the
//! same part). They are plain old data: a fake kernel or a test reads them from a call by
//! [`Attr::view`](crate::Attr::view). Fields named as in the kernel's header; those that hold addresses are
//! `u64` and of use to nobody but the kernel.

mod attr;
mod cmd;
mod flags;
mod info;
mod link_type;
mod perf;

pub use attr::*;
pub use cmd::{COMMON_ATTRS, Cmd};
pub use flags::*;
pub use info::*;
pub use link_type::{LinkType, PerfEventKind, TaskFdType};
pub use oxbpf_obj::{AttachType, MapFlags, MapType, ProgramFlags, ProgramType};
pub use perf::*;
