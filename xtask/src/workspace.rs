//! The workspaces beside the main one: they build C, which nothing else here needs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// One of them, by its folder.
#[derive(Debug)]
pub(crate) struct Workspace {
    dir: PathBuf,
}

impl Workspace {
    pub(crate) fn new(root: &Path, name: &str) -> Workspace {
        Workspace { dir: root.join(name) }
    }

    /// Builds it with these arguments; whether it does build.
    pub(crate) fn build(&self, args: &[&str]) -> Result<bool> {
        let status = self.cargo("build").args(["--quiet", "--locked"]).args(args).status();
        Ok(status.context("cannot start cargo")?.success())
    }

    /// A program that was built, wherever cargo was told to put it.
    pub(crate) fn program(&self, profile: &str, name: &str) -> Result<PathBuf> {
        let output = self.cargo("metadata").args(["--no-deps", "--format-version=1"]).output();
        let output = output.context("cannot start cargo")?;
        if !output.status.success() {
            bail!("cargo metadata fails: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("cargo's metadata is not JSON")?;
        let target = metadata["target_directory"].as_str().context("cargo tells no target directory")?;
        Ok(Path::new(target).join(profile).join(name))
    }

    /// Run where the workspace is: a relative `CARGO_TARGET_DIR` counts from there.
    fn cargo(&self, command: &str) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cargo = Command::new(cargo);
        cargo.arg(command).current_dir(&self.dir);
        cargo
    }
}
