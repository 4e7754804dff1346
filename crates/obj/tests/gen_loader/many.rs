//! Large objects.

use oxbpf_obj::insn::opcode;
use oxbpf_obj::{Error, LightOptions, LightProblem, MapOrigin, MapSpec, MapType, ObjectSpec};

use crate::common::spec;

fn with_maps(count: usize) -> ObjectSpec {
    let mut spec = spec("tests/subprogs.bpf.o");
    for n in 0..count {
        let mut map = MapSpec::new(format!("m{n}"), MapType::ARRAY, MapOrigin::BtfDefined);
        (map.key_size, map.value_size, map.max_entries) = (4, 4, 1);
        spec.maps.push(map);
    }
    spec
}

/// Jumps reach 32,767 instructions: farther ways go by stops.
#[test]
fn far_ways_have_stops() {
    let loader = with_maps(2000).light_loader(&LightOptions::default()).unwrap();
    assert!(loader.insns.len() > 40_000, "{}", loader.insns.len());
    let back =
        loader.insns.iter().filter(|insn| insn.code == opcode::CLASS_JMP | opcode::JA && insn.off < -1000);
    assert!(back.count() >= 1);
}

#[test]
fn the_context_has_its_limits() {
    let error = with_maps(2048).light_loader(&LightOptions::default()).unwrap_err();
    let Error::Light { problems, .. } = &error else { panic!("{error}") };
    assert_eq!(problems, &[LightProblem::TooMany]);
}
