//! Debian packages, of this machine's own sources or of another suite from the same mirror.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::tools::output_of;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// How long a downloaded list of packages is taken for current.
const LISTS_LAST: Duration = Duration::from_secs(24 * 60 * 60);

/// A set of packages to choose from.
#[derive(Debug)]
pub(super) struct Apt {
    /// A configuration of our own; none for the machine's.
    config: Option<PathBuf>,
}

impl Apt {
    /// The packages that this machine is set up for.
    pub(super) fn own() -> Apt {
        Apt { config: None }
    }

    /// The packages of a Debian suite, such as `bullseye-security`, kept apart from the machine's.
    pub(super) fn suite(suite: &str, cache: &Path) -> Result<Apt> {
        let dir = cache.join(format!("apt-{suite}"));
        fs::create_dir_all(dir.join("lists/partial"))?;
        fs::create_dir_all(dir.join("cache/archives/partial"))?;
        let archive = if suite.ends_with("-security") { "debian-security" } else { "debian" };
        let source = format!("deb [signed-by={KEYRING}] {}/{archive} {suite} main\n", mirror()?);
        fs::write(dir.join("list"), source)?;
        let at = dir.display();
        let config = dir.join("conf");
        fs::write(
            &config,
            format!(
                "Dir::Etc::SourceList \"{at}/list\";\nDir::Etc::SourceParts \"/dev/null\";\n\
                 Dir::State::Lists \"{at}/lists\";\nDir::Cache \"{at}/cache\";\nAcquire::Languages \"none\";\n\
                 Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n"
            ),
        )?;
        let apt = Apt { config: Some(config) };
        let done = dir.join("updated");
        let is_current = fs::metadata(&done)
            .and_then(|m| m.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age < LISTS_LAST));
        if !is_current {
            output_of(apt.command("apt-get").args(["-qq", "update"]))?;
            fs::write(done, "")?;
        }
        Ok(apt)
    }

    /// The names of the packages that begin so.
    pub(super) fn names(&self, prefix: &str) -> Result<Vec<String>> {
        let names = output_of(self.command("apt-cache").args(["pkgnames", prefix]))?;
        Ok(names.lines().map(String::from).collect())
    }

    /// Downloads a package into a folder and unpacks it to another. Gives what it depends on.
    pub(super) fn unpack(&self, package: &str, dir: &Path, to: &Path) -> Result<String> {
        output_of(self.command("apt-get").args(["-qq", "download", package]).current_dir(dir))?;
        let prefix = format!("{package}_");
        let deb = fs::read_dir(dir)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
            .with_context(|| format!("apt-get downloaded no {package}"))?;
        output_of(Command::new("dpkg-deb").arg("-x").args([&deb, to]))?;
        output_of(Command::new("dpkg-deb").arg("-f").arg(&deb).arg("Depends"))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        if let Some(config) = &self.config {
            command.env("APT_CONFIG", config);
        }
        command
    }
}

/// The mirror that this machine's own Debian packages come from.
fn mirror() -> Result<String> {
    let format = ["--format", "$(REPO_URI)", "Created-By: Packages"];
    let uris = output_of(Command::new("apt-get").arg("indextargets").args(format))?;
    uris.lines()
        .find_map(|uri| uri.trim_end_matches('/').strip_suffix("/debian"))
        .map(String::from)
        .context("this machine's apt has no Debian mirror to take a kernel from")
}
