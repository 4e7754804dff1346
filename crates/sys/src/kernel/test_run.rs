//! Running a program by hand.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use super::Kernel;
use crate::attr::{Attr, raw};
use crate::uapi::{Cmd, ProgTestRunAttr, TestRunFlags};
use crate::{Errno, Result, SysError};

/// What to run a program with: the argument of [`Kernel::prog_test_run`].
#[doc(alias = "bpf_test_run_opts")]
#[derive(Debug, Default)]
pub struct TestRun<'a> {
    /// The packet: at least its 14 bytes of Ethernet header, but for programs that see none.
    pub data_in: &'a [u8],
    /// Room for the packet afterwards; none if empty.
    pub data_out: &'a mut [u8],
    /// The context, as user space sees it (5.2): `struct xdp_md`, `struct __sk_buff`, the arguments of a raw
    /// tracepoint… The kernel writes back here what a program of type `syscall` made of its own.
    pub ctx_in: &'a mut [u8],
    /// Room for the context afterwards; none if empty.
    pub ctx_out: &'a mut [u8],
    /// How often; 0 is once. With live frames, how many packets.
    pub repeat: u32,
    /// Flags (5.10).
    pub flags: TestRunFlags,
    /// The CPU, with [`TestRunFlags::ON_CPU`].
    pub cpu: u32,
    /// Packets at a time, with [`TestRunFlags::XDP_LIVE_FRAMES`] (5.18): at most 256, 0 is 64.
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
    /// Runs a program with a packet or context of one's own, attached or not. Since Linux 4.12. Which types, by release:
    /// XDP, traffic control, socket filters, cgroup_skb and lightweight tunnels 4.12, flow dissectors 5.0, tracing 5.7
    /// (functions that the kernel has for it), raw tracepoints 5.10, socket lookup 5.13, syscall 5.14, netfilter 6.4.
    ///
    /// What the program sees is made up, but its maps, its helpers and kernel functions are real; so, with
    /// [`TestRunFlags::XDP_LIVE_FRAMES`], are the packets that it sends on. Needs the privileges of loading it.
    ///
    /// If an output does not fit, the program has run all the same: the answer has the size that was needed and says
    /// `truncated`. Running it again with more room runs it again.
    ///
    /// ```no_run
    /// # use std::os::fd::BorrowedFd;
    /// # fn f(kernel: oxbpf_sys::Kernel, program: BorrowedFd<'_>) -> oxbpf_sys::Result<()> {
    /// use oxbpf_sys::TestRun;
    ///
    /// let (packet, mut after) = ([0; 64], [0; 256]);
    /// let mut run = TestRun { data_in: &packet, data_out: &mut after, repeat: 1000, ..Default::default() };
    /// let answer = kernel.prog_test_run(program, &mut run)?;
    /// println!("returned {}, {} ns a run, {} bytes", answer.retval, answer.duration_ns, answer.data_size);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// - `ENOTSUPP` (524): not for programs of this type
    /// - `EINVAL`: data too short or too long, or given where the type has none; a context with other fields set than
    ///   the type lets one choose, or too short for what the program reads; an output, a flag or a number that the
    ///   type does not take
    /// - `E2BIG`: a context longer than the kernel's with more than zeros in it; too large a batch
    /// - `ENODEV`, `ENXIO`: no such interface, no such CPU
    /// - `ERANGE`, `EAFNOSUPPORT`: socket lookup, a port of more than 16 bits, another address family
    /// - `EBADF`: not a descriptor
    /// - `EPERM`: a privilege is missing
    /// - `EINTR`: a signal came between two runs
    /// - `ENOMEM`, `EFAULT`
    #[doc(alias = "bpf_prog_test_run_opts")]
    #[doc(alias = "BPF_PROG_TEST_RUN")]
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
        // The kernel writes to it, too: what a program of type syscall changed.
        attr.output("ctx_in", offset_of!(ProgTestRunAttr, ctx_in), run.ctx_in);
        attr.output("ctx_out", offset_of!(ProgTestRunAttr, ctx_out), run.ctx_out);
        let truncated = match self.bpf(&mut attr) {
            Ok(()) => false,
            Err(e) if e.errno == Errno::ENOSPC => true,
            Err(e) => return Err(e),
        };
        let out: ProgTestRunAttr = attr.view();
        let beyond = |answer: u32, room: u32| room > 0 && answer > room;
        let cut =
            beyond(out.data_size_out, layout.data_size_out) || beyond(out.ctx_size_out, layout.ctx_size_out);
        Ok(TestRunAnswer {
            retval: out.retval,
            duration_ns: out.duration,
            data_size: out.data_size_out,
            ctx_size: out.ctx_size_out,
            truncated: truncated || cut,
        })
    }
}
