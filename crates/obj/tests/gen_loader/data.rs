//! Initial values, and the hash.

use oxbpf_obj::insn::opcode;
use oxbpf_obj::{LightOptions, LightStep};
use sha2::{Digest, Sha256};

use crate::common::spec;
use crate::loader;

#[test]
fn values_are_in_the_data() {
    let mut spec = spec("tests/globals.bpf.o");
    spec.set_global("limit", &0x1234_5678_u32).unwrap();
    let loader = loader(&spec);
    let var = spec.global("limit").unwrap();
    let map = &loader.maps[var.map];
    let value = loader.bytes(map.initial.as_ref().unwrap());
    assert_eq!(value.len(), map.value_size as usize);
    assert_eq!(value[var.offset as usize..][..4], 0x1234_5678_u32.to_le_bytes());
    assert!(map.frozen);
    let types = loader.types().unwrap().unwrap();
    let globals: Vec<_> = loader.globals(&types).collect();
    assert!(globals.contains(&var), "{globals:?}");
}

/// Gigabytes of zeros cost nothing, and cannot be given a value.
#[test]
fn zeros_are_not_stored() {
    let mut spec = spec("tests/globals.bpf.o");
    let bss = spec.map_mut(".bss").unwrap();
    bss.value_size = 1 << 31;
    let loader = loader(&spec);
    let bss = loader.maps.iter().position(|map| map.section.as_deref() == Some(".bss")).unwrap();
    assert_eq!((loader.maps[bss].value_size, &loader.maps[bss].initial), (1 << 31, &None));
    assert!(!loader.steps.contains(&LightStep::Value { map: bss }));
    assert!(loader.data.len() < 1 << 20);
}

/// What has to be written and is too large is refused, not allocated.
#[test]
fn too_large_values_are_refused() {
    let mut spec = spec("tests/globals.bpf.o");
    spec.map_mut(".data").unwrap().value_size = u32::MAX;
    let error = spec.light_loader(&LightOptions::default()).unwrap_err();
    assert!(error.to_string().ends_with("its data is too large for one map"), "{error}");
}

#[test]
fn the_hash_of_the_data_is_in_the_instructions() {
    let spec = spec("tests/globals.bpf.o");
    let mut options = LightOptions::default();
    options.check_hash = true;
    let loader = spec.light_loader(&options).unwrap();
    let hash: [u8; 32] = Sha256::digest(&loader.data).into();
    let mut found = Vec::new();
    for pair in loader.insns.windows(2) {
        if pair[0].is_ldimm64() && pair[0].src() == 0 {
            found.extend([pair[0].imm, pair[1].imm].map(i32::to_le_bytes).concat());
        }
    }
    assert_eq!(found, hash);
    let of_map = |insn: &&oxbpf_obj::Insn| insn.is_ldimm64() && insn.src() == opcode::PSEUDO_MAP_IDX;
    assert_eq!(loader.insns.iter().filter(of_map).count(), 4);
    let digest: [u8; 32] = Sha256::digest(loader.encoded()).into();
    assert_eq!(loader.digest(), digest);
    // Without the check, all else is the same.
    assert_eq!(spec.light_loader(&LightOptions::default()).unwrap().data, loader.data);
}
