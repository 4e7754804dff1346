//! A Debian kernel, downloaded once: its image, its configuration, its modules, and an initial RAM file
//! system with those that a root file system over 9p needs.

use std::cmp::Ordering;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};

use super::apt::Apt;
use super::tools::{command, output_of};
use super::{bzimage, guest};

/// Where kernels are that this machine's own sources lack.
const SUITES: [(&str, &str); 5] = [
    ("5.10", "bullseye-security"),
    ("6.1", "bookworm-security"),
    ("6.12", "trixie-security"),
    ("6.12", "trixie"),
    ("", "sid"),
];

/// An unpacked kernel package.
#[derive(Debug)]
pub(super) struct Kernel {
    /// The package's name.
    pub(super) name: String,
    dir: PathBuf,
}

impl Kernel {
    /// The kernel that the user means: a version or a package, with or without `@SUITE`.
    pub(super) fn find(wanted: &str) -> Result<Kernel> {
        let (wanted, suite) = match wanted.split_once('@') {
            Some((wanted, suite)) => (wanted, Some(suite)),
            None => (wanted, None),
        };
        let cache = cache_dir()?;
        // Others that want the same kernel wait until it is there.
        let lock = File::create(cache.join("lock"))?;
        flock(&lock, FlockOperation::LockExclusive)?;

        let in_cache = fs::read_dir(&cache)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        if let Some(name) = newest(in_cache, wanted) {
            let dir = cache.join(&name);
            return Ok(Kernel { name, dir });
        }
        let suites: Vec<Option<&str>> = match suite {
            Some(suite) => vec![Some(suite)],
            None => {
                let known = SUITES.iter().filter(|(version, _)| version.is_empty() || *version == wanted);
                [None].into_iter().chain(known.map(|(_, suite)| Some(*suite))).collect()
            }
        };
        for suite in suites {
            let apt = suite.map_or_else(|| Ok(Apt::own()), |suite| Apt::suite(suite, &cache))?;
            if let Some(name) = newest(apt.names("linux-image-")?.into_iter(), wanted) {
                eprintln!("vm: downloading {name}");
                let dir = cache.join(&name);
                download(&apt, &name, &cache, &dir).with_context(|| name.clone())?;
                return Ok(Kernel { name, dir });
            }
        }
        bail!("no kernel {wanted} to be found: give VERSION@SUITE, or run apt-get update")
    }

    /// What QEMU boots.
    pub(super) fn image(&self) -> PathBuf {
        self.dir.join("vmlinux")
    }

    /// The initial RAM file system, but for what the guest is to do.
    pub(super) fn initrd(&self) -> Result<Vec<u8>> {
        Ok(fs::read(self.dir.join("initrd"))?)
    }

    /// The folder with its modules.
    pub(super) fn modules(&self) -> PathBuf {
        self.dir.join("lib/modules")
    }

    /// The boot option that switches BPF LSM programs on where they are off by default (5.10).
    pub(super) fn lsm_option(&self) -> Result<String> {
        let config = fs::read_to_string(self.dir.join("config"))?;
        let lsm = config.lines().find_map(|line| line.strip_prefix("CONFIG_LSM=")).unwrap_or_default();
        let lsm = lsm.trim_matches('"');
        Ok(if lsm.split(',').any(|name| name == "bpf") { String::new() } else { format!("lsm={lsm},bpf") })
    }
}

fn cache_dir() -> Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?)
            .join(".cache"),
    };
    let dir = base.join("oxbpf/kernels");
    fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    Ok(dir)
}

/// The newest of the packages that are the kernel wanted, in its ordinary flavour.
fn newest(names: impl Iterator<Item = String>, wanted: &str) -> Option<String> {
    names.filter(|name| is_wanted(name, wanted)).max_by(|a, b| compare(a, b))
}

fn is_wanted(name: &str, wanted: &str) -> bool {
    if wanted.starts_with("linux-image-") {
        return name == wanted;
    }
    let version = name.strip_prefix("linux-image-").and_then(|rest| rest.strip_prefix(wanted));
    let Some(flavour) = version.and_then(|rest| rest.strip_suffix("-amd64")) else { return false };
    flavour.starts_with(['.', '+', '-']) && !flavour.ends_with("-cloud") && !flavour.ends_with("-rt")
}

