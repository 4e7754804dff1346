//! What the machine and its configuration allow.

use std::path::PathBuf;

use bitflags::bitflags;

use super::Kernel;
use crate::{Errno, Result, SysError};

bitflags! {
    /// Capabilities, those that BPF asks for among them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Capabilities: u64 {
        /// Networking.
        const NET_ADMIN = 1 << 12;
        /// Everything BPF before Linux 5.8, and much since.
        const SYS_ADMIN = 1 << 21;
        /// Raising resource limits.
        const SYS_RESOURCE = 1 << 24;
        /// Reading kernel addresses.
        const SYSLOG = 1 << 34;
        /// Tracing, since Linux 5.8.
        const PERFMON = 1 << 38;
        /// BPF, since Linux 5.8.
        const BPF = 1 << 39;
        const _ = !0;
    }
}

impl Capabilities {
    /// May load programs and make maps.
    pub fn may_bpf(self) -> bool {
        self.intersects(Self::BPF | Self::SYS_ADMIN)
    }

    /// May trace.
    pub fn may_trace(self) -> bool {
        self.intersects(Self::PERFMON | Self::SYS_ADMIN)
    }

    /// May load and attach programs for networking.
    pub fn may_network(self) -> bool {
        self.intersects(Self::NET_ADMIN | Self::SYS_ADMIN)
    }
}

/// What lockdown forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lockdown {
    /// Nothing, or the kernel has no lockdown.
    None,
    /// Changing the running kernel: no tampering with its memory, and no `bpf_probe_write_user`.
    Integrity,
    /// Reading its memory, too: no tracing programs that read kernel memory.
    Confidentiality,
}

impl Kernel {
    /// How many CPUs the machine may ever have: per-CPU values have one part for each. Asked once.
    ///
    /// # Errors
    /// `EINVAL` for a list that cannot be read.
    #[doc(alias = "libbpf_num_possible_cpus")]
    pub fn possible_cpus(&self) -> Result<u32> {
        if let Some(n) = self.0.possible_cpus.get() {
            return Ok(*n);
        }
        let cpus = self.cpu_list("/sys/devices/system/cpu/possible")?;
        // How many, not up to which number: gaps have no part in a value.
        Ok(*self.0.possible_cpus.get_or_init(|| cpus.len() as u32))
    }

    /// The CPUs that are on now, by number.
    ///
    /// # Errors
    /// `EINVAL` for a list that cannot be read.
    pub fn online_cpus(&self) -> Result<Vec<u32>> {
        self.cpu_list("/sys/devices/system/cpu/online")
    }

    fn cpu_list(&self, path: &str) -> Result<Vec<u32>> {
        let text = self.read_text(path)?;
        parse_cpu_list(text.trim())
            .ok_or_else(|| SysError::invalid("parse", format!("{:?}", text.trim())).with(path))
    }

    /// The effective capabilities of this thread.
    ///
    /// # Errors
    /// Those of reading `/proc/thread-self/status`; `EINVAL` if it has no capabilities.
    pub fn capabilities(&self) -> Result<Capabilities> {
        let path = "/proc/thread-self/status";
        let text = self.read_text(path)?;
        let hex = text.lines().find_map(|l| l.strip_prefix("CapEff:"));
        hex.and_then(|h| u64::from_str_radix(h.trim(), 16).ok())
            .map(Capabilities::from_bits_retain)
            .ok_or_else(|| SysError::invalid("parse", "no CapEff").with(path))
    }

    /// What lockdown forbids now.
    ///
    /// # Errors
    /// Those of reading `/sys/kernel/security/lockdown`, but `ENOENT` (then nothing is forbidden, or securityfs
    /// is not mounted).
    pub fn lockdown(&self) -> Result<Lockdown> {
        match self.read_text("/sys/kernel/security/lockdown") {
            Ok(text) if text.contains("[confidentiality]") => Ok(Lockdown::Confidentiality),
            Ok(text) if text.contains("[integrity]") => Ok(Lockdown::Integrity),
            Ok(_) => Ok(Lockdown::None),
            Err(e) if e.errno == Errno::ENOENT => Ok(Lockdown::None),
            Err(e) => Err(e),
        }
    }

    /// The value of a build option (`"CONFIG_KPROBES"`), as `y`, `m`, a number or a quoted string; `None` if it
    /// is not set. The configuration is found in `/proc/config.gz` or beside the kernel, once.
    ///
    /// # Errors
    /// `ENOENT` if the configuration is nowhere to be found.
    pub fn config(&self, option: &str) -> Result<Option<String>> {
        let config = self.config_text()?;
        let value = config.lines().find_map(|l| l.strip_prefix(option)?.strip_prefix('='));
        Ok(value.map(str::to_owned))
    }

    /// The kernel's whole build configuration, as text.
    ///
    /// # Errors
    /// `ENOENT` if it is nowhere to be found; others if a file is there and cannot be read.
    pub fn config_text(&self) -> Result<std::sync::Arc<str>> {
        self.try_memo("oxbpf-sys kernel config", || self.find_config())
    }

