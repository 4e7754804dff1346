//! What programs of each type take. The kernel says `EINVAL` to everything else.

use oxbpf_obj::ProgramType as P;

use super::{TestRun, TestRunReason};

/// What a type takes and gives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    known: bool,
    /// The fewest bytes of a packet; `None` if it has none.
    data_least: Option<usize>,
    pub(super) data_out: bool,
    /// The most bytes of a context; 0 if it has none.
    pub(super) ctx_most: usize,
    ctx_needed: bool,
    pub(super) ctx_out: bool,
    /// The kernel writes the context back to where it was.
    pub(super) ctx_in_place: bool,
    repeat: bool,
    on_cpu: bool,
    live_frames: bool,
    checksum: bool,
}

const NOTHING: Rules = Rules {
    known: true,
    data_least: None,
    data_out: false,
    ctx_most: 0,
    ctx_needed: false,
    ctx_out: false,
    ctx_in_place: false,
    repeat: false,
    on_cpu: false,
    live_frames: false,
    checksum: false,
};

const ETHERNET: usize = 14;
const IPV4: usize = 20;

const PACKET: Rules =
    Rules { data_least: Some(ETHERNET), data_out: true, ctx_out: true, repeat: true, ..NOTHING };

impl Rules {
    pub(super) fn of(prog_type: P) -> Self {
        match prog_type {
            P::XDP => Self { ctx_most: 24, live_frames: true, ..PACKET },
            P::SOCKET_FILTER
            | P::SCHED_CLS
            | P::SCHED_ACT
            | P::CGROUP_SKB
            | P::LWT_IN
            | P::LWT_OUT
            | P::LWT_XMIT
            | P::LWT_SEG6LOCAL => Self { ctx_most: 192, checksum: true, ..PACKET },
            P::FLOW_DISSECTOR => Self { ctx_most: 56, ..PACKET },
            P::SK_LOOKUP => Self { ctx_most: 72, ctx_needed: true, ctx_out: true, repeat: true, ..NOTHING },
            // As many arguments as a function can have.
            P::RAW_TRACEPOINT | P::RAW_TRACEPOINT_WRITABLE => Self { ctx_most: 96, on_cpu: true, ..NOTHING },
            P::SYSCALL => Self { ctx_most: 65_535, ctx_in_place: true, ..NOTHING },
            P::TRACING => NOTHING,
            P::NETFILTER => Self { data_least: Some(IPV4), ctx_most: 64, repeat: true, ..NOTHING },
            // What newer kernels take of these, they say themselves.
            other if other == P::STRUCT_OPS || other.name().is_none() => Self {
                data_least: Some(0),
                data_out: false,
                ctx_most: usize::MAX,
                ctx_in_place: true,
                repeat: true,
                on_cpu: true,
                live_frames: true,
                checksum: true,
                ..NOTHING
            },
            _ => Self { known: false, ..NOTHING },
        }
    }

    pub(super) fn check(&self, run: &TestRun<'_>) -> Result<(), TestRunReason> {
        if !self.known {
            return Err(TestRunReason::NotForType);
        }
        let options = [
            ("number of repeats", run.repeat > 1 && !self.repeat),
            ("CPU", run.cpu.is_some() && !self.on_cpu),
            ("live frames", run.live && !self.live_frames),
            ("batch size without live frames", run.batch_size > 0 && !run.live),
            ("complete checksum", run.checksum && !self.checksum),
            ("packet", !run.data.is_empty() && self.data_least.is_none()),
            ("context", run.ctx.is_some() && self.ctx_most == 0),
        ];
        if let Some((what, _)) = options.into_iter().find(|(_, wrong)| *wrong) {
            return Err(TestRunReason::NotTaken { what });
        }
        let (got, least) = (run.data.len(), self.data_least.unwrap_or(0));
        if got < least {
            return Err(TestRunReason::ShortPacket { got, least });
        }
        match &run.ctx {
            None if self.ctx_needed => Err(TestRunReason::NoContext),
            Some(ctx) if ctx.len() > self.ctx_most => {
                Err(TestRunReason::LongContext { got: ctx.len(), most: self.ctx_most })
            }
            _ => Ok(()),
        }
    }
}
