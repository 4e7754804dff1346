use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;

use libbpf_sys as sys;

use super::{check, not_null};

/// Links objects to one.
pub(crate) fn link(objects: &[PathBuf], out: &Path) -> io::Result<()> {
    let c_string = |path: &Path| CString::new(path.as_os_str().as_encoded_bytes());
    let out = c_string(out)?;
    // SAFETY: the path ends in NUL; no options are no options.
    let linker = not_null("bpf_linker__new", unsafe { sys::bpf_linker__new(out.as_ptr(), null_mut()) })?;
    let add = || -> io::Result<()> {
        for path in objects {
            let path = c_string(path)?;
            // SAFETY: the linker is live; the path ends in NUL and is read during the call.
            let added = unsafe { sys::bpf_linker__add_file(linker.as_ptr(), path.as_ptr(), null_mut()) };
            check("bpf_linker__add_file", added)?;
        }
        // SAFETY: the linker is live.
        check("bpf_linker__finalize", unsafe { sys::bpf_linker__finalize(linker.as_ptr()) })
    };
    let result = add();
    // SAFETY: it is live, and not used after this.
    unsafe { sys::bpf_linker__free(linker.as_ptr()) };
    result
}