    fn find_config(&self) -> Result<std::sync::Arc<str>> {
        let packed = |bytes: Vec<u8>| {
            use std::io::Read;
            let mut text = Vec::new();
            // A configuration has some 300 KB; 16 MiB bound what a file could blow up to.
            let read = flate2::read::GzDecoder::new(&*bytes).take(16 << 20).read_to_end(&mut text);
            read.map(|_| String::from_utf8_lossy(&text).into_owned())
        };
        let mut failed = match self.read_file("/proc/config.gz").map(packed) {
            Ok(Ok(text)) => return Ok(text.into()),
            Ok(Err(broken)) => Some(SysError::invalid("unpack", broken.to_string()).with("/proc/config.gz")),
            Err(error) => Some(error),
        };
        let release = self.uname()?.release;
        for path in [format!("/boot/config-{release}"), format!("/lib/modules/{release}/config")] {
            match self.read_text(PathBuf::from(path)) {
                Ok(text) => return Ok(text.into()),
                Err(error) => {
                    let said = failed.take_if(|known| known.errno != Errno::ENOENT);
                    failed = said.or(Some(error));
                }
            }
        }
        // One that is there and cannot be read says more than those that are not.
        Err(match failed.filter(|error| error.errno != Errno::ENOENT) {
            Some(error) => error,
            None => SysError::new("open", Errno::ENOENT).with("the kernel's configuration"),
        })
    }
}

/// `0-3,8,10-11` in order; `None` for anything else. More than the kernel could have is refused.
fn parse_cpu_list(text: &str) -> Option<Vec<u32>> {
    const MOST: u32 = 1 << 16;
    let mut cpus = Vec::new();
    for range in text.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last >= MOST || cpus.last().is_some_and(|l| *l >= first) {
            return None;
        }
        cpus.extend(first..=last);
    }
    (!cpus.is_empty()).then_some(cpus)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::doors::Fake;

    #[test]
    fn cpu_lists() {
        assert_eq!(parse_cpu_list("0"), Some(vec![0]));
        assert_eq!(parse_cpu_list("0-3,8,10-11"), Some(vec![0, 1, 2, 3, 8, 10, 11]));
        for bad in ["", "a", "3-1", "0-4294967295", "1,1", "2,1", "0-", "-1", "0,,1"] {
            assert_eq!(parse_cpu_list(bad), None, "{bad}");
        }
    }

    fn with(path: &str, content: &[u8]) -> Kernel {
        Kernel::with_door(Arc::new(Fake::new().with_file(path, content)))
    }

    #[test]
    fn gaps_have_no_part_in_a_value() {
        let kernel = with("/sys/devices/system/cpu/possible", b"0-1,4\n");
        assert_eq!(kernel.possible_cpus().unwrap(), 3);
    }

    #[test]
    fn capabilities_are_read() {
        let kernel =
            with("/proc/thread-self/status", b"Name:\tx\nCapPrm:\tffff\nCapEff:\t000000c000001000\n");
        let caps = kernel.capabilities().unwrap();
        assert!(caps.contains(Capabilities::BPF | Capabilities::PERFMON | Capabilities::NET_ADMIN));
        assert!(!caps.contains(Capabilities::SYS_ADMIN));
        assert!(caps.may_bpf() && caps.may_trace() && caps.may_network());
        let none = with("/proc/thread-self/status", b"CapEff:\t0000000000000000\n").capabilities().unwrap();
        assert!(!none.may_bpf() && !none.may_trace() && !none.may_network());
        let e = with("/proc/thread-self/status", b"Name: x\n").capabilities().unwrap_err();
        assert_eq!(
            e.to_string(),
            "parse of /proc/thread-self/status failed: EINVAL (Invalid argument): no CapEff"
        );
    }

    #[test]
    fn lockdown_states() {
        let of = |text: &str| with("/sys/kernel/security/lockdown", text.as_bytes()).lockdown().unwrap();
        assert_eq!(of("[none] integrity confidentiality\n"), Lockdown::None);
        assert_eq!(of("none [integrity] confidentiality\n"), Lockdown::Integrity);
        assert_eq!(of("none integrity [confidentiality]\n"), Lockdown::Confidentiality);
        assert_eq!(Kernel::with_door(Arc::new(Fake::new())).lockdown().unwrap(), Lockdown::None);
    }

    #[test]
    fn build_options() {
        let kernel = with(
            "/boot/config-6.18.0",
            b"# CONFIG_A is not set\nCONFIG_BPF=y\nCONFIG_HZ=250\nCONFIG_BPF_JIT=m\n",
        );
        let value = |option| kernel.config(option).unwrap();
        assert_eq!(value("CONFIG_BPF").as_deref(), Some("y"));
        assert_eq!(value("CONFIG_HZ").as_deref(), Some("250"));
        assert_eq!(value("CONFIG_A"), None);
        assert_eq!(value("CONFIG_BP"), None);
        // One that is of no use does not hide the other; alone, it is what is wrong.
        let files = || Fake::new().with_file("/proc/config.gz", "no gzip");
        let beside = Kernel::with_door(Arc::new(files().with_file("/boot/config-6.18.0", "CONFIG_BPF=y\n")));
        assert_eq!(beside.config("CONFIG_BPF").unwrap().as_deref(), Some("y"));
        let error = Kernel::with_door(Arc::new(files())).config("CONFIG_BPF").unwrap_err();
        assert_eq!((error.op, error.what()), ("unpack", Some("/proc/config.gz")));
        let none = Kernel::with_door(Arc::new(Fake::new()));
        assert_eq!(none.config("CONFIG_BPF").unwrap_err().errno, Errno::ENOENT);
    }
}
