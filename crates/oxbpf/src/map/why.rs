//! What the kernel's refusals mean for the map at hand.

use oxbpf_obj::{MapFlags, MapType};
use oxbpf_sys::{Cmd, Errno, SysError};

use super::Map;

impl Map {
    /// The error, with why the kernel refused in the words of whoever uses the map, where that is known.
    #[cold]
    pub(crate) fn explained(&self, error: SysError) -> SysError {
        match self.why(&error) {
            // This library refused it itself, and says why.
            _ if error.reason().is_some() => error,
            Some(why) => error.because(why),
            None => error,
        }
    }

    fn why(&self, error: &SysError) -> Option<String> {
        let entries = self.max_entries();
        let kind = self.map_type();
        let is = |cmds: &[Cmd]| cmds.iter().any(|cmd| cmd.name() == error.op);
        let updates = is(&[Cmd::MAP_UPDATE_ELEM, Cmd::MAP_UPDATE_BATCH]);
        let takes = is(&[Cmd::MAP_LOOKUP_AND_DELETE_ELEM, Cmd::MAP_LOOKUP_AND_DELETE_BATCH]);
        let deletes = is(&[Cmd::MAP_DELETE_ELEM, Cmd::MAP_DELETE_BATCH]);
        let batches = is(&[
            Cmd::MAP_LOOKUP_BATCH,
            Cmd::MAP_LOOKUP_AND_DELETE_BATCH,
            Cmd::MAP_UPDATE_BATCH,
            Cmd::MAP_DELETE_BATCH,
        ]);
        let mmaps = error.op == "mmap";
        Some(match error.errno {
            Errno::E2BIG if updates && kind.is_indexed() => {
                format!("the index is beyond its end, it has {entries} elements")
            }
            Errno::E2BIG | Errno::ENOSPC if updates => format!("it is full, max_entries is {entries}"),
            Errno::ENOSPC if is(&[Cmd::MAP_LOOKUP_ELEM]) => {
                "its values have 4 bytes, no room for the cookies of sockets: make it with 8".to_owned()
            }
            Errno::ENOSPC if batches => "a bucket has more elements than the buffers hold".to_owned(),
            Errno::EEXIST if updates && kind == MapType::STRUCT_OPS => {
                "the kernel has a table of this name already".to_owned()
            }
            Errno::EEXIST if updates && kind.holds_sockets() => "there is a socket already".to_owned(),
            Errno::EEXIST if updates && kind.is_indexed() => "all its elements exist".to_owned(),
            Errno::EEXIST if updates => "the key is there already".to_owned(),
            Errno::ENOENT if updates || deletes => "no such key".to_owned(),
            Errno::EPERM if updates || deletes || takes => {
                if self.flags().contains(MapFlags::RDONLY) {
                    "user space may only read it".to_owned()
                } else {
                    "it is frozen, or opened for reading only".to_owned()
                }
            }
            Errno::EPERM if is(&[Cmd::MAP_LOOKUP_ELEM, Cmd::MAP_GET_NEXT_KEY, Cmd::MAP_LOOKUP_BATCH]) => {
                "user space may only write it".to_owned()
            }
            Errno::EPERM if mmaps => "it is frozen, or not open for that".to_owned(),
            Errno::EPERM if is(&[Cmd::MAP_FREEZE]) => {
                "it is frozen already, or opened for reading only".to_owned()
            }
            Errno::EBUSY if is(&[Cmd::MAP_FREEZE]) => {
                "it is frozen already, being written, or mapped for writing: drop such mappings first"
                    .to_owned()
            }
            Errno::EBUSY if kind == MapType::REUSEPORT_SOCKARRAY => {
                "the socket is in such a map already".to_owned()
            }
            Errno::EBUSY if kind == MapType::STRUCT_OPS => "it has a value already".to_owned(),
            Errno::EBUSY if updates || deletes => "another access is at work on it; try again".to_owned(),
            Errno::EINVAL if deletes && is_fixed(kind) => "elements of an array cannot be deleted".to_owned(),
            Errno::ERANGE if updates || is(&[Cmd::MAP_LOOKUP_ELEM]) => "no such possible CPU".to_owned(),
            Errno::ENOTSUPP | Errno::EOPNOTSUPP | Errno::ENODEV if mmaps => UNMAPPABLE.to_owned(),
            Errno::EINVAL
                if mmaps && kind == MapType::ARRAY && !self.flags().contains(MapFlags::MMAPABLE) =>
            {
                UNMAPPABLE.to_owned()
            }
            Errno::EINVAL if mmaps => "this part of it cannot be mapped".to_owned(),
            Errno::EOPNOTSUPP if updates && kind.holds_sockets() => {
                "it takes no sockets of this kind or in this state".to_owned()
            }
            Errno::ENOTSUPP | Errno::EOPNOTSUPP => {
                let what = if batches {
                    "be accessed in batches so"
                } else if takes {
                    "be looked up and deleted at once"
                } else if updates {
                    "be written from user space"
                } else if deletes {
                    "be deleted from user space"
                } else if is(&[Cmd::MAP_GET_NEXT_KEY]) {
                    "be walked"
                } else {
                    "be read from user space"
                };
                format!("elements of maps of type {kind} cannot {what} on this kernel")
            }
            _ => return None,
        })
    }
}

const UNMAPPABLE: &str = "it cannot be mapped into memory: it was made without BPF_F_MMAPABLE";

/// Maps whose elements are there for good.
fn is_fixed(kind: MapType) -> bool {
    matches!(kind, MapType::ARRAY | MapType::PERCPU_ARRAY | MapType::INSN_ARRAY)
}
