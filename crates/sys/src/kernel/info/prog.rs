//! About programs.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use bitflags::bitflags;
use zerocopy::IntoBytes;

use super::text;
use crate::Result;
use crate::kernel::Kernel;
use crate::uapi::{ProgramType, RawProgInfo};

/// What the kernel tells about a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ProgInfo {
    /// The type.
    pub prog_type: ProgramType,
    /// The id.
    pub id: u32,
    /// A hash of its instructions.
    pub tag: [u8; 8],
    /// The name, up to 15 bytes (4.15).
    pub name: String,
    /// When it was loaded, in nanoseconds since boot (4.15).
    pub load_time: u64,
    /// Who loaded it (4.15).
    pub created_by_uid: u32,
    /// Whether its license is compatible with the GPL (4.18).
    pub gpl_compatible: bool,
    /// Bytes of translated instructions; 0 without privileges.
    pub xlated_prog_len: u32,
    /// Bytes of machine code; 0 if it is interpreted, or without privileges.
    pub jited_prog_len: u32,
    /// The maps it uses (4.15).
    pub map_ids: Vec<u32>,
    /// Its BTF, 0 for none (5.0).
    pub btf_id: u32,
    /// How many functions it has.
    pub nr_func_info: u32,
    /// How many records of source lines it has.
    pub nr_line_info: u32,
    /// How long it ran in all, in nanoseconds, while statistics were enabled (5.1).
    pub run_time_ns: u64,
    /// How often it ran while statistics were enabled (5.1).
    pub run_cnt: u64,
    /// How often it did not run because it was running already (5.12).
    pub recursion_misses: u64,
    /// How many instructions the verifier looked at (5.16).
    pub verified_insns: u32,
    /// The BTF object of what it is for (6.0).
    pub attach_btf_obj_id: u32,
    /// The type there (6.0).
    pub attach_btf_id: u32,
    /// The device it is offloaded to, 0 for none (4.16).
    pub ifindex: u32,
    /// The device of that device's network namespace (4.16).
    pub netns_dev: u64,
    /// The inode of that device's network namespace (4.16).
    pub netns_ino: u64,
}

bitflags! {
    /// Which parts of a program to copy out.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct ProgParts: u32 {
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

/// The parts of a program. Those that were not asked for, or that the kernel does not show (machine code and
/// addresses depend on `kernel.kptr_restrict`), are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ProgDump {
    /// Instructions after the verifier's changes, 8 bytes each.
    pub xlated: Vec<u8>,
    /// Machine code of all functions, one after another.
    pub jited: Vec<u8>,
    /// The address of each function (4.18).
    pub ksyms: Vec<u64>,
    /// Bytes of machine code of each function (4.18).
    pub func_lens: Vec<u32>,
    /// Records of functions (5.0).
    pub func_info: Vec<u8>,
    /// Bytes of such a record.
    pub func_info_rec_size: u32,
    /// Records of source lines (5.0).
    pub line_info: Vec<u8>,
    /// Bytes of such a record.
    pub line_info_rec_size: u32,
    /// The address of each source line (5.0).
    pub jited_line_info: Vec<u64>,
    /// The tag of each function (5.0).
    pub tags: Vec<[u8; 8]>,
}

impl Kernel {
    /// What the kernel tells about a program. Since Linux 4.13.
    ///
    /// # Errors
    /// `EBADF` for no descriptor, `EINVAL` for one of something else.
    #[doc(alias = "bpf_prog_get_info_by_fd")]
    pub fn prog_info(&self, prog: BorrowedFd<'_>) -> Result<ProgInfo> {
        let mut raw = RawProgInfo::default();
        self.info(prog, &mut raw, Vec::new())?;
        let mut map_ids = Vec::new();
        // Maps may be bound to a program meanwhile.
        while raw.nr_map_ids as usize > map_ids.len() {
            map_ids = vec![0u32; raw.nr_map_ids as usize];
            raw = RawProgInfo { nr_map_ids: raw.nr_map_ids, ..Default::default() };
            let ids = ("map_ids", offset_of!(RawProgInfo, map_ids), map_ids.as_mut_bytes());
            self.info(prog, &mut raw, vec![ids])?;
        }
        map_ids.truncate(raw.nr_map_ids as usize);
        Ok(ProgInfo {
            prog_type: ProgramType(raw.prog_type),
            id: raw.id,
            tag: raw.tag,
            name: text(&raw.name),
            load_time: raw.load_time,
            created_by_uid: raw.created_by_uid,
            gpl_compatible: raw.bits != 0,
            xlated_prog_len: raw.xlated_prog_len,
            jited_prog_len: raw.jited_prog_len,
            map_ids,
            btf_id: raw.btf_id,
            nr_func_info: raw.nr_func_info,
            nr_line_info: raw.nr_line_info,
            run_time_ns: raw.run_time_ns,
            run_cnt: raw.run_cnt,
            recursion_misses: raw.recursion_misses,
            verified_insns: raw.verified_insns,
            attach_btf_obj_id: raw.attach_btf_obj_id,
            attach_btf_id: raw.attach_btf_id,
            ifindex: raw.ifindex,
            netns_dev: raw.netns_dev,
            netns_ino: raw.netns_ino,
        })
    }

