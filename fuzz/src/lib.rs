//! Fuzzing the crates that read files:
//!
//! | target | |
//! |---|---|
//! | `linker` | several objects, made one |
//! | `elf_open` | objects, up to linked programs |
//! | `gen_loader` | loaders made of objects |
//! | `kconfig` | kernel configurations, for the values that an object asks for |
//! | `btf`, `btf_split`, `btf_ext` | raw BTF, BTF on a base, `.BTF.ext` |
//! | `btf_dedup` | each type once |
//! | `btf_rebase` | distilled, relocated, permuted, sorted |
//! | `btf_dump`, `btf_data` | types as C, data of types as text and JSON |
//!
//! ```text
//! cargo install cargo-fuzz                       # once; it needs a nightly toolchain
//! cd fuzz
//! cargo run --example seeds                      # fills corpus/ from ../testdata
//! cargo +nightly fuzz run btf -- -max_total_time=620 -max_len=16384
//! cargo +nightly fuzz run elf_open -- -max_total_time=620 -max_len=65536 -dict=dict/elf.txt
//! ```
//!
//! A target fails on a panic, on a hang, on wrong answers (each input is walked through, see
//! `crates/btf/tests/common/`), and when it takes more memory than 64 MiB and twenty times its input.
//! What is found goes to `crates/btf/tests/regressions/` or `crates/obj/tests/regressions/`, where a test
//! without nightly runs it for ever after.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// The system's allocator, with a count of what is allocated.
pub struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grown(by: usize) {
    PEAK.fetch_max(NOW.fetch_add(by, Relaxed) + by, Relaxed);
}

// SAFETY: everything is handed on to the system's allocator; counting changes nothing about it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: the caller promises what this asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(p, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `f` and fails if at any time it had more memory than an input of this size justifies.
pub fn bounded(data: &[u8], f: impl FnOnce(&[u8])) {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    f(data);
    let peak = PEAK.load(Relaxed).saturating_sub(before);
    let limit = (64 << 20) + 20 * data.len();
    assert!(peak <= limit, "{} bytes of input took {peak} bytes of memory, more than {limit}", data.len());
}
