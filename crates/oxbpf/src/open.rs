//! Opening objects, and linking those that are in files.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use oxbpf_obj::{ObjectFile, ObjectSpec};
use rustix::fs::OFlags;

use crate::error::{Error, Result};
use crate::load::SectionHandlers;

/// How an object is opened. The defaults are those of [`open`].
///
/// ```
/// # fn main() -> oxbpf::Result<()> {
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/xdp_counter.bpf.o");
/// use oxbpf::OpenOptions;
///
/// let spec = OpenOptions { name: Some("counter".into()), ..OpenOptions::default() }.open(file)?;
/// assert_eq!(spec.name, "counter");
/// # Ok(())
/// # }
/// ```
#[doc(alias = "bpf_object_open_opts")]
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// The object's name, after which its maps of global variables are named; that of the file by default.
    #[doc(alias = "object_name")]
    pub name: Option<String>,
    /// Sections of one's own.
    pub handlers: SectionHandlers,
}

impl OpenOptions {
    /// Reads an object from a file.
    ///
    /// # Errors
    /// As [`open`], and [`Error::Handler`].
    #[doc(alias = "bpf_object__open_file")]
    pub fn open(&self, path: impl AsRef<Path>) -> Result<ObjectSpec> {
        let path = path.as_ref();
        let read = regular_file(path).and_then(|(file, len)| ObjectFile::read(file, len));
        let file = read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let name = self.name.clone().unwrap_or_else(|| ObjectSpec::name_of(path));
        let spec = file.parse(&name);
        let mut spec = spec.map_err(|source| Error::Open { path: path.to_owned(), source })?;
        self.handlers.apply(&mut spec)?;
        Ok(spec)
    }
}

/// Reads an object from a file, whose name up to the first dot becomes the object's. Nothing is asked of any kernel.
///
/// # Errors
/// [`Error::Read`] for what is no regular file or cannot be read, [`Error::Open`] for what is no BPF object.
///
/// ```
/// let error = oxbpf::open("/no/such/file.bpf.o").unwrap_err();
/// assert!(error.to_string().starts_with("cannot read /no/such/file.bpf.o: "));
/// ```
#[doc(alias = "bpf_object__open")]
pub fn open(path: impl AsRef<Path>) -> Result<ObjectSpec> {
    OpenOptions::default().open(path)
}

/// Links objects to one, which [`ObjectSpec::parse`] takes, or a file keeps. See
/// [`StaticLinker`](oxbpf_obj::StaticLinker), which does the same with objects in memory.
///
/// # Errors
/// [`Error::Read`] for a file that cannot be read, [`Error::StaticLink`] names the object that does not fit the others,
/// and why.
///
/// ```no_run
/// let linked = oxbpf::link_objects(["main.bpf.o", "helpers.bpf.o"])?;
/// let spec = oxbpf::ObjectSpec::parse_named("tool", &linked)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "bpf_linker__add_file")]
pub fn link_objects(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<Vec<u8>> {
    let mut linker = oxbpf_obj::StaticLinker::new();
    for path in paths {
        let path = path.as_ref();
        let bytes = read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        linker.add(&path.to_string_lossy(), &bytes)?;
    }
    Ok(linker.finish()?)
}

/// A regular file, whole.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let (file, len) = regular_file(path)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(len).unwrap_or(usize::MAX))?;
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A regular file and its length: what else there is might never end.
fn regular_file(path: &Path) -> std::io::Result<(File, u64)> {
    // A pipe that nobody writes to would otherwise keep even the open waiting.
    let no_wait = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(no_wait).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok((file, about.len()))
}
