//! The file systems that the tests need, mounted where distributions mount them.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount};

/// Where a file system of this type is mounted, as `/proc/mounts` tells; the shortest path if at several.
#[must_use]
pub fn find(kind: &str) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/thread-self/mounts").ok()?;
    find_in(&mounts, kind)
}

fn find_in(mounts: &str, kind: &str) -> Option<PathBuf> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let path = fields.next()?;
            (fields.next()? == kind).then(|| PathBuf::from(path))
        })
        .min_by_key(|path| path.as_os_str().len())
}

/// Mounts tracefs and bpffs if they are not mounted and may be: not every machine does at boot.
pub fn mount_missing() {
    for (kind, at) in [("tracefs", "/sys/kernel/tracing"), ("bpf", "/sys/fs/bpf")] {
        if find(kind).is_none() && Path::new(at).is_dir() {
            // Without privileges it stays unmounted, and the tests that need it say so.
            let _ = mount(kind, at, kind, MountFlags::empty(), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_mount_is_found() {
        let mounts = "tracefs /sys/kernel/debug/tracing tracefs rw 0 0\n\
                      tracefs /sys/kernel/tracing tracefs rw 0 0\n\
                      cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n";
        assert_eq!(find_in(mounts, "tracefs").as_deref(), Some(Path::new("/sys/kernel/tracing")));
        assert_eq!(find_in(mounts, "bpf"), None);
    }
}
