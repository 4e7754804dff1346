//! `oxbpf feature`.

use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  oxbpf feature
  oxbpf feature --missing
  oxbpf feature probe --full --json";

/// The arguments of `oxbpf feature`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FeatureArgs {
    #[command(subcommand)]
    pub(crate) command: Option<FeatureCommand>,

    #[command(flatten)]
    pub(crate) probe: ProbeArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FeatureCommand {
    /// Ask the running kernel what it has: what `oxbpf feature` does without a word
    Probe(ProbeArgs),
}

/// What is asked, and how it is told.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProbeArgs {
    /// Tell only of what is missing, or cannot be told
    #[arg(long)]
    pub(crate) missing: bool,

    /// Ask which program types may call each helper, and for functions of the kernel, too
    #[arg(long)]
    pub(crate) full: bool,

    /// Print one JSON object
    #[arg(long, short = 'j')]
    pub(crate) json: bool,
}

impl FeatureArgs {
    /// What is asked, on whichever side of `probe` the options stand.
    pub(crate) fn asked(&self) -> ProbeArgs {
        let outer = &self.probe;
        match &self.command {
            None => outer.clone(),
            Some(FeatureCommand::Probe(inner)) => ProbeArgs {
                missing: outer.missing || inner.missing,
                full: outer.full || inner.full,
                json: outer.json || inner.json,
            },
        }
    }
}
