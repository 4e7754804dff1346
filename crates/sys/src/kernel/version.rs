//! The kernel's version.

use std::fmt;

use super::{Kernel, wrong_reply};
use crate::door::{Call, Reply, Uname};
use crate::{Result, SysError};

/// A version of Linux, as `6.1.76`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelVersion {
    /// 6
    pub major: u32,
    /// 1
    pub minor: u32,
    /// 76
    pub patch: u32,
}

impl KernelVersion {
    /// A version of three numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// As one number, the way `BPF_PROG_LOAD` takes it (`KERNEL_VERSION`). The last two parts end at 255, the first at
    /// 65,535.
    pub const fn code(self) -> u32 {
        const fn upto(part: u32, most: u32) -> u32 {
            if part > most { most } else { part }
        }
        upto(self.major, 0xffff) << 16 | upto(self.minor, 0xff) << 8 | upto(self.patch, 0xff)
    }

    /// Whether it is this release or a later one.
    pub const fn at_least(self, major: u32, minor: u32) -> bool {
        self.major > major || (self.major == major && self.minor >= minor)
    }

    /// The first three numbers, of which the third may be missing: `5.10.0-28-amd64`, `6.12`.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let mut number = || {
            let part = parts.next()?;
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part.get(..end)?.parse().ok()
        };
        let (major, minor) = (number()?, number()?);
        Some(Self { major, minor, patch: number().unwrap_or(0) })
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Kernel {
    /// The kernel's true version, asked once.
    ///
    /// The releases of Debian and Ubuntu end in `.0`; which stable version they are is in the version string of
    /// uname and in `/proc/version_signature`. Kernels before 5.0 compare a kprobe's version with the true one.
    ///
    /// # Errors
    /// `EINVAL` for a release that is no version.
    #[doc(alias = "get_kernel_version")]
    pub fn kernel_version(&self) -> Result<KernelVersion> {
        self.try_memo("kernel version", || self.ask_version())
    }

    fn ask_version(&self) -> Result<KernelVersion> {
        let uname = self.uname()?;
        // "Ubuntu 5.15.0-91.101-generic 5.15.131"
        if let Ok(signature) = self.read_text("/proc/version_signature")
            && let Some(v) = signature.split_whitespace().nth(2).and_then(KernelVersion::parse)
        {
            return Ok(v);
        }
        // "#1 SMP Debian 4.19.304-1 (2024-01-09)"
        if let Some((_, debian)) = uname.version.split_once("Debian ")
            && let Some(v) = KernelVersion::parse(debian)
        {
            return Ok(v);
        }
        KernelVersion::parse(&uname.release)
            .ok_or_else(|| SysError::invalid("uname", format!("release {:?}", uname.release)))
    }

    /// What uname(2) says.
    ///
    /// # Errors
    /// None of the kernel of this machine.
    pub fn uname(&self) -> Result<Uname> {
        match self.call("uname", Call::Uname)? {
            Reply::Uname(u) => Ok(u),
            _ => Err(wrong_reply("uname")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Errno;
    use crate::{Door, HostDoor};

    #[test]
    fn releases_are_read() {
        let parse = KernelVersion::parse;
        assert_eq!(parse("6.1.0-18-amd64"), Some(KernelVersion::new(6, 1, 0)));
        assert_eq!(parse("6.18.44-fc-v657"), Some(KernelVersion::new(6, 18, 44)));
        assert_eq!(parse("6.12-rc3"), Some(KernelVersion::new(6, 12, 0)));
        assert_eq!(parse("5.15.0+"), Some(KernelVersion::new(5, 15, 0)));
        for bad in ["", "six", "6", ".1", "6..1", "99999999999.1.1"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn codes_and_order() {
        assert_eq!(KernelVersion::new(5, 10, 3).code(), 0x05_0a_03);
        assert_eq!(KernelVersion::new(4, 19, 325).code(), 0x04_13_ff);
        assert_eq!(KernelVersion::new(u32::MAX, u32::MAX, u32::MAX).code(), u32::MAX);
        assert_eq!(KernelVersion::new(5, 256, 0).code(), 0x05_ff_00, "not that of 6.0");
        let v = KernelVersion::new(5, 10, 0);
        assert!(v.at_least(5, 10) && v.at_least(4, 20) && !v.at_least(5, 11) && !v.at_least(6, 0));
        assert_eq!(v.to_string(), "5.10.0");
    }

    /// A distribution's uname and version signature.
    #[derive(Debug)]
    struct Distribution(Uname, Option<&'static str>);

    // SAFETY: it answers nothing about maps.
    unsafe impl Door for Distribution {
        fn call(&self, call: Call<'_, '_>) -> std::result::Result<Reply, Errno> {
            match (call, self.1) {
                (Call::Uname, _) => Ok(Reply::Uname(self.0.clone())),
                (Call::Open(..), Some(text)) => crate::doors::Fake::new()
                    .with_file("/proc/version_signature", text)
                    .call(Call::Open("/proc/version_signature".as_ref(), crate::OpenHow::Read)),
                (call @ Call::Read(..), _) => HostDoor.call(call),
                _ => Err(Errno::ENOENT),
            }
        }
    }

    #[test]
    fn distributions_tell_the_true_version_elsewhere() {
        let of = |release: &str, version: &str, signature| {
            let uname = Uname { release: release.into(), version: version.into(), machine: String::new() };
            Kernel::with_door(Arc::new(Distribution(uname, signature))).kernel_version().unwrap().to_string()
        };
        assert_eq!(
            of("6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)", None),
            "6.1.76"
        );
        let ubuntu = Some("Ubuntu 5.15.0-91.101-generic 5.15.131\n");
        assert_eq!(of("5.15.0-91-generic", "#101-Ubuntu SMP", ubuntu), "5.15.131");
        assert_eq!(of("6.18.44", "#1 SMP", None), "6.18.44");
    }
}
