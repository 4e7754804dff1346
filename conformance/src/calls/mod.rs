//! The bpf(2) calls of both libraries, recorded.
//!
//! Both call `syscall` of the C library. The one of this program comes before it, so that one recorder sees what
//! reaches the kernel from either.

mod call;
mod contents;
mod fds;
mod hook;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

pub(crate) use call::Call;
pub(crate) use contents::{maps_of_program, read as contents_of};
pub(crate) use fds::Fd;

static ON: AtomicBool = AtomicBool::new(false);
/// Whether maps are left as they are: what would change one fails, unseen by the kernel.
static HELD: AtomicBool = AtomicBool::new(false);
static CALLS: Mutex<Vec<Call>> = Mutex::new(Vec::new());

/// Runs `work`; its result, and the calls that it made, of any thread.
pub(crate) fn record<T>(work: impl FnOnce() -> T) -> (T, Vec<Call>) {
    ON.store(true, Ordering::SeqCst);
    let result = work();
    ON.store(false, Ordering::SeqCst);
    let calls = std::mem::take(&mut *CALLS.lock().unwrap_or_else(PoisonError::into_inner));
    (result, calls)
}

/// Runs `work` with a kernel that refuses to change maps and to make links (EPERM).
pub(crate) fn held<T>(work: impl FnOnce() -> T) -> T {
    HELD.store(true, Ordering::SeqCst);
    let result = work();
    HELD.store(false, Ordering::SeqCst);
    result
}
