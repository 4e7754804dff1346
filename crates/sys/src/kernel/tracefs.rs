//! The file system of the kernel's tracers.

use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Kernel;
use crate::door::Call;
use crate::{Errno, Result, SysError};

/// What statfs(2) says of tracefs.
const TRACEFS_MAGIC: u64 = 0x7472_6163;

impl Kernel {
    /// Where tracefs is: at its usual place, wherever else it is mounted, or inside debugfs. If it is mounted nowhere
    /// and this process may mount, at a mount of this process's own that nobody else sees.
    ///
    /// # Errors
    /// `ENOENT` if it is nowhere and cannot be mounted; those of reading `/proc/thread-self/mounts`.
    pub fn tracefs(&self) -> Result<PathBuf> {
        let usual = Path::new("/sys/kernel/tracing");
        if self.call_value("statfs", Call::FsMagic(usual)).is_ok_and(|magic| magic == TRACEFS_MAGIC) {
            return Ok(usual.to_owned());
        }
        let mounts = self.read_text("/proc/thread-self/mounts")?;
        if let Some(place) = find_tracefs(&mounts) {
            return Ok(place);
        }
        let own =
            self.try_memo("oxbpf-sys tracefs", || self.call_fd("fsmount", Call::MountTracefs).map(Arc::new));
        own.map(|fd| PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))).map_err(|_| {
            SysError::new("open", Errno::ENOENT)
                .with("tracefs")
                .because("not mounted (mount -t tracefs tracefs /sys/kernel/tracing)")
        })
    }

    /// The number of a tracepoint (`"sched"`, `"sched_switch"`), for a perf event's `config`.
    ///
    /// # Errors
    /// `ENOENT` for no such tracepoint, or no tracefs; `EACCES` for those who may not read tracefs.
    pub fn tracepoint_id(&self, category: &str, name: &str) -> Result<u64> {
        let plain = |s: &str| !s.is_empty() && !s.contains('/') && !s.starts_with('.');
        if !plain(category) || !plain(name) {
            return Err(SysError::new("open", Errno::ENOENT).with(format!("tracepoint {category}/{name}")));
        }
        let path = self.tracefs()?.join("events").join(category).join(name).join("id");
        let text = self.read_text(&path)?;
        text.trim().parse().map_err(|_| {
            SysError::invalid("parse", format!("{:?}", text.trim())).with(path.display().to_string())
        })
    }
}

/// The mount point by the lines of /proc/mounts: tracefs itself first, then the one inside debugfs.
fn find_tracefs(mounts: &str) -> Option<PathBuf> {
    let of = |kind: &str| {
        mounts.lines().find_map(|line| {
            let mut fields = line.split(' ');
            let (_, place, fs) = (fields.next()?, fields.next()?, fields.next()?);
            (fs == kind).then(|| PathBuf::from(unescape(place)))
        })
    };
    of("tracefs").or_else(|| of("debugfs").map(|d| d.join(Path::new("tracing"))))
}

/// Blanks, tabs, newlines and backslashes stand as octal numbers in /proc/mounts.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        match after.get(..3).and_then(|o| u8::from_str_radix(o, 8).ok()) {
            Some(b) => {
                out.push(char::from(b));
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::doors::Fake;

    #[test]
    fn tracefs_itself_comes_first() {
        let debugfs = "debugfs /sys/kernel/debug debugfs rw 0 0\n";
        let both = format!("{debugfs}tracefs /sys/kernel/tracing tracefs rw 0 0\n");
        assert_eq!(find_tracefs(&both).as_deref(), Some(Path::new("/sys/kernel/tracing")));
        assert_eq!(find_tracefs(debugfs).as_deref(), Some(Path::new("/sys/kernel/debug/tracing")));
        assert_eq!(find_tracefs("proc /proc proc rw 0 0\n\nnonsense\n"), None);
    }

    #[test]
    fn escapes_of_mounts() {
        assert_eq!(unescape(r"/mnt/with\040blank"), "/mnt/with blank");
        assert_eq!(unescape(r"\134\011"), "\\\t");
        assert_eq!(unescape(r"/odd\9"), r"/odd\9");
        assert_eq!(unescape(r"/end\"), r"/end\");
    }

    #[test]
    fn ids_of_tracepoints() {
        let id = "/sys/kernel/tracing/events/sched/sched_switch/id";
        let kernel = Kernel::with_door(Arc::new(Fake::new().with_file(id, "314\n")));
        assert_eq!(kernel.tracepoint_id("sched", "sched_switch").unwrap(), 314);
        for (category, name) in [("..", "x"), ("sched", "../../x"), ("", "x"), ("sched", "")] {
            assert_eq!(kernel.tracepoint_id(category, name).unwrap_err().errno, Errno::ENOENT);
        }
    }

    #[test]
    fn no_tracefs_says_how_to_get_it() {
        let fake = Fake::new().with_file("/proc/thread-self/mounts", "proc /proc proc rw 0 0\n");
        let e = Kernel::with_door(Arc::new(fake)).tracepoint_id("sched", "sched_switch").unwrap_err();
        assert!(e.to_string().contains("mount -t tracefs tracefs /sys/kernel/tracing"), "{e}");
    }
}
