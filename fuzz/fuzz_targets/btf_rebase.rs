#![no_main]

#[path = "../../crates/btf/tests/common/change_walk.rs"]
#[allow(dead_code, reason = "each target uses a part of it")]
mod change_walk;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oxbpf_fuzz::bounded(data, change_walk::rebase));
