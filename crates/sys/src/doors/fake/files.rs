//! Its files: those a loader reads of /proc, sysfs and tracefs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::{memfd, names, writes};
use crate::{Errno, OpenHow};

#[derive(Debug, Default)]
pub(super) struct Files {
    content: BTreeMap<PathBuf, Vec<u8>>,
    dirs: Vec<PathBuf>,
}

/// Where it has tracefs.
const TRACEFS: &str = "/sys/kernel/tracing";

impl Files {
    pub(super) fn usual() -> Self {
        let mut files = Self::default();
        for (path, text) in [
            (
                "/proc/thread-self/mounts",
                "sysfs /sys sysfs rw 0 0\ntracefs /sys/kernel/tracing tracefs rw 0 0\n",
            ),
            ("/proc/thread-self/status", "Name:\tfake\nCapEff:\t000001ffffffffff\n"),
            ("/sys/devices/system/cpu/possible", "0-3\n"),
            ("/sys/devices/system/cpu/online", "0-3\n"),
            ("/sys/bus/event_source/devices/kprobe/type", "8\n"),
            ("/sys/bus/event_source/devices/kprobe/format/retprobe", "config:0\n"),
            ("/sys/bus/event_source/devices/uprobe/type", "9\n"),
            ("/sys/bus/event_source/devices/uprobe/format/retprobe", "config:0\n"),
            ("/sys/bus/event_source/devices/uprobe/format/ref_ctr_offset", "config:32-63\n"),
        ] {
            files.put(path.into(), text.into());
        }
        files
    }

    pub(super) fn put(&mut self, path: PathBuf, content: Vec<u8>) {
        self.content.insert(path, content);
    }

    pub(super) fn remove(&mut self, path: &Path) {
        self.content.remove(path);
    }

    pub(super) fn open(&self, path: &Path, how: OpenHow) -> Result<OwnedFd, Errno> {
        let made_up;
        let content = match self.content.get(path) {
            Some(c) => c,
            None => {
                made_up = tracepoint_id(path).ok_or(Errno::ENOENT)?;
                &made_up
            }
        };
        let fd = memfd("file")?;
        // What is written goes nowhere.
        if !writes(how) {
            write_all(&fd, content)?;
            rustix::fs::seek(&fd, rustix::fs::SeekFrom::Start(0))?;
        }
        Ok(fd)
    }

    pub(super) fn read_dir(&self, dir: &Path) -> Result<Vec<OsString>, Errno> {
        let paths = self.content.keys().map(PathBuf::as_path);
        let names = names(paths, dir);
        if names.is_empty() && !self.dirs.iter().any(|d| d == dir) { Err(Errno::ENOENT) } else { Ok(names) }
    }

    pub(super) fn mkdir(&mut self, dir: &Path) -> Result<(), Errno> {
        if self.dirs.iter().any(|d| d == dir) {
            return Err(Errno::EEXIST);
        }
        self.dirs.push(dir.to_owned());
        Ok(())
    }
}

/// Every tracepoint exists; its number is made of its name.
fn tracepoint_id(path: &Path) -> Option<Vec<u8>> {
    let event =
        path.strip_prefix(TRACEFS).ok()?.strip_prefix("events").ok()?.to_str()?.strip_suffix("/id")?;
    let number = event.bytes().fold(1u32, |n, b| (n * 31 + u32::from(b)) % 60_000);
    Some(format!("{number}\n").into_bytes())
}

fn write_all(fd: &OwnedFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        let n = rustix::io::write(fd, bytes)?;
        bytes = bytes.get(n..).unwrap_or_default();
    }
    Ok(())
}
