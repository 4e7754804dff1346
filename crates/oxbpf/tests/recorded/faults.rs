//! Every call of a load fails in turn.

use std::cell::RefCell;
use std::sync::Arc;

use oxbpf::obj::Pinning;
use oxbpf::sys::Door;
use oxbpf::sys::doors::{Fake, Fault, Faults};
use oxbpf::{Errno, MapType, Object, ObjectSpec, Result};

use crate::{options, spec};

const ERRNOS: [Errno; 4] = [Errno::ENOMEM, Errno::EPERM, Errno::EINVAL, Errno::EAGAIN];

/// Makes every call of a load of `name` fail with each errno: the load fails with that errno, or does without what is
/// optional; nothing stays open either way.
fn sweep(name: &str) -> u64 {
    let spec = spec(name);
    let pins = spec.maps.iter().filter(|map| map.pinning != Pinning::None).count();
    let fake = RefCell::new(Arc::new(Fake::new()));
    let door = || -> Arc<dyn Door> {
        *fake.borrow_mut() = Arc::new(Fake::new());
        fake.borrow().clone()
    };
    let check = |fault: &Fault, outcome: Result<Object>| {
        let left = match outcome {
            Ok(object) => {
                assert!(is_optional(&spec, fault), "{name}: the load goes on after {fault}");
                drop(object);
                pins
            }
            Err(error) => {
                assert!(!is_optional(&spec, fault), "{name}: {fault} is no reason to fail: {error}");
                assert_eq!(error.errno(), Some(fault.errno), "{name}: {fault}: {error}");
                0
            }
        };
        assert_eq!(fake.borrow().open_objects(), left, "{name}: left open after {fault}");
    };
    Faults::sweep(door, &ERRNOS, |kernel| Object::load(&spec, &options(&spec, kernel)), check)
}

/// What a load can do without, or does again in another way.
fn is_optional(spec: &ObjectSpec, fault: &Fault) -> bool {
    match fault.call {
        // Types are for those who look; programs and maps work without.
        "BPF_BTF_LOAD" | "BPF_PROG_BIND_MAP" => true,
        // Once more without the types of its elements, which the kernel may not take.
        "BPF_MAP_CREATE" if fault.errno == Errno::EINVAL => {
            let mut all = spec.maps.iter().flat_map(|map| [Some(map), map.inner.as_deref()]).flatten();
            // The kernel has the first 15 bytes of the name.
            let map = all.find(|map| map.name.starts_with(&fault.what)).unwrap();
            map.value_type.0 != 0 && map.map_type != MapType::QUEUE
        }
        // Once more with a log, to learn why: if it loads now it is loaded.
        "BPF_PROG_LOAD" => true,
        _ => false,
    }
}

#[test]
fn plain() {
    assert!(sweep("execsnoop.bpf.o") >= 4 * 4);
}

#[test]
fn with_variables() {
    assert!(sweep("tests/globals.bpf.o") >= 4 * 14);
}

#[test]
fn with_all_kinds_of_maps() {
    assert!(sweep("tests/maps.bpf.o") >= 4 * 17);
}

#[test]
fn with_maps_of_maps() {
    assert!(sweep("tests/inner_maps.bpf.o") >= 4 * 12);
}

#[test]
fn with_pins() {
    assert!(sweep("tests/pinned.bpf.o") >= 4 * 5);
}
