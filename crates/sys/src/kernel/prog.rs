//! Loading programs.

use std::ffi::CString;
use std::mem::offset_of;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use zerocopy::IntoBytes;

use super::{Kernel, LogBuf};
use crate::attr::{Attr, fd_or_zero, object_name};
use crate::uapi::{self, AttachType, Cmd, ProgLoadAttr, ProgramFlags, ProgramType};
use crate::{Errno, Result, SysError};

/// How often a load is tried if nobody says.
const LOAD_ATTEMPTS: u32 = 5;

/// Records of one size, one after another: function or line information, CO-RE relocations.
#[derive(Debug, Clone, Copy, Default)]
pub struct InfoRecords<'a> {
    /// Bytes of a record.
    pub rec_size: u32,
    /// The records. What is not a whole record at the end is not passed on.
    pub records: &'a [u8],
}

impl<'a> InfoRecords<'a> {
    fn count(&self) -> u32 {
        (self.records.len() as u32).checked_div(self.rec_size).unwrap_or(0)
    }

    /// Of no records, no size either.
    fn size(&self) -> u32 {
        if self.count() == 0 { 0 } else { self.rec_size }
    }

    fn bytes(&self) -> &'a [u8] {
        if self.count() == 0 { &[] } else { self.records }
    }
}

/// A program to load: the argument of [`Kernel::prog_load`].
///
/// Only the type, the instructions and the license have to be set; what is left as it is asks nothing of the kernel.
/// All of it is copied by the kernel.
#[doc(alias = "bpf_prog_load_opts")]
#[derive(Debug, Clone, Default)]
pub struct ProgLoad<'a> {
    /// The type.
    pub prog_type: ProgramType,
    /// What it will be attached to, where the verifier needs to know (4.17).
    pub expected_attach_type: Option<AttachType>,
    /// The instructions, 8 bytes each, encoded for this machine: at most a million with `CAP_BPF` (5.2), 4,096 without
    /// and before.
    pub insns: &'a [u8],
    /// Its license. Programs whose license is not compatible with the GPL (`GPL`, `GPL v2`, `Dual BSD/GPL`,
    /// `Dual MIT/GPL`…) may not call every helper.
    pub license: &'a str,
    /// A name of up to 15 bytes (longer ones are cut), since Linux 4.15; none if empty.
    pub name: &'a str,
    /// Flags. [`ProgramFlags::TOKEN_FD`] is added by itself.
    pub flags: ProgramFlags,
    /// For kprobes before Linux 5.0: the kernel's version code.
    pub kern_version: u32,
    /// The BTF that `func_info` and `line_info` are about (5.0).
    pub btf_fd: Option<BorrowedFd<'a>>,
    /// The types of its functions (5.0).
    pub func_info: InfoRecords<'a>,
    /// Its source lines (5.0).
    pub line_info: InfoRecords<'a>,
    /// CO-RE relocations for the kernel to do (5.17).
    pub core_relos: InfoRecords<'a>,
    /// The function of the kernel, a module or a program that it is for, by its BTF id (5.5).
    pub attach_btf_id: u32,
    /// The BTF of the module that has that function (5.11); excludes `attach_prog_fd`.
    pub attach_btf_obj_fd: Option<BorrowedFd<'a>>,
    /// The program that has that function (5.5).
    pub attach_prog_fd: Option<BorrowedFd<'a>>,
    /// Maps and module BTFs that instructions name by index instead of by descriptor (5.14).
    pub fd_array: &'a [BorrowedFd<'a>],
    /// Tells the kernel how long `fd_array` is: then all maps in it are bound to the program, used or not (6.14).
    pub bind_fd_array: bool,
    /// The network device to offload it to, or bind it to (4.16).
    pub ifindex: u32,
    /// A token that stands in for privileges (6.9).
    pub token_fd: Option<BorrowedFd<'a>>,
    /// A PKCS#7 signature of the instructions (6.18).
    pub signature: &'a [u8],
    /// The keyring that `signature` is checked with: the serial number of one, or a negative number for one of the
    /// system's (6.18).
    pub keyring_id: i32,
    /// How often to try when the kernel answers `EAGAIN`, as it does when a signal comes while it verifies; 0 for five
    /// times.
    pub attempts: u32,
}

