//! What the kernel tells about its objects (`BPF_OBJ_GET_INFO_BY_FD`).
//!
//! The kernel fills in one structure, and the arrays and strings that it points to as far as there is room.
//! So most questions take two calls, the first for the lengths; the functions here do both.

mod btf;
mod link;
mod map;
mod prog;
mod task_fd;

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use zerocopy::{FromBytes, Immutable, IntoBytes};

pub use btf::BtfInfo;
pub use link::{IterInfo, LinkDetails, LinkInfo, PerfEventInfo, UprobeMultiInfo};
pub use map::MapInfo;
pub use prog::{ProgDump, ProgInfo, ProgParts};
pub use task_fd::TaskFd;

use super::Kernel;
use crate::Result;
use crate::attr::{Attr, raw};
use crate::uapi::{Cmd, InfoAttr};

/// Memory that an info structure points to: its name, where in the structure its address goes, and itself.
type Nested<'a> = (&'static str, usize, &'a mut [u8]);

impl Kernel {
    /// One call. The numbers in `info` that say how long the nested memory is are the caller's to set.
    fn info<T: FromBytes + IntoBytes + Immutable>(
        &self,
        fd: BorrowedFd<'_>,
        info: &mut T,
        nested: Vec<Nested<'_>>,
    ) -> Result<()> {
        let bytes = info.as_mut_bytes();
        for (_, at, memory) in &nested {
            if !memory.is_empty() {
                bytes[*at..*at + 8].copy_from_slice(&(memory.as_ptr() as u64).to_ne_bytes());
            }
        }
        let layout = InfoAttr { bpf_fd: raw(fd), info_len: bytes.len() as u32, info: 0 };
        let mut attr = Attr::new(Cmd::OBJ_GET_INFO_BY_FD, &layout);
        attr.output("info", offset_of!(InfoAttr, info), bytes);
        for (name, _, memory) in nested {
            attr.lend(name, memory);
        }
        self.bpf(&mut attr)
    }
}

/// The text before the first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
