//! The one error of this crate: a call that the kernel refused.

use std::fmt;

use crate::{Errno, Unsupported};

/// A call on a kernel that failed: which one, with which errno, and about what.
///
/// `Display` is one line: `BPF_MAP_CREATE of map "events" failed: EPERM (Operation not permitted)`. Where the kernel is
/// too old for what was asked, it says so: `...failed: EINVAL (Invalid argument); needs kernel >= 5.8 (ring buffer), this
/// is 5.4.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SysError {
    /// The call by its usual name: `BPF_MAP_CREATE`, `perf_event_open`, `open`.
    pub op: &'static str,
    /// Why, in the kernel's words.
    pub errno: Errno,
    /// What the call was about (`map "events"`, a path), or more about the reason.
    pub what: Option<Box<str>>,
    /// What the call asked for that this kernel is too old for, if that explains the refusal.
    pub unsupported: Option<Box<Unsupported>>,
}

/// What every call of this crate returns.
pub type Result<T> = std::result::Result<T, SysError>;

impl SysError {
    /// The failure of `op` with `errno`.
    pub fn new(op: &'static str, errno: Errno) -> Self {
        Self { op, errno, what: None, unsupported: None }
    }

    /// The same error, saying what the call was about.
    #[must_use]
    pub fn with(mut self, what: impl Into<String>) -> Self {
        self.what = Some(what.into().into_boxed_str());
        self
    }

    /// The same error, not saying what the call was about: for a message that says it already.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.what = None;
        self
    }

    /// An argument that this crate refuses before the kernel sees it (`EINVAL`).
    pub(crate) fn invalid(op: &'static str, what: impl Into<String>) -> Self {
        Self::new(op, Errno::EINVAL).with(what)
    }
}

impl fmt::Display for SysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.op)?;
        if let Some(what) = &self.what {
            write!(f, " of {what}")?;
        }
        write!(f, " failed: {}", self.errno)?;
        self.unsupported.as_ref().map_or(Ok(()), |u| write!(f, "; {u}"))
    }
}

impl std::error::Error for SysError {}

impl From<SysError> for std::io::Error {
    fn from(e: SysError) -> Self {
        let kind = Self::from(e.errno).kind();
        Self::new(kind, e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line() {
        let e = SysError::new("BPF_MAP_CREATE", Errno::EPERM);
        assert_eq!(e.to_string(), "BPF_MAP_CREATE failed: EPERM (Operation not permitted)");
        assert_eq!(
            e.with("map \"events\"").to_string(),
            "BPF_MAP_CREATE of map \"events\" failed: EPERM (Operation not permitted)"
        );
    }

    #[test]
    fn as_io_error() {
        let e = std::io::Error::from(SysError::new("open", Errno::ENOENT));
        assert_eq!(e.kind(), std::io::ErrorKind::NotFound);
    }
}
