//! Running programs by hand, with packets and contexts of one's own.

mod context;
mod error;
mod rules;
#[cfg(test)]
mod tests;

use std::os::fd::AsFd;
use std::time::Duration;

use oxbpf_obj::ProgramType;
use oxbpf_sys::uapi::TestRunFlags;
use zerocopy::{FromBytes, Immutable, IntoBytes};

pub use context::{FlowKeys, SkBuff, SkLookup, XdpMd};
pub use error::{TestRunError, TestRunReason};
use rules::Rules;

use crate::error::Result;
use crate::program::Program;

impl Program {
    /// Runs the program by hand, attached or not (Linux 4.12). What it sees is made up; its maps, helpers and kernel
    /// functions are real.
    ///
    /// | type | takes | gives |
    /// |---|---|---|
    /// | `xdp` | packet, [`XdpMd`] (5.2), [`live frames`](TestRun::live_frames) | packet, context |
    /// | `sched_cls`, `sched_act`, `socket_filter`, `cgroup_skb`, `lwt_…` | packet, [`SkBuff`] (5.2) | packet, context |
    /// | `flow_dissector` (5.0) | packet, [`FlowKeys`] | [`FlowKeys`] as data, context |
    /// | `raw_tracepoint` (5.10) | arguments, [`CPU`](TestRun::on_cpu) | |
    /// | `sk_lookup` (5.13) | [`SkLookup`] | context |
    /// | `syscall` (5.14) | whatever it defines as its context | context |
    /// | `tracing` (5.7): of functions that the kernel has for that | | |
    /// | `netfilter` (6.4) | packet | |
    ///
    /// ```no_run
    /// # fn main() -> Result<(), oxbpf::Error> {
    /// use oxbpf::{LoadOptions, Object};
    ///
    /// let object = Object::load(&oxbpf::open("xdp_counter.bpf.o")?, &LoadOptions::default())?;
    /// let packet = [0; 64];
    /// let result = object.program("count")?.test_run().data(&packet).repeat(1000).run()?;
    /// println!("returned {}, {:?} a run", result.return_value, result.duration);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "bpf_prog_test_run_opts")]
    pub fn test_run(&self) -> TestRun<'_> {
        TestRun {
            program: self,
            data: &[],
            ctx: None,
            repeat: 0,
            cpu: None,
            live: false,
            batch_size: 0,
            checksum: false,
            room: SLACK,
        }
    }
}

/// How much longer a packet may become without the program being run again.
const SLACK: usize = 4096;

/// A run to be: what a program is to be run with. See [`Program::test_run`].
#[derive(Debug, Clone)]
#[must_use = "call `run`"]
pub struct TestRun<'a> {
    program: &'a Program,
    data: &'a [u8],
    ctx: Option<Vec<u8>>,
    repeat: u32,
    cpu: Option<u32>,
    live: bool,
    batch_size: u32,
    checksum: bool,
    room: usize,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TestRunOutput {
    /// What the program returned, the last time. Of a flow dissector before Linux 6.1, 1 for `BPF_OK` and 0 for all else.
    pub return_value: u32,
    /// How long a run took, on average; zero where the kernel does not measure (`raw_tracepoint`, `syscall`, `tracing`).
    pub duration: Duration,
    /// The packet as the program left it; of a flow dissector, the keys. Empty for types that have none.
    pub data_out: Vec<u8>,
    /// The context as the program left it, if one was given; of fields that this kernel does not have, zeros. Empty for
    /// types that do not tell.
    pub ctx_out: Vec<u8>,
}

impl TestRunOutput {
    /// The context as the program left it, typed; `None` if there is none, or one that is too short.
    pub fn ctx<T: FromBytes>(&self) -> Option<T> {
        T::read_from_prefix(&self.ctx_out).ok().map(|(ctx, _)| ctx)
    }

    /// The data as the program left it, typed: a [`FlowKeys`], a header.
    pub fn data<T: FromBytes>(&self) -> Option<T> {
        T::read_from_prefix(&self.data_out).ok().map(|(data, _)| data)
    }
}

impl<'a> TestRun<'a> {
    /// The packet, from its Ethernet header on (of netfilter, from its IP header on).
    pub fn data(mut self, packet: &'a [u8]) -> Self {
        self.data = packet;
        self
    }

    /// The context: [`XdpMd`], [`SkBuff`], the arguments of a raw tracepoint as `[u64; N]`, a struct that the program
    /// defines.
    pub fn ctx<T: IntoBytes + Immutable + ?Sized>(mut self, ctx: &T) -> Self {
        self.ctx = Some(ctx.as_bytes().to_vec());
        self
    }

    /// Runs it so many times, one after another; without, once. With live frames, so many packets.
    pub fn repeat(mut self, times: u32) -> Self {
        self.repeat = times;
        self
    }

