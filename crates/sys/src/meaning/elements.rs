//! The errnos of commands on elements, which mean other things of other kinds of maps.

use crate::Errno;
use crate::uapi::{Cmd, ElemFlags, MapType};

/// What the errno of a command on elements of a map means.
pub(crate) fn of_elements(cmd: Cmd, kind: MapType, flags: ElemFlags, errno: Errno) -> Option<&'static str> {
    let batch = matches!(
        cmd,
        Cmd::MAP_LOOKUP_BATCH
            | Cmd::MAP_LOOKUP_AND_DELETE_BATCH
            | Cmd::MAP_UPDATE_BATCH
            | Cmd::MAP_DELETE_BATCH
    );
    match errno {
        Errno::ENOTSUPP | Errno::EOPNOTSUPP if batch => {
            Some("maps of this kind have no batches, or not in this kernel")
        }
        Errno::ENOSPC if batch => Some("no room for all elements of one bucket: ask with larger buffers"),
        Errno::EINVAL if batch && !flags.is_empty() => {
            Some("batches take no flag but LOCK, for values with a spin lock")
        }
        Errno::EINVAL if flags.intersects(ElemFlags::CPU.union(ElemFlags::ALL_CPUS)) => {
            Some("values of one CPU are for per-CPU maps, since Linux 7.0")
        }
        _ => match cmd {
            Cmd::MAP_UPDATE_ELEM | Cmd::MAP_UPDATE_BATCH => update(kind, flags, errno),
            Cmd::MAP_DELETE_ELEM | Cmd::MAP_DELETE_BATCH => delete(kind, flags, errno),
            Cmd::MAP_GET_NEXT_KEY => next_key(errno),
            Cmd::MAP_LOOKUP_ELEM | Cmd::MAP_LOOKUP_BATCH => lookup(kind, flags, errno),
            _ => take(kind, flags, errno),
        },
    }
}

/// Whose elements are all there from the beginning.
fn is_array(kind: MapType) -> bool {
    matches!(kind, MapType::ARRAY | MapType::PERCPU_ARRAY)
}

const NOT_WRITABLE: &str = "the map is frozen, or the descriptor for reading only";

fn update(kind: MapType, flags: ElemFlags, errno: Errno) -> Option<&'static str> {
    let exist = flags.contains(ElemFlags::EXIST);
    Some(match errno {
        Errno::E2BIG if kind.is_indexed() => "the index is beyond the map's last",
        Errno::E2BIG => "the map is full",
        Errno::EEXIST if kind == MapType::STRUCT_OPS => "the kernel has a table of this name already",
        Errno::EEXIST if kind.holds_sockets() => {
            "there is a socket already, and NOEXIST asks that there is none"
        }
        Errno::EEXIST if kind.is_indexed() => "an array's elements are always there, NOEXIST adds none",
        Errno::EEXIST => "the key is there already, and NOEXIST asks that it is not",
        Errno::ENOENT if exist => "the key is not there, and EXIST asks that it is",
        Errno::EBUSY => "another update of the same part of the map is under way: try again",
        Errno::EPERM => NOT_WRITABLE,
        Errno::EBADF => "the value is no descriptor of what the map holds",
        Errno::ENOMEM => "no memory for another element right now",
        Errno::ENOTSUPP | Errno::EOPNOTSUPP => "elements of such a map are not set from user space",
        Errno::EINVAL if flags.contains(ElemFlags::LOCK) => "the map's values have no spin lock to hold",
        Errno::EINVAL => "a flag, key or value that a map of this kind does not take",
        _ => return None,
    })
}

fn lookup(kind: MapType, flags: ElemFlags, errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::ENOENT => match kind {
            MapType::QUEUE | MapType::STACK => "it is empty",
            MapType::BLOOM_FILTER => "the value was never added",
            k if is_array(k) => "the index is beyond the map's last",
            _ => "no such key",
        },
        Errno::EPERM => "the descriptor is for writing only",
        Errno::ENOTSUPP | Errno::EOPNOTSUPP => "elements of such a map are not read from user space",
        Errno::ENOSPC => "only a map with values of 8 bytes tells of its sockets",
        Errno::EINVAL if flags.contains(ElemFlags::LOCK) => "the map's values have no spin lock to hold",
        Errno::EINVAL => "a flag that a map of this kind does not take",
        _ => return None,
    })
}

/// Lookup and deletion in one.
fn take(kind: MapType, flags: ElemFlags, errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::EPERM => "the map is frozen, or the descriptor not for reading and writing",
        Errno::ENOTSUPP | Errno::EOPNOTSUPP => {
            "elements of such a map are not taken out, or not in this kernel (hash tables: Linux 5.14)"
        }
        _ => return lookup(kind, flags, errno),
    })
}

fn delete(kind: MapType, flags: ElemFlags, errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::ENOENT => "no such key",
        Errno::EPERM => NOT_WRITABLE,
        Errno::EINVAL if is_array(kind) => "an array's elements are always there, they cannot be deleted",
        Errno::EINVAL if matches!(kind, MapType::QUEUE | MapType::STACK) => {
            "elements of a queue or stack have no key: take them out"
        }
        Errno::EINVAL if !flags.is_empty() => "no kernel so far takes flags for this",
        Errno::ENOTSUPP | Errno::EOPNOTSUPP => "elements of such a map are not deleted",
        Errno::EBUSY => "another update of the same part of the map is under way: try again",
        _ => return None,
    })
}

fn next_key(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::EPERM => "the descriptor is for writing only",
        Errno::EINVAL | Errno::ENOTSUPP | Errno::EOPNOTSUPP => "maps of this kind have no keys to walk",
        _ => return None,
    })
}
