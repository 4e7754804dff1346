//! Loading programs.

use std::ffi::CString;
use std::mem::offset_of;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use zerocopy::IntoBytes;

use super::{Kernel, LogBuf};
use crate::attr::{Attr, fd_or_zero, object_name, raw};
use crate::uapi::{
    self, AttachType, Cmd, FdPairAttr, ProgLoadAttr, ProgStreamReadAttr, ProgramFlags, ProgramType,
};
use crate::{Errno, Result, SysError};

/// How often the kernel is asked again when it says `EAGAIN`, as it does when a signal comes during a load.
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

/// A program to load.
#[derive(Debug, Clone, Default)]
pub struct ProgLoad<'a> {
    /// The type.
    pub prog_type: ProgramType,
    /// What it will be attached to, where the verifier needs to know (4.17).
    pub expected_attach_type: Option<AttachType>,
    /// The instructions, 8 bytes each, encoded for this machine.
    pub insns: &'a [u8],
    /// Its license. Helpers that are for GPL-compatible programs only look at it.
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
    /// Maps and module BTFs that instructions name by index (5.14).
    pub fd_array: &'a [BorrowedFd<'a>],
    /// Binds all of `fd_array` to the program, used or not (6.14).
    pub bind_fd_array: bool,
    /// The network device to offload it to, or bind it to (4.16).
    pub ifindex: u32,
    /// A token that stands in for privileges (6.9).
    pub token_fd: Option<BorrowedFd<'a>>,
    /// A PKCS#7 signature of the instructions (6.18).
    pub signature: &'a [u8],
    /// The keyring that `signature` is checked with.
    pub keyring_id: i32,
}

impl Kernel {
    /// Loads a program: the verifier checks it, the JIT translates it. The log, if any, is filled in whether
    /// that succeeds or not. `EAGAIN` is tried up to five times.
    ///
    /// # Errors
    /// - `EPERM`: missing `CAP_BPF`, `CAP_PERFMON` (tracing) or `CAP_NET_ADMIN` (networking); refused by an LSM or
    ///   lockdown; before 5.11 also `RLIMIT_MEMLOCK` too low
    /// - `EACCES`, `EINVAL` and others: the verifier refuses it, the log says why
    /// - `EINVAL`: a type, flag or field that this kernel does not take; a license without GPL for helpers that
    ///   need it
    /// - `E2BIG`: too many instructions, or a field that this kernel does not know
    /// - `ENOSPC`: it was checked, but the log did not fit (see [`LogBuf`])
    /// - `ENOTSUPP` (524): no JIT, or no trampolines, though the type needs them
    /// - `EBADF`: one of the descriptors
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
        let token = if p.token_fd.is_some() { uapi::TOKEN_FD } else { 0 };
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
            prog_token_fd: fd_or_zero(p.token_fd),
            fd_array_cnt: if p.bind_fd_array { fds.len() as u32 } else { 0 },
            signature_size: p.signature.len() as u32,
            keyring_id: p.keyring_id,
            ..Default::default()
        };
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
                Err(e) if e.errno == Errno::EAGAIN && attempt < LOAD_ATTEMPTS => {
                    tracing::debug!(program = p.name, attempt, "load again after EAGAIN");
                    attempt += 1;
                }
                result => return result.map_err(named),
            }
        }
    }

    /// Ties a map to a program: it lives as long as the program, used by it or not. Since Linux 5.10.
    ///
    /// # Errors
    /// `EBADF`, `EINVAL` for descriptors of something else, `EPERM`.
    #[doc(alias = "bpf_prog_bind_map")]
    pub fn prog_bind_map(&self, prog: BorrowedFd<'_>, map: BorrowedFd<'_>) -> Result<()> {
        let layout = FdPairAttr { first_fd: raw(prog), second_fd: raw(map), flags: 0 };
        self.bpf(&mut Attr::new(Cmd::PROG_BIND_MAP, &layout))
    }

    /// Says which struct_ops map a program's kernel functions work for. Since Linux 6.19.
    ///
    /// # Errors
    /// `EBADF`, `EINVAL` for descriptors of something else, `EBUSY` if it has another one already.
    #[doc(alias = "bpf_prog_assoc_struct_ops")]
    pub fn prog_assoc_struct_ops(&self, prog: BorrowedFd<'_>, map: BorrowedFd<'_>) -> Result<()> {
        let layout = FdPairAttr { first_fd: raw(map), second_fd: raw(prog), flags: 0 };
        self.bpf(&mut Attr::new(Cmd::PROG_ASSOC_STRUCT_OPS, &layout))
    }

    /// Reads what a program wrote to its standard output (1) or error (2), `bpf_stream_printk` and the kernel's
    /// own complaints; returns how many bytes. Since Linux 6.17.
    ///
    /// # Errors
    /// `ENOENT` for another stream, `EBADF`.
    #[doc(alias = "bpf_prog_stream_read")]
    pub fn prog_stream_read(&self, prog: BorrowedFd<'_>, stream: u32, buf: &mut [u8]) -> Result<usize> {
        let len = u32::try_from(buf.len()).unwrap_or(u32::MAX);
        let layout = ProgStreamReadAttr {
            stream_buf_len: len,
            stream_id: stream,
            prog_fd: raw(prog),
            ..Default::default()
        };
        let mut attr = Attr::new(Cmd::PROG_STREAM_READ_BY_FD, &layout);
        attr.output("stream_buf", offset_of!(ProgStreamReadAttr, stream_buf), buf);
        let n = self.bpf_value(&mut attr)?;
        Ok((n as usize).min(len as usize))
    }
}
