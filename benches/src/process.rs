//! A whole process as a measurement: how long it takes, how many system calls it makes, how much memory it
//! uses at most.

use std::fs;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use libc::{c_int, pid_t};

use crate::pair::Outcome;

/// A program that was built with this one.
pub(crate) fn beside(name: &str) -> Outcome<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// The same program linked statically, with musl.
pub(crate) fn static_beside(name: &str) -> Outcome<PathBuf> {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let program = std::env::current_exe()?;
    let profile = program.parent().ok_or("a program stands in no folder")?;
    let folder = profile.parent().ok_or("a program stands in no target directory")?;
    let found = folder.join(&target).join(profile.file_name().unwrap_or_default()).join(name);
    let hint = format!("{} is not there: run `rustup target add {target}`", found.display());
    if found.exists() { Ok(found) } else { Err(hint.into()) }
}

/// From before it is started to after it has ended.
pub(crate) fn wall(command: &[String]) -> Outcome<Duration> {
    let mut command = build(command)?;
    let start = Instant::now();
    let status = command.status()?;
    let time = start.elapsed();
    succeeded(&command, status)?;
    Ok(time)
}

/// What a process used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// System calls of all its threads, from its first instruction on (the exec is not among them).
    pub(crate) calls: u64,
    /// Its largest resident set, in KiB.
    pub(crate) peak: u64,
}

/// Runs the command under ptrace and counts.
pub(crate) fn usage(command: &[String]) -> Outcome<Usage> {
    traced(command, |_| Ok(()))
}

/// The most anonymous memory that a process has, in KiB: what it wrote, which it shares with no other process, and which
/// the kernel cannot drop.
pub(crate) fn own_memory(command: &[String]) -> Outcome<u64> {
    let mut most = 0;
    // Without a call it only grows: it is largest before one.
    traced(command, |pid| {
        most = most.max(kibibytes(pid, "smaps_rollup", "Anonymous:")?);
        Ok(())
    })?;
    Ok(most)
}

/// Runs the command under ptrace and looks at it before and after each system call.
fn traced(command: &[String], mut look: impl FnMut(pid_t) -> Outcome<()>) -> Outcome<Usage> {
    let mut command = build(command)?;
    // SAFETY: between fork and exec this makes one system call and nothing else.
    unsafe {
        command.pre_exec(|| {
            // SAFETY: PTRACE_TRACEME takes no pointers.
            let result = libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
            if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        });
    }
    // The end of it is seen by the waits below, not by the standard library.
    let pid = pid_t::try_from(command.spawn()?.id())?;
    wait(pid)?; // it stops after its exec
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_TRACEEXIT;
    trace(libc::PTRACE_SETOPTIONS, pid, options)?;
    trace(libc::PTRACE_SYSCALL, pid, 0)?;

    // Each call stops twice, except the last one of each thread, which has no return.
    let (mut stops, mut exits, mut peak) = (0, 0, 0);
    let status = loop {
        let (thread, status) = wait(-1)?;
        if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
            if thread == pid {
                break ExitStatus::from_raw(status);
            }
            continue;
        }
        let mut signal = 0;
        match libc::WSTOPSIG(status) {
            stop if stop == libc::SIGTRAP | 0x80 => {
                stops += 1;
                look(thread)?;
            }
            libc::SIGTRAP if status >> 16 == libc::PTRACE_EVENT_EXIT => {
                exits += 1;
                peak = peak.max(kibibytes(thread, "status", "VmHWM:")?);
            }
            // A new thread's first stop, or the news of it.
            libc::SIGTRAP | libc::SIGSTOP => {}
            other => signal = other,
        }
        trace(libc::PTRACE_SYSCALL, thread, signal)?;
    };
    succeeded(&command, status)?;
    Ok(Usage { calls: (stops + exits) / 2, peak })
}

fn build(command: &[String]) -> Outcome<Command> {
    let (program, args) = command.split_first().ok_or("no command")?;
    let mut command = Command::new(program);
    // cargo sets it, and the dynamic loader would look through all its folders first.
    command.args(args).stdout(Stdio::null()).env_remove("LD_LIBRARY_PATH");
    Ok(command)
}

fn succeeded(command: &Command, status: ExitStatus) -> Outcome<()> {
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}

fn wait(pid: pid_t) -> io::Result<(pid_t, c_int)> {
    let mut status = 0;
    // SAFETY: the status is written to a local. Threads count as children, other threads' children do not.
    let found = unsafe { libc::waitpid(pid, &mut status, libc::__WALL | libc::__WNOTHREAD) };
    if found < 0 { Err(io::Error::last_os_error()) } else { Ok((found, status)) }
}

fn trace(request: libc::c_uint, pid: pid_t, data: c_int) -> io::Result<()> {
    // SAFETY: the requests used here take a number for data and no address.
    let result = unsafe { libc::ptrace(request, pid, 0, libc::c_long::from(data)) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What a line of a file in /proc says. `VmHWM` of `status` is the resident set of this program alone, where `ru_maxrss`
/// also has the one that forked it.
fn kibibytes(pid: pid_t, file: &str, name: &str) -> Outcome<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("no {name}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn counts_what_a_process_does() {
        let few = usage(&command(&["true"])).unwrap();
        assert!((5..200).contains(&few.calls), "{few:?}");
        assert!((100..20_000).contains(&few.peak), "{few:?}");
        // One read and one write for each block, above what it takes to start.
        let many = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=1000", "status=none"];
        let more = usage(&command(&many)).unwrap();
        assert!((2000..2300).contains(&more.calls), "{more:?}");
    }

    #[test]
    fn its_own_memory_is_what_it_wrote() {
        let copying = |size| ["dd", "if=/dev/zero", "of=/dev/null", size, "count=1", "status=none"];
        let [small, large] = ["bs=4096", "bs=4M"].map(|size| own_memory(&command(&copying(size))).unwrap());
        assert!((40..1000).contains(&small), "{small}");
        assert!((4096 - 64..4096 + 64).contains(&(large - small)), "{small} {large}");
    }

    #[test]
    fn failure_is_told() {
        assert!(wall(&command(&["false"])).is_err());
        assert!(usage(&command(&["false"])).is_err());
    }
}
