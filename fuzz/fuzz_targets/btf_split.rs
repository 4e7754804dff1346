#![no_main]

#[path = "../../crates/btf/tests/common/walk.rs"]
#[allow(dead_code, reason = "each target uses a part of it")]
mod walk;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oxbpf_fuzz::bounded(data, walk::btf_split));
