//! What the kernel tells about a descriptor, in /proc.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::Result;
use crate::kernel::{Kernel, ObjectKind};

/// What /proc tells about a descriptor: lines of a key and a value.
///
/// | of | keys beside those of every descriptor |
/// |---|---|
/// | a program | `prog_type`, `prog_jited`, `prog_tag`, `memlock`, `prog_id` (4.15), `run_time_ns`, `run_cnt` (5.1), `recursion_misses` (5.12), `verified_insns` (5.16) |
/// | a map | `map_type`, `key_size`, `value_size`, `max_entries`, `map_flags`, `map_extra` (5.16), `memlock`, `map_id` (4.17), `frozen` (5.2), `owner_prog_type` and `owner_jited` of a program array |
/// | a link | `link_type`, `link_id`, `prog_tag`, `prog_id` (5.8), and what its kind adds |
/// | BTF | `btf_id` (4.18) |
///
/// `memlock` is the memory in bytes that the object holds, since 4.10 of programs; of maps what the kernel can account for
/// (6.4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FdInfo(Vec<(String, String)>);

impl FdInfo {
    fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        Self(lines.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect())
    }

    /// The value of a key; of the first line, if there are several.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.lines().find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    /// The value of a key whose value is a number, decimal or (`0x`) hexadecimal.
    pub fn number(&self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        match value.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => value.parse().ok(),
        }
    }

    /// All lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// What the descriptor is of, if it is of an object of BPF.
    pub fn kind(&self) -> Option<ObjectKind> {
        let kinds = [
            ("prog_type", ObjectKind::Prog),
            ("map_type", ObjectKind::Map),
            ("link_type", ObjectKind::Link),
            ("btf_id", ObjectKind::Btf),
        ];
        kinds.into_iter().find(|(key, _)| self.get(key).is_some()).map(|(_, kind)| kind)
    }
}

impl Kernel {
    /// What /proc tells about a descriptor of this process.
    ///
    /// # Errors
    /// `ENOENT` without /proc.
    pub fn fdinfo(&self, fd: BorrowedFd<'_>) -> Result<FdInfo> {
        let text = self.read_text(format!("/proc/thread-self/fdinfo/{}", fd.as_raw_fd()))?;
        Ok(FdInfo::parse(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_map() {
        let text = "pos:\t0\nflags:\t02000002\nmap_type:\t2\nmap_flags:\t0x480\nmemlock:\t4096\nfrozen:\t1\n";
        let info = FdInfo::parse(text);
        assert_eq!(info.kind(), Some(ObjectKind::Map));
        assert_eq!((info.number("map_flags"), info.number("memlock")), (Some(0x480), Some(4096)));
        assert_eq!((info.get("frozen"), info.get("none")), (Some("1"), None));
        assert_eq!(info.lines().next(), Some(("pos", "0")));
    }

    #[test]
    fn of_something_else() {
        assert_eq!(FdInfo::parse("pos:\t0\nmnt_id:\t15\nno colon\n").kind(), None);
        assert_eq!(FdInfo::parse("a:\tb\n").number("a"), None);
    }
}
