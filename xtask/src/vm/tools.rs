//! The programs that this needs, and the packages that have them.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Program, Debian package.
const TOOLS: [(&str, &str); 8] = [
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("depmod", "kmod"),
    ("modprobe", "kmod"),
    ("xz", "xz-utils"),
    ("zstd", "zstd"),
    ("dpkg-deb", "dpkg"),
    ("apt-get", "apt"),
];

/// Sees that all programs are there; installs the missing ones if told to.
pub(super) fn require(install: bool) -> Result<()> {
    let mut packages: Vec<&str> =
        TOOLS.iter().filter(|(tool, _)| path_of(tool).is_none()).map(|(_, package)| *package).collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    let command = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    if !install {
        bail!("some programs are missing; run `{command}`, or give --install");
    }
    let mut apt = Command::new("apt-get");
    apt.args(["install", "-y", "-qq", "--no-install-recommends"]).args(&packages);
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    let status = apt.status().context("cannot run apt-get")?;
    if !status.success() {
        bail!("`{command}` failed; `apt-get update` may help");
    }
    Ok(())
}

/// Where a program is. Those for administrators may not be in a user's `PATH`.
pub(super) fn path_of(tool: &str) -> Option<String> {
    let path = env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/sbin", "/sbin"])
        .map(|dir| format!("{dir}/{tool}"))
        .find(|path| Path::new(path).is_file())
}

/// A command for such a program.
pub(super) fn command(tool: &str) -> Command {
    Command::new(path_of(tool).unwrap_or_else(|| tool.into()))
}

/// Runs a command to its end, and gives what it printed.
pub(super) fn output_of(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
