//! About what a descriptor of some process has a program on.

use std::mem::offset_of;

use super::text;
use crate::attr::Attr;
use crate::kernel::Kernel;
use crate::uapi::{Cmd, TaskFdQueryAttr, TaskFdType};
use crate::{Errno, Result};

/// What a perf event or raw tracepoint of a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskFd {
    /// The program on it.
    pub prog_id: u32,
    /// What it is.
    pub fd_type: TaskFdType,
    /// The tracepoint, the function or the file.
    pub name: String,
    /// Whether the name did not fit into the room given (`ENOSPC`).
    pub truncated: bool,
    /// The offset in the function or file.
    pub probe_offset: u64,
    /// The address of a kprobe that was given by address.
    pub probe_addr: u64,
}

impl Kernel {
    /// What the perf event or raw tracepoint `fd` of process (or thread) `pid` is, with `room` bytes for its name, NUL
    /// included. Since Linux 4.18.
    ///
    /// A name that does not fit is cut, and the answer says so; 256 bytes do for functions and tracepoints, files take
    /// up to 4,096. The process may close or replace its descriptor meanwhile: what it was at the moment is told.
    /// Needs `CAP_SYS_ADMIN`.
    ///
    /// ```no_run
    /// let kernel = oxbpf_sys::Kernel::host();
    /// let found = kernel.task_fd_query(1234, 5, 4096)?;
    /// println!("{:?} {}: program {}", found.fd_type, found.name, found.prog_id);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    ///
    /// # Errors
    /// - `ENOENT`: no such process, or its descriptor is of an event without a program
    /// - `EBADF`: it has no such descriptor
    /// - `EOPNOTSUPP`: a descriptor of something else, or of an event of another kind
    /// - `EPERM`: no `CAP_SYS_ADMIN`
    /// - `EINVAL`: a kernel before 4.18
    /// - `ENOMEM`
    #[doc(alias = "bpf_task_fd_query")]
    #[doc(alias = "BPF_TASK_FD_QUERY")]
    pub fn task_fd_query(&self, pid: u32, fd: i32, room: usize) -> Result<TaskFd> {
        let mut buf = vec![0; room.min(1 << 20)];
        let layout =
            TaskFdQueryAttr { pid, fd: fd.cast_unsigned(), buf_len: buf.len() as u32, ..Default::default() };
        let (out, truncated) = {
            let mut attr = Attr::new(Cmd::TASK_FD_QUERY, &layout);
            attr.output("buf", offset_of!(TaskFdQueryAttr, buf), &mut buf);
            let truncated = match self.bpf(&mut attr) {
                Ok(()) => false,
                Err(e) if e.errno == Errno::ENOSPC => true,
                Err(e) => return Err(e),
            };
            (attr.view::<TaskFdQueryAttr>(), truncated)
        };
        Ok(TaskFd {
            prog_id: out.prog_id,
            fd_type: TaskFdType(out.fd_type),
            name: text(&buf),
            truncated,
            probe_offset: out.probe_offset,
            probe_addr: out.probe_addr,
        })
    }
}
