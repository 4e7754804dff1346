//! libbpf's linker.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};

use libbpf_sys as sys;
use serde::{Deserialize, Serialize};

use crate::libbpf::{check, not_null};
use crate::objects::pool;

/// Why nothing comes of objects.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Failure {
    Refused(String),
    Died(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Refused(why) => f.write_str(why),
            Failure::Died(how) => write!(f, "it dies: {how}"),
        }
    }
}

/// Links these to a file, in a process of its own.
pub(super) fn link(set: &[PathBuf], out: &Path) -> io::Result<Result<(), Failure>> {
    let work = |_, say: &mut dyn FnMut(&Result<(), String>)| {
        say(&try_link(set, out).map_err(|error| error.to_string()));
    };
    let said = pool::each(1, 1, work)?.pop().ok_or_else(|| io::Error::other("no answer"))?;
    Ok(match (said.died, said.values.into_iter().next()) {
        (None, Some(linked)) => linked.map_err(Failure::Refused),
        (died, _) => Err(Failure::Died(died.unwrap_or_default())),
    })
}

fn try_link(set: &[PathBuf], out: &Path) -> io::Result<()> {
    let c_string = |path: &Path| CString::new(path.as_os_str().as_encoded_bytes());
    let out = c_string(out)?;
    // SAFETY: the path ends in NUL; no options are no options.
    let linker = not_null("bpf_linker__new", unsafe { sys::bpf_linker__new(out.as_ptr(), null_mut()) })?;
    let add = || -> io::Result<()> {
        for path in set {
            let path = c_string(path)?;
            // SAFETY: the linker is live; the path ends in NUL and is read during the call.
            let added = unsafe { sys::bpf_linker__add_file(linker.as_ptr(), path.as_ptr(), null_mut()) };
            check("bpf_linker__add_file", added)?;
        }
        // SAFETY: the linker is live.
        check("bpf_linker__finalize", unsafe { sys::bpf_linker__finalize(linker.as_ptr()) }).map(drop)
    };
    let result = add();
    // SAFETY: it is live, and not used after this.
    unsafe { sys::bpf_linker__free(linker.as_ptr()) };
    result
}

/// Whether libbpf opens a file.
pub(super) fn opens(path: &Path) -> io::Result<bool> {
    let path = CString::new(path.as_os_str().as_encoded_bytes())?;
    // SAFETY: the path ends in NUL; no options are no options.
    let object = unsafe { sys::bpf_object__open_file(path.as_ptr(), null()) };
    if !object.is_null() {
        // SAFETY: it was opened just now.
        unsafe { sys::bpf_object__close(object) };
    }
    Ok(!object.is_null())
}
