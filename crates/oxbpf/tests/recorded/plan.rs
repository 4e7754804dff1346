//! What a plan says of the kernel that an object needs, held against kernels of every release.

use std::sync::Arc;

use oxbpf::Hint;
use oxbpf::obj::Need;
use oxbpf::sys::doors::{Fake, Older};
use oxbpf_testing::objects;

use crate::{load, version};

/// Releases around which something came.
const RELEASES: &[(u32, u32)] = &[
    (4, 9),
    (4, 14),
    (4, 16),
    (4, 17),
    (4, 19),
    (5, 1),
    (5, 2),
    (5, 4),
    (5, 5),
    (5, 7),
    (5, 8),
    (5, 10),
    (5, 13),
    (5, 17),
    (6, 1),
    (6, 2),
    (6, 6),
    (6, 9),
    (6, 18),
];

/// What loads needs no younger kernel; what needs none is refused for nothing that came later. (The kernel that is played
/// here looks at every instruction, reached or not.)
#[test]
fn holds_for_every_release() {
    let (mut loaded, mut refused) = (0, 0);
    for path in ["", "tests"].into_iter().flat_map(objects) {
        let spec = oxbpf::open(&path).unwrap();
        let plan = spec.plan(&[]);
        for &(major, minor) in RELEASES {
            let running = version(major, minor);
            let younger = |need: Option<&Need>| {
                need.filter(|need| !running.at_least(need.since.major.into(), need.since.minor.into()))
                    .cloned()
            };
            let door = Arc::new(Older::new(Arc::new(Fake::new()), running));
            let told = format!("{} on {running}", path.display());
            match load(&spec, door).0 {
                Ok(_) => {
                    loaded += 1;
                    assert_eq!(younger(plan.oldest_if_reached()), None, "{told} loads");
                }
                Err(error) => {
                    let too_old = matches!(error.hint(), Some(Hint::KernelTooOld(_)));
                    refused += usize::from(too_old);
                    assert!(!too_old || younger(plan.oldest_if_reached()).is_some(), "{told}: {error}");
                }
            }
        }
    }
    assert!(loaded > 100 && refused > 100, "{loaded} loaded, {refused} refused");
}
