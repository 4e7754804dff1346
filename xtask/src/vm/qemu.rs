//! Starting QEMU, and listening to the guest.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result};

use super::kernel::Kernel;
use super::tools::command;
use super::{Options, guest};

/// Exit status when the guest gave none, as of `timeout` and `env`.
pub(super) const NO_VERDICT: u8 = 125;
const TIMED_OUT: i32 = 124;
/// `timeout` had to kill it.
const KILLED: i32 = 137;

/// Runs a command in the guest, in the folder `dir`. Each line of its output goes to `line`; its standard error
/// goes to ours. Gives its exit status.
pub(super) fn run(
    kernel: &Kernel,
    options: &Options,
    run: &[String],
    dir: &Path,
    mut line: impl FnMut(&str),
) -> Result<u8> {
    let temp = Temp::new()?;
    let initrd = temp.0.join("initrd");
    let mut archives = kernel.initrd()?;
    archives.extend(guest::job(run, dir, &kernel.modules(), &options.rw)?);
    fs::write(&initrd, archives)?;
    let console = temp.0.join("console");
    let (out, err, status) = (temp.listen("out")?, temp.listen("err")?, temp.listen("status")?);

    // If this process is killed, the time limit still ends the guest.
    let mut qemu = Command::new("timeout");
    qemu.args(["-k", "5", &options.timeout.as_secs().to_string()]);
    qemu.arg(command("qemu-system-x86_64").get_program());
    // All CPUs in one thread: with a thread each, QEMU 7.2 now and then lets a CPU run code that another has just
    // patched (static keys, tracepoints) in its old form, on and on.
    qemu.args(["-accel", "tcg,thread=single", "-cpu", "max,-la57", "-nodefaults", "-no-user-config"]);
    qemu.args(["-display", "none", "-no-reboot", "-smp", &options.smp.to_string(), "-m", &options.mem]);
    qemu.arg("-kernel").arg(kernel.image()).arg("-initrd").arg(&initrd);
    let quiet = if options.verbose { "debug" } else { "quiet" };
    let lsm = kernel.lsm_option()?;
    qemu.args(["-append", &format!("console=ttyS0 panic=-1 softlockup_panic=1 tsc=reliable {quiet} {lsm}")]);
    qemu.args([
        "-chardev",
        &format!("file,id=console,path={}", console.display()),
        "-serial",
        "chardev:console",
    ]);
    qemu.args(["-device", "virtio-serial-pci"]);
    for (n, port) in ["out", "err", "status"].iter().enumerate() {
        let path = temp.0.join(port);
        qemu.args(["-chardev", &format!("socket,id={port},path={}", path.display())]);
        qemu.args(["-device", &format!("virtserialport,chardev={port},nr={}", n + 1)]);
    }
    share(&mut qemu, "root", Path::new("/"), ",readonly=on");
    for (n, folder) in options.rw.iter().enumerate() {
        share(&mut qemu, &format!("rw{n}"), folder, "");
    }
    qemu.stdin(Stdio::null()).stdout(Stdio::null());

    let mut qemu = qemu.spawn().context("cannot run timeout(1)")?;
    // QEMU connects as it starts; if it dies before that, there is nobody to wait for.
    let (out, err, status) =
        match (accept(&out, &mut qemu), accept(&err, &mut qemu), accept(&status, &mut qemu)) {
            (Some(out), Some(err), Some(status)) => (out, err, status),
            _ => {
                let status = qemu.wait()?;
                eprintln!("vm: QEMU did not start: {status}");
                return Ok(NO_VERDICT);
            }
        };
    let err = thread::spawn(move || copy(err));
    let verdict = thread::spawn(move || read_all(status));
    let mut lines = BufReader::new(out);
    let mut bytes = Vec::new();
    while lines.read_until(b'\n', &mut bytes)? > 0 {
        line(&String::from_utf8_lossy(&bytes));
        bytes.clear();
    }
    let _ = err.join();
    let verdict = verdict.join().unwrap_or_default();
    let status = qemu.wait()?;

    let log = fs::read(&console).unwrap_or_default();
    let log = String::from_utf8_lossy(&log).replace('\r', "");
    if options.verbose {
        eprint!("{log}");
    }
    if let Ok(code) = verdict.trim().parse() {
        return Ok(code);
    }
    last_words(&log);
    if matches!(status.code(), Some(TIMED_OUT | KILLED)) {
        eprintln!("vm: timed out after {} s", options.timeout.as_secs());
        return Ok(124);
    }
    eprintln!("vm: the guest gave no exit status (QEMU: {status})");
    Ok(NO_VERDICT)
}

/// What the guest's kernel said when it went wrong, or else the end of its console.
fn last_words(log: &str) {
    let lines: Vec<&str> = log.lines().collect();
    let wrong = lines.iter().position(|line| line.contains("BUG: ") || line.contains("Kernel panic"));
    let from = wrong.unwrap_or(lines.len().saturating_sub(40));
    for line in lines.iter().skip(from).take(80) {
        eprintln!("{line}");
    }
}

/// A folder of the host for the guest to mount.
fn share(qemu: &mut Command, tag: &str, folder: &Path, more: &str) {
    // Only root may set owners.
    let model = if rustix::process::geteuid().is_root() { "passthrough" } else { "none" };
    // A comma in a value is written twice.
    let folder = folder.display().to_string().replace(',', ",,");
    qemu.args([
        "-fsdev",
        &format!("local,id={tag},path={folder},security_model={model},multidevs=remap{more}"),
    ]);
    qemu.args(["-device", &format!("virtio-9p-pci,fsdev={tag},mount_tag={tag}")]);
}

/// The connection that QEMU makes.
fn accept(listener: &UnixListener, qemu: &mut std::process::Child) -> Option<UnixStream> {
    listener.set_nonblocking(true).ok()?;
    loop {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).ok()?;
            return Some(stream);
        }
        if !matches!(qemu.try_wait(), Ok(None)) {
            return None;
        }
        thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// From the guest to our standard error, as it comes.
fn copy(mut from: UnixStream) {
    let mut buffer = [0; 4096];
    while let Ok(len @ 1..) = from.read(&mut buffer) {
        let _ = std::io::stderr().write_all(&buffer[..len]);
    }
}

fn read_all(mut from: UnixStream) -> String {
    let mut text = String::new();
    let _ = from.read_to_string(&mut text);
    text
}

/// A folder that is removed in the end.
struct Temp(PathBuf);

impl Temp {
    fn new() -> Result<Temp> {
        let dir = std::env::temp_dir().join(format!("oxbpf-vm-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
        Ok(Temp(dir))
    }

    fn listen(&self, name: &str) -> Result<UnixListener> {
        let path = self.0.join(name);
        UnixListener::bind(&path).with_context(|| path.display().to_string())
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
