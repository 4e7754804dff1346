//! The command that is run and watched.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal};

/// How long a command that was interrupted at the terminal has to end by itself.
const OWN_TIME: Duration = Duration::from_millis(300);
/// How long a command that was asked to end has before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// A running command. Its standard streams are this process's own.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    /// Readable once the process has ended.
    pidfd: OwnedFd,
    ending: Option<Ending>,
}

/// What happens next to a command that is to end.
#[derive(Debug, Clone, Copy)]
struct Ending {
    at: Instant,
    signal: Signal,
}

impl Child {
    /// Starts `words`: a program and its arguments.
    pub(crate) fn start(words: &[OsString]) -> io::Result<Self> {
        let (program, args) =
            words.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut process = Command::new(program).args(args).spawn()?;
        match rustix::process::pidfd_open(Pid::from_child(&process), PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self { process, pidfd, ending: None }),
            Err(error) => {
                // Nobody would notice its end.
                let _ = process.kill();
                let _ = process.wait();
                Err(error.into())
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The status, if the process has ended.
    pub(crate) fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.process.try_wait()
    }

    /// Begins to end the command. A Ctrl-C reached it, too, when both share a terminal
    /// (`has_heard`): then it first gets time to end in its own way.
    pub(crate) fn end(&mut self, has_heard: bool) {
        if self.ending.is_none() {
            let wait = if has_heard { OWN_TIME } else { Duration::ZERO };
            self.ending = Some(Ending { at: Instant::now() + wait, signal: Signal::TERM });
        }
    }

    /// When [`Self::urge`] has something to do.
    pub(crate) fn next_step(&self) -> Option<Instant> {
        self.ending.map(|ending| ending.at)
    }

    /// Sends the signal that is due, if one is: SIGTERM at first, SIGKILL later.
    pub(crate) fn urge(&mut self) {
        let now = Instant::now();
        let Some(Ending { signal, .. }) = self.ending.filter(|ending| ending.at <= now) else { return };
        tracing::debug!(pid = self.pid(), ?signal, "ending the command");
        // It may have ended just now.
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, signal);
        self.ending = Some(Ending { at: now + GRACE, signal: Signal::KILL });
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl Drop for Child {
    /// A command never outlives the run that started it.
    fn drop(&mut self) {
        self.end(false);
        while let Ok(None) = self.process.try_wait() {
            self.urge();
            let left = self.next_step().map(|at| at.saturating_duration_since(Instant::now()));
            let left = Timespec::try_from(left.unwrap_or_default()).ok();
            let _ = poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], left.as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
        let limit = Timespec::try_from(limit).unwrap();
        let mut fds = [PollFd::new(child, PollFlags::IN)];
        poll(&mut fds, Some(&limit)).unwrap();
        child.status().unwrap()
    }

    #[test]
    fn its_end_wakes_a_poll() {
        let mut child = Child::start(&["sh", "-c", "exit 7"].map(OsString::from)).unwrap();
        let status = wait(&mut child, Duration::from_secs(10)).expect("ends by itself");
        assert_eq!(status.code(), Some(7));
    }

    #[test]
    fn a_missing_program_is_an_error() {
        let error = Child::start(&words("/nonexistent/program")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(Child::start(&[]).is_err());
    }

    #[test]
    fn it_is_asked_to_end_first() {
        let mut child = Child::start(&words("sleep 100")).unwrap();
        assert!(child.next_step().is_none());
        child.end(false);
        child.urge();
        let status = wait(&mut child, Duration::from_secs(10)).expect("sleep ends on SIGTERM");
        assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
    }

    #[test]
    fn one_that_heard_the_interrupt_gets_time() {
        let mut child = Child::start(&words("sleep 100")).unwrap();
        child.end(true);
        child.urge();
        assert_eq!(wait(&mut child, Duration::from_millis(20)), None);
        assert!(child.next_step().is_some_and(|at| at > Instant::now()));
    }

    #[test]
    fn dropping_it_ends_it() {
        let child = Child::start(&words("sleep 100")).unwrap();
        let pid = Pid::from_raw(i32::try_from(child.pid()).unwrap()).unwrap();
        drop(child);
        assert!(rustix::process::test_kill_process(pid).is_err());
    }
}
