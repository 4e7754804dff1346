//! What a file descriptor stands for.

use std::ffi::CStr;

use oxbpf_sys::uapi::{Cmd, InfoAttr, RawBtfInfo, RawMapInfo, RawProgInfo};
use zerocopy::FromZeros;

use super::hook;

/// What a file descriptor stands for, whatever its number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Fd {
    /// A map of this id and name.
    Map(u32, String),
    Program(u32, String),
    Btf(u32, String),
    /// Something else, or nothing.
    Other(String),
}

impl Fd {
    pub(crate) fn of(fd: i32) -> Fd {
        let link = std::fs::read_link(format!("/proc/self/fd/{fd}"));
        let link = link.map_or_else(|_| "closed".to_owned(), |path| path.to_string_lossy().into_owned());
        let name = |bytes: &[u8]| {
            CStr::from_bytes_until_nul(bytes).map_or_else(|_| String::new(), |s| s.to_string_lossy().into())
        };
        match link.as_str() {
            "anon_inode:bpf-map" => {
                let info = map_info(fd);
                Fd::Map(info.id, name(&info.name))
            }
            "anon_inode:bpf-prog" => {
                let mut info = RawProgInfo::default();
                inquire(fd, &mut info);
                Fd::Program(info.id, name(&info.name))
            }
            "anon_inode:btf" => {
                let mut text = [0_u8; 64];
                let mut info = RawBtfInfo {
                    name: text.as_mut_ptr() as u64,
                    name_len: text.len() as u32,
                    ..RawBtfInfo::default()
                };
                inquire(fd, &mut info);
                Fd::Btf(info.id, name(&text))
            }
            _ => Fd::Other(link),
        }
    }
}

pub(super) fn map_info(fd: i32) -> RawMapInfo {
    let mut info = RawMapInfo::default();
    inquire(fd, &mut info);
    info
}

/// Has the kernel fill in `info`, as much as it knows of; its pointers, if any, lead to memory of the lengths beside
/// them.
pub(super) fn inquire<T: FromZeros>(fd: i32, info: &mut T) {
    let mut attr = InfoAttr {
        bpf_fd: fd.cast_unsigned(),
        info_len: size_of::<T>() as u32,
        info: std::ptr::from_mut(info) as u64,
    };
    // SAFETY: the kernel writes to `info`, no more than its size, and to what its fields lead to, which are of the
    // lengths that stand beside them or null.
    unsafe { hook::bpf(Cmd::OBJ_GET_INFO_BY_FD, &mut attr) };
}
