//! About programs.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use zerocopy::IntoBytes;

use super::{info_room, text};
use crate::Result;
use crate::kernel::{Kernel, ObjectKind};
use crate::uapi::{ProgramType, RawProgInfo};

/// What the kernel tells about a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ProgramInfo {
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
    /// Bytes of instructions after the verifier's changes; 0 if the kernel withholds them, see
    /// [`withheld`](Self::withheld).
    pub xlated_prog_len: u32,
    /// Bytes of machine code; 0 if it is interpreted.
    pub jited_prog_len: u32,
    /// The maps it uses (4.15).
    pub map_ids: Vec<u32>,
    /// Its BTF, 0 for none (5.0).
    pub btf_id: u32,
    /// How many functions it has as machine code, by their addresses (4.18).
    pub nr_jited_ksyms: u32,
    /// How many functions it has as machine code, by their lengths (4.18).
    pub nr_jited_func_lens: u32,
    /// How many functions its BTF tells of (5.0).
    pub nr_func_info: u32,
    /// Bytes of a record about a function (5.0).
    pub func_info_rec_size: u32,
    /// How many records of source lines it has (5.0).
    pub nr_line_info: u32,
    /// Bytes of a record of a source line (5.0).
    pub line_info_rec_size: u32,
    /// How many addresses of source lines it has (5.0).
    pub nr_jited_line_info: u32,
    /// Bytes of an address of a source line (5.0).
    pub jited_line_info_rec_size: u32,
    /// How many functions have a tag (5.0).
    pub nr_prog_tags: u32,
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
    /// Whether it is machine code; from fdinfo, see [`Kernel::prog_info_with_fdinfo`].
    pub jited: Option<bool>,
    /// Bytes of memory that it holds; from fdinfo, see [`Kernel::prog_info_with_fdinfo`].
    pub memlock: Option<u64>,
}

impl ProgramInfo {
    /// Whether the kernel withholds the program's code, its functions and lines from this process, which has no
    /// `CAP_BPF` (`CAP_SYS_ADMIN` before 5.8): their numbers are 0 then, for no program has no instructions.
    pub fn withheld(&self) -> bool {
        self.xlated_prog_len == 0
    }
}

impl Kernel {
    /// What the kernel tells about a program. Since Linux 4.13.
    ///
    /// # Errors
    /// `EBADFD` for no descriptor, `EINVAL` for one of something else.
    #[doc(alias = "bpf_prog_get_info_by_fd")]
    #[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
    pub fn prog_info(&self, prog: BorrowedFd<'_>) -> Result<ProgramInfo> {
        let mut raw = RawProgInfo::default();
        self.info(ObjectKind::Prog, prog, &mut raw, Vec::new())?;
        let mut map_ids = Vec::new();
        // Maps may be bound to a program meanwhile.
        while raw.nr_map_ids as usize > map_ids.len() {
            // Twice as many, so that this ends whatever is bound.
            let n = raw.nr_map_ids.max(2 * map_ids.len() as u32);
            map_ids = info_room::<u32>(n)?;
            raw = RawProgInfo { nr_map_ids: n, ..Default::default() };
            let ids = ("map_ids", offset_of!(RawProgInfo, map_ids), map_ids.as_mut_bytes());
            self.info(ObjectKind::Prog, prog, &mut raw, vec![ids])?;
        }
        map_ids.truncate(raw.nr_map_ids as usize);
        Ok(ProgramInfo {
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
            nr_jited_ksyms: raw.nr_jited_ksyms,
            nr_jited_func_lens: raw.nr_jited_func_lens,
            nr_func_info: raw.nr_func_info,
            func_info_rec_size: raw.func_info_rec_size,
            nr_line_info: raw.nr_line_info,
            line_info_rec_size: raw.line_info_rec_size,
            nr_jited_line_info: raw.nr_jited_line_info,
            jited_line_info_rec_size: raw.jited_line_info_rec_size,
            nr_prog_tags: raw.nr_prog_tags,
            run_time_ns: raw.run_time_ns,
            run_cnt: raw.run_cnt,
            recursion_misses: raw.recursion_misses,
            verified_insns: raw.verified_insns,
            attach_btf_obj_id: raw.attach_btf_obj_id,
            attach_btf_id: raw.attach_btf_id,
            ifindex: raw.ifindex,
            netns_dev: raw.netns_dev,
            netns_ino: raw.netns_ino,
            jited: None,
            memlock: None,
        })
    }

    /// As [`prog_info`](Self::prog_info), with what only the program's descriptor tells
    /// ([`fdinfo`](Self::fdinfo)): whether it is machine code, and its memory.
    ///
    /// # Errors
    /// As there. Without /proc those two are `None`.
    pub fn prog_info_with_fdinfo(&self, prog: BorrowedFd<'_>) -> Result<ProgramInfo> {
        let mut info = self.prog_info(prog)?;
        if let Ok(lines) = self.fdinfo(prog) {
            info.jited = lines.number("prog_jited").map(|n| n != 0);
            info.memlock = lines.number("memlock");
        }
        Ok(info)
    }
}
