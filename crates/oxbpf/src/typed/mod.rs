//! Maps with keys and values of Rust types.
//!
//! A typed map is a view of a [`Map`] that has checked, when it was made, that the map is of its kind and that keys
//! and values have the sizes of `K` and `V`. The kernel reads and writes the Rust values themselves.
//!
//! `K` and `V` must be types whose every byte pattern is valid and which have no hidden padding ([`Plain`]): the
//! whole numbers, arrays of them, and structs that derive it with zerocopy. Padding that C has in a struct becomes a field.
//!
//! ```no_run
//! use zerocopy::{FromBytes, Immutable, IntoBytes};
//!
//! #[derive(FromBytes, IntoBytes, Immutable, Clone, Copy)]
//! #[repr(C)]
//! struct Traffic { packets: u64, bytes: u64 }
//!
//! # fn example(object: oxbpf::Object) -> Result<(), oxbpf::Error> {
//! let sent = oxbpf::HashMap::<u32, Traffic>::new(object.map("sent")?)?;
//! for entry in sent.iter() {
//!     let (pid, traffic) = entry?;
//!     println!("{pid}: {} packets, {} bytes", traffic.packets, traffic.bytes);
//! }
//! # Ok(())
//! # }
//! ```

mod arena;
mod array;
mod bloom_filter;
mod cgroup_array;
mod cpumap;
mod descriptors;
mod devmap;
mod hash;
mod hash_batch;
mod insn_array;
mod lpm_trie;
mod map_of_maps;
mod mapped_array;
mod object_array;
mod per_cpu;
mod per_cpu_array;
mod per_cpu_hash;
mod perf_event_array;
mod queue;
mod redirect;
mod sockmap;
mod stack_trace;
mod storage;
mod struct_ops;
mod table;
mod xskmap;

use std::fmt;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{Error, Map};

pub use arena::Arena;
pub use array::{Array, ArrayIter};
pub use bloom_filter::BloomFilter;
pub use cgroup_array::CgroupArray;
pub use cpumap::{CpuMap, CpuMapValue};
pub use devmap::{DevMap, DevMapHash, DevMapValue};
pub use hash::{HashIter, HashMap, LruHashMap, ResizableHashMap};
pub use insn_array::{InsnArray, InsnOffsets};
pub use lpm_trie::{LpmKey, LpmTrie};
pub use map_of_maps::HashOfMaps;
pub use mapped_array::MappedArray;
pub use object_array::{ArrayOfMaps, Held, ObjectArray, ProgramArray};
pub use per_cpu_array::{PerCpuArray, PerCpuArrayIter};
pub use per_cpu_hash::{LruPerCpuHashMap, PerCpuHashIter, PerCpuHashMap};
pub use perf_event_array::PerfEventArray;
pub use queue::{Fifo, Lifo, Order, Queue, Stack};
pub use sockmap::{Chosen, Redirected, ReuseportSockArray, SockArray, SockHash, SockMap, Use};
pub use stack_trace::{BuildIdFrame, StackTrace, StackTraceMap};
pub use storage::{
    AttachedCgroupKey, CgroupStorage, CgrpStorage, InodeStorage, OfCgroup, OfInode, OfSocket, OfTask, Owner,
    PerCpuCgroupStorage, SkStorage, Storage, TaskStorage,
};
pub use struct_ops::{StructOps, StructOpsState};
pub use table::{Evict, Keep, OfCgroups, PerCpuTable, Prefixes, Resizable, Table};
pub use xskmap::XskMap;

/// Types that are nothing but their bytes: any bytes are a value, and every byte of a value belongs to it.
///
/// This is a name for zerocopy's three traits together; whatever has them has this.
pub trait Plain: FromBytes + IntoBytes + Immutable {}

impl<T: FromBytes + IntoBytes + Immutable> Plain for T {}

/// A kind of map, and what an error calls it.
pub(crate) type Kind = (MapType, &'static str);

/// Checks the map's type and the sizes of `K` and `V` against the map's.
fn check<K, V>(map: &Map, kind: Kind) -> Result<(), Error> {
    check_key::<K>(map, kind)?;
    map.check("value", map.value_size() as usize, size_of::<V>())
}

/// Checks the map's type and the size of `K` against the map's, where values are descriptors.
fn check_key<K>(map: &Map, kind: Kind) -> Result<(), Error> {
    check_kind(map, kind)?;
    map.check("key", map.key_size() as usize, size_of::<K>())
}

fn check_kind(map: &Map, (wanted, what): Kind) -> Result<(), Error> {
    if map.map_type() == wanted {
        return Ok(());
    }
    Err(Error::MapKind { map: map.name().to_owned(), expected: what, found: map.map_type() })
}

/// The value of a key, if it has one.
#[inline]
fn get<V: Plain>(map: &Map, key: &[u8], flags: ElemFlags) -> Result<Option<V>, Error> {
    let mut value = V::new_zeroed();
    Ok(map.lookup_into(key, value.as_mut_bytes(), flags)?.then_some(value))
}

/// The value of a key, if it has one, which is then gone.
fn take<V: Plain>(map: &Map, key: &[u8], flags: ElemFlags) -> Result<Option<V>, Error> {
    let mut value = V::new_zeroed();
    Ok(map.lookup_and_delete_flags(key, value.as_mut_bytes(), flags)?.then_some(value))
}

/// A value from its bytes, which the caller has cut to size.
fn read<T: Plain>(bytes: &[u8]) -> T {
    T::read_from_bytes(bytes).unwrap_or_else(|_| T::new_zeroed())
}

/// `HashMap<"sent">` and the like, for `Debug`.
fn debug(f: &mut fmt::Formatter<'_>, what: &str, map: &Map) -> fmt::Result {
    f.debug_tuple(what).field(&map.name()).finish()
}

#[cfg(test)]
mod tests;
