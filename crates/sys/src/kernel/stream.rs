//! What programs say.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use super::Kernel;
use crate::Result;
use crate::attr::{Attr, raw};
use crate::uapi::{Cmd, ProgStreamReadAttr};

impl Kernel {
    /// A program's standard output, for [`prog_stream_read`](Self::prog_stream_read) (`BPF_STREAM_STDOUT`).
    pub const STDOUT: u32 = 1;
    /// A program's standard error (`BPF_STREAM_STDERR`).
    pub const STDERR: u32 = 2;

    /// Reads what a program wrote to its [`STDOUT`](Self::STDOUT) or [`STDERR`](Self::STDERR): by
    /// `bpf_stream_printk`, and the kernel's own complaints about it (arena faults, locks that wait for each other,
    /// `may_goto` that took too long). Returns how many bytes; 0 if there is nothing. Since Linux 6.17.
    ///
    /// What is read is gone from the stream. It does not wait; readers on several threads get different parts. A
    /// stream holds 100,000 bytes, what comes when it is full is lost.
    ///
    /// ```no_run
    /// # use std::os::fd::BorrowedFd;
    /// # fn f(kernel: oxbpf_sys::Kernel, program: BorrowedFd<'_>) -> oxbpf_sys::Result<()> {
    /// use oxbpf_sys::Kernel;
    ///
    /// let mut buf = [0; 4096];
    /// let n = kernel.prog_stream_read(program, Kernel::STDERR, &mut buf)?;
    /// eprint!("{}", String::from_utf8_lossy(&buf[..n]));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// - `ENOENT`: no such stream
    /// - `EBADF`: not a descriptor
    /// - `EINVAL`: a descriptor of something else; a kernel before 6.17
    #[doc(alias = "bpf_prog_stream_read")]
    #[doc(alias = "BPF_PROG_STREAM_READ_BY_FD")]
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
