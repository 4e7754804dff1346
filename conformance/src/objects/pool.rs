//! Processes: each object is loaded in one of its own, forked off this one, which has learnt before what the kernel is
//! like and has its types. What one object leaves behind, or dies of, does not matter to the next.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A process may take so many seconds. An emulated machine that shares its CPU takes minutes to refuse a program of a
/// million instructions, and one that started on a busy host has a clock that runs several times too fast.
const PATIENCE: u32 = 4800;

/// What a process said before it ended: each value, and what it died of, if it did.
pub(crate) struct Said<T> {
    pub(crate) values: Vec<T>,
    pub(crate) died: Option<String>,
}

struct Child {
    job: usize,
    values: File,
    errors: File,
}

/// Does jobs `0..jobs`, `at_once` of them at the same time; `work` tells what it finds. The answers are in the jobs'
/// order.
pub(crate) fn each<T: Serialize + DeserializeOwned>(
    jobs: usize,
    at_once: usize,
    work: impl Fn(usize, &mut dyn FnMut(&T)),
) -> io::Result<Vec<Said<T>>> {
    let mut answers: Vec<Option<Said<T>>> = (0..jobs).map(|_| None).collect();
    let mut running: HashMap<i32, Child> = HashMap::new();
    let mut next = 0;
    while next < jobs || !running.is_empty() {
        if next < jobs && running.len() < at_once {
            let child = Child { job: next, values: memory(c"values")?, errors: memory(c"errors")? };
            running.insert(start(&child, &work)?, child);
            next += 1;
            continue;
        }
        let mut status = 0;
        // SAFETY: the status is a number of this function's.
        let pid = unsafe { libc::wait(&raw mut status) };
        if pid < 0 {
            return Err(io::Error::last_os_error());
        }
        if let Some(child) = running.remove(&pid) {
            let job = child.job;
            answers[job] = Some(heard(child, status)?);
        }
    }
    Ok(answers.into_iter().map(|answer| answer.expect("each job was done")).collect())
}

/// Starts a process for a job.
fn start<T: Serialize>(child: &Child, work: &impl Fn(usize, &mut dyn FnMut(&T))) -> io::Result<i32> {
    io::stdout().flush()?;
    // SAFETY: this program has one thread here, so that the copy is as whole as the original.
    let pid = unsafe { libc::fork() };
    match pid {
        ..0 => Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: these change this process alone, which is no one else's.
            unsafe {
                libc::alarm(PATIENCE);
                libc::dup2(child.errors.as_raw_fd(), libc::STDERR_FILENO);
            }
            let mut values = &child.values;
            let mut say = |value: &T| {
                let line = serde_json::to_string(value).expect("plain data");
                writeln!(values, "{line}").expect("memory can be written");
            };
            work(child.job, &mut say);
            // SAFETY: ends the process; nothing of it is to be tidied up.
            unsafe { libc::_exit(0) }
        }
        pid => Ok(pid),
    }
}

/// What a process that ended had said.
fn heard<T: DeserializeOwned>(mut child: Child, status: i32) -> io::Result<Said<T>> {
    let mut text = String::new();
    child.values.rewind()?;
    child.values.read_to_string(&mut text)?;
    let values = text.lines().map_while(|line| serde_json::from_str(line).ok()).collect();
    let died = if status == 0 {
        None
    } else {
        let mut errors = Vec::new();
        child.errors.rewind()?;
        child.errors.read_to_end(&mut errors)?;
        let how = match status & 0x7f {
            0 => format!("exit status {}", status >> 8),
            libc::SIGALRM => format!("not done in {PATIENCE} s"),
            signal => format!("signal {signal}"),
        };
        Some(format!("{how}: {}", String::from_utf8_lossy(&errors)))
    };
    Ok(Said { values, died })
}

/// A file that is nowhere but in memory.
fn memory(name: &std::ffi::CStr) -> io::Result<File> {
    // SAFETY: the name is a C string.
    let fd = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was made just now and is nobody else's.
    Ok(unsafe { File::from_raw_fd(fd) })
}
