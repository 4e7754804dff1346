//! A door that makes one call fail.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::recorder::describe;
use crate::{Call, Door, Errno, Kernel, Reply};

/// Passes calls on, but the n-th one fails with an errno.
#[derive(Debug)]
pub struct Faults {
    inner: Arc<dyn Door>,
    fails: Option<(u64, Errno)>,
    calls: AtomicU64,
    stopped: AtomicBool,
    failed: OnceLock<Fault>,
}

/// A call that was made to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// Its number, from 0.
    pub n: u64,
    /// Its errno.
    pub errno: Errno,
    /// Its name: `BPF_MAP_CREATE`, `open`.
    pub call: &'static str,
    /// What it was about: the name of a map, the path of a file.
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} of call {}, {} {}", self.errno, self.n, self.call, self.what)
    }
}

impl Faults {
    /// Only counts.
    pub fn none(inner: Arc<dyn Door>) -> Self {
        Self {
            inner,
            fails: None,
            calls: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            failed: OnceLock::new(),
        }
    }

    /// Makes call number `n` (from 0) fail, and that one only.
    pub fn nth(inner: Arc<dyn Door>, n: u64, errno: Errno) -> Self {
        Self { fails: Some((n, errno)), ..Self::none(inner) }
    }

    /// How many calls there were, the failed one among them.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The call that failed, if it was made.
    pub fn fault(&self) -> Option<&Fault> {
        self.failed.get()
    }

    /// No call fails from now on. What was made is taken back by calls, too, which should not be made to fail where they
    /// are all that does it: a struct_ops map that is not unregistered stays with the kernel.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Makes every call fail in turn: for each errno, `run` runs once with the first call failing, once with the
    /// second and so on, until it makes fewer calls than that. `check` gets each fault and what `run` made of it.
    /// Each run has a kernel of its own, behind a new door of `door`, so that nothing is remembered. Returns how
    /// many faults there were.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use oxbpf_sys::{Errno, HostDoor, doors::{Fake, Faults}};
    ///
    /// let faults = Faults::sweep(
    ///     || Arc::new(Fake::new()),
    ///     &[Errno::ENOMEM, Errno::EPERM],
    ///     |kernel| kernel.online_cpus(),
    ///     |fault, result| assert_eq!(result.unwrap_err().errno, fault.errno),
    /// );
    /// assert_eq!(faults, 2 * 3); // open, read, read to the end
    /// ```
    pub fn sweep<T>(
        door: impl Fn() -> Arc<dyn Door>,
        errnos: &[Errno],
        mut run: impl FnMut(Kernel) -> T,
        mut check: impl FnMut(&Fault, T),
    ) -> u64 {
        let mut faults = 0;
        for errno in errnos {
            for n in 0.. {
                let door = Arc::new(Self::nth(door(), n, *errno));
                let result = run(Kernel::with_door(Arc::clone(&door) as Arc<dyn Door>));
                door.stop();
                let Some(fault) = door.fault() else { break };
                check(fault, result);
                faults += 1;
            }
        }
        faults
    }
}

// SAFETY: the replies are errors or those of `inner`.
unsafe impl Door for Faults {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        let n = self.calls.fetch_add(1, Ordering::Relaxed);
        match self.fails {
            Some((at, errno)) if at == n && !self.stopped.load(Ordering::Relaxed) => {
                let fault = Fault { n, errno, call: call.name(), what: describe(&call) };
                // Set once: no two calls have the same number.
                let _ = self.failed.set(fault);
                Err(errno)
            }
            _ => self.inner.call(call),
        }
    }
}