/// By the numbers in the names.
fn compare(a: &str, b: &str) -> Ordering {
    let numbers = |name: &str| -> Vec<u64> {
        name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
    };
    numbers(a).cmp(&numbers(b))
}

/// Makes `dir` with `vmlinux`, `config`, `lib/modules` and `initrd`, all or nothing.
fn download(apt: &Apt, name: &str, cache: &Path, dir: &Path) -> Result<()> {
    let new = cache.join("new");
    let _ = fs::remove_dir_all(&new);
    let (debs, tree) = (new.join("debs"), new.join("tree"));
    fs::create_dir_all(&debs)?;
    fs::create_dir_all(&tree)?;

    let depends = apt.unpack(name, &debs, &tree)?;
    if !tree.join("boot").exists() {
        // Newer packages are empty, and depend on those that have the parts.
        for part in depends.split([',', ' ']).filter(|part| is_part(part)) {
            apt.unpack(part, &debs, &tree)?;
        }
    }
    let modules = tree.join("lib/modules");
    if !modules.exists() {
        fs::create_dir_all(tree.join("lib"))?;
        fs::rename(tree.join("usr/lib/modules"), &modules).context("the package has no modules")?;
    }
    let version = fs::read_dir(&modules)?.next().context("the package has no modules")??.file_name();
    let version = version.to_string_lossy();
    output_of(command("depmod").arg("-b").args([&tree, Path::new(version.as_ref())]))?;

    let boot = tree.join("boot");
    let of_modules = modules.join(version.as_ref());
    let config = first_existing([boot.join(format!("config-{version}")), of_modules.join("config")])?;
    fs::copy(config, tree.join("config"))?;
    let bzimage = first_existing([boot.join(format!("vmlinuz-{version}")), of_modules.join("vmlinuz")])?;
    let bzimage = fs::read(bzimage)?;
    let pvh = fs::read_to_string(tree.join("config"))?.contains("CONFIG_PVH=y");
    let image = bzimage::vmlinux(&bzimage).filter(|_| pvh).unwrap_or(bzimage);
    fs::write(tree.join("vmlinux"), image)?;
    fs::write(tree.join("initrd"), guest::initrd(&tree, &version)?)?;

    fs::rename(&tree, dir)?;
    fs::remove_dir_all(&new)?;
    Ok(())
}

fn is_part(package: &str) -> bool {
    ["linux-base-", "linux-binary-", "linux-modules-"].iter().any(|prefix| {
        package.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

fn first_existing(paths: [PathBuf; 2]) -> Result<PathBuf> {
    let names = format!("{} nor {}", paths[0].display(), paths[1].display());
    paths.into_iter().find(|path| path.exists()).with_context(|| format!("there is neither {names}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest_of(names: &[&str], wanted: &str) -> Option<String> {
        newest(names.iter().map(ToString::to_string), wanted)
    }

    #[test]
    fn the_newest_ordinary_flavour_is_taken() {
        let names = [
            "linux-image-6.1.0-9-amd64",
            "linux-image-6.1.0-56-amd64",
            "linux-image-6.1.0-57-cloud-amd64",
            "linux-image-6.1.0-57-rt-amd64",
            "linux-image-6.1.0-58-amd64-unsigned",
            "linux-image-6.1.0-58-amd64-dbg",
            "linux-image-6.12.111+deb12-amd64",
            "linux-image-6.12.117+deb12-amd64",
            "linux-image-6.12.9+bpo-amd64",
        ];
        assert_eq!(newest_of(&names, "6.1").as_deref(), Some("linux-image-6.1.0-56-amd64"));
        assert_eq!(newest_of(&names, "6.12").as_deref(), Some("linux-image-6.12.117+deb12-amd64"));
        assert_eq!(newest_of(&names, "linux-image-6.1.0-9-amd64").as_deref(), Some(names[0]));
        assert_eq!(newest_of(&names, "5.10"), None);
    }

    #[test]
    fn the_parts_of_a_package_are_known() {
        assert!(is_part("linux-modules-7.0.1-amd64"));
        assert!(!is_part("linux-base"));
        assert!(!is_part("linux-base-amd64"));
    }
}
