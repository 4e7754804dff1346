//! Doing things as somebody who may not.

use std::io;
use std::thread;

use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

/// Runs a function on a thread without any capability, to see what it is refused.
///
/// # Errors
///
/// If the thread cannot give them up.
///
/// # Panics
///
/// If the function does.
pub fn without_capabilities<R: Send>(run: impl FnOnce() -> R + Send) -> io::Result<R> {
    let none = CapabilitySet::empty();
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
            Ok(run())
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_thread_gives_them_up() -> io::Result<()> {
        let effective = || {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
            status.lines().find_map(|line| line.strip_prefix("CapEff:\t")).map(str::to_owned)
        };
        let before = effective();
        assert_eq!(without_capabilities(effective)?.as_deref(), Some("0000000000000000"));
        assert_eq!(effective(), before);
        Ok(())
    }
}
