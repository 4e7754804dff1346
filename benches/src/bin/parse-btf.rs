//! Reads the kernel's types and looks at none: `parse-btf oxbpf|libbpf|nothing`. The last only maps the file and
//! touches all of it, as a parse does.

use std::ptr;

use oxbpf_sys::Kernel;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("oxbpf") => drop(std::hint::black_box(Kernel::host().btf()?)),
        Some("libbpf") => {
            // SAFETY: no arguments; gives an owned pointer or null, and both may be freed.
            unsafe { libbpf_sys::btf__free(libbpf_sys::btf__load_vmlinux_btf()) };
        }
        Some("nothing") => touch(&std::fs::File::open("/sys/kernel/btf/vmlinux")?)?,
        _ => return Err("usage: parse-btf oxbpf|libbpf|nothing".into()),
    }
    Ok(())
}

fn touch(file: &std::fs::File) -> Result<(), Box<dyn std::error::Error>> {
    use std::os::fd::AsRawFd as _;
    let len = usize::try_from(file.metadata()?.len())?;
    // SAFETY: a new read-only mapping of the whole file, which nothing else uses.
    let map =
        unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0) };
    if map == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error().into());
    }
    // SAFETY: that many bytes are mapped until the process ends, and the file of the running kernel never changes.
    let bytes = unsafe { std::slice::from_raw_parts(map.cast::<u8>(), len) };
    std::hint::black_box(bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)));
    Ok(())
}
