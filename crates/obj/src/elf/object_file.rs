//! An object's file, read without what is not needed of it.

use std::io::{ErrorKind, Read, Result, Seek};

use oxbpf_btf::Bytes;

use super::stripped::{self, Stripped};
use crate::ObjectSpec;

/// Files up to this size are read at once: more reads would take longer.
const SMALL: u64 = 16 << 10;

/// What matters of an object's file, read and not parsed yet.
///
/// Of what is not small, debug information (DWARF) is left out, often most of a file as clang leaves it. The types are
/// apart, as they are changed when the object is parsed.
///
/// ```
/// use oxbpf_obj::ObjectFile;
///
/// let file = std::fs::File::open("../../testdata/execsnoop.bpf.o")?;
/// let len = file.metadata()?.len();
/// let spec = ObjectFile::read(file, len)?.parse("execsnoop")?;
/// assert!(!spec.programs.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ObjectFile {
    bytes: Bytes,
    stripped: Option<Stripped>,
}

impl ObjectFile {
    /// Reads a file of `len` bytes. Whether it is an object is seen when it is parsed.
    ///
    /// # Errors
    /// What cannot be read; [`ErrorKind::OutOfMemory`].
    pub fn read(mut file: impl Read + Seek, len: u64) -> Result<Self> {
        let size = isize::try_from(len).map_err(|_| ErrorKind::OutOfMemory)?;
        if len > SMALL
            && let Some((bytes, stripped)) = stripped::read(&mut file, len)?
        {
            return Ok(Self { bytes: bytes.into(), stripped: Some(stripped) });
        }
        file.rewind()?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size.unsigned_abs())?;
        file.take(len).read_to_end(&mut bytes)?;
        Ok(Self { bytes: bytes.into(), stripped: None })
    }

    /// The object in it, which has a share in what was read.
    ///
    /// # Errors
    /// As [`ObjectSpec::parse`].
    pub fn parse(self, name: &str) -> std::result::Result<ObjectSpec, crate::Error> {
        crate::parse::parse_shared(name, &self.bytes, self.stripped)
    }
}
