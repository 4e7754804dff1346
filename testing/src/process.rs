//! Processes for tests to watch.

use std::io::{self, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A command that was started but waits: its pid is known before it does anything.
///
/// [`Held::go`] lets it run. The pid stays the same, since the waiting shell becomes the command.
#[derive(Debug)]
pub struct Held {
    child: Option<Child>,
}

impl Held {
    /// Starts a command that waits. Its output goes nowhere.
    ///
    /// # Errors
    ///
    /// If there is no shell, or no process can be made.
    pub fn spawn(command: &[&str]) -> io::Result<Held> {
        Held::spawn_in(command, None)
    }

    pub(crate) fn spawn_in(command: &[&str], cgroup_procs: Option<&str>) -> io::Result<Held> {
        // $0 is where the shell has to write its pid first.
        let script = r#"[ "$0" = - ] || echo $$ >"$0"; read -r _ && exec "$@""#;
        let child = Command::new("/bin/sh")
            .args(["-c", script, cgroup_procs.unwrap_or("-")])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Held { child: Some(child) })
    }

    /// The process id, now and after [`Held::go`].
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Lets the command run, closes its standard input, and waits for its end.
    ///
    /// # Errors
    ///
    /// If it is gone already.
    pub fn go(mut self) -> io::Result<ExitStatus> {
        self.start()?;
        let mut child = self.child.take().ok_or(io::ErrorKind::NotFound)?;
        child.wait()
    }

    /// Lets the command run, and does not wait. It is killed when this is dropped.
    ///
    /// # Errors
    ///
    /// If it is gone already.
    pub fn start(&mut self) -> io::Result<()> {
        let stdin = self.child.as_mut().and_then(|child| child.stdin.take());
        stdin.ok_or(io::ErrorKind::NotFound)?.write_all(b"\n")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Asks again and again until it is so, or `limit` is over. Whether it became so.
pub fn wait_until(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_command_waits_and_keeps_its_pid() -> io::Result<()> {
        let file = std::env::temp_dir().join(format!("oxbpf-testing-held-{}", std::process::id()));
        let script = format!("echo $$ >{}; exit 3", file.display());
        let held = Held::spawn(&["sh", "-c", &script])?;
        let pid = held.pid();
        std::thread::sleep(Duration::from_millis(50));
        assert!(!file.exists());
        assert_eq!(held.go()?.code(), Some(3));
        assert_eq!(std::fs::read_to_string(&file)?.trim(), pid.to_string());
        std::fs::remove_file(&file)
    }

    #[test]
    fn waiting_ends() {
        assert!(!wait_until(Duration::from_millis(20), || false));
        let mut asked = 0;
        assert!(wait_until(Duration::from_secs(5), || {
            asked += 1;
            asked == 3
        }));
    }
}
