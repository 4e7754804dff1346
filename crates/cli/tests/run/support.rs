//! Starting the command and reading what it prints.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use oxbpf_testing::{testdata, wait_until};
use serde_json::Value;

/// What ends within seconds has this long: an emulated machine under load is slow.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// `oxbpf run OBJECT ARGS…`, the object by its name in testdata.
pub(crate) fn oxbpf_run<S: AsRef<OsStr>>(object: &str, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxbpf"));
    command.arg("run").arg(testdata(format!("{object}.bpf.o"))).args(args);
    // As in a terminal of someone who likes no colors; the tests compare text.
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// What it printed: standard output and standard error.
pub(crate) fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Runs it to its end, which must be a good one.
pub(crate) fn succeed(mut command: Command) -> io::Result<(String, String)> {
    let output = command.output()?;
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    Ok((out, err))
}

/// Every line as JSON.
pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// The lines of this type.
pub(crate) fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

/// The last line, which is the totals.
pub(crate) fn totals(lines: &[Value]) -> &Value {
    let last = lines.last().expect("there are totals at least");
    assert_eq!(last["type"], "totals");
    last
}

/// A file that is removed in the end.
pub(crate) struct TempFile(pub(crate) PathBuf);

impl TempFile {
    pub(crate) fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("oxbpf-cli-{}-{name}", std::process::id())))
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A run that goes on in the background. It is killed if the test ends before it.
pub(crate) struct Running {
    child: Option<Child>,
    err: BufReader<std::process::ChildStderr>,
    seen: String,
}

impl Running {
    /// Starts it, with `--log-level info`, and waits until so many programs are attached.
    pub(crate) fn start(mut command: Command, programs: usize) -> io::Result<Self> {
        // The log level is an option of every subcommand; behind `--` it would be the command's.
        let mut with_log = Command::new(command.get_program());
        with_log.args(["--log-level", "info"]).args(command.get_args());
        with_log.env("NO_COLOR", "1").stdin(Stdio::null());
        command = with_log;
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let err = BufReader::new(child.stderr.take().expect("it is a pipe"));
        let mut running = Self { child: Some(child), err, seen: String::new() };
        for _ in 0..programs {
            running.wait_for("attached")?;
        }
        Ok(running)
    }

    /// Reads its standard error up to a line with `word`.
    fn wait_for(&mut self, word: &str) -> io::Result<()> {
        loop {
            let mut line = String::new();
            assert_ne!(self.err.read_line(&mut line)?, 0, "it ended before `{word}`:\n{}", self.seen);
            self.seen.push_str(&line);
            if line.contains(word) {
                return Ok(());
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) -> io::Result<()> {
        let status = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status()?;
        assert!(status.success());
        Ok(())
    }

    /// Interrupts it, and waits for its good end.
    pub(crate) fn interrupt(self) -> io::Result<(String, String)> {
        self.signal("INT")?;
        self.finish()
    }

    /// Waits for its good end.
    pub(crate) fn finish(mut self) -> io::Result<(String, String)> {
        let mut child = self.child.take().expect("it is taken at the end only");
        let ended = wait_until(LIMIT, || !matches!(child.try_wait(), Ok(None)));
        if !ended {
            let _ = child.kill();
        }
        let mut out = String::new();
        child.stdout.take().expect("it is a pipe").read_to_string(&mut out)?;
        self.err.read_to_string(&mut self.seen)?;
        let status = child.wait()?;
        assert!(ended && status.success(), "{status}\n{out}\n{}", self.seen);
        Ok((out, std::mem::take(&mut self.seen)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
