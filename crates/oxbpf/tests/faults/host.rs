//! The kernel at hand, behind a door.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use oxbpf::sys::{Call, Door, HostDoor, Reply};
use oxbpf::{Errno, Kernel};

/// The kernel takes its time to list its symbols, and thousands of reads: it is asked once, and a file in memory stands
/// for those that objects here ask for.
const SYMBOLS: &str = "/proc/kallsyms";

/// What the names have in them that objects here ask for: symbols of BPF's own, and the function of a kprobe.
const NAMES: [&str; 2] = ["bpf", "do_unlinkat"];

#[derive(Debug)]
struct Quick;

// SAFETY: all replies are those of the host.
unsafe impl Door for Quick {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        match call {
            Call::Open(path, how) if path == Path::new(SYMBOLS) => match symbols() {
                Some(copy) => {
                    let path = format!("/proc/self/fd/{}", copy.as_raw_fd());
                    HostDoor.call(Call::Open(path.as_ref(), how))
                }
                None => HostDoor.call(call),
            },
            _ => HostDoor.call(call),
        }
    }
}

fn symbols() -> Option<&'static OwnedFd> {
    static COPY: OnceLock<Option<OwnedFd>> = OnceLock::new();
    let copy = || {
        let text = std::fs::read_to_string(SYMBOLS).ok()?;
        let asked = |line: &&str| NAMES.iter().any(|name| line.contains(name));
        let text: String = text.split_inclusive('\n').filter(asked).collect();
        let copy = rustix::fs::memfd_create("symbols", rustix::fs::MemfdFlags::CLOEXEC).ok()?;
        std::fs::write(format!("/proc/self/fd/{}", copy.as_raw_fd()), text).ok()?;
        Some(copy)
    };
    COPY.get_or_init(copy).as_ref()
}

pub(crate) fn door() -> Arc<dyn Door> {
    // Open before descriptors are counted.
    symbols();
    Arc::new(Quick)
}

/// Kernels before 6.16 show their types 4 KiB at a time, in more calls than all else takes, and reading them takes its
/// time: they are read once. That fails in turn over the fake.
pub(crate) fn with_types(kernel: Kernel) -> Kernel {
    if let Ok(types) = Kernel::host().btf() {
        kernel.assume_btf(types);
    }
    kernel
}
