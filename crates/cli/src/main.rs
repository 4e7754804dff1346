//! The oxbpf command.
#![forbid(unsafe_code)]
// A command's own output goes through a writer; what stands here are its errors.
#![allow(clippy::print_stderr)]

mod args;
mod btf;
mod error;
mod events;
mod feature;
mod generate;
mod link;
mod log;
mod maps;
mod output;
mod plan;
mod run;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use error::Error;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log::start(cli.log_level);
    let (outcome, verbose) = match &cli.command {
        Command::Run(args) => (run::run(args), args.verbose),
        Command::Link(args) => (link::run(args), false),
        Command::Btf(args) => (btf::run(&args.command), false),
        Command::Gen(args) => (generate::run(&args.command), false),
        Command::Feature(args) => (feature::run(args), false),
        Command::Plan(args) => (plan::run(args), args.verbose),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // As with any filter: the reader has seen enough.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            report(&error, verbose);
            ExitCode::from(error.exit_code())
        }
    }
}

fn report(error: &Error, verbose: bool) {
    if verbose {
        eprintln!("oxbpf: {error:#}");
    } else {
        eprintln!("oxbpf: {error}");
        if let Some(hint) = error.hint() {
            eprintln!("hint: {hint}");
        }
    }
}
