//! What came later than its command is refused by older kernels, and the error says what it was.

#[path = "newer/mod.rs"]
mod newer;

use std::sync::Arc;

use oxbpf_sys::doors::{Fake, Older};
use oxbpf_sys::{Kernel, KernelVersion};

/// Release by release, over a kernel that is not there.
#[test]
fn older_kernels_refuse_it_and_say_what_it_was() {
    let mut releases: Vec<_> = newer::ALL.iter().map(|n| n.since).collect();
    // The first in which the map and the program that these calls need can be made and had again.
    releases.extend([(4, 13), (6, 0)]);
    releases.sort_unstable();
    releases.dedup();
    for (major, minor) in releases.into_iter().filter(|r| *r >= (4, 13)) {
        let version = KernelVersion::new(major, minor, 0);
        let kernel = Kernel::with_door(Arc::new(Older::new(Arc::new(Fake::new()), version)));
        newer::make_all(&kernel, version, |n, has, result| newer::expect(n, has, version, result)).unwrap();
    }
}

/// Several things may be too new: the last one says which kernel it takes.
#[test]
fn the_youngest_is_what_is_told() {
    use oxbpf_sys::{MapCreate, MapFlags, MapType};
    let door = Older::new(Arc::new(Fake::new()), KernelVersion::new(4, 19, 0));
    let kernel = Kernel::with_door(Arc::new(door));
    let m = MapCreate { flags: MapFlags::RDONLY_PROG | MapFlags::MMAPABLE, ..newer::map(MapType::ARRAY) };
    let e = kernel.map_create(&m).unwrap_err();
    assert_eq!(
        e.to_string(),
        "BPF_MAP_CREATE failed: EINVAL (Invalid argument); needs kernel >= 5.5 (maps in memory), this is 4.19.0"
    );
}

/// A field behind the end of the kernel's own attribute is refused with another errno than one that it has for other
/// commands only.
#[test]
fn the_errno_tells_how_far_a_field_is() {
    use oxbpf_sys::{Errno, MapType, ProgLoad, ProgramType};
    let kernel = Kernel::with_door(Arc::new(Older::new(Arc::new(Fake::new()), KernelVersion::new(6, 1, 0))));
    let load = ProgLoad { signature: &[0; 8], ..newer::program(ProgramType::SOCKET_FILTER) };
    let far = kernel.prog_load(&load, None).unwrap_err();
    let create = oxbpf_sys::MapCreate { excl_prog_hash: &[0; 32], ..newer::map(MapType::ARRAY) };
    let near = kernel.map_create(&create).unwrap_err();
    assert_eq!((far.errno, near.errno), (Errno::E2BIG, Errno::EINVAL));
    assert_eq!(
        far.to_string(),
        "BPF_PROG_LOAD failed: E2BIG (Argument list too long); needs kernel >= 6.18 (signatures of programs), this is \
         6.1.0"
    );
}
