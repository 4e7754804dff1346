//! Files of the kernel's file systems, whole.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use super::{Kernel, wrong_reply};
use crate::door::{Call, OpenHow, Reply};
use crate::{Errno, Result, SysError};

/// Room is made beforehand for no more than this many bytes.
const MOST_EXPECTED: usize = 64 << 20;
/// A file of the kernel's that does not end before this is taken for none: the largest (symbols, types) have a few
/// dozen megabytes.
const MOST: usize = 128 << 20;

impl Kernel {
    /// Opens a file of tracefs, bpffs, sysfs, cgroupfs or /proc.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn open(&self, path: &Path, how: OpenHow) -> Result<OwnedFd> {
        self.call_fd("open", Call::Open(path, how)).map_err(about(path))
    }

    /// The whole content of such a file.
    ///
    /// # Errors
    /// Those of open(2) and read(2).
    pub fn read_file(&self, path: impl AsRef<Path>) -> Result<Vec<u8>> {
        let path = path.as_ref();
        let fd = self.open(path, OpenHow::Read)?;
        self.read_to_end(&fd, path, 0)
    }

    /// The whole content as text; bytes that are no UTF-8 are replaced.
    ///
    /// # Errors
    /// Those of open(2) and read(2).
    pub fn read_text(&self, path: impl AsRef<Path>) -> Result<String> {
        let bytes = self.read_file(path)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    /// Writes to such a file in one call, at its end if `append`.
    ///
    /// # Errors
    /// Those of open(2) and write(2); `EIO` if it took only a part.
    pub fn write_file(&self, path: impl AsRef<Path>, bytes: &[u8], append: bool) -> Result<()> {
        let path = path.as_ref();
        let fd = self.open(path, if append { OpenHow::Append } else { OpenHow::Write })?;
        let n = self.call_value("write", Call::Write(fd.as_fd(), bytes)).map_err(about(path))?;
        if n == bytes.len() as u64 {
            Ok(())
        } else {
            Err(SysError::new("write", Errno::EIO)).map_err(about(path))
        }
    }

    /// The names in a directory, unsorted.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn read_dir(&self, path: &Path) -> Result<Vec<OsString>> {
        match self.call("readdir", Call::ReadDir(path)).map_err(about(path))? {
            Reply::Names(names) => Ok(names),
            _ => Err(wrong_reply("readdir")),
        }
    }

    /// Reads once, at the descriptor's position, from an iterator or a stream: how many bytes, 0 at the end.
    ///
    /// # Errors
    /// Those of read(2).
    pub fn read(&self, fd: std::os::fd::BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> {
        let room = buf.len();
        let n = self.call_value("read", Call::Read(fd, buf))?;
        Ok((n as usize).min(room))
    }

    /// `expected` is how long the file seems to be.
    pub(super) fn read_to_end(&self, fd: &OwnedFd, path: &Path, expected: usize) -> Result<Vec<u8>> {
        // Files of sysfs give at most a page at a time, whatever the buffer; those of /proc up to all.
        let mut out = vec![0; expected.min(MOST_EXPECTED) + 1];
        let mut filled = 0;
        loop {
            if out.len() == filled || (expected == 0 && out.len() - filled < 4096) {
                out.resize((filled + 4096).max(out.len() * 2), 0);
            }
            let n = self.read(fd.as_fd(), &mut out[filled..]).map_err(about(path))?;
            if n == 0 {
                out.truncate(filled);
                return Ok(out);
            }
            filled += n;
            if filled > MOST {
                return Err(SysError::new("read", Errno::EFBIG)).map_err(about(path));
            }
        }
    }
}

pub(super) fn about(path: &Path) -> impl Fn(SysError) -> SysError {
    move |e| e.with(path.display().to_string())
}
