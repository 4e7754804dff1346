//! `oxbpf btf`: types printed, checked, cut and merged.

mod check;
mod dump;
mod merge;
mod min;
mod progress;
mod raw;
mod source;

pub(crate) use check::Relocation;
pub(crate) use source::{file, targets};

use crate::args::BtfCommand;
use crate::error::Error;

pub(crate) fn run(command: &BtfCommand) -> Result<(), Error> {
    match command {
        BtfCommand::Dump(args) => dump::run(args),
        BtfCommand::Check(args) => check::run(args),
        BtfCommand::Min(args) => min::run(args),
        BtfCommand::Merge(args) => merge::run(&args.files, &args.base, &args.output),
        BtfCommand::Dedup(args) => merge::run(std::slice::from_ref(&args.file), &args.base, &args.output),
    }
}
