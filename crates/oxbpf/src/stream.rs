//! What programs say.

use std::fmt;
use std::io::{self, Read};
use std::os::fd::AsFd;

use oxbpf_sys::Kernel;

use crate::Program;

/// One of a program's two streams, to be read: see [`Program::stdout`].
///
/// A read gives what has been written and nobody has read yet, and is at the end where there is nothing; there may be
/// more later. It never waits, and fails with `EINVAL` on kernels before 6.17.
#[derive(Clone)]
pub struct ProgramStream {
    program: Program,
    stream: u32,
}

impl Program {
    /// What the program writes to its standard output (`bpf_stream_printk(BPF_STDOUT, …)`, Linux 6.17).
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let object = oxbpf::Object::load(&oxbpf::open("stream.bpf.o")?, &oxbpf::LoadOptions::default())?;
    /// use std::io::Read;
    ///
    /// let mut text = String::new();
    /// object.program("speak")?.stderr().read_to_string(&mut text)?;
    /// eprint!("{text}");
    /// # Ok(()) }
    /// ```
    #[doc(alias = "bpf_prog_stream_read")]
    pub fn stdout(&self) -> ProgramStream {
        ProgramStream { program: self.clone(), stream: Kernel::STDOUT }
    }

    /// What the program writes to its standard error, and the kernel's complaints about it: faults in arenas, locks that
    /// wait for each other, loops that do not end (Linux 6.17).
    pub fn stderr(&self) -> ProgramStream {
        ProgramStream { program: self.clone(), stream: Kernel::STDERR }
    }
}

impl Read for ProgramStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let program = &self.program;
        let read = program.kernel().prog_stream_read(program.as_fd(), self.stream, buf);
        Ok(read.map_err(|source| source.with(format!("program {}", program.name())))?)
    }
}

impl fmt::Debug for ProgramStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgramStream")
            .field("program", &self.program.name())
            .field("stream", &self.stream)
            .finish()
    }
}
