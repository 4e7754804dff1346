//! Makes a loader of an object of any quality. The fuzz target `gen_loader` runs this on whatever it comes up with, and a
//! test runs it on files that are damaged.

use oxbpf_obj::insn::opcode;
use oxbpf_obj::{Error, LightOptions, ObjectSpec, Pinning};

pub(crate) fn object(data: &[u8]) {
    let Ok(mut spec) = ObjectSpec::parse_named("fuzz", data) else { return };
    // What would only be refused is taken out, so that there is more to be made.
    for map in &mut spec.maps {
        (map.pinning, map.pin_path) = (Pinning::None, None);
        map.autocreate &= map.struct_ops().is_none();
    }
    for check_hash in [false, true] {
        let mut options = LightOptions::default();
        (options.kconfig, options.check_hash) = (Some(&[0x55; 16][..]), check_hash);
        let loader = match spec.light_loader(&options) {
            Ok(loader) => loader,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                if let Error::Light { problems, .. } = error {
                    assert!(!problems.is_empty());
                }
                continue;
            }
        };
        assert_eq!(loader.data.len() % 8, 0);
        assert!(loader.is_consistent());
        for pair in loader.insns.windows(2) {
            if pair[0].is_ldimm64() && pair[0].src() == opcode::PSEUDO_MAP_IDX_VALUE {
                assert!((pair[1].imm as usize) < loader.data.len(), "it points into its data");
            }
        }
        for map in &loader.maps {
            let initial = map.initial.iter();
            // The kernel reads as many bytes as the map's values have.
            assert!(initial.clone().all(|range| loader.bytes(range).len() == map.value_size as usize));
        }
        for program in 0..loader.programs.len() {
            let image = loader.image(program).expect("there is one");
            assert!(!image.insns.is_empty());
        }
        let types = loader.types().expect("they are as they were");
        if let Some(types) = &types {
            assert!(loader.globals(types).all(|var| var.map < loader.maps.len()));
        }
    }
}
