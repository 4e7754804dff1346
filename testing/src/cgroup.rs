//! A cgroup of the test's own.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::{Held, mounts, wait_until};

/// A new, empty cgroup (v2), open. It is removed when this is dropped.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
    dir: File,
}

impl Cgroup {
    /// Makes it, in the root of the hierarchy. Needs [`Need::SysAdmin`](crate::Need::SysAdmin) and
    /// [`Need::Cgroup2`](crate::Need::Cgroup2).
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub fn create() -> io::Result<Cgroup> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let root = mounts::find("cgroup2").ok_or(io::ErrorKind::NotFound)?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = root.join(format!("oxbpf-test-{}-{number}", std::process::id()));
        fs::create_dir(&path)?;
        let dir = File::open(&path)?;
        Ok(Cgroup { path, dir })
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Starts a command that is in the cgroup and waits for [`Held::go`].
    ///
    /// # Errors
    ///
    /// If no process can be made.
    pub fn spawn(&self, command: &[&str]) -> io::Result<Held> {
        Held::spawn_in(command, Some(&self.path.join("cgroup.procs").to_string_lossy()))
    }
}

impl AsFd for Cgroup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that was waited for leaves its cgroup a moment later.
        wait_until(Duration::from_secs(2), || fs::remove_dir(&self.path).is_ok());
    }
}
