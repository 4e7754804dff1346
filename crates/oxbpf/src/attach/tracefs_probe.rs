//! Probes made through tracefs, for kernels without the PMUs (before Linux 4.17).

use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use oxbpf_sys::uapi::{PERF_TYPE_TRACEPOINT, RawPerfEventAttr};
use oxbpf_sys::{Errno, Kernel, PerfEvent, SysError};

/// The group that our probes are in.
const GROUP: &str = "oxbpf";

/// Where a probe is.
#[derive(Debug)]
pub(super) enum Place<'a> {
    /// In a function of the kernel.
    Kernel {
        /// Its name.
        function: &'a str,
        /// Bytes after its beginning.
        offset: u64,
    },
    /// In a file.
    File {
        /// Which.
        path: &'a Path,
        /// Bytes from its beginning.
        offset: u64,
        /// Where the counter of a USDT probe is; 0: nowhere.
        ref_ctr_offset: u32,
    },
}

/// A line in tracefs's list of probes. It stays there, for all to see, until it is removed.
#[derive(Debug)]
pub(crate) struct TracefsProbe {
    kernel: Kernel,
    /// The list: `kprobe_events` or `uprobe_events`.
    list: &'static str,
    name: String,
    removed: bool,
}

impl TracefsProbe {
    /// Adds a probe.
    ///
    /// # Errors
    /// `ENOENT` of `open`: no tracefs, or no such list in it. Of `write`: `ENOENT` for no such function, `EINVAL` for a
    /// place where none can be.
    pub(super) fn add(kernel: &Kernel, place: &Place<'_>, on_return: bool) -> Result<TracefsProbe, SysError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Names are for the whole machine: the process and a count make them unique.
        let name = format!("p{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let kind = if on_return { 'r' } else { 'p' };
        let mut line = format!("{kind}:{GROUP}/{name} ");
        let list = match *place {
            Place::Kernel { function, offset } => {
                let _ = write!(line, "{function}+{offset:#x}");
                "kprobe_events"
            }
            Place::File { path, offset, ref_ctr_offset } => {
                // The list's words end at blanks, and a colon ends the path.
                let plain = path.to_str().filter(|p| !p.contains(|c: char| c.is_whitespace() || c == ':'));
                let Some(path) = plain else {
                    return Err(SysError::new("write", Errno::EINVAL)
                        .with(format!("{list}: {path:?}", list = "uprobe_events")));
                };
                let _ = write!(line, "{path}:{offset:#x}");
                if ref_ctr_offset != 0 {
                    let _ = write!(line, "({ref_ctr_offset:#x})");
                }
                "uprobe_events"
            }
        };
        kernel.write_file(kernel.tracefs()?.join(list), line.as_bytes(), true)?;
        Ok(TracefsProbe { kernel: kernel.clone(), list, name, removed: false })
    }

    /// Opens the probe's event, for a process or (-1) all.
    pub(super) fn open(&self, pid: i32) -> Result<OwnedFd, SysError> {
        let config = self.kernel.tracepoint_id(GROUP, &self.name)?;
        let attr = RawPerfEventAttr { event_type: PERF_TYPE_TRACEPOINT, config, ..Default::default() };
        let cpu = if pid == -1 { 0 } else { -1 };
        self.kernel.perf_event_open(&PerfEvent { attr, probe: None }, pid, cpu, Default::default())
    }

    /// Removes it, after its events are closed.
    pub(crate) fn remove(mut self) -> Result<(), SysError> {
        self.removed = true;
        self.remove_line()
    }

    fn remove_line(&self) -> Result<(), SysError> {
        let path = self.kernel.tracefs()?.join(self.list);
        let line = format!("-:{GROUP}/{}", self.name);
        // A child that another thread is starting has the event open until it calls exec.
        let mut tries = 50;
        loop {
            match self.kernel.write_file(&path, line.as_bytes(), true) {
                Err(e) if e.errno == Errno::EBUSY && tries > 0 => tries -= 1,
                result => return result,
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for TracefsProbe {
    fn drop(&mut self) {
        if self.removed {
            return;
        }
        if let Err(error) = self.remove_line() {
            tracing::warn!(probe = self.name, %error, "a probe stays in tracefs");
        }
    }
}
