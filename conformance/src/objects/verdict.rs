//! What a library makes of an object.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{NonNull, null};

use oxbpf::{LoadOptions, Object, ObjectSpec};
use serde::{Deserialize, Serialize};

/// How far an object came, and why no further.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct Verdict {
    /// `loads`, `opens` (and does not load), `refused`, or `died`.
    pub(super) stage: Stage,
    /// The error's number, if it has one.
    pub(super) errno: Option<i32>,
    /// The error in words; C libbpf has none.
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    Died,
    Refused,
    Opens,
    Loads,
}

impl Verdict {
    pub(super) fn died(text: String) -> Self {
        Self { stage: Stage::Died, errno: None, text }
    }

    fn loads() -> Self {
        Self { stage: Stage::Loads, errno: None, text: String::new() }
    }
}

/// What oxbpf makes of it.
pub(super) fn of_oxbpf(path: &Path, pins: &Path) -> Verdict {
    let spec = std::fs::read(path).map_err(|error| error.to_string()).and_then(|bytes| {
        ObjectSpec::parse_named(&ObjectSpec::name_of(path), &bytes).map_err(|error| error.to_string())
    });
    let spec = match spec {
        Ok(spec) => spec,
        Err(text) => return Verdict { stage: Stage::Refused, errno: None, text },
    };
    let options = LoadOptions { pin_root: pins.to_owned(), ..LoadOptions::default() };
    match Object::load(&spec, &options) {
        Ok(_) => Verdict::loads(),
        Err(error) => {
            let errno = error.errno().map(|errno| errno.0);
            Verdict { stage: Stage::Opens, errno, text: error.to_string() }
        }
    }
}

/// What C libbpf makes of it.
pub(super) fn of_libbpf(path: &Path, pins: &Path) -> Verdict {
    let c_string = |path: &Path| CString::new(path.as_os_str().as_bytes()).expect("paths have no NUL");
    let (path, pins) = (c_string(path), c_string(pins));
    let options = libbpf_sys::bpf_object_open_opts {
        sz: size_of::<libbpf_sys::bpf_object_open_opts>() as u64,
        pin_root_path: pins.as_ptr(),
        object_name: null(),
        ..Default::default()
    };
    // SAFETY: both strings and the options outlive the call, which copies what it keeps.
    let object = unsafe { libbpf_sys::bpf_object__open_file(path.as_ptr(), &raw const options) };
    let Some(object) = NonNull::new(object) else {
        let errno = std::io::Error::last_os_error().raw_os_error();
        return Verdict { stage: Stage::Refused, errno, text: String::new() };
    };
    // SAFETY: the object was opened and not closed.
    let result = unsafe { libbpf_sys::bpf_object__load(object.as_ptr()) };
    // SAFETY: as above, and nothing of it is used later.
    unsafe { libbpf_sys::bpf_object__close(object.as_ptr()) };
    match result {
        0 => Verdict::loads(),
        error => Verdict { stage: Stage::Opens, errno: Some(-error), text: String::new() },
    }
}
