//! Every feature says which kernel brought it: that claim is checked against what the probe finds.

use oxbpf::Kernel;
use oxbpf::features::{Feature, supported};
use oxbpf_testing::{Need, Suite, TestResult};

pub(crate) fn tests(suite: &mut Suite) {
    for &feature in Feature::ALL {
        suite.test(format!("features::claim_holds::{feature:?}"), &[Need::Bpf], move || claim_holds(feature));
    }
    suite.test("features::asked_once", &[Need::Bpf], asked_once);
}

/// A kernel that is new enough has it, an older one does not.
fn claim_holds(feature: Feature) -> TestResult {
    let kernel = Kernel::host();
    let running = kernel.kernel_version()?;
    let since = feature.since();
    let found = supported(&kernel, feature);
    assert_eq!(found, running >= since, "{feature}: claimed since {since}, this is {running}");
    Ok(())
}

/// The second question costs the kernel nothing.
fn asked_once() -> TestResult {
    let recorder =
        std::sync::Arc::new(oxbpf::sys::doors::Recorder::new(std::sync::Arc::new(oxbpf::sys::HostDoor)));
    let kernel = Kernel::with_door(recorder.clone());
    for feature in Feature::ALL {
        supported(&kernel, *feature);
    }
    let asked = recorder.take().len();
    assert!(asked >= Feature::ALL.len(), "{asked} calls");
    for feature in Feature::ALL {
        supported(&kernel, *feature);
    }
    assert_eq!(recorder.take().len(), 0);
    Ok(())
}
