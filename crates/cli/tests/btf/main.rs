//! `oxbpf btf`, as people use it.

mod cut;
mod dump;
mod kernel;
#[path = "../run/support.rs"]
#[allow(dead_code, reason = "what goes on in the background is for `oxbpf run`")]
mod support;

use std::ffi::OsStr;
use std::io;
use std::process::{Command, ExitCode, Stdio};

use oxbpf_testing::{Need, Suite};

use support::{succeed, texts};

fn main() -> ExitCode {
    let mut suite = Suite::new();
    dump::add(&mut suite);
    cut::add(&mut suite);
    kernel::add(&mut suite);
    suite.run()
}

/// What is compared with.
const BPFTOOL: Need = Need::That("needs bpftool", has_bpftool);

fn has_bpftool() -> bool {
    bpftool(&["version"]).is_ok()
}

fn command<S: AsRef<OsStr>>(program: &str, args: &[S]) -> Command {
    let mut command = Command::new(program);
    command.args(args).env("NO_COLOR", "1").stdin(Stdio::null());
    // Where bpftool is, for those who are not root.
    command.env("PATH", std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin");
    command
}

/// What `oxbpf btf ARGS…` prints; it must come to a good end.
fn btf<S: AsRef<OsStr>>(args: &[S]) -> io::Result<String> {
    let mut command = command(env!("CARGO_BIN_EXE_oxbpf"), &["btf"]);
    command.args(args);
    succeed(command).map(|(out, _)| out)
}

/// The exit code of `oxbpf btf ARGS…`, and what it prints on either output.
fn btf_output<S: AsRef<OsStr>>(args: &[S]) -> io::Result<(i32, String, String)> {
    let output = command(env!("CARGO_BIN_EXE_oxbpf"), &["btf"]).args(args).output()?;
    let (out, err) = texts(&output);
    Ok((output.status.code().unwrap_or(-1), out, err))
}

/// The same, and it must fail.
fn btf_fails<S: AsRef<OsStr>>(args: &[S]) -> io::Result<(i32, String, String)> {
    let output = btf_output(args)?;
    assert_ne!(output.0, 0, "{output:?}");
    Ok(output)
}

/// What `bpftool ARGS…` prints.
fn bpftool<S: AsRef<OsStr>>(args: &[S]) -> io::Result<String> {
    let output = command("bpftool", args).output()?;
    let (out, err) = texts(&output);
    if output.status.success() { Ok(out) } else { Err(io::Error::other(err)) }
}
