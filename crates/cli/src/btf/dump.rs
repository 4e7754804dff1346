//! `oxbpf btf dump`.

use std::fmt;
use std::io::{self, BufWriter, Write};

use oxbpf::Kernel;
use oxbpf_btf::{Btf, DumpOptions, TypeId};

use super::progress::Bar;
use super::raw;
use super::source::{self, Found};
use crate::args::{DumpArgs, DumpForm, DumpFormat, DumpSource, MapTypes, ObjectRef};
use crate::error::Error;

pub(super) fn run(args: &DumpArgs) -> Result<(), Error> {
    let usage = |reason: String| Error::Usage { reason };
    // Wrong words are told before anything is read.
    let all = |btf| Found { btf, roots: Vec::new() };
    let (found, mut format) = match &args.source {
        DumpSource::File { path, words } => {
            let format = DumpFormat::parse(words).map_err(usage)?;
            (all(source::file(path, source::base(&args.base)?.as_ref())?), format)
        }
        DumpSource::Id { id, words } => {
            let format = DumpFormat::parse(words).map_err(usage)?;
            (all(source::id(&Kernel::host(), *id, source::base(&args.base)?.as_ref())?), format)
        }
        DumpSource::Map { words } => {
            let (map, rest) = ObjectRef::parse(words, false).map_err(usage)?;
            let (types, rest) = MapTypes::parse(rest);
            let format = DumpFormat::parse(rest).map_err(usage)?;
            let base = source::base(&args.base)?;
            (source::map(&Kernel::host(), &map, types, base.as_ref())?, format)
        }
        DumpSource::Prog { words } => {
            let (program, rest) = ObjectRef::parse(words, true).map_err(usage)?;
            let format = DumpFormat::parse(rest).map_err(usage)?;
            let base = source::base(&args.base)?;
            (source::program(&Kernel::host(), &program, base.as_ref())?, format)
        }
    };
    if args.json {
        if format.form == DumpForm::C {
            return Err(usage("C is no JSON: `format c` and --json exclude each other".to_owned()));
        }
        format.form = DumpForm::Json;
    }
    let Found { btf, mut roots } = found;
    roots.extend(format.roots.iter().map(|&id| TypeId(id)));
    for &id in &roots {
        btf.get(id).map_err(Error::Types)?;
    }
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match format.form {
        DumpForm::Raw => raw::lines(&btf, &roots, &mut out).map_err(Error::Print)?,
        DumpForm::Json => raw::json(&btf, &roots, &mut out).map_err(Error::Print)?,
        DumpForm::C => c(&btf, roots, format.unsorted, &mut out)?,
    }
    out.flush().map_err(Error::Print)
}

fn c(btf: &Btf, roots: Vec<TypeId>, unsorted: bool, to: &mut impl Write) -> Result<(), Error> {
    let mut options = DumpOptions::vmlinux_h();
    options.sort = !unsorted;
    options.types = (!roots.is_empty()).then_some(roots);
    let mut out = Bytes { to, error: None };
    let mut bar = Bar::beside_output();
    let written = btf.dump_c_with_progress(&options, &mut out, &mut |progress| bar.show(progress));
    match out.error {
        Some(error) => Err(Error::Print(error)),
        None => written.map_err(Error::Types),
    }
}

/// Text for a writer of bytes, which keeps its error.
struct Bytes<'w, W> {
    to: &'w mut W,
    error: Option<io::Error>,
}

impl<W: Write> fmt::Write for Bytes<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.to.write_all(text.as_bytes()).map_err(|error| {
            self.error = Some(error);
            fmt::Error
        })
    }
}
