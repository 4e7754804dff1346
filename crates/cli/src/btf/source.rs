//! Where types come from: files, and what is in the kernel.

use std::fs::File;
use std::io::BufReader;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use oxbpf::Kernel;
use oxbpf::obj::BtfFile;
use oxbpf::sys::{ObjectKind, OpenFlags};
use oxbpf_btf::{Btf, TypeId};

use crate::args::{BaseArg, MapTypes, ObjectRef};
use crate::error::Error;

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
        None if is_module(path) => Some(Kernel::host().btf().map_err(Error::Kernel)?),
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
    let fd = kernel.fd_by_id(ObjectKind::Btf, id, OpenFlags::empty()).map_err(Error::Kernel)?;
    let info = kernel.btf_info(fd.as_fd()).map_err(Error::Kernel)?;
    let bytes = kernel.btf_data(fd.as_fd()).map_err(Error::Kernel)?;
    let of_kernel = match base {
        None if info.kernel_btf && info.name != "vmlinux" => Some(kernel.btf().map_err(Error::Kernel)?),
        _ => None,
    };
    let parsed = match base.or(of_kernel.as_ref()) {
        Some(base) => Btf::parse_split(bytes, base),
        None => Btf::parse(bytes),
    };
    parsed.map_err(|source| Error::BtfOfId { id, source })
}

/// The types of a map's keys and values.
pub(super) fn map(
    kernel: &Kernel,
    which: &ObjectRef,
    types: MapTypes,
    base: Option<&Btf>,
) -> Result<Found, Error> {
    let fd = open(kernel, ObjectKind::Map, which)?;
    let info = kernel.map_info(fd.as_fd()).map_err(Error::Kernel)?;
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
    // Maps of global variables have keys without a type.
    let any = roots.is_empty();
    roots.retain(|&root| root != TypeId::VOID);
    if roots.is_empty() && !any {
        return Err(Error::NoTypes { what: format!("the key of map {} ({})", info.id, info.name) });
    }
    Ok(Found { btf: id(kernel, info.btf_id, base)?, roots })
}

/// The types of a program.
pub(super) fn program(kernel: &Kernel, which: &ObjectRef, base: Option<&Btf>) -> Result<Found, Error> {
    let fd = open(kernel, ObjectKind::Prog, which)?;
    let info = kernel.prog_info(fd.as_fd()).map_err(Error::Kernel)?;
    if info.btf_id == 0 {
        return Err(Error::NoTypes { what: format!("program {} ({})", info.id, info.name) });
    }
    Ok(Found { btf: id(kernel, info.btf_id, base)?, roots: Vec::new() })
}

fn open(kernel: &Kernel, kind: ObjectKind, which: &ObjectRef) -> Result<OwnedFd, Error> {
    let is = |fd: &OwnedFd| -> Result<bool, oxbpf::sys::SysError> {
        Ok(match (which, kind) {
            (ObjectRef::Name(name), ObjectKind::Map) => kernel.map_info(fd.as_fd())?.name == *name,
            (ObjectRef::Name(name), _) => kernel.prog_info(fd.as_fd())?.name == *name,
            (ObjectRef::Tag(tag), _) => {
                let bytes = kernel.prog_info(fd.as_fd())?.tag;
                bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == *tag
            }
            _ => false,
        })
    };
    match which {
        ObjectRef::Id(id) => kernel.fd_by_id(kind, *id, OpenFlags::empty()).map_err(Error::Kernel),
        ObjectRef::Pinned(path) => kernel.obj_get(path, OpenFlags::empty()).map_err(Error::Kernel),
        ObjectRef::Name(text) | ObjectRef::Tag(text) => {
            let mut found = Vec::new();
            let mut at = 0;
            while let Some(next) = kernel.next_id(kind, at).map_err(Error::Kernel)? {
                at = next;
                // One that has gone meanwhile is none of them.
                let Ok(fd) = kernel.fd_by_id(kind, next, OpenFlags::empty()) else { continue };
                if is(&fd).map_err(Error::Kernel)? {
                    found.push((next, fd));
                }
            }
            let what = if kind == ObjectKind::Map { "map" } else { "program" };
            let ids: Vec<String> = found.iter().map(|(id, _)| id.to_string()).collect();
            match (found.pop(), found.is_empty()) {
                (Some((_, fd)), true) => Ok(fd),
                (None, _) => Err(Error::NotLoaded { what, name: text.clone() }),
                (Some(_), false) => Err(Error::Several { what, name: text.clone(), ids }),
            }
        }
    }
}
