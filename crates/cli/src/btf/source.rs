//! Where types come from: files, and what is in the kernel.

use std::fs::File;
use std::io::BufReader;
use std::os::fd::AsFd;
use std::path::Path;

use oxbpf::obj::{BtfFile, CoreTarget};
use oxbpf::{Kernel, LoadedBtf, Map, Program};
use oxbpf_btf::{Btf, TypeId};

use crate::args::{BaseArg, MapTypes, ObjectRef};
use crate::error::Error;
use crate::output::hex;

/// Where the kernel shows its own types and its modules'.
const SYSFS: &str = "/sys/kernel/btf";

/// The types that others are said to continue.
pub(super) fn base(arg: &BaseArg) -> Result<Option<Btf>, Error> {
    arg.base_btf.as_deref().map(|path| file(path, None)).transpose()
}

/// The types in a file. Those of a module in sysfs are on the kernel's, unless another base is given.
pub(crate) fn file(path: &Path, base: Option<&Btf>) -> Result<Btf, Error> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let opened = File::open(path).map_err(read)?;
    if opened.metadata().map_err(read)?.is_dir() {
        return Err(read(std::io::ErrorKind::IsADirectory.into()));
    }
    let of_kernel = match base {
        None if is_module(path) => Some(Kernel::host().btf().map_err(oxbpf::Error::Kernel)?),
        _ => None,
    };
    let base = base.or(of_kernel.as_ref());
    let found = BtfFile::read(BufReader::new(opened), base);
    found.map(|found| found.btf).map_err(|source| Error::TypesOf {
        path: path.to_owned(),
        split: base.is_some(),
        source,
    })
}

/// Types and those that they continue, as CO-RE looks through them: a module's come after the kernel's.
pub(crate) fn targets<'a>(name: &'a str, btf: &'a Btf) -> Vec<CoreTarget<'a>> {
    let chain = std::iter::successors(Some(btf), |btf| btf.base());
    let mut targets: Vec<_> = chain.map(|btf| CoreTarget { name, btf }).collect();
    targets.reverse();
    targets
}

fn is_module(path: &Path) -> bool {
    path.parent().is_some_and(|dir| dir == Path::new(SYSFS))
        && path.file_name().is_some_and(|name| name != "vmlinux")
}

/// Types of the kernel's, and which of them were meant; all if none.
pub(super) struct Found {
    pub(super) btf: Btf,
    pub(super) roots: Vec<TypeId>,
}

/// BTF in the kernel. A module's is on the kernel's, unless another base is given.
pub(super) fn id(kernel: &Kernel, id: u32, base: Option<&Btf>) -> Result<Btf, Error> {
    let loaded = LoadedBtf::from_id(kernel, id)?;
    let Some(base) = base else { return Ok(loaded.btf()?) };
    let bytes = kernel.btf_data(loaded.as_fd()).map_err(oxbpf::Error::Kernel)?;
    Btf::parse_split(bytes, base).map_err(|source| Error::BtfOfId { id, source })
}

/// The types of a map's keys and values.
pub(super) fn map(
    kernel: &Kernel,
    which: &ObjectRef,
    types: MapTypes,
    base: Option<&Btf>,
) -> Result<Found, Error> {
    let map = match which {
        ObjectRef::Id(id) => Map::from_id(kernel, *id)?,
        ObjectRef::Pinned(path) => Map::from_pinned(kernel, path)?,
        ObjectRef::Name(name) | ObjectRef::Tag(name) => {
            let is = |map: &Map| map.info().map(|info| (info.name == *name).then_some(info.id));
            only("map", name, Map::iter_loaded(kernel), is)?
        }
    };
    let info = map.info()?;
    if info.btf_id == 0 {
        return Err(Error::NoTypes { what: format!("map {} ({})", info.id, info.name) });
    }
    let (key, value) = (TypeId(info.btf_key_type_id), TypeId(info.btf_value_type_id));
    let mut roots = match types {
        MapTypes::Key => vec![key],
        MapTypes::Value => vec![value],
        MapTypes::Both => vec![key, value],
        MapTypes::All => Vec::new(),
    };
    // The key of a map of global variables has no type.
    let all = roots.is_empty();
    roots.retain(|&root| root != TypeId::VOID);
    if roots.is_empty() && !all {
        return Err(Error::NoTypes { what: format!("the key of map {} ({})", info.id, info.name) });
    }
    Ok(Found { btf: id(kernel, info.btf_id, base)?, roots })
}

/// The types of a program.
pub(super) fn program(kernel: &Kernel, which: &ObjectRef, base: Option<&Btf>) -> Result<Found, Error> {
    let all = || Program::iter_loaded(kernel);
    let program = match which {
        ObjectRef::Id(id) => Program::from_id(kernel, *id)?,
        ObjectRef::Pinned(path) => Program::from_pinned(kernel, path)?,
        ObjectRef::Name(name) => {
            only("program", name, all(), |p| p.info().map(|info| (info.name == *name).then_some(info.id)))?
        }
        ObjectRef::Tag(tag) => {
            only("program", tag, all(), |p| p.info().map(|info| (hex(&info.tag) == *tag).then_some(info.id)))?
        }
    };
    let info = program.info()?;
    if info.btf_id == 0 {
        return Err(Error::NoTypes { what: format!("program {} ({})", info.id, info.name) });
    }
    Ok(Found { btf: id(kernel, info.btf_id, base)?, roots: Vec::new() })
}

/// The only one of `all` that is meant: for it, `id` gives its id.
fn only<T>(
    what: &'static str,
    name: &str,
    all: impl Iterator<Item = oxbpf::Result<T>>,
    id: impl Fn(&T) -> oxbpf::Result<Option<u32>>,
) -> Result<T, Error> {
    let (mut found, mut failed) = (Vec::new(), None);
    for one in all {
        match one.and_then(|one| Ok(id(&one)?.map(|id| (id, one)))) {
            Ok(meant) => found.extend(meant),
            // It cannot be looked at; it, or all, if they cannot be listed.
            Err(error) => failed = Some(error),
        }
    }
    let ids: Vec<String> = found.iter().map(|(id, _)| id.to_string()).collect();
    match (found.pop(), failed) {
        (Some((_, one)), _) if found.is_empty() => Ok(one),
        (Some(_), _) => Err(Error::Several { what, name: name.to_owned(), ids }),
        (None, Some(error)) => Err(error.into()),
        (None, None) => Err(Error::NotLoaded { what, name: name.to_owned() }),
    }
}
