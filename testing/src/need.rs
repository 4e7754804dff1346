//! What a test needs, and whether this machine has it.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use oxbpf_btf::Kind;
use oxbpf_sys::{AttachType, Kernel, ProgLoad, ProgramType};

use crate::mounts;

/// Something that a test cannot do without.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Need {
    /// `CAP_BPF` and `CAP_PERFMON` (`CAP_SYS_ADMIN` before 5.8), in the machine's own user namespace.
    Bpf,
    /// `CAP_NET_ADMIN`: network programs.
    NetAdmin,
    /// `CAP_SYS_ADMIN`: namespaces, cgroups, mounts.
    SysAdmin,
    /// A kernel of at least this version.
    Kernel(u32, u32),
    /// `/sys/kernel/btf/vmlinux`.
    KernelBtf,
    /// tracefs, and this event in it (category, name).
    Tracepoint(&'static str, &'static str),
    /// A kernel built with kprobes.
    Kprobes,
    /// A kernel built with uprobes.
    Uprobes,
    /// A kernel that lets fentry, fexit and LSM programs be loaded.
    Trampolines,
    /// A cgroup v2 hierarchy.
    Cgroup2,
    /// Interfaces of the kind veth.
    Veth,
    /// Whatever else: what is missing, and how to see whether it is there.
    That(&'static str, fn() -> bool),
}

impl Need {
    /// Why this need is not met, or nothing if it is.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        let unless = |met: bool, reason: &str| (!met).then(|| reason.to_string());
        match *self {
            Need::Bpf => unless(has_bpf(), "needs CAP_BPF and CAP_PERFMON; run as root"),
            Need::NetAdmin => unless(has_capability(CAP_NET_ADMIN), "needs CAP_NET_ADMIN; run as root"),
            Need::SysAdmin => unless(has_capability(CAP_SYS_ADMIN), "needs CAP_SYS_ADMIN; run as root"),
            Need::Kernel(major, minor) => {
                let (a, b) = kernel_version();
                ((a, b) < (major, minor)).then(|| format!("needs kernel {major}.{minor}; this is {a}.{b}"))
            }
            Need::KernelBtf => unless(
                Path::new("/sys/kernel/btf/vmlinux").exists(),
                "needs the kernel's BTF, /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF)",
            ),
            Need::Tracepoint(category, name) => match mounts::find("tracefs") {
                None => Some("needs tracefs, which is not mounted".into()),
                Some(tracefs) => (!tracefs.join("events").join(category).join(name).exists())
                    .then(|| format!("needs the tracepoint {category}/{name}, which this kernel lacks")),
            },
            Need::Kprobes => {
                unless(has_event_source("kprobe"), "needs kprobes, which this kernel was built without")
            }
            Need::Uprobes => {
                unless(has_event_source("uprobe"), "needs uprobes, which this kernel was built without")
            }
            Need::Trampolines => refusal_of_trampolines()
                .map(|why| format!("needs BPF trampolines (fentry, fexit, LSM): {why}")),
            Need::Cgroup2 => unless(mounts::find("cgroup2").is_some(), "needs a mounted cgroup v2 hierarchy"),
            Need::Veth => unless(has_veth(), "needs veth interfaces, which this kernel lacks"),
            Need::That(what, is_there) => unless(is_there(), what),
        }
    }
}

/// The running kernel's version, major and minor.
pub(crate) fn kernel_version() -> (u32, u32) {
    let uname = rustix::system::uname();
    parse_version(&uname.release().to_string_lossy())
}

fn parse_version(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

pub(crate) fn has_bpf() -> bool {
    has_capability(CAP_SYS_ADMIN) || (has_capability(CAP_BPF) && has_capability(CAP_PERFMON))
}

/// Whether this process has the capability on the machine, not merely in a user namespace of its own.
fn has_capability(number: u32) -> bool {
    let whole_machine = fs::read_to_string("/proc/self/uid_map")
        .is_ok_and(|map| map.split_whitespace().eq(["0", "0", "4294967295"]));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0);
    whole_machine && effective >> number & 1 == 1
}

fn has_event_source(name: &str) -> bool {
    Path::new("/sys/bus/event_source/devices").join(name).exists()
}

fn has_veth() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| crate::net::in_own_netns(|| crate::net::Veth::create().is_ok()).unwrap_or(false))
}

/// Why the kernel takes no fentry program, found by loading one that is never attached.
fn refusal_of_trampolines() -> Option<String> {
    static REFUSAL: OnceLock<Option<String>> = OnceLock::new();
    REFUSAL.get_or_init(|| load_fentry(&Kernel::host()).err()).clone()
}

fn load_fentry(kernel: &Kernel) -> Result<(), String> {
    let btf = kernel.btf().map_err(|error| error.to_string())?;
    // Any function will do; this one has been there for long.
    let function = btf.find("vfs_read", Kind::Func).ok_or("the kernel's BTF has no vfs_read")?;
    // r0 = 0; exit
    let words: [u64; 2] = [0xb7, 0x95];
    let insns: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
    let program = ProgLoad {
        prog_type: ProgramType::TRACING,
        expected_attach_type: Some(AttachType::TRACE_FENTRY),
        attach_btf_id: function.0,
        insns: &insns,
        license: "GPL",
        ..ProgLoad::default()
    };
    match kernel.prog_load(&program, None) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("this kernel refuses them ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_distributions_are_read() {
        assert_eq!(parse_version("6.1.0-37-amd64"), (6, 1));
        assert_eq!(parse_version("5.10.234"), (5, 10));
        assert_eq!(parse_version("6.18-rc1"), (6, 18));
    }

    #[test]
    fn an_unmet_need_says_why() {
        let missing = Need::Kernel(99, 0).missing();
        assert!(missing.is_some_and(|reason| reason.starts_with("needs kernel 99.0; this is ")));
        assert_eq!(Need::That("needs a miracle", || false).missing().as_deref(), Some("needs a miracle"));
        assert_eq!(Need::Kernel(2, 6).missing(), None);
    }
}
