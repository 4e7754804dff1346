//! Perf events.

use std::ffi::CString;
use std::os::fd::{BorrowedFd, OwnedFd};

use super::Kernel;
use crate::door::{Call, PerfEventOpen, PerfIoctl};
use crate::uapi::{PerfFlags, RawPerfEventAttr};
use crate::{Errno, Result, SysError};

/// A perf event to open.
#[derive(Debug, Clone, Copy, Default)]
pub struct PerfEvent<'a> {
    /// The event. Its size, and with `probe` its `config1`, are filled in.
    pub attr: RawPerfEventAttr,
    /// The function of a kprobe, or the path of a uprobe's file.
    pub probe: Option<&'a str>,
}

/// A PMU (performance monitoring unit) that makes kprobes or uprobes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbePmu {
    /// Its type, for [`RawPerfEventAttr::event_type`].
    pub event_type: u32,
    /// The bit of `config` that makes it a return probe.
    pub retprobe_bit: u8,
    /// Where in `config` the offset of a uprobe's reference counter goes: the lowest bit.
    pub ref_ctr_shift: u8,
}

impl Kernel {
    /// Opens a perf event, of a process (`pid` 0 for this one, -1 for all) on a CPU (-1 for any).
    ///
    /// # Errors
    /// - `EACCES`, `EPERM`: no `CAP_PERFMON`, and `perf_event_paranoid` forbids it
    /// - `ENOENT`: no such event, function or file
    /// - `EINVAL`: an event that this kernel does not take, no such place in the function
    /// - `ENODEV`: no such CPU, or counters that the machine does not have
    pub fn perf_event_open(
        &self,
        event: &PerfEvent<'_>,
        pid: i32,
        cpu: i32,
        flags: PerfFlags,
    ) -> Result<OwnedFd> {
        let op = "perf_event_open";
        let probe = match event.probe {
            Some(p) => {
                Some(CString::new(p).map_err(|_| SysError::invalid(op, format!("{p:?}: a NUL inside")))?)
            }
            None => None,
        };
        let open = PerfEventOpen { attr: &event.attr, probe: probe.as_deref(), pid, cpu, group: None, flags };
        self.call_fd(op, Call::PerfEventOpen(open)).map_err(|e| match event.probe {
            Some(p) => e.with(format!("{p:?}")),
            None => e,
        })
    }

    /// Runs a program at each event.
    ///
    /// # Errors
    /// - `EEXIST`: it has this program already; a counter or clock, which takes one program only, has one
    /// - `E2BIG`: a tracepoint or probe has 64 programs already
    /// - `EINVAL`: the program is not for this kind of event
    /// - `EACCES`, `EPERM`: privileges
    #[doc(alias = "PERF_EVENT_IOC_SET_BPF")]
    pub fn perf_event_set_bpf(&self, event: BorrowedFd<'_>, prog: BorrowedFd<'_>) -> Result<()> {
        self.perf_ioctl(event, PerfIoctl::SetBpf(prog))
    }

    /// Starts an event.
    ///
    /// # Errors
    /// Those of ioctl(2).
    pub fn perf_event_enable(&self, event: BorrowedFd<'_>) -> Result<()> {
        self.perf_ioctl(event, PerfIoctl::Enable)
    }

    /// Stops an event.
    ///
    /// # Errors
    /// Those of ioctl(2).
    pub fn perf_event_disable(&self, event: BorrowedFd<'_>) -> Result<()> {
        self.perf_ioctl(event, PerfIoctl::Disable)
    }

    /// Any request to a perf event.
    ///
    /// # Errors
    /// Those of ioctl(2).
    pub fn perf_ioctl(&self, event: BorrowedFd<'_>, request: PerfIoctl<'_>) -> Result<()> {
        self.call(request.name(), Call::PerfIoctl(event, request)).map(drop)
    }

    /// The PMU of kprobes, since Linux 4.17. Asked once.
    ///
    /// # Errors
    /// `ENOENT` for a kernel without kprobes, or older: those have them by tracefs only.
    pub fn kprobe_pmu(&self) -> Result<ProbePmu> {
        self.try_memo("oxbpf-sys kprobe pmu", || self.probe_pmu("kprobe"))
    }

    /// The PMU of uprobes, since Linux 4.17. Asked once.
    ///
    /// # Errors
    /// As [`kprobe_pmu`](Self::kprobe_pmu).
    pub fn uprobe_pmu(&self) -> Result<ProbePmu> {
        self.try_memo("oxbpf-sys uprobe pmu", || self.probe_pmu("uprobe"))
    }

    fn probe_pmu(&self, name: &str) -> Result<ProbePmu> {
        let dir = format!("/sys/bus/event_source/devices/{name}");
        let number = |path: String, prefix: &str| {
            let text = self.read_text(&path)?;
            let value = text.trim().strip_prefix(prefix).map(|t| t.split('-').next().unwrap_or(t));
            value
                .and_then(|v| v.parse::<u32>().ok())
                .ok_or_else(|| SysError::invalid("parse", format!("{:?}", text.trim())).with(path))
        };
        let event_type = number(format!("{dir}/type"), "")?;
        let retprobe = number(format!("{dir}/format/retprobe"), "config:")?;
        // Only uprobes have one, since Linux 4.20, always at the top half.
        let ref_ctr = match number(format!("{dir}/format/ref_ctr_offset"), "config:") {
            Err(e) if e.errno == Errno::ENOENT => 32,
            other => other?,
        };
        let bit = |n: u32| u8::try_from(n).ok().filter(|b| *b < 64).unwrap_or(0);
        Ok(ProbePmu { event_type, retprobe_bit: bit(retprobe), ref_ctr_shift: bit(ref_ctr) })
    }
}
