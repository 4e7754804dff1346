//! `oxbpf btf merge` and `oxbpf btf dedup`.

use std::fs;
use std::path::{Path, PathBuf};

use oxbpf_btf::{Btf, BtfBuilder, DedupOptions};

use super::progress::Bar;
use super::source;
use crate::args::BaseArg;
use crate::error::Error;

/// Puts the types of the files into one, each once. The byte order is the first file's.
pub(super) fn run(files: &[PathBuf], base: &BaseArg, output: &Path) -> Result<(), Error> {
    let base = source::base(base)?;
    let mut merged = base.as_ref().map_or_else(BtfBuilder::new, BtfBuilder::split);
    let mut endian = None;
    let mut bar = Bar::new();
    for path in files {
        let of_file = |source| Error::Btf { path: path.clone(), source };
        let btf = source::file(path, base.as_ref())?;
        endian.get_or_insert(btf.endian());
        merged.add_btf(&btf).map_err(of_file)?;
    }
    let mut report = |progress| bar.show(progress);
    merged
        .dedup(DedupOptions { progress: Some(&mut report), ..DedupOptions::default() })
        .map_err(Error::Types)?;
    drop(bar);
    let merged = merged.build_as(endian.unwrap_or(oxbpf_btf::Endian::NATIVE)).map_err(Error::Types)?;
    write(output, &merged)
}

/// Writes raw BTF to a file, and says what it came to.
pub(super) fn write(path: &Path, btf: &Btf) -> Result<(), Error> {
    fs::write(path, btf.as_bytes()).map_err(|source| Error::Create { path: path.to_owned(), source })?;
    tracing::info!(types = btf.types().len(), bytes = btf.as_bytes().len(), path = %path.display(), "written");
    Ok(())
}
