#![no_main]

#[path = "../../crates/obj/tests/loader_walk/mod.rs"]
mod loader_walk;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oxbpf_fuzz::bounded(data, loader_walk::object));
