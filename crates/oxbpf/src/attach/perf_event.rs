//! Perf events: a program at every so many events, or so often a second.

use std::os::fd::OwnedFd;

use oxbpf_obj::ProgramType;
use oxbpf_sys::uapi::{PERF_COUNT_SW_CPU_CLOCK, PERF_TYPE_SOFTWARE, PerfBits, RawPerfEventAttr};
use oxbpf_sys::{Errno, PerfEvent};

use super::{AttachReason, Result, event};
use crate::link::{LinkKind, Part};
use crate::{Error, Link, Program};

/// How often the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// At every so many events (of a clock: nanoseconds).
    Period(u64),
    /// About so many times a second.
    Frequency(u64),
}

/// Which perf event to sample, and where.
///
/// By default 99 times a second on the CPU's clock, on every CPU that is online, whatever runs there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerfEventOptions {
    /// The event's type: `PERF_TYPE_SOFTWARE` = 1, `PERF_TYPE_HARDWARE` = 0, or that of a PMU in
    /// `/sys/bus/event_source/devices/*/type`.
    pub event_type: u32,
    /// Which event of the type: `PERF_COUNT_SW_CPU_CLOCK` = 0.
    pub config: u64,
    /// How often.
    pub sampling: Sampling,
    /// Only this process and on whatever CPU; `None`: all.
    pub pid: Option<u32>,
    /// Only these CPUs; `None`: all that are online.
    pub cpus: Option<Vec<u32>>,
    /// What `bpf_get_attach_cookie` gives the program (Linux 5.15).
    pub cookie: u64,
}

impl Default for PerfEventOptions {
    fn default() -> Self {
        PerfEventOptions {
            event_type: PERF_TYPE_SOFTWARE,
            config: PERF_COUNT_SW_CPU_CLOCK,
            // Not 100: what happens at each timer tick would be hit always or never.
            sampling: Sampling::Frequency(99),
            pid: None,
            cpus: None,
            cookie: 0,
        }
    }
}

impl Program {
    /// Attaches the program to the samples of a perf event: one link, whatever the number of CPUs.
    ///
    /// # Errors
    /// [`Error::Attach`]: no such event on this machine, no `CAP_PERFMON`.
    #[doc(alias = "bpf_program__attach_perf_event")]
    pub fn attach_perf_event(&self, options: &PerfEventOptions) -> std::result::Result<Link, Error> {
        self.attached(attach(self, options))
    }

    /// Attaches the program to the samples of perf events that are open already, and enables them. The link owns them.
    ///
    /// # Errors
    /// [`Error::Attach`]: a descriptor that is no perf event, an event that does not sample, one with a program already.
    #[doc(alias = "bpf_program__attach_perf_event")]
    #[doc(alias = "bpf_program__attach_perf_event_opts")]
    pub fn attach_perf_events(
        &self,
        events: impl IntoIterator<Item = OwnedFd>,
        cookie: u64,
    ) -> std::result::Result<Link, Error> {
        self.attached(attach_to(self, events, cookie))
    }
}

fn attach(program: &Program, options: &PerfEventOptions) -> Result<Link> {
    program.expect_type(&[ProgramType::PERF_EVENT], "perf_event", "attach_perf_event")?;
    let kernel = program.kernel();
    let (sample_period, bits) = match options.sampling {
        Sampling::Period(events) => (events, PerfBits::empty()),
        Sampling::Frequency(hertz) => (hertz, PerfBits::FREQ),
    };
    let attr = RawPerfEventAttr {
        event_type: options.event_type,
        config: options.config,
        sample_period,
        bits: bits.field(),
        ..Default::default()
    };
    let pid = options.pid.map_or(-1, |pid| i32::try_from(pid).unwrap_or(i32::MAX));
    let cpus: Vec<i32> = match &options.cpus {
        Some(cpus) => cpus.iter().map(|&cpu| i32::try_from(cpu).unwrap_or(i32::MAX)).collect(),
        None if pid >= 0 => vec![-1],
        None => kernel.online_cpus()?.into_iter().map(|cpu| i32::try_from(cpu).unwrap_or(i32::MAX)).collect(),
    };
    let target = format!("type {} config {:#x}", options.event_type, options.config);
    let mut parts = Vec::with_capacity(cpus.len());
    for cpu in cpus {
        let opened = kernel.perf_event_open(&PerfEvent { attr, probe: None }, pid, cpu, Default::default());
        let opened = opened.map_err(|e| match e.errno {
            Errno::ENOENT | Errno::EOPNOTSUPP | Errno::ENXIO => {
                AttachReason::NoEvent { event_type: options.event_type, config: options.config }
            }
            Errno::ENODEV => AttachReason::Refused { why: "there is no such CPU, or it is off", source: e },
            Errno::ESRCH => AttachReason::Refused { why: "there is no such process", source: e },
            _ => e.into(),
        })?;
        parts.push(event::attach(program, opened, options.cookie, &target)?);
    }
    Ok(Link::new(program, LinkKind::PerfEvent, target, parts))
}

fn attach_to(program: &Program, events: impl IntoIterator<Item = OwnedFd>, cookie: u64) -> Result<Link> {
    program.expect_type(&[ProgramType::PERF_EVENT], "perf_event", "attach_perf_events")?;
    let mut parts = Vec::new();
    for opened in events {
        let part = event::attach(program, opened, cookie, "the event")?;
        enable(program, &part)?;
        parts.push(part);
    }
    Ok(Link::new(program, LinkKind::PerfEvent, "events of the caller", parts))
}

fn enable(program: &Program, part: &Part) -> Result<()> {
    use std::os::fd::AsFd;
    match &part.event {
        Some(event) => Ok(program.kernel().perf_event_enable(event.as_fd())?),
        None => Ok(()),
    }
}
