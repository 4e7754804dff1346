//! `oxbpf btf min`.

use oxbpf::obj::min_core_btf;

use super::{merge, source};
use crate::args::MinArgs;
use crate::error::Error;

pub(super) fn run(args: &MinArgs) -> Result<(), Error> {
    let target = source::file(&args.target, source::base(&args.base)?.as_ref())?;
    let specs: Vec<_> = args.objects.iter().map(oxbpf::open).collect::<Result<_, _>>()?;
    let small = min_core_btf(&specs.iter().collect::<Vec<_>>(), &target).map_err(Error::Object)?;
    merge::write(&args.output, &small)
}
