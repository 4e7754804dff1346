//! The kernel's door for BPF: bpf(2), perf events, tracefs and what else a loader asks of a kernel, as typed
//! calls on a [`Kernel`] value.
//!
//! ```no_run
//! use oxbpf_sys::{Kernel, MapCreate, uapi::{ElemFlags, MapType}};
//!
//! let kernel = Kernel::host();
//! let map = kernel.map_create(&MapCreate {
//!     map_type: MapType::HASH,
//!     key_size: 4,
//!     value_size: 8,
//!     max_entries: 100,
//!     name: "counts",
//!     ..Default::default()
//! })?;
//! kernel.map_update_elem(&map, &1u32.to_ne_bytes(), &7u64.to_ne_bytes(), ElemFlags::NOEXIST)?;
//! let mut value = [0; 8];
//! kernel.map_lookup_elem(&map, &1u32.to_ne_bytes(), &mut value, ElemFlags::empty())?;
//! assert_eq!(u64::from_ne_bytes(value), 7);
//! # Ok::<(), oxbpf_sys::SysError>(())
//! ```
//!
//! The kernel is a value, not the surroundings: [`Kernel::host`] is this machine's, [`Kernel::with_door`] one
//! behind any [`Door`]. The doors of [`doors`] record, fail, or play an older kernel or none at all.

mod attr;
mod door;
pub mod doors;
mod errno;
mod error;
mod kernel;
mod mapping;
mod meaning;
mod options;
pub mod uapi;

pub use attr::{Attr, Elem, Layout};
pub use door::{Call, Door, HostDoor, OpenHow, PerfEventOpen, PerfIoctl, Reply, Uname};
pub use errno::Errno;
pub use error::{Result, SysError};
pub use kernel::*;
pub use mapping::{MappedBytes, Mapping, Prot};
pub use options::Unsupported;
pub use uapi::{
    AttachFlags, AttachType, Cmd, ElemFlags, LinkType, MapFlags, MapType, OpenFlags, ProgramFlags,
    ProgramType,
};
