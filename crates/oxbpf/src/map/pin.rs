//! Files of bpffs that keep maps, programs and links.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use oxbpf_sys::{Errno, Kernel, SysError, uapi::OpenFlags};

use crate::error::{Error, Result};

/// Pins that are taken back when this is dropped.
#[derive(Debug)]
pub(crate) struct Pins {
    kernel: Kernel,
    paths: Vec<PathBuf>,
}

impl Pins {
    pub(crate) fn new(kernel: &Kernel) -> Self {
        Self { kernel: kernel.clone(), paths: Vec::new() }
    }

    /// What `pin` does, which pins something at `path`.
    pub(crate) fn add(&mut self, path: &Path, pin: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        pin(path)?;
        self.paths.push(path.to_owned());
        Ok(())
    }

    /// They stay.
    pub(crate) fn keep(mut self) {
        self.paths.clear();
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        for path in &self.paths {
            if let Err(error) = self.kernel.unpin(path) {
                tracing::warn!(%error, "pin left behind");
            }
        }
    }
}

/// Where in `dir` something of this name is pinned. bpffs has no names with dots, and the name is to be one.
pub(crate) fn place(dir: &Path, name: &str) -> PathBuf {
    dir.join(name.replace(['.', '/'], "_"))
}

/// Pins `fd`, which is `what`, at `path`, and makes the directory it stands in.
pub(crate) fn pin(kernel: &Kernel, fd: BorrowedFd<'_>, what: &str, path: &Path) -> Result<()> {
    let failed = |source| failed(what, path, &source);
    match kernel.obj_pin(fd, path) {
        Err(error) if error.errno == Errno::ENOENT => {}
        done => return done.map_err(failed),
    }
    if let Some(parent) = path.parent() {
        make_dirs(kernel, parent).map_err(failed)?;
    }
    kernel.obj_pin(fd, path).map_err(failed)
}

/// What is pinned at `path`.
pub(crate) fn get(kernel: &Kernel, what: &str, path: &Path, flags: OpenFlags) -> Result<OwnedFd> {
    kernel.obj_get(path, flags).map_err(|source| failed(what, path, &source))
}

/// The error about `what` at `path`; the path stands in it once.
pub(crate) fn failed(what: &str, path: &Path, source: &SysError) -> Error {
    let source = source.clone().bare();
    Error::Pin { what: what.to_owned(), path: path.to_owned(), source }
}

/// Makes `dir` and the directories above it that are missing. Others may be making the same.
fn make_dirs(kernel: &Kernel, dir: &Path) -> Result<(), SysError> {
    match (make_dir(kernel, dir), dir.parent()) {
        (Err(error), Some(parent)) if error.errno == Errno::ENOENT => {
            make_dirs(kernel, parent)?;
            make_dir(kernel, dir)
        }
        (done, _) => done,
    }
}

fn make_dir(kernel: &Kernel, dir: &Path) -> Result<(), SysError> {
    match kernel.mkdir(dir) {
        Err(error) if error.errno == Errno::EEXIST => Ok(()),
        done => done,
    }
}
