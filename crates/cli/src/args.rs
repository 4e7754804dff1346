//! The command line.

mod btf;
mod feature;
mod generate;
mod link;
mod plan;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

pub(crate) use btf::{
    BaseArg, BtfArgs, BtfCommand, CheckArgs, DumpArgs, DumpForm, DumpFormat, DumpSource, MapTypes, MinArgs,
    ObjectRef,
};
pub(crate) use feature::FeatureArgs;
pub(crate) use generate::{GenArgs, GenCommand, LoadArgs, LoaderArgs};
pub(crate) use link::LinkArgs;
pub(crate) use plan::PlanArgs;
pub(crate) use values::{EventChoice, GlobalSetting, PerfEventChoice, PerfEventName};

/// Run and inspect BPF objects.
#[derive(Debug, Parser)]
#[command(name = "oxbpf", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// What is logged to standard error: off, error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL", default_value = "warn")]
    pub(crate) log_level: LevelFilter,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all went well, 1 something failed, 2 the command line was wrong.
A line on standard error says what failed.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Load an object, attach its programs and print what they emit
    #[command(after_help = RUN_HELP)]
    Run(RunArgs),

    /// Make one object of several: what bpftool calls `gen object`
    Link(LinkArgs),

    /// Types: print, check, cut, merge
    Btf(BtfArgs),

    /// What is made of objects: loaders
    Gen(GenArgs),

    /// What the running kernel has, and which kernel brought it
    Feature(FeatureArgs),

    /// Say what objects are and need, without a kernel
    Plan(PlanArgs),
}

const RUN_HELP: &str = "\
Runs until COMMAND ends, or without one until --for has passed, Ctrl-C or SIGTERM.
Every program is attached by the name of its section before COMMAND starts.
SIGINT, SIGTERM and SIGHUP end the run in good order, a second one at once. Not so with maps of
.struct_ops, which are taken back first: the kernel keeps them if the process is killed (SIGKILL).

Exit codes: 0 all went well, whatever COMMAND's own exit code was (the totals tell it);
1 something failed; 2 the command line was wrong.

Examples:
  oxbpf run execsnoop.bpf.o -- make -j8
  oxbpf run opensnoop.bpf.o --set target_pid=1234 --for 10s --json
  oxbpf run xdp_counter.bpf.o --xdp eth0";

/// The arguments of `oxbpf run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The BPF object file
    #[arg(value_name = "OBJECT")]
    pub(crate) object: PathBuf,

    /// Print one JSON object a line
    #[arg(long, short = 'j', help_heading = "Output")]
    pub(crate) json: bool,

    /// Write to FILE what otherwise goes to standard output, which stays the command's own
    #[arg(long, short = 'o', value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,

    /// Decode the events of ring buffer MAP as STRUCT (may be repeated)
    #[arg(long, value_name = "MAP=STRUCT", help_heading = "Output")]
    pub(crate) event: Vec<EventChoice>,

    /// Do not print maps and histograms at the end
    #[arg(long, help_heading = "Output")]
    pub(crate) no_maps: bool,

    /// Print map NAME at the end, however large it is; without this only those with room for at most 1024
    /// entries are (may be repeated)
    #[arg(long, value_name = "NAME", help_heading = "Output", conflicts_with = "no_maps")]
    pub(crate) map: Vec<String>,

    /// Print at most N rows of each map at the end
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = "Output")]
    pub(crate) rows: usize,

    /// Show the verifier's whole log when it rejects a program, and more about errors
    #[arg(long, short = 'v', help_heading = "Output")]
    pub(crate) verbose: bool,

    /// Stop after DURATION: 500ms, 5s, 2m (a bare number is seconds)
    #[arg(long = "for", value_name = "DURATION", value_parser = values::duration)]
    pub(crate) run_for: Option<Duration>,

    /// Give a global variable of the object its value before loading (may be repeated)
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<GlobalSetting>,

    /// Relocate against the kernel types in FILE (raw BTF, or ELF with them) in place of the running kernel's
    #[arg(long, value_name = "FILE")]
    pub(crate) btf: Option<PathBuf>,

    /// Load PROGRAM but do not attach it (may be repeated)
    #[arg(long, value_name = "PROGRAM", help_heading = "Attaching")]
    pub(crate) no_attach: Vec<String>,

    /// Attach XDP programs to this network interface (may be repeated)
    #[arg(long, value_name = "INTERFACE", help_heading = "Attaching")]
    pub(crate) xdp: Vec<String>,

    /// Attach cgroup programs to this cgroup (v2) directory
    #[arg(long, value_name = "PATH", help_heading = "Attaching")]
    pub(crate) cgroup: Option<PathBuf>,

    /// Attach perf_event programs to EVENT on every CPU, FREQ times a second:
    /// cpu-clock, task-clock, cycles, instructions, context-switches, page-faults
    #[arg(
        long,
        value_name = "EVENT[@FREQ]",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "cpu-clock@99",
        help_heading = "Attaching"
    )]
    pub(crate) perf_event: Option<PerfEventChoice>,

    /// Let uprobes and perf events see only this process
    #[arg(long, value_name = "PID", help_heading = "Attaching")]
    pub(crate) pid: Option<u32>,

    /// A command to run, once everything is attached
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn run_args(words: &[&str]) -> RunArgs {
        let words = ["oxbpf", "run"].iter().chain(words);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Run(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_the_command_stay_its_own() {
        let args = run_args(&["x.o", "--json", "--", "sh", "--json", "-c", "true"]);
        assert!(args.json);
        assert_eq!(args.command, ["sh", "--json", "-c", "true"]);
    }

    #[test]
    fn a_command_needs_the_two_dashes() {
        assert!(Cli::try_parse_from(["oxbpf", "run", "x.o", "ls"]).is_err());
    }

    #[test]
    fn perf_event_alone_has_a_default() {
        let args = run_args(&["--perf-event", "x.o"]);
        assert_eq!(args.perf_event, Some("cpu-clock@99".parse().unwrap()));
        assert_eq!(args.object, PathBuf::from("x.o"));
        assert_eq!(run_args(&["x.o"]).perf_event, None);
    }

    #[test]
    fn repeated_options_add_up() {
        let args = run_args(&["x.o", "--set", "a=1", "--set", "b=2", "--event", "m=s"]);
        assert_eq!(args.set.len(), 2);
        assert_eq!(args.event.len(), 1);
    }
}
