//! About BTF.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use super::{info_room, text};
use crate::Result;
use crate::kernel::{Kernel, ObjectKind};
use crate::uapi::RawBtfInfo;

/// What the kernel tells about BTF.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BtfInfo {
    /// The id.
    pub id: u32,
    /// `vmlinux` or a module's name (5.11); empty for BTF that a process loaded.
    pub name: String,
    /// Whether it is the kernel's own or a module's (5.11).
    pub kernel_btf: bool,
    /// How many bytes it has.
    pub size: u32,
}

impl Kernel {
    /// What the kernel tells about BTF. Since Linux 4.18.
    ///
    /// # Errors
    /// `EBADFD` for no descriptor, `EINVAL` for one of something else.
    #[doc(alias = "bpf_btf_get_info_by_fd")]
    pub fn btf_info(&self, btf: BorrowedFd<'_>) -> Result<BtfInfo> {
        let mut raw = RawBtfInfo::default();
        self.info(ObjectKind::Btf, btf, &mut raw, Vec::new())?;
        let mut name = info_room(raw.name_len.saturating_add(1))?;
        if raw.name_len > 0 {
            raw = RawBtfInfo { name_len: name.len() as u32, ..Default::default() };
            self.info(
                ObjectKind::Btf,
                btf,
                &mut raw,
                vec![("name", offset_of!(RawBtfInfo, name), &mut name)],
            )?;
        }
        Ok(BtfInfo { id: raw.id, name: text(&name), kernel_btf: raw.kernel_btf != 0, size: raw.btf_size })
    }

    /// The raw BTF itself. That of a module is on the base of the kernel's.
    ///
    /// # Errors
    /// As [`btf_info`](Self::btf_info).
    pub fn btf_data(&self, btf: BorrowedFd<'_>) -> Result<Vec<u8>> {
        let mut raw = RawBtfInfo::default();
        self.info(ObjectKind::Btf, btf, &mut raw, Vec::new())?;
        let mut data = info_room(raw.btf_size)?;
        let mut raw = RawBtfInfo { btf_size: raw.btf_size, ..Default::default() };
        self.info(ObjectKind::Btf, btf, &mut raw, vec![("btf", offset_of!(RawBtfInfo, btf), &mut data)])?;
        data.truncate(raw.btf_size as usize);
        Ok(data)
    }
}