impl Kernel {
    /// Loads a program: the verifier checks it, the JIT translates it. It is not attached to anything yet, and goes with
    /// its last descriptor, pin or attachment. Since Linux 3.18.
    ///
    /// The log, if one is given, is filled in whether that succeeds or not, and tells how long it is in full
    /// ([`LogBuf::true_size`], 6.4). `EAGAIN` is tried again ([`ProgLoad::attempts`]).
    ///
    /// Needs `CAP_BPF` and, for tracing, `CAP_PERFMON`; for networking, `CAP_NET_ADMIN` (before 5.8 `CAP_SYS_ADMIN` for
    /// all of that); or a token that stands in for them (6.9). Socket filters and `cgroup_skb` are for everybody where
    /// `kernel.unprivileged_bpf_disabled` is 0.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use oxbpf_obj::{Endian, insn::{Assembler, Reg::R0}};
    /// use oxbpf_sys::{Kernel, LogBuf, ProgLoad, ProgramType, doors::Fake};
    ///
    /// let kernel = Kernel::with_door(Arc::new(Fake::new())); // or Kernel::host()
    /// let insns = Assembler::new().mov64_imm(R0, 2).exit().encode(Endian::NATIVE)?;
    /// let load = ProgLoad {
    ///     prog_type: ProgramType::XDP, name: "pass", license: "GPL", insns: &insns, ..Default::default()
    /// };
    /// let mut log = LogBuf::new(LogBuf::ERRORS, 64 << 10);
    /// let program = kernel.prog_load(&load, Some(&mut log)).inspect_err(|_| eprintln!("{}", log.text()))?;
    /// # drop(program);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - `EPERM`: the privileges above are missing; refused by an LSM or by lockdown; before 5.11 also `RLIMIT_MEMLOCK`
    ///   too low
    /// - `EACCES`: the verifier found an access that is not allowed; its log says which
    /// - `EINVAL`: the verifier found something else; or a type, a flag or an attach type that this kernel does not
    ///   take; a helper that this type may not call, or that the license does not allow; no attach type where the type
    ///   needs one
    /// - `E2BIG`: no instructions or too many of them, or a field that this kernel does not know; more paths through the
    ///   program than the verifier follows (a million instructions looked at)
    /// - `ENOSPC`: the program is fine, but its log did not fit (before 6.4, and with [`LogBuf::FIXED`])
    /// - `EBADF`: one of the descriptors
    /// - `ENOENT`: no such BTF id, no such type in the kernel's BTF
    /// - `ENOTSUPP` (524): no JIT, or no trampolines, though the type needs them
    /// - `EAGAIN`: a signal came in each of the attempts
    /// - `ENOMEM`
    #[doc(alias = "bpf_prog_load")]
    #[doc(alias = "BPF_PROG_LOAD")]
    pub fn prog_load(&self, p: &ProgLoad<'_>, log: Option<&mut LogBuf>) -> Result<OwnedFd> {
        let op = Cmd::PROG_LOAD.name();
        let named = |e: SysError| if p.name.is_empty() { e } else { e.with(format!("program {:?}", p.name)) };
        if !p.insns.len().is_multiple_of(8) || p.insns.len() as u64 / 8 > u64::from(u32::MAX) {
            return Err(named(SysError::invalid(op, "instructions that are not 8 bytes each")));
        }
        if p.attach_btf_obj_fd.is_some() && p.attach_prog_fd.is_some() {
            return Err(named(SysError::invalid(op, "a module and a program to attach to, both")));
        }
        let license =
            CString::new(p.license).map_err(|_| SysError::invalid(op, "a license with a NUL inside"))?;
        let fds: Vec<i32> = p.fd_array.iter().map(AsRawFd::as_raw_fd).collect();
        let token_fd = p.token_fd.or(self.token());
        let token = if token_fd.is_some() { uapi::TOKEN_FD } else { 0 };
        let mut none = LogBuf::new(0, 0);
        let log = log.unwrap_or(&mut none);
        let layout = ProgLoadAttr {
            prog_type: p.prog_type.0,
            insn_cnt: (p.insns.len() / 8) as u32,
            log_level: log.level(),
            log_size: log.size() as u32,
            kern_version: p.kern_version,
            prog_flags: p.flags.bits() | token,
            prog_name: object_name(p.name),
            prog_ifindex: p.ifindex,
            expected_attach_type: p.expected_attach_type.map_or(0, |t| t.0),
            prog_btf_fd: fd_or_zero(p.btf_fd),
            func_info_rec_size: p.func_info.size(),
            func_info_cnt: p.func_info.count(),
            line_info_rec_size: p.line_info.size(),
            line_info_cnt: p.line_info.count(),
            attach_btf_id: p.attach_btf_id,
            attach_prog_fd: fd_or_zero(p.attach_prog_fd.or(p.attach_btf_obj_fd)),
            core_relo_cnt: p.core_relos.count(),
            core_relo_rec_size: p.core_relos.size(),
            prog_token_fd: fd_or_zero(token_fd),
            fd_array_cnt: if p.bind_fd_array { fds.len() as u32 } else { 0 },
            signature_size: p.signature.len() as u32,
            keyring_id: p.keyring_id,
            ..Default::default()
        };
        let attempts = if p.attempts == 0 { LOAD_ATTEMPTS } else { p.attempts };
        let mut attempt = 1;
        loop {
            log.clear();
            let (result, true_size) = {
                let (_, log_buf) = log.parts();
                let mut attr = Attr::new(Cmd::PROG_LOAD, &layout);
                attr.input("insns", offset_of!(ProgLoadAttr, insns), p.insns);
                attr.string("license", offset_of!(ProgLoadAttr, license), &license);
                attr.output("log_buf", offset_of!(ProgLoadAttr, log_buf), log_buf);
                attr.input("func_info", offset_of!(ProgLoadAttr, func_info), p.func_info.bytes());
                attr.input("line_info", offset_of!(ProgLoadAttr, line_info), p.line_info.bytes());
                attr.input("core_relos", offset_of!(ProgLoadAttr, core_relos), p.core_relos.bytes());
                attr.input("fd_array", offset_of!(ProgLoadAttr, fd_array), fds.as_bytes());
                attr.input("signature", offset_of!(ProgLoadAttr, signature), p.signature);
                if layout.log_level != 0 {
                    attr.covers(offset_of!(ProgLoadAttr, log_true_size) + 4);
                }
                (self.bpf_fd(&mut attr), attr.view::<ProgLoadAttr>().log_true_size)
            };
            log.set_true_size(true_size);
            match result {
                Err(e) if e.errno == Errno::EAGAIN && attempt < attempts => {
                    tracing::debug!(program = p.name, attempt, "load again after EAGAIN");
                    attempt += 1;
                }
                result => return result.map_err(named),
            }
        }
    }
}
