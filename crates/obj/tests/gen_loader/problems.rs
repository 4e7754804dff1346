//! What a loader cannot do is told at once.

use oxbpf_obj::{Error, LightOptions, LightProblem, Pinning, ProgramType};

use crate::common::spec;

#[test]
fn all_problems_are_told() {
    let mut spec = spec("tests/externs.bpf.o");
    spec.map_mut(".bss").unwrap().pinning = Pinning::ByName;
    spec.programs[0].prog_type = ProgramType::EXT;
    let error = spec.light_loader(&LightOptions::default()).unwrap_err();
    let Error::Light { object, problems } = &error else { panic!("{error}") };
    assert_eq!(object, "externs");
    assert!(problems.contains(&LightProblem::Kconfig), "{error}");
    assert!(problems.iter().any(|p| matches!(p, LightProblem::Map { map, .. } if map == "externs.bss")));
    assert!(problems.iter().any(|p| matches!(p, LightProblem::Program { .. })));
    assert_eq!(problems.len(), 3, "{error}");
    assert!(error.to_string().starts_with("no loader can be made of it: map externs.bss: "));
}

#[test]
fn struct_ops_are_laid_out_by_the_kernel() {
    let error = spec("tests/struct_ops.bpf.o").light_loader(&LightOptions::default()).unwrap_err();
    assert!(error.to_string().contains("its layout depends on the kernel"), "{error}");
    // Without these maps there is nothing against it.
    let mut without = spec("tests/struct_ops.bpf.o");
    for map in &mut without.maps {
        map.autocreate = map.struct_ops().is_none();
    }
    let loader = without.light_loader(&LightOptions::default()).unwrap();
    assert!(loader.programs.len() < without.programs.len());
}

/// The kernel reads as many bytes as the map's values have, so that they must be there.
#[test]
fn only_arrays_have_values() {
    let mut spec = spec("tests/globals.bpf.o");
    spec.map_mut(".data").unwrap().map_type = oxbpf_obj::MapType::PERCPU_ARRAY;
    let error = spec.light_loader(&LightOptions::default()).unwrap_err();
    assert!(error.to_string().contains("only arrays can have an initial value"), "{error}");
}
