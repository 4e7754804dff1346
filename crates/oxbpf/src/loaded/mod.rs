//! What is loaded already, whoever loaded it: programs, maps, links and BTF by id, by pin, by descriptor, or all of them.

mod btf;
mod link;
mod map;
mod program;

use std::fmt;
use std::iter::FusedIterator;
use std::os::fd::OwnedFd;
use std::path::Path;

use oxbpf_sys::{Kernel, ObjectKind, OpenFlags};

use crate::error::{Error, Result};
use crate::map::pin;

pub use btf::LoadedBtf;
pub use link::LoadedLink;

/// All objects of a kind that a kernel has, one after another, in the order of their ids.
///
/// What goes between being listed and being opened is left out. An object that cannot be opened is an item with the
/// error, and the next one follows. If the list itself cannot be had (`EPERM` without `CAP_SYS_ADMIN`), that error is
/// the last item. What is loaded meanwhile may be among them or not.
pub struct Loaded<T> {
    list: oxbpf_sys::Loaded,
    kernel: Kernel,
    open: fn(&Kernel, OwnedFd) -> Result<T>,
}

impl<T> Loaded<T> {
    fn new(kernel: &Kernel, kind: ObjectKind, open: fn(&Kernel, OwnedFd) -> Result<T>) -> Self {
        Self { list: kernel.loaded(kind), kernel: kernel.clone(), open }
    }
}

impl<T> Iterator for Loaded<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        let opened = self.list.next()?;
        Some(opened.map_err(Error::Kernel).and_then(|(_, fd)| (self.open)(&self.kernel, fd)))
    }
}

impl<T> FusedIterator for Loaded<T> {}

impl<T> fmt::Debug for Loaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("list", &self.list).finish_non_exhaustive()
    }
}

/// What is pinned at `path`, which is to be a `what`.
fn from_pinned<T>(
    kernel: &Kernel,
    what: &str,
    path: &Path,
    flags: OpenFlags,
    open: fn(&Kernel, OwnedFd) -> Result<T>,
) -> Result<T> {
    open(kernel, pin::get(kernel, what, path, flags)?).map_err(|error| match error {
        Error::Kernel(source) => pin::failed(what, path, &source),
        other => other,
    })
}
