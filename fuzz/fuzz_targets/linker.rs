#![no_main]

#[path = "../../crates/obj/tests/fuzz_walk/mod.rs"]
mod fuzz_walk;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oxbpf_fuzz::bounded(data, fuzz_walk::linked));
