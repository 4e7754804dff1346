//! What an errno means of a call, where it means more than its name says.

mod elements;
mod programs;

pub(crate) use elements::of_elements;

use crate::Errno;

/// What the errno of a call means, whatever it was about. Elements of maps have meanings of their own, which
/// depend on the kind of map.
pub(crate) fn meaning(op: &str, errno: Errno) -> Option<&'static str> {
    Some(match (op, errno) {
        ("BPF_MAP_CREATE", Errno::E2BIG) => {
            "larger than maps of this kind can be, or with a field that this kernel does not know"
        }
        ("BPF_MAP_CREATE", Errno::EINVAL) => {
            "this kernel makes no map of this kind, these sizes and these flags"
        }
        ("BPF_MAP_CREATE", Errno::EBADF) => "one of the descriptors (inner map, BTF, token) is none",
        ("BPF_MAP_CREATE", Errno::ENOMEM) => "no memory for so large a map",
        ("BPF_MAP_FREEZE", Errno::EBUSY) => "it is mapped for writing, being written to, or frozen already",
        ("BPF_MAP_FREEZE", Errno::EPERM) => "the descriptor is for reading only, or the map frozen already",
        ("BPF_MAP_FREEZE", Errno::EINVAL) => "no descriptor of a map, or a kernel before Linux 5.2",
        ("BPF_MAP_FREEZE", Errno::ENOTSUPP) => "maps of this kind cannot be frozen",
        ("BPF_OBJ_PIN", Errno::EEXIST) => "the path is taken",
        ("BPF_OBJ_PIN", Errno::ENOENT) => "its directory does not exist",
        ("BPF_OBJ_PIN", Errno::EPERM) => {
            "the directory is not in a BPF file system, or the name has a dot in it"
        }
        ("BPF_OBJ_PIN", Errno::EINVAL) => "only maps, programs and links can be pinned",
        ("BPF_OBJ_GET", Errno::ENOENT) => "nothing is pinned there",
        ("BPF_OBJ_GET", Errno::EACCES) => "no BPF object, or one that may not be opened so",
        ("BPF_OBJ_GET", Errno::EINVAL) => "flags that this object is not opened with",
        (
            "BPF_PROG_GET_FD_BY_ID"
            | "BPF_MAP_GET_FD_BY_ID"
            | "BPF_BTF_GET_FD_BY_ID"
            | "BPF_LINK_GET_FD_BY_ID",
            errno,
        ) => return by_id(errno),
        (
            "BPF_PROG_GET_NEXT_ID" | "BPF_MAP_GET_NEXT_ID" | "BPF_BTF_GET_NEXT_ID" | "BPF_LINK_GET_NEXT_ID",
            Errno::EPERM,
        ) => "walking the ids needs CAP_SYS_ADMIN",
        (
            "BPF_PROG_GET_NEXT_ID" | "BPF_MAP_GET_NEXT_ID" | "BPF_BTF_GET_NEXT_ID" | "BPF_LINK_GET_NEXT_ID",
            Errno::EINVAL,
        ) => "an id beyond all, or a kernel without this command",
        ("BPF_BTF_LOAD", Errno::E2BIG) => {
            "BTF of more than 16 MiB, or a field that this kernel does not know"
        }
        ("BPF_BTF_LOAD", Errno::EINVAL) => {
            "no valid BTF, or with a kind of type that this kernel does not know; its log says which"
        }
        ("BPF_BTF_LOAD", Errno::ENOSPC) => "its log did not fit: ask with more room, or for none",
        ("BPF_ENABLE_STATS", Errno::EPERM) => "statistics need CAP_SYS_ADMIN",
        ("BPF_ENABLE_STATS", Errno::EINVAL) => "this kernel has no statistics of this type",
        ("BPF_TOKEN_CREATE", errno) => return token(errno),
        ("prlimit(RLIMIT_MEMLOCK)", Errno::EPERM) => "raising the hard limit needs CAP_SYS_RESOURCE",
        _ => return programs::of_programs(op, errno),
    })
}

fn by_id(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::ENOENT => "there is none with this id, or not any more",
        Errno::EPERM => "opening by id needs CAP_SYS_ADMIN, or a token for BTF",
        Errno::EAGAIN => "it is being made just now: try again",
        Errno::EINVAL => "flags that this kernel does not open it with",
        _ => return None,
    })
}

fn token(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::ENOENT => "the BPF file system delegates nothing: it was mounted without delegate_* options",
        Errno::EPERM => "not in the user namespace of the BPF file system, or without CAP_BPF there",
        Errno::EINVAL => "not the root of a BPF file system, or a kernel before Linux 6.9",
        Errno::EOPNOTSUPP => "in the first user namespace, where nobody needs a token",
        Errno::EACCES => "may not look into the BPF file system",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uapi::{Cmd, ElemFlags, MapType};

    /// Every meaning of every errno of every command, of elements of all kinds of maps among them.
    fn all() -> Vec<(String, &'static str)> {
        let mut all = Vec::new();
        for errno in (1..134).chain([524]).map(Errno) {
            for cmd in Cmd::ALL {
                all.extend(meaning(cmd.name(), errno).map(|text| (format!("{cmd} {errno:?}"), text)));
                for kind in (0..40).map(MapType) {
                    for flags in [ElemFlags::empty(), ElemFlags::EXIST, ElemFlags::LOCK, ElemFlags::CPU] {
                        let text = of_elements(*cmd, kind, flags, errno);
                        all.extend(text.map(|text| (format!("{cmd} {kind} {errno:?}"), text)));
                    }
                }
            }
        }
        all
    }

    #[test]
    fn they_go_on_after_a_colon_and_fit_on_a_line() {
        let all = all();
        assert!(all.len() > 1000);
        for (of, text) in all {
            let first = text.split(' ').next().unwrap_or_default();
            let capital = first.chars().next().is_some_and(char::is_uppercase);
            let shouted = first.chars().all(|c| c.is_uppercase() || !c.is_alphabetic());
            assert!(!capital || shouted || first == "BTF", "{of}: {text}");
            assert!(!text.ends_with('.') && text.len() <= 130, "{of}: {text}");
        }
    }

    #[test]
    fn what_is_called_by_name_is_a_call() {
        // Those that the table names, in one of their errnos.
        for (op, errno) in [
            ("BPF_MAP_CREATE", Errno::E2BIG),
            ("BPF_MAP_FREEZE", Errno::EBUSY),
            ("BPF_OBJ_PIN", Errno::EEXIST),
            ("BPF_OBJ_GET", Errno::ENOENT),
            ("BPF_LINK_GET_FD_BY_ID", Errno::EAGAIN),
            ("BPF_BTF_GET_NEXT_ID", Errno::EPERM),
            ("BPF_BTF_LOAD", Errno::ENOSPC),
            ("BPF_ENABLE_STATS", Errno::EINVAL),
            ("BPF_TOKEN_CREATE", Errno::ENOENT),
        ] {
            assert!(Cmd::ALL.iter().any(|cmd| cmd.name() == op), "{op}");
            assert!(meaning(op, errno).is_some(), "{op} {errno:?}");
        }
    }
}
