//! The guest's side: its initial RAM file system, and the scripts that run in it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::bzimage::decompress;
use super::cpio::Archive;
use super::tools::{command, output_of, path_of};

/// The first process: mounts the root file system.
const INIT: &str = include_str!("guest/init.sh");
/// What it becomes once that is the root: runs the command.
const JOB: &str = include_str!("guest/job.sh");
/// A shell script that runs test binaries: pairs of a folder and a binary to run in it.
pub(super) const RUN_EACH: &str = include_str!("guest/run-each.sh");

/// The modules that a root file system over 9p and the console ports need.
const MODULES: [&str; 5] = ["virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay"];

const APPLETS: [&str; 8] = ["cat", "cp", "insmod", "ln", "mkdir", "mount", "poweroff", "switch_root"];

/// The part that depends on the kernel alone: busybox, and the modules in the order of their loading.
pub(super) fn initrd(tree: &Path, version: &str) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    let busybox = path_of("busybox").context("busybox is missing")?;
    archive.file("busybox", &fs::read(busybox)?);
    archive.directory("bin");
    for applet in APPLETS {
        archive.link(&format!("bin/{applet}"), "../busybox");
    }
    archive.directory("m");
    let mut seen = Vec::new();
    for module in MODULES {
        let mut modprobe = command("modprobe");
        modprobe.arg("-d").arg(tree).args(["-S", version, "--show-depends", module]);
        let depends = output_of(&mut modprobe)
            .with_context(|| format!("no module {module} (the cloud flavours have no 9p)"))?;
        for path in depends.lines().filter_map(|line| line.strip_prefix("insmod ")) {
            let path = path.trim();
            if !seen.iter().any(|s| s == path) {
                seen.push(path.to_string());
                archive.file(&format!("m/{:02}", seen.len()), &read_module(path)?);
            }
        }
    }
    Ok(archive.finish())
}

fn read_module(path: &str) -> Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| path.to_string())?;
    let program = match Path::new(path).extension().and_then(|e| e.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        Some("gz") => "gzip",
        _ => return Ok(bytes),
    };
    decompress(program, &bytes).with_context(|| format!("cannot decompress {path}"))
}

/// The part that says what is to be done: appended to the first.
pub(super) fn job(run: &[String], dir: &Path, modules: &Path, rw: &[PathBuf]) -> Result<Vec<u8>> {
    let mut script = String::new();
    for (name, value) in env::vars().filter(|(name, _)| is_variable(name)) {
        script.push_str(&format!("export {name}={}\n", quote(&value)));
    }
    script.push_str(&format!("cd {}\nexec", quote(text_of(dir)?)));
    for word in run {
        script.push(' ');
        script.push_str(&quote(word));
    }
    script.push('\n');

    let mut folders = String::new();
    for folder in rw {
        folders.push_str(text_of(folder)?);
        folders.push('\n');
    }
    let mut archive = Archive::default();
    archive.file("init", INIT.as_bytes());
    archive.directory("job");
    archive.file("job/init", JOB.as_bytes());
    archive.file("job/command", script.as_bytes());
    archive.file("job/modules", format!("{}\n", text_of(modules)?).as_bytes());
    archive.file("job/rw", folders.as_bytes());
    Ok(archive.finish())
}

fn text_of(path: &Path) -> Result<&str> {
    match path.to_str() {
        Some(text) if !text.contains('\n') => Ok(text),
        _ => bail!("{} cannot be written in a line", path.display()),
    }
}

/// Whether a shell takes it for the name of a variable.
fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// As one word of a shell.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted() {
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert!(is_variable("A_1"));
        assert!(!is_variable("1A"));
        assert!(!is_variable("BASH_FUNC_x%%"));
    }
}
