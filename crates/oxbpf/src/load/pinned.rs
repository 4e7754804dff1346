//! Maps that are shared: pinned in bpffs, or handed in.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use oxbpf_obj::{MapFlags, MapSpec, MapType, ObjectSpec, Pinning};
use oxbpf_sys::{Errno, Kernel, MapFd, uapi::OpenFlags};

use crate::error::{Error, Result};
use crate::map::{Map, pin};

/// Where `map` is pinned, if it is.
pub(super) fn path(spec: &ObjectSpec, map: &MapSpec, root: &Path) -> Option<PathBuf> {
    if let Some(path) = &map.pin_path {
        return Some(path.clone());
    }
    match map.pinning {
        Pinning::None => None,
        Pinning::ByName => Some(pin::place(root, &map.name)),
        Pinning::Object => Some(pin::place(&pin::place(&root.join("tc"), &spec.name), &map.name)),
        Pinning::Global => Some(pin::place(&root.join("tc").join("globals"), &map.name)),
    }
}

/// The map pinned at `path`, if there is one: it must be like `map`.
pub(super) fn open(kernel: &Kernel, map: &MapSpec, max_entries: u32, path: &Path) -> Result<Option<MapFd>> {
    let failed = |source| pin::failed(&format!("map {}", map.name), path, &source);
    let fd = match kernel.obj_get(path, OpenFlags::empty()) {
        Ok(fd) => fd,
        Err(error) if error.errno == Errno::ENOENT => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let info = kernel.map_info(fd.as_fd()).map_err(failed)?;
    let mut flags = info.flags;
    if matches!(map.map_type, MapType::DEVMAP | MapType::DEVMAP_HASH) {
        // The kernel sets it by itself.
        flags.remove(MapFlags::RDONLY_PROG);
    }
    let numa = if map.numa_node.is_some() { MapFlags::NUMA_NODE } else { MapFlags::empty() };
    let fields = [
        ("type", map.map_type.to_string(), info.map_type.to_string()),
        ("key size", map.key_size.to_string(), info.key_size.to_string()),
        ("value size", map.value_size.to_string(), info.value_size.to_string()),
        ("number of entries", max_entries.to_string(), info.max_entries.to_string()),
        ("set of flags", flags_text(map.flags | numa), flags_text(flags)),
        ("extra parameter", map.map_extra.to_string(), info.map_extra.to_string()),
    ];
    alike(map, &path.display().to_string(), fields)?;
    kernel.map_from_fd(fd).map(Some).map_err(failed)
}

/// A map that the caller hands in need only hold the same elements; its capacity and flags are its maker's choice.
pub(super) fn check_given(map: &MapSpec, given: &Map) -> Result<()> {
    let fields = [
        ("type", map.map_type.to_string(), given.map_type().to_string()),
        ("key size", map.key_size.to_string(), given.key_size().to_string()),
        ("value size", map.value_size.to_string(), given.value_size().to_string()),
    ];
    alike(map, "the map given", fields)
}

fn flags_text(flags: MapFlags) -> String {
    format!("{:#x}", flags.bits())
}

fn alike<const N: usize>(map: &MapSpec, at: &str, fields: [(&'static str, String, String); N]) -> Result<()> {
    match fields.into_iter().find(|(_, expected, found)| expected != found) {
        None => Ok(()),
        Some((field, expected, found)) => {
            Err(Error::Reuse { map: map.name.clone(), at: at.to_owned(), field, expected, found })
        }
    }
}
