//! Probes that look at the names of the kernel's functions.

use oxbpf_sys::{Kernel, SysError};

/// What the kernel's entry of a system call is called on this machine, before `sys_NAME`.
pub(crate) const SYSCALL_PREFIX: &str = if cfg!(target_arch = "x86_64") {
    "x64"
} else if cfg!(target_arch = "x86") {
    "ia32"
} else if cfg!(target_arch = "aarch64") {
    "arm64"
} else if cfg!(target_arch = "arm") {
    "arm"
} else if cfg!(target_arch = "s390x") {
    "s390x"
} else if cfg!(any(target_arch = "mips", target_arch = "mips64")) {
    "mips"
} else if cfg!(any(target_arch = "riscv32", target_arch = "riscv64")) {
    "riscv"
} else if cfg!(target_arch = "powerpc") {
    "powerpc"
} else if cfg!(target_arch = "powerpc64") {
    "powerpc64"
} else {
    ""
};

/// Every kernel that BPF can be loaded into has bpf(2).
pub(super) fn syscall_wrapper(kernel: &Kernel) -> Result<bool, SysError> {
    let name = format!("__{SYSCALL_PREFIX}_sys_bpf");
    Ok(kernel.symbols()?.iter().any(|symbol| symbol.name == name))
}
