//! Which failures are survived.

use oxbpf::Errno;
use oxbpf::sys::doors::Fault;

/// Why a load or an attach of an object may go on after `fault`; `None` if it must not.
pub(crate) fn because(file: &str, fault: &Fault) -> Option<&'static str> {
    Some(match fault.call {
        "BPF_PROG_LOAD" if fault.errno == Errno::EAGAIN => "the kernel asks to try again",
        "BPF_PROG_LOAD" => "loaded once more with a log, to learn why, it may load",
        "BPF_BTF_LOAD" => "types are for those who look: programs and maps work without",
        "BPF_PROG_BIND_MAP" => "ties maps to a program that need not be tied",
        "BPF_MAP_CREATE" if fault.errno == Errno::EINVAL => {
            "older kernels refuse the types of some maps' elements: created once more without"
        }
        "statfs" => "where tracefs is, the list of mounts tells, too",
        "uname" => "what the version would tell, probes find out",
        "BPF_MAP_CREATE" if fault.what.is_empty() => "that of a probe: what cannot be asked is not there",
        "open" if is_one_of_several(&fault.what) => "another file says it, too",
        "open" if fault.what == "/proc/kallsyms" => "LINUX_HAS_SYSCALL_WRAPPER is 0 unless it is known",
        "read" if file == "tests/externs.bpf.o" => "of one of these files",
        "mmap" => "what cannot be mapped is read, or written by commands",
        "BPF_LINK_CREATE" if fault.errno == Errno::EINVAL => {
            "older kernels have no such link: the event takes the program itself, or the older command attaches it"
        }
        _ => return None,
    })
}

/// What a load fails with in place of `fault`.
pub(crate) fn hidden(fault: &Fault) -> Option<Errno> {
    // Without a token that nobody asked for, what is refused stays refused.
    let of_token = fault.call == "BPF_TOKEN_CREATE" || fault.what == "/sys/fs/bpf";
    of_token.then_some(Errno::EPERM)
}

/// Where the kernel's version and its configuration stand.
fn is_one_of_several(path: &str) -> bool {
    path == "/proc/version_signature" || path == "/proc/config.gz"
}
