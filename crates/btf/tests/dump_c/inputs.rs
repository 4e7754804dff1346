//! What is written as C.

use std::{
    fs,
    path::{Path, PathBuf},
};

use object::{Object, ObjectSection};
use oxbpf_btf::Btf;

use crate::{Inputs, compilers::Missing};

const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// The running kernel's types.
pub(crate) fn kernel() -> Inputs {
    let raw = fs::read(VMLINUX).map_err(|e| Missing(format!("{VMLINUX}: {e}")))?;
    Ok(vec![("vmlinux".to_owned(), Btf::parse(raw).unwrap())])
}

/// The types of the objects that are committed.
pub(crate) fn objects() -> Inputs {
    let mut paths = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata"), &mut paths);
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let file = fs::read(&path).unwrap();
        let elf = object::File::parse(&*file).unwrap();
        let Some(section) = elf.section_by_name(".BTF") else { continue };
        found.push((path.display().to_string(), Btf::parse(section.data().unwrap()).unwrap()));
    }
    assert!(found.len() >= 20, "{found:?}");
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "o") {
            found.push(path);
        }
    }
}
