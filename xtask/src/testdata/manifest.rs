//! `testdata/MANIFEST`: from which source each object was made, and what the object is.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::sources::{Source, find_names, hex};

const PATH: &str = "testdata/MANIFEST";
const HEAD: &str = "\
# Made by `cargo xtask testdata`; `cargo xtask testdata --check` holds the files against it.
# SHA-256 of a source with its headers and options, SHA-256 of its object, name.
";

/// The two hashes of each object, by its name.
#[derive(Debug, Default)]
pub(super) struct Manifest(BTreeMap<String, Hashes>);

#[derive(Debug, PartialEq, Eq)]
struct Hashes {
    source: String,
    object: String,
}

/// What is wrong with an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Unrecorded(String),
    SourceChanged(String),
    ObjectChanged(String),
    ObjectMissing(String),
    NoSource(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unrecorded(n) => write!(f, "bpf/{n}.bpf.c: not compiled yet"),
            Fault::SourceChanged(n) => {
                write!(f, "bpf/{n}.bpf.c: it or a header changed, and testdata/{n}.bpf.o did not")
            }
            Fault::ObjectChanged(n) => write!(f, "testdata/{n}.bpf.o: is not what clang made"),
            Fault::ObjectMissing(n) => write!(f, "testdata/{n}.bpf.o: is missing"),
            Fault::NoSource(n) => write!(f, "testdata/{n}.bpf.o: there is no bpf/{n}.bpf.c"),
        }
    }
}

impl Manifest {
    /// The manifest on disk; an empty one if there is none.
    pub(super) fn read(root: &Path) -> Result<Manifest> {
        match fs::read_to_string(root.join(PATH)) {
            Ok(text) => Manifest::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Manifest::default()),
            Err(error) => Err(error).context(PATH),
        }
    }

    fn parse(text: &str) -> Result<Manifest> {
        let mut entries = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split_whitespace();
            let (Some(source), Some(object), Some(name), None) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                anyhow::bail!("{PATH}: not two hashes and a name: {line}");
            };
            entries.insert(name.into(), Hashes { source: source.into(), object: object.into() });
        }
        Ok(Manifest(entries))
    }

    pub(super) fn write(&self, root: &Path) -> Result<()> {
        let mut text = String::from(HEAD);
        for (name, hashes) in &self.0 {
            text.push_str(&format!("{} {} {name}\n", hashes.source, hashes.object));
        }
        fs::write(root.join(PATH), text).context(PATH)
    }

    /// Keeps the entries of these names only.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| keep(name));
    }

    /// Notes what a source's object now is.
    pub(super) fn record(&mut self, root: &Path, source: &Source) -> Result<()> {
        let object = hash_file(root, &source.object())?.context("clang made no object")?;
        self.0.insert(source.name.clone(), Hashes { source: source.hash.clone(), object });
        Ok(())
    }

    /// Holds sources and objects against the manifest.
    pub(super) fn faults(&self, root: &Path, sources: &[Source]) -> Result<Vec<Fault>> {
        let mut faults = Vec::new();
        for source in sources {
            let name = || source.name.clone();
            let object = hash_file(root, &source.object())?;
            match (self.0.get(&source.name), object) {
                (None, _) => faults.push(Fault::Unrecorded(name())),
                (Some(hashes), _) if hashes.source != source.hash => {
                    faults.push(Fault::SourceChanged(name()));
                }
                (Some(_), None) => faults.push(Fault::ObjectMissing(name())),
                (Some(hashes), Some(object)) if hashes.object != object => {
                    faults.push(Fault::ObjectChanged(name()));
                }
                _ => {}
            }
        }
        let mut objects = Vec::new();
        find_names(&root.join("testdata"), ".bpf.o", "", &mut objects)?;
        objects.sort();
        objects.retain(|object| !sources.iter().any(|source| source.name == *object));
        faults.extend(objects.into_iter().map(Fault::NoSource));
        Ok(faults)
    }
}

fn hash_file(root: &Path, path: &str) -> Result<Option<String>> {
    match fs::read(root.join(path)) {
        Ok(bytes) => Ok(Some(hex(&Sha256::digest(bytes)))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(path.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with one source and an object that clang might have made of it.
    fn repository(name: &str) -> Result<std::path::PathBuf> {
        let dir = std::env::temp_dir().join(format!("oxbpf-xtask-{name}-{}", std::process::id()));
        fs::create_dir_all(dir.join("bpf"))?;
        fs::create_dir_all(dir.join("testdata"))?;
        fs::write(dir.join("bpf/a.bpf.c"), "int a;\n")?;
        fs::write(dir.join("testdata/a.bpf.o"), "object")?;
        let mut manifest = Manifest::default();
        for source in Source::find_all(&dir)? {
            manifest.record(&dir, &source)?;
        }
        manifest.write(&dir)?;
        Ok(dir)
    }

    fn faults(dir: &Path) -> Result<Vec<Fault>> {
        Manifest::read(dir)?.faults(dir, &Source::find_all(dir)?)
    }

    #[test]
    fn each_fault_is_found() -> Result<()> {
        let dir = repository("faults")?;
        assert_eq!(faults(&dir)?, []);
        fs::write(dir.join("testdata/a.bpf.o"), "by hand")?;
        assert_eq!(faults(&dir)?, [Fault::ObjectChanged("a".into())]);
        fs::remove_file(dir.join("testdata/a.bpf.o"))?;
        assert_eq!(faults(&dir)?, [Fault::ObjectMissing("a".into())]);
        fs::write(dir.join("bpf/a.bpf.c"), "int b;\n")?;
        assert_eq!(faults(&dir)?, [Fault::SourceChanged("a".into())]);
        fs::write(dir.join("bpf/new.bpf.c"), "")?;
        fs::write(dir.join("testdata/stray.bpf.o"), "")?;
        assert_eq!(
            faults(&dir)?,
            [
                Fault::SourceChanged("a".into()),
                Fault::Unrecorded("new".into()),
                Fault::NoSource("stray".into())
            ]
        );
        fs::remove_dir_all(&dir)?;
        Ok(())
    }

    #[test]
    fn a_broken_manifest_is_an_error() {
        assert!(Manifest::parse("one two\n").is_err());
        assert!(Manifest::parse("one two three four\n").is_err());
    }
}
