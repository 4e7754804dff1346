//! `oxbpf link`.

use std::fs;

use crate::args::LinkArgs;
use crate::error::Error;

/// Makes one object of several. Nothing is written if they do not fit together.
pub(crate) fn run(args: &LinkArgs) -> Result<(), Error> {
    let linked = oxbpf::link_objects(&args.objects)?;
    let path = &args.output;
    fs::write(path, &linked).map_err(|source| Error::Create { path: path.clone(), source })?;
    tracing::info!(objects = args.objects.len(), bytes = linked.len(), path = %path.display(), "written");
    Ok(())
}
