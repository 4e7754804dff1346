//! What a library makes of an object.

use std::ffi::CString;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{NonNull, null, null_mut};

use oxbpf::{LoadOptions, Object, ObjectSpec};
use serde::{Deserialize, Serialize};

use super::made::Made;
use crate::{Outcome, calls, inputs};

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

/// What oxbpf makes of it, and by which calls.
pub(super) fn of_oxbpf(path: &Path, pins: &Path) -> (Verdict, Made) {
    let spec = std::fs::read(path).map_err(|error| error.to_string()).and_then(|bytes| {
        ObjectSpec::parse_named(&ObjectSpec::name_of(path), &bytes).map_err(|error| error.to_string())
    });
    let spec = match spec {
        Ok(spec) => spec,
        Err(text) => return (Verdict { stage: Stage::Refused, errno: None, text }, Made::default()),
    };
    // C libbpf loads one program after the other.
    let options =
        LoadOptions { pin_root: pins.to_owned(), threads: Some(NonZeroUsize::MIN), ..LoadOptions::default() };
    let (loaded, calls) = calls::record(|| {
        let loaded = Object::load(&spec, &options);
        if let Ok(object) = &loaded {
            for map in object.maps() {
                let _ = calls::held(|| map.attach_struct_ops());
            }
        }
        loaded
    });
    let verdict = match &loaded {
        Ok(_) => Verdict::loads(),
        Err(error) => {
            let errno = error.errno().map(|errno| errno.0);
            Verdict { stage: Stage::Opens, errno, text: error.to_string() }
        }
    };
    (verdict, Made::of(&calls, pins))
}

/// What C libbpf makes of it, and by which calls.
pub(super) fn of_libbpf(path: &Path, pins: &Path) -> (Verdict, Made) {
    let c_string = |path: &Path| CString::new(path.as_os_str().as_bytes()).expect("paths have no NUL");
    let (path, pins_path) = (c_string(path), c_string(pins));
    let options = libbpf_sys::bpf_object_open_opts {
        sz: size_of::<libbpf_sys::bpf_object_open_opts>() as u64,
        pin_root_path: pins_path.as_ptr(),
        object_name: null(),
        ..Default::default()
    };
    // SAFETY: both strings and the options outlive the call, which copies what it keeps.
    let object = unsafe { libbpf_sys::bpf_object__open_file(path.as_ptr(), &raw const options) };
    let Some(object) = NonNull::new(object) else {
        let errno = std::io::Error::last_os_error().raw_os_error();
        return (Verdict { stage: Stage::Refused, errno, text: String::new() }, Made::default());
    };
    let (result, calls) = calls::record(|| {
        // SAFETY: the object was opened and not closed.
        let result = unsafe { libbpf_sys::bpf_object__load(object.as_ptr()) };
        if result == 0 {
            let mut map = null_mut();
            loop {
                // SAFETY: the object is open, and the map is the one before or null.
                map = unsafe { libbpf_sys::bpf_object__next_map(object.as_ptr(), map) };
                if map.is_null() {
                    break;
                }
                // SAFETY: it is a map of an object that is open. No link is made.
                calls::held(|| unsafe { libbpf_sys::bpf_map__attach_struct_ops(map) });
            }
        }
        result
    });
    let made = Made::of(&calls, pins);
    // SAFETY: the object was opened and not closed, and nothing of it is used later.
    unsafe { libbpf_sys::bpf_object__close(object.as_ptr()) };
    let verdict = match result {
        0 => Verdict::loads(),
        error => Verdict { stage: Stage::Opens, errno: Some(-error), text: String::new() },
    };
    (verdict, made)
}

/// Has both libraries learn what the kernel has, so that each object takes no more calls than it needs, and so that
/// what they try out is not taken for a part of an object.
pub(super) fn warm_up() -> Outcome<()> {
    // Without types of the kernel objects are told apart all the same.
    let _ = oxbpf_sys::Kernel::host().btf();
    let pins = Path::new("/sys/fs/bpf/oxbpf-conformance");
    for name in ["globals", "weak_externs", "arena"] {
        let object = inputs::root().join(format!("testdata/tests/{name}.bpf.o"));
        if !object.exists() {
            return Err(format!("{} is missing", object.display()).into());
        }
        of_libbpf(&object, pins);
        of_oxbpf(&object, pins);
    }
    Ok(())
}
