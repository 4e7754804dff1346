//! The sources under `bpf/`, and all that an object depends on: a source, the headers it includes, and the
//! options it is compiled with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use super::compile::OPTIONS;

/// A line of a source that begins so gives further options for clang.
const OPTION_LINE: &str = "// clang: ";

/// A file `bpf/NAME.bpf.c`, from which `testdata/NAME.bpf.o` is made.
#[derive(Debug)]
pub(super) struct Source {
    /// The path below `bpf/` without `.bpf.c`, such as `tests/maps`.
    pub(super) name: String,
    /// Further options for clang.
    pub(super) options: Vec<String>,
    /// SHA-256 of the source, the headers and the options.
    pub(super) hash: String,
}

impl Source {
    /// All sources, sorted by name.
    pub(super) fn find_all(root: &Path) -> Result<Vec<Source>> {
        let mut names = Vec::new();
        find_names(&root.join("bpf"), ".bpf.c", "", &mut names)?;
        names.sort();
        names.into_iter().map(|name| Source::read(root, name)).collect()
    }

    fn read(root: &Path, name: String) -> Result<Source> {
        let path = format!("bpf/{name}.bpf.c");
        let text = read(root, Path::new(&path))?;
        let options: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix(OPTION_LINE))
            .flat_map(|options| options.split_whitespace().map(String::from))
            .collect();
        let mut files = BTreeSet::new();
        add_with_includes(root, Path::new(&path), &mut files)?;

        let mut hash = Sha256::new();
        for option in OPTIONS.iter().copied().chain(options.iter().map(String::as_str)) {
            hash.update(option.as_bytes());
            hash.update([0]);
        }
        for file in &files {
            let content = read(root, file)?;
            hash.update(format!("{}\0{}\0{content}", file.display(), content.len()));
        }
        Ok(Source { name, options, hash: hex(&hash.finalize()) })
    }

    /// Path of the source from the top of the repository.
    pub(super) fn path(&self) -> String {
        format!("bpf/{}.bpf.c", self.name)
    }

    /// Path of the object from the top of the repository.
    pub(super) fn object(&self) -> String {
        format!("testdata/{}.bpf.o", self.name)
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The paths below `dir` that end in `suffix`, without it.
pub(super) fn find_names(dir: &Path, suffix: &str, prefix: &str, names: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let entry = entry?;
        let file = entry.file_name();
        let Some(file) = file.to_str() else { bail!("{} is not UTF-8", entry.path().display()) };
        if entry.file_type()?.is_dir() {
            find_names(&entry.path(), suffix, &format!("{prefix}{file}/"), names)?;
        } else if let Some(name) = file.strip_suffix(suffix) {
            names.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

fn read(root: &Path, path: &Path) -> Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| path.display().to_string())
}

/// Adds a file and what it includes, whatever the preprocessor's conditions: more is harmless.
fn add_with_includes(root: &Path, path: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    if !files.insert(path.to_path_buf()) {
        return Ok(());
    }
    let beside = path.parent().unwrap_or(Path::new(""));
    for line in read(root, path)?.lines() {
        let Some(included) = line.trim_start().strip_prefix("#include ") else { continue };
        let included = included.trim();
        let target = if let Some(name) = included.strip_prefix('"').and_then(|s| s.strip_suffix('"')) {
            normalize(&beside.join(name))
        } else if let Some(name) = included.strip_prefix('<').and_then(|s| s.strip_suffix('>')) {
            Path::new("include").join(name)
        } else {
            bail!("{}: cannot tell what {included} is", path.display());
        };
        add_with_includes(root, &target, files).with_context(|| format!("included by {}", path.display()))?;
    }
    Ok(())
}

/// The path without `..`.
fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_in_an_include_are_resolved() {
        assert_eq!(normalize(Path::new("bpf/tests/../kernel.h")), Path::new("bpf/kernel.h"));
        assert_eq!(normalize(Path::new("bpf/./a.h")), Path::new("bpf/a.h"));
    }

    #[test]
    fn a_change_of_a_header_changes_the_hash() -> Result<()> {
        let dir = std::env::temp_dir().join(format!("oxbpf-xtask-sources-{}", std::process::id()));
        fs::create_dir_all(dir.join("bpf/sub"))?;
        fs::create_dir_all(dir.join("include/bpf"))?;
        fs::write(dir.join("include/bpf/deep.h"), "int deep;\n")?;
        fs::write(dir.join("bpf/kernel.h"), "#include <bpf/deep.h>\n")?;
        fs::write(dir.join("bpf/sub/a.bpf.c"), "// clang: -DX=1 -DY\n#include \"../kernel.h\"\n")?;
        fs::write(dir.join("bpf/other.bpf.c"), "int other;\n")?;
        let before = Source::find_all(&dir)?;
        fs::write(dir.join("include/bpf/deep.h"), "int deeper;\n")?;
        let after = Source::find_all(&dir)?;
        fs::remove_dir_all(&dir)?;

        let names: Vec<&str> = before.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["other", "sub/a"]);
        assert_eq!(before[1].options, ["-DX=1", "-DY"]);
        assert_eq!(before[0].hash, after[0].hash);
        assert_ne!(before[1].hash, after[1].hash);
        Ok(())
    }
}
