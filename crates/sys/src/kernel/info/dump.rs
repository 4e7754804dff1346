//! The parts of a program: its code, its functions, its lines.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use bitflags::bitflags;
use zerocopy::IntoBytes;

use super::{info_room, room};
use crate::Result;
use crate::kernel::{Kernel, ObjectKind};
use crate::uapi::{Cmd, RawProgInfo};

bitflags! {
    /// Which parts of a program to copy out.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct ProgramParts: u32 {
        /// The instructions after the verifier's changes.
        const XLATED = 1 << 0;
        /// The machine code.
        const JITED = 1 << 1;
        /// The addresses of its functions.
        const KSYMS = 1 << 2;
        /// How long its functions are.
        const FUNC_LENS = 1 << 3;
        /// The types of its functions.
        const FUNC_INFO = 1 << 4;
        /// Its source lines.
        const LINE_INFO = 1 << 5;
        /// The addresses of its source lines.
        const JITED_LINE_INFO = 1 << 6;
        /// The tags of its functions.
        const TAGS = 1 << 7;
    }
}

/// The parts of a program. Those that were not asked for, or that the kernel withholds, are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ProgramDump {
    /// Instructions after the verifier's changes, 8 bytes each.
    pub xlated: Vec<u8>,
    /// Machine code of all functions, one after another.
    pub jited: Vec<u8>,
    /// The address of each function (4.18).
    pub ksyms: Vec<u64>,
    /// Bytes of machine code of each function (4.18).
    pub func_lens: Vec<u32>,
    /// Records of functions (5.0); see [`functions`](Self::functions).
    pub func_info: Vec<u8>,
    /// Bytes of such a record.
    pub func_info_rec_size: u32,
    /// Records of source lines (5.0); see [`lines`](Self::lines).
    pub line_info: Vec<u8>,
    /// Bytes of such a record.
    pub line_info_rec_size: u32,
    /// The address of each source line (5.0).
    pub jited_line_info: Vec<u64>,
    /// The tag of each function (5.0).
    pub tags: Vec<[u8; 8]>,
    /// What was asked for and is there, but not for this process: all of it without `CAP_BPF` (`CAP_SYS_ADMIN` before
    /// 5.8); machine code, and where and how long it is, from whom the kernel hides its addresses
    /// (`kernel.kptr_restrict`, no `CAP_SYSLOG`), and then the instructions too if `net.core.bpf_jit_harden` blinded their
    /// constants.
    pub withheld: ProgramParts,
}