    /// Runs it on this CPU (`raw_tracepoint` only).
    pub fn on_cpu(mut self, cpu: u32) -> Self {
        self.cpu = Some(cpu);
        self
    }

    /// Really does with the packets what the program says (`xdp` only, Linux 5.18): those it sends on or passes leave
    /// the machine or come in at the interface that the context names. Nothing is returned but the duration.
    pub fn live_frames(mut self) -> Self {
        self.live = true;
        self
    }

    /// Live frames at a time, at most 256; without, 64.
    pub fn batch_size(mut self, packets: u32) -> Self {
        self.batch_size = packets;
        self
    }

    /// Gives the packet a complete checksum, and fails with `EBADMSG` if the program leaves it wrong (types with an
    /// [`SkBuff`], Linux 6.11).
    pub fn checksum_complete(mut self) -> Self {
        self.checksum = true;
        self
    }

    /// By how many bytes the packet may grow: 4,096 if this is not said. If it grows more, the program is run again
    /// with the room that it needs.
    pub fn room(mut self, bytes: usize) -> Self {
        self.room = bytes;
        self
    }

    /// Runs it.
    ///
    /// # Errors
    /// [`Error::TestRun`](crate::Error::TestRun): something was given that programs of this type do not take (the [`reason`](TestRunReason)
    /// says what), or the kernel refused: `EPERM` without the privileges of loading it, `EINVAL` for fields of the
    /// context that cannot be chosen, `ENODEV` and `ENXIO` for an interface or CPU that is not there, `EINTR` for a
    /// signal between two runs.
    pub fn run(self) -> Result<TestRunOutput> {
        let program = self.program;
        self.go().map_err(|reason| {
            let (program, prog_type) = (program.name().to_owned(), program.prog_type());
            Box::new(TestRunError { program, prog_type, reason }).into()
        })
    }

    fn go(self) -> std::result::Result<TestRunOutput, TestRunReason> {
        let rules = Rules::of(self.program.prog_type());
        rules.check(&self)?;
        let mut ctx = self.ctx.clone().unwrap_or_default();
        self.end_of_packet(&mut ctx);
        let told = !self.live;
        let mut data_room =
            if rules.data_out && told { self.data.len().saturating_add(self.room) } else { 0 };
        let mut ctx_room = if rules.ctx_out && told && self.ctx.is_some() { rules.ctx_most } else { 0 };
        loop {
            let (mut data_out, mut ctx_out) = (vec![0; data_room], vec![0; ctx_room]);
            let mut ctx_in = ctx.clone();
            let mut run = oxbpf_sys::TestRun {
                data_in: self.data,
                data_out: &mut data_out,
                ctx_in: &mut ctx_in,
                ctx_out: &mut ctx_out,
                repeat: self.repeat,
                flags: self.flags(),
                cpu: self.cpu.unwrap_or(0),
                batch_size: self.batch_size,
            };
            let answer = self.program.kernel().prog_test_run(self.program.as_fd(), &mut run)?;
            let (data_size, ctx_size) = (answer.data_size as usize, answer.ctx_size as usize);
            if answer.truncated && (data_size > data_room || ctx_size > ctx_room) {
                tracing::debug!(
                    program = self.program.name(),
                    data_size,
                    ctx_size,
                    "run again with more room"
                );
                (data_room, ctx_room) = (data_room.max(data_size), ctx_room.max(ctx_size));
                continue;
            }
            data_out.truncate(data_size);
            ctx_out.truncate(ctx_size);
            // An older kernel's context is shorter: of what it does not have, nothing is set.
            if rules.ctx_out && (1..rules.ctx_most).contains(&ctx_out.len()) {
                ctx_out.resize(rules.ctx_most, 0);
            }
            return Ok(TestRunOutput {
                return_value: answer.retval,
                duration: Duration::from_nanos(answer.duration_ns.into()),
                data_out,
                ctx_out: if rules.ctx_in_place { ctx_in } else { ctx_out },
            });
        }
    }

    fn flags(&self) -> TestRunFlags {
        let set = |on, flag| if on { flag } else { TestRunFlags::empty() };
        set(self.cpu.is_some(), TestRunFlags::ON_CPU)
            | set(self.live, TestRunFlags::XDP_LIVE_FRAMES)
            | set(self.checksum, TestRunFlags::SKB_CHECKSUM_COMPLETE)
    }

    /// Fills in where the packet of an XDP context ends, if the caller did not.
    fn end_of_packet(&self, ctx: &mut [u8]) {
        if self.program.prog_type() == ProgramType::XDP
            && let Some(end) = ctx.get_mut(4..8).filter(|end| **end == [0; 4])
        {
            end.copy_from_slice(&u32::try_from(self.data.len()).unwrap_or(u32::MAX).to_ne_bytes());
        }
    }
}
