//! What ends a run from outside: signals and the clock.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// SIGINT, SIGTERM and SIGHUP, turned into something to poll for. A second one may end the process at once, as without
/// a handler; the kernel then detaches what was attached, but for what is registered by its value.
#[derive(Debug)]
pub(crate) struct StopSignals {
    /// Readable from the first signal on.
    woken: UnixStream,
    seen: Arc<AtomicUsize>,
}

impl StopSignals {
    /// Sets the handlers, for the rest of the process; says whether a second signal ends it at once.
    pub(crate) fn catch(second_ends: bool) -> io::Result<Self> {
        let (woken, waker) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let seen = Arc::new(AtomicUsize::new(0));
        let second = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // Handlers run in this order: the first signal finds the flag still unset.
            if second_ends {
                signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&second))?;
                signal_hook::flag::register(signal, Arc::clone(&second))?;
            }
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&seen), number)?;
            signal_hook::low_level::pipe::register(signal, waker.try_clone()?)?;
        }
        Ok(Self { woken, seen })
    }

    /// The signal that came, if one did.
    pub(crate) fn seen(&self) -> Option<StopSignal> {
        match i32::try_from(self.seen.load(Ordering::Relaxed)) {
            Ok(SIGINT) => Some(StopSignal::Interrupt),
            Ok(SIGTERM | SIGHUP) => Some(StopSignal::Terminate),
            _ => None,
        }
    }
}

impl AsFd for StopSignals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM, or the terminal is gone.
    Terminate,
}