impl Kernel {
    /// Copies out parts of a program. Since Linux 4.13, parts since the versions that [`ProgramDump`] says.
    ///
    /// # Errors
    /// `EBADFD` for no descriptor, `EINVAL` for one of something else; `ENOMEM`. What the kernel withholds is no error:
    /// see [`ProgramDump::withheld`].
    #[doc(alias = "bpf_prog_get_info_by_fd")]
    #[doc(alias = "bpf_prog_linfo__new")]
    pub fn prog_dump(&self, prog: BorrowedFd<'_>, parts: ProgramParts) -> Result<ProgramDump> {
        let mut have = RawProgInfo::default();
        self.info(ObjectKind::Prog, prog, &mut have, Vec::new())?;
        let wanted = |part: ProgramParts, n: u32| if parts.contains(part) { n } else { 0 };
        let mut ask = RawProgInfo {
            xlated_prog_len: wanted(ProgramParts::XLATED, have.xlated_prog_len),
            jited_prog_len: wanted(ProgramParts::JITED, have.jited_prog_len),
            nr_jited_ksyms: wanted(ProgramParts::KSYMS, have.nr_jited_ksyms),
            nr_jited_func_lens: wanted(ProgramParts::FUNC_LENS, have.nr_jited_func_lens),
            nr_func_info: wanted(ProgramParts::FUNC_INFO, have.nr_func_info),
            nr_line_info: wanted(ProgramParts::LINE_INFO, have.nr_line_info),
            nr_jited_line_info: wanted(ProgramParts::JITED_LINE_INFO, have.nr_jited_line_info),
            nr_prog_tags: wanted(ProgramParts::TAGS, have.nr_prog_tags),
            // The kernel refuses sizes other than its own, and says what those are.
            func_info_rec_size: have.func_info_rec_size,
            line_info_rec_size: have.line_info_rec_size,
            jited_line_info_rec_size: have.jited_line_info_rec_size,
            ..Default::default()
        };
        let records = |n: u32, size: u32| room(Cmd::OBJ_GET_INFO_BY_FD, u64::from(n) * u64::from(size));
        // Addresses have 8 bytes in all kernels so far; others would be copied to too small a buffer.
        if have.jited_line_info_rec_size != 8 {
            ask.nr_jited_line_info = 0;
        }
        let mut out = ProgramDump {
            xlated: info_room(ask.xlated_prog_len)?,
            jited: info_room(ask.jited_prog_len)?,
            ksyms: info_room(ask.nr_jited_ksyms)?,
            func_lens: info_room(ask.nr_jited_func_lens)?,
            func_info: records(ask.nr_func_info, have.func_info_rec_size)?,
            func_info_rec_size: have.func_info_rec_size,
            line_info: records(ask.nr_line_info, have.line_info_rec_size)?,
            line_info_rec_size: have.line_info_rec_size,
            jited_line_info: info_room(ask.nr_jited_line_info)?,
            tags: info_room(ask.nr_prog_tags)?,
            withheld: ProgramParts::empty(),
        };
        let nested: Vec<super::Nested<'_>> = vec![
            ("xlated_prog_insns", offset_of!(RawProgInfo, xlated_prog_insns), &mut out.xlated),
            ("jited_prog_insns", offset_of!(RawProgInfo, jited_prog_insns), &mut out.jited),
            ("jited_ksyms", offset_of!(RawProgInfo, jited_ksyms), out.ksyms.as_mut_bytes()),
            ("jited_func_lens", offset_of!(RawProgInfo, jited_func_lens), out.func_lens.as_mut_bytes()),
            ("func_info", offset_of!(RawProgInfo, func_info), &mut out.func_info),
            ("line_info", offset_of!(RawProgInfo, line_info), &mut out.line_info),
            ("jited_line_info", offset_of!(RawProgInfo, jited_line_info), out.jited_line_info.as_mut_bytes()),
            ("prog_tags", offset_of!(RawProgInfo, prog_tags), out.tags.as_mut_bytes()),
        ];
        let asked = ask;
        self.info(ObjectKind::Prog, prog, &mut ask, nested)?;
        let mut withheld = if have.xlated_prog_len == 0 { parts } else { ProgramParts::empty() };
        // What the kernel will not show has its pointer taken away, or its number.
        let mut keep = |part, pointer: u64, asked: u32, answered: u32| {
            if pointer == 0 && asked > 0 {
                withheld |= part;
            }
            if pointer == 0 { 0 } else { asked.min(answered) as usize }
        };
        let (a, b) = (&asked, &ask);
        let n = keep(ProgramParts::XLATED, b.xlated_prog_insns, a.xlated_prog_len, b.xlated_prog_len);
        out.xlated.truncate(n);
        let n = keep(ProgramParts::JITED, b.jited_prog_insns, a.jited_prog_len, b.jited_prog_len);
        out.jited.truncate(n);
        let n = keep(ProgramParts::KSYMS, b.jited_ksyms, a.nr_jited_ksyms, b.nr_jited_ksyms);
        out.ksyms.truncate(n);
        let n = keep(ProgramParts::FUNC_LENS, b.jited_func_lens, a.nr_jited_func_lens, b.nr_jited_func_lens);
        out.func_lens.truncate(n);
        let n = keep(ProgramParts::FUNC_INFO, b.func_info, a.nr_func_info, b.nr_func_info);
        out.func_info.truncate(n * have.func_info_rec_size as usize);
        let n = keep(ProgramParts::LINE_INFO, b.line_info, a.nr_line_info, b.nr_line_info);
        out.line_info.truncate(n * have.line_info_rec_size as usize);
        let (asked, answered) = (a.nr_jited_line_info, b.nr_jited_line_info);
        let n = keep(ProgramParts::JITED_LINE_INFO, b.jited_line_info, asked, answered);
        out.jited_line_info.truncate(n);
        let n = keep(ProgramParts::TAGS, b.prog_tags, a.nr_prog_tags, b.nr_prog_tags);
        out.tags.truncate(n);
        out.withheld = withheld;
        Ok(out)
    }
}
