//! `cargo xtask vm`: a command, by default the kernel tests, under another kernel.
//!
//! QEMU boots a Debian kernel on this machine's own root file system (read-only over 9p, with a throw-away
//! overlay on top). It only emulates: no KVM is needed, and a boot takes a few seconds.

mod apt;
mod bzimage;
mod cpio;
mod guest;
mod kernel;
mod qemu;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use self::kernel::Kernel;
use crate::testing::{self, Summary};

pub(crate) const HELP: &str = "\
cargo xtask vm [OPTION…] [-- COMMAND…]

Runs COMMAND as root under a Debian kernel in QEMU, without KVM. Without a COMMAND: builds the kernel tests
here and runs them there. Standard output, standard error and the exit status are the command's. What it
writes is lost, but for what it writes below a --rw folder.

  --kernel K     6.1 (default), 5.10, 6.12, …; a package's name; each also with @SUITE.
                 The package comes from this machine's own apt sources, or from the Debian suite that has it
  --rw DIR       a folder that the command may write to (may be repeated)
  --timeout S    give up after so many seconds (default 900)
  --mem SIZE     the guest's memory (default 2G)
  --smp N        the guest's CPUs (default 2)
  --install      install by apt-get what is missing here (as root)
  --verbose      show the guest's console

Exit status 124: timed out; 125: the guest gave no verdict (it did not boot, or the kernel panicked).
";

/// What the command line says.
#[derive(Debug)]
struct Options {
    kernel: String,
    rw: Vec<PathBuf>,
    timeout: Duration,
    mem: String,
    smp: u32,
    install: bool,
    verbose: bool,
    command: Vec<String>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Options> {
        let mut options = Options {
            kernel: "6.1".into(),
            rw: Vec::new(),
            timeout: Duration::from_secs(900),
            mem: "2G".into(),
            smp: 2,
            install: false,
            verbose: false,
            command: Vec::new(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--kernel" => options.kernel = value()?.clone(),
                "--rw" => {
                    let dir = value()?;
                    options.rw.push(Path::new(dir).canonicalize().with_context(|| dir.clone())?);
                }
                "--timeout" => options.timeout = Duration::from_secs(value()?.parse().context("--timeout")?),
                "--mem" => options.mem = value()?.clone(),
                "--smp" => options.smp = value()?.parse().context("--smp")?,
                "--install" => options.install = true,
                "--verbose" => options.verbose = true,
                "--" => options.command = args.by_ref().cloned().collect(),
                _ => bail!("no option {arg}\n\n{HELP}"),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(root: &Path, args: &[String]) -> Result<ExitCode> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options::parse(args)?;
    tools::require(options.install)?;
    let kernel = Kernel::find(&options.kernel)?;
    if !options.command.is_empty() {
        let here = std::env::current_dir()?;
        let status = qemu::run(&kernel, &options, &options.command, &here, |line| print!("{line}"))?;
        return Ok(ExitCode::from(status));
    }
    run_tests(root, &kernel, &options)
}

/// The kernel tests of the workspace, built here and run there.
fn run_tests(root: &Path, kernel: &Kernel, options: &Options) -> Result<ExitCode> {
    let binaries = testing::build_kernel_tests(root)?;
    println!("{}: {} test binaries", kernel.name, binaries.len());
    let mut command = vec!["sh".to_string(), "-c".into(), guest::RUN_EACH.into(), "sh".into()];
    for binary in &binaries {
        command.push(binary.dir.display().to_string());
        command.push(binary.path.display().to_string());
    }
    let attempt = || -> Result<(u8, Summary)> {
        let mut summary = Summary::default();
        let status = qemu::run(kernel, options, &command, root, |line| {
            print!("{line}");
            summary.read_line(line);
        })?;
        Ok((status, summary))
    };
    let (mut status, mut summary) = attempt()?;
    if status == qemu::NO_VERDICT {
        // An emulated machine may hang where a real one does not; twice in a row is no accident.
        eprintln!("vm: the guest did not get to the end; once more, from the start");
        (status, summary) = attempt()?;
    }
    summary.finish(status == 0);
    summary.print(&format!("kernel-{}: ", options.kernel.split('@').next().unwrap_or_default()));
    Ok(ExitCode::from(status))
}
