//! The one error of this crate: a call that the kernel refused.

use std::fmt;

use crate::meaning::meaning;
use crate::{Errno, Unsupported};

/// A call on a kernel that failed: which one, with which errno, about what, and what that means.
///
/// `Display` is one line: `BPF_OBJ_GET of /sys/fs/bpf/events failed: ENOENT (No such file or directory): nothing
/// is pinned there`. Where the kernel is too old for what was asked, it says that: `…failed: EINVAL (Invalid
/// argument); needs kernel >= 5.8 (ring buffer), this is 5.4.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SysError {
    /// The call by its usual name: `BPF_MAP_CREATE`, `perf_event_open`, `open`.
    pub op: &'static str,
    /// Why, in the kernel's words.
    pub errno: Errno,
    /// What the call asked for that this kernel is too old for, if that explains the refusal.
    pub unsupported: Option<Box<Unsupported>>,
    /// What it means of elements of such a map: looking up what is not there is no reason to allocate.
    meaning: Option<&'static str>,
    /// Boxed, as errors are moved more often than read.
    context: Option<Box<Context>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Context {
    what: Option<String>,
    reason: Option<String>,
}

/// What every call of this crate returns.
pub type Result<T> = std::result::Result<T, SysError>;

impl SysError {
    /// The failure of `op` with `errno`.
    pub fn new(op: &'static str, errno: Errno) -> Self {
        Self { op, errno, unsupported: None, meaning: None, context: None }
    }

    /// The same error, saying what the call was about.
    #[must_use]
    pub fn with(mut self, what: impl Into<String>) -> Self {
        self.context.get_or_insert_default().what = Some(what.into());
        self
    }

    /// The same error, saying what was wrong.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.context.get_or_insert_default().reason = Some(reason.into());
        self
    }

    /// The same error, with what its errno means in this case, if that is known.
    pub(crate) fn meaning_of(mut self, meaning: Option<&'static str>) -> Self {
        self.meaning = meaning;
        self
    }

    /// The same error without what the call was about: for who says that already.
    #[must_use]
    pub fn bare(mut self) -> Self {
        if let Some(context) = &mut self.context {
            context.what = None;
        }
        self
    }

    /// What the call was about: `map "events"`, a path.
    pub fn what(&self) -> Option<&str> {
        self.context.as_ref()?.what.as_deref()
    }

    /// What was wrong, where this crate knows better than the errno says.
    pub fn reason(&self) -> Option<&str> {
        self.context.as_ref()?.reason.as_deref()
    }

    /// What the errno means of this call, in a few words; `None` where it means no more than it says. A
    /// [`reason`](Self::reason) goes before.
    ///
    /// ```
    /// use oxbpf_sys::{Errno, SysError};
    ///
    /// let e = SysError::new("BPF_OBJ_PIN", Errno::ENOENT);
    /// assert_eq!(e.meaning(), Some("its directory does not exist"));
    /// ```
    pub fn meaning(&self) -> Option<&str> {
        self.reason().or(self.meaning).or_else(|| meaning(self.op, self.errno))
    }

    /// An argument that this crate refuses before the kernel sees it (`EINVAL`).
    pub(crate) fn invalid(op: &'static str, reason: impl Into<String>) -> Self {
        Self::new(op, Errno::EINVAL).because(reason)
    }
}

impl fmt::Display for SysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.op)?;
        if let Some(what) = self.what() {
            write!(f, " of {what}")?;
        }
        write!(f, " failed: {}", self.errno)?;
        // What is missing says more than what the errno means in general.
        let meaning = if self.unsupported.is_some() { self.reason() } else { self.meaning() };
        if let Some(meaning) = meaning {
            write!(f, ": {meaning}")?;
        }
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
    fn what_it_means() {
        let e = SysError::new("BPF_OBJ_GET", Errno::ENOENT).with("/sys/fs/bpf/x");
        assert_eq!(
            e.to_string(),
            "BPF_OBJ_GET of /sys/fs/bpf/x failed: ENOENT (No such file or directory): nothing is pinned there"
        );
        assert_eq!(
            e.bare().because("it was yesterday").to_string(),
            "BPF_OBJ_GET failed: ENOENT (No such file or directory): it was yesterday"
        );
    }

    #[test]
    fn as_io_error() {
        let e = std::io::Error::from(SysError::new("open", Errno::ENOENT));
        assert_eq!(e.kind(), std::io::ErrorKind::NotFound);
    }
}
