//! CO-RE relocations against the types of kernels.

use oxbpf_btf::BtfBuilder;
use oxbpf_obj::{CoreTarget, PlanKernel};

use crate::common::spec;

#[test]
fn any_number_of_kernels() {
    let object = spec("tests/core_access.bpf.o");
    let own = object.btf.clone().unwrap();
    let none = BtfBuilder::new().build().unwrap();
    let full = [CoreTarget { name: "own", btf: &own }];
    let empty = [CoreTarget { name: "empty", btf: &none }];
    let kernels =
        [PlanKernel { name: "full", targets: &full }, PlanKernel { name: "empty", targets: &empty }];
    let plan = object.plan(&kernels);
    let [full, empty] = plan.kernels.as_slice() else { panic!("{plan}") };
    assert!(full.check.is_resolved() && full.unresolved().next().is_none());
    assert!(!empty.check.is_resolved() && empty.unresolved().count() > 0);
    assert_eq!((full.name.as_str(), empty.name.as_str()), ("full", "empty"));
    assert!(plan.to_string().contains("  full: "), "{plan}");
}

/// Functions that ask what is there.
#[test]
fn guarded() {
    let object = spec("tests/core_kinds.bpf.o");
    let none = BtfBuilder::new().build().unwrap();
    let targets = [CoreTarget { name: "empty", btf: &none }];
    let plan = object.plan(&[PlanKernel { name: "empty", targets: &targets }]);
    let guarded = plan.kernels[0].unresolved().filter(|(_, guarded)| *guarded).count();
    assert!(guarded > 0, "{plan}");
    assert!(plan.to_string().contains("; the function asks what is there"), "{plan}");
}
