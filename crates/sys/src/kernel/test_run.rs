//! Running a program by hand.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use super::Kernel;
use crate::attr::{Attr, raw};
use crate::uapi::{Cmd, ProgTestRunAttr, TestRunFlags};
use crate::{Errno, Result, SysError};

/// What to run a program with.
#[derive(Debug, Default)]
pub struct TestRun<'a> {
    /// The packet.
    pub data_in: &'a [u8],
    /// Room for the packet afterwards; none if empty.
    pub data_out: &'a mut [u8],
    /// The context, as user space sees it (5.2).
    pub ctx_in: &'a [u8],
    /// Room for the context afterwards; none if empty.
    pub ctx_out: &'a mut [u8],
    /// How often; 0 is once.
    pub repeat: u32,
    /// Flags (5.10).
    pub flags: TestRunFlags,
    /// The CPU, with [`TestRunFlags::ON_CPU`].
    pub cpu: u32,
    /// Packets at a time, with [`TestRunFlags::XDP_LIVE_FRAMES`] (5.18).
    pub batch_size: u32,
}

/// What running a program came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TestRunAnswer {
    /// What it returned the last time.
    pub retval: u32,
    /// How long one run took on average, in nanoseconds.
    pub duration_ns: u32,
    /// Bytes of the packet afterwards, of which `data_out` holds what it has room for.
    pub data_size: u32,
    /// Bytes of the context afterwards.
    pub ctx_size: u32,
    /// There was not enough room (`ENOSPC`): the output is cut.
    pub truncated: bool,
}

impl Kernel {
    /// Runs a program with a packet or context of one's own. Since Linux 4.12.
    ///
    /// # Errors
    /// - `ENOTSUPP` (524): not for programs of this type
    /// - `EINVAL`: data too short or too long for the type; a flag that it does not take
    /// - `EPERM`: privileges
    /// - `EINTR`: a signal came
    #[doc(alias = "bpf_prog_test_run_opts")]
    pub fn prog_test_run(&self, prog: BorrowedFd<'_>, run: &mut TestRun<'_>) -> Result<TestRunAnswer> {
        let cmd = Cmd::PROG_TEST_RUN;
        let size = |n: usize| u32::try_from(n).map_err(|_| SysError::new(cmd.name(), Errno::E2BIG));
        let layout = ProgTestRunAttr {
            prog_fd: raw(prog),
            data_size_in: size(run.data_in.len())?,
            data_size_out: size(run.data_out.len())?,
            repeat: run.repeat,
            ctx_size_in: size(run.ctx_in.len())?,
            ctx_size_out: size(run.ctx_out.len())?,
            flags: run.flags.bits(),
            cpu: run.cpu,
            batch_size: run.batch_size,
            ..Default::default()
        };
        let mut attr = Attr::new(cmd, &layout);
        attr.input("data_in", offset_of!(ProgTestRunAttr, data_in), run.data_in);
        attr.output("data_out", offset_of!(ProgTestRunAttr, data_out), run.data_out);
        attr.input("ctx_in", offset_of!(ProgTestRunAttr, ctx_in), run.ctx_in);
        attr.output("ctx_out", offset_of!(ProgTestRunAttr, ctx_out), run.ctx_out);
        let truncated = match self.bpf(&mut attr) {
            Ok(()) => false,
            Err(e) if e.errno == Errno::ENOSPC => true,
            Err(e) => return Err(e),
        };
        let out: ProgTestRunAttr = attr.view();
        Ok(TestRunAnswer {
            retval: out.retval,
            duration_ns: out.duration,
            data_size: out.data_size_out,
            ctx_size: out.ctx_size_out,
            truncated,
        })
    }
}
