//! `oxbpf btf min`.

use oxbpf::obj::min_core_btf_with_progress;

use super::progress::Bar;
use super::{merge, source};
use crate::args::MinArgs;
use crate::error::Error;

pub(super) fn run(args: &MinArgs) -> Result<(), Error> {
    let target = source::file(&args.target, source::base(&args.base)?.as_ref())?;
    let specs: Vec<_> = args.objects.iter().map(oxbpf::open).collect::<Result<_, _>>()?;
    let mut bar = Bar::new();
    let specs: Vec<_> = specs.iter().collect();
    let small = min_core_btf_with_progress(&specs, &target, &mut |progress| bar.show(progress));
    drop(bar);
    let small = small.map_err(Error::Object)?;
    merge::write(&args.output, &small)
}