    /// Copies out parts of a program. Since Linux 4.13, parts since the versions that [`ProgDump`] says.
    ///
    /// # Errors
    /// `EBADF` for no descriptor, `EINVAL` for one of something else; `ENOMEM`. Without privileges the parts
    /// are empty.
    #[doc(alias = "bpf_prog_get_info_by_fd")]
    #[doc(alias = "bpf_prog_linfo__new")]
    pub fn prog_dump(&self, prog: BorrowedFd<'_>, parts: ProgParts) -> Result<ProgDump> {
        let mut have = RawProgInfo::default();
        self.info(prog, &mut have, Vec::new())?;
        let wanted = |part: ProgParts, n: u32| if parts.contains(part) { n } else { 0 };
        let mut ask = RawProgInfo {
            xlated_prog_len: wanted(ProgParts::XLATED, have.xlated_prog_len),
            jited_prog_len: wanted(ProgParts::JITED, have.jited_prog_len),
            nr_jited_ksyms: wanted(ProgParts::KSYMS, have.nr_jited_ksyms),
            nr_jited_func_lens: wanted(ProgParts::FUNC_LENS, have.nr_jited_func_lens),
            nr_func_info: wanted(ProgParts::FUNC_INFO, have.nr_func_info),
            nr_line_info: wanted(ProgParts::LINE_INFO, have.nr_line_info),
            nr_jited_line_info: wanted(ProgParts::JITED_LINE_INFO, have.nr_jited_line_info),
            nr_prog_tags: wanted(ProgParts::TAGS, have.nr_prog_tags),
            // The kernel refuses sizes other than its own, and says what those are.
            func_info_rec_size: have.func_info_rec_size,
            line_info_rec_size: have.line_info_rec_size,
            jited_line_info_rec_size: have.jited_line_info_rec_size,
            ..Default::default()
        };
        let records = |n: u32, size: u32| vec![0u8; n as usize * size as usize];
        // Addresses have 8 bytes in all kernels so far; others would be copied to too small a buffer.
        if have.jited_line_info_rec_size != 8 {
            ask.nr_jited_line_info = 0;
        }
        let mut out = ProgDump {
            xlated: vec![0; ask.xlated_prog_len as usize],
            jited: vec![0; ask.jited_prog_len as usize],
            ksyms: vec![0; ask.nr_jited_ksyms as usize],
            func_lens: vec![0; ask.nr_jited_func_lens as usize],
            func_info: records(ask.nr_func_info, have.func_info_rec_size),
            func_info_rec_size: have.func_info_rec_size,
            line_info: records(ask.nr_line_info, have.line_info_rec_size),
            line_info_rec_size: have.line_info_rec_size,
            jited_line_info: vec![0; ask.nr_jited_line_info as usize],
            tags: vec![[0; 8]; ask.nr_prog_tags as usize],
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
        self.info(prog, &mut ask, nested)?;
        // What the kernel will not show has its pointer taken away, or its number.
        clip(&mut out.xlated, ask.xlated_prog_insns, asked.xlated_prog_len, ask.xlated_prog_len);
        clip(&mut out.jited, ask.jited_prog_insns, asked.jited_prog_len, ask.jited_prog_len);
        clip(&mut out.ksyms, ask.jited_ksyms, asked.nr_jited_ksyms, ask.nr_jited_ksyms);
        clip(&mut out.func_lens, ask.jited_func_lens, asked.nr_jited_func_lens, ask.nr_jited_func_lens);
        clip(&mut out.jited_line_info, ask.jited_line_info, asked.nr_jited_line_info, ask.nr_jited_line_info);
        clip(&mut out.tags, ask.prog_tags, asked.nr_prog_tags, ask.nr_prog_tags);
        let size = have.func_info_rec_size;
        clip(&mut out.func_info, ask.func_info, asked.nr_func_info * size, ask.nr_func_info * size);
        let size = have.line_info_rec_size;
        clip(&mut out.line_info, ask.line_info, asked.nr_line_info * size, ask.nr_line_info * size);
        Ok(out)
    }
}

fn clip<T>(list: &mut Vec<T>, pointer: u64, asked: u32, answered: u32) {
    let n = if pointer == 0 { 0 } else { asked.min(answered) };
    list.truncate(n as usize);
}
