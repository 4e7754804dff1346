//! What the kernel tells about its objects (`BPF_OBJ_GET_INFO_BY_FD`).
//!
//! The kernel fills in one structure, and the arrays and strings that it points to as far as there is room.
//! So most questions take two calls, the first for the lengths; the functions here do both.

mod btf;
mod dump;
mod fdinfo;
mod lines;
mod link;
mod link_types;
mod map;
mod prog;
mod task_fd;

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

pub use btf::BtfInfo;
pub use dump::{ProgramDump, ProgramParts};
pub use fdinfo::FdInfo;
pub use link_types::{
    IterInfo, KprobeMultiInfo, LinkDetails, LinkInfo, PerfEventInfo, TracingMultiInfo, UprobeMultiInfo,
};
pub use map::MapInfo;
pub use prog::ProgramInfo;
pub use task_fd::TaskFd;

use super::{Kernel, ObjectKind};
use crate::attr::{Attr, raw};
use crate::uapi::{Cmd, InfoAttr};
use crate::{Errno, Result, SysError};

/// Memory that an info structure points to: its name, where in the structure its address goes, and itself.
type Nested<'a> = (&'static str, usize, &'a mut [u8]);

/// Room for the structure of any kernel, so that its length tells what it is about.
const ROOM: usize = 256;

impl Kernel {
    /// One call about an object of this kind. The numbers in `info` that say how long the nested memory is are the
    /// caller's to set.
    fn info<T: FromBytes + IntoBytes + Immutable>(
        &self,
        kind: ObjectKind,
        fd: BorrowedFd<'_>,
        info: &mut T,
        nested: Vec<Nested<'_>>,
    ) -> Result<()> {
        const { assert!(size_of::<T>() <= ROOM) };
        let mut room = [0u64; ROOM / 8];
        room.as_mut_bytes()[..size_of::<T>()].copy_from_slice(info.as_bytes());
        for (_, at, memory) in &nested {
            if !memory.is_empty() {
                room[*at / 8] = memory.as_ptr() as u64;
            }
        }
        let sent = room[0];
        let len = {
            let layout = InfoAttr { bpf_fd: raw(fd), info_len: ROOM as u32, info: 0 };
            let mut attr = Attr::new(Cmd::OBJ_GET_INFO_BY_FD, &layout);
            attr.output("info", offset_of!(InfoAttr, info), room.as_mut_bytes());
            for (name, _, memory) in nested {
                attr.lend(name, memory);
            }
            self.bpf(&mut attr)?;
            attr.view::<InfoAttr>().info_len
        };
        if unlike(kind, len, sent, room[0]) {
            self.expect_kind(fd, kind)?;
        }
        info.as_mut_bytes().copy_from_slice(&room.as_bytes()[..size_of::<T>()]);
        Ok(())
    }

    /// Refuses the descriptor of something else, where that can be known.
    fn expect_kind(&self, fd: BorrowedFd<'_>, kind: ObjectKind) -> Result<()> {
        match self.fdinfo(fd).ok().and_then(|lines| lines.kind()) {
            Some(other) if other != kind => {
                let what = format!("a descriptor of a {other}, not of a {kind}");
                Err(SysError::invalid(Cmd::OBJ_GET_INFO_BY_FD.name(), what))
            }
            _ => Ok(()),
        }
    }
}

/// Zeroed memory for `n` things that the kernel says it has. Of what no kernel has so much of (1 GiB) it is not believed:
/// the door may be to none, and memory is not to be had for the asking.
pub(in crate::kernel) fn room<T: Copy + FromZeros>(cmd: Cmd, n: u64) -> Result<Vec<T>> {
    const MOST: u64 = 1 << 30;
    match usize::try_from(n) {
        Ok(len) if n.saturating_mul(size_of::<T>() as u64) <= MOST => Ok(vec![T::new_zeroed(); len]),
        _ => Err(SysError::new(cmd.name(), Errno::EPROTO).because(format!("an answer of {n} parts"))),
    }
}

/// As [`room`], for what is asked about an object.
fn info_room<T: Copy + FromZeros>(n: u32) -> Result<Vec<T>> {
    room(Cmd::OBJ_GET_INFO_BY_FD, n.into())
}

/// Whether an answer does not look like one about an object of this kind. The kernel answers about whatever the
/// descriptor is of, by a structure of that kind's length: programs have the longest (Linux 4.18 on), then maps; links
/// begin with a type that is not 0, BTF with a field that stays as it was.
fn unlike(kind: ObjectKind, len: u32, sent: u64, first: u64) -> bool {
    match kind {
        ObjectKind::Prog => len < 128,
        ObjectKind::Map => !(80..128).contains(&len),
        ObjectKind::Link => len >= 80 || first == 0,
        ObjectKind::Btf => len > 32 || first != sent,
    }
}

/// The text before the first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
