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

mod array;
mod hash;
mod per_cpu;
mod per_cpu_array;
mod per_cpu_hash;

use std::fmt;

use oxbpf_obj::MapType;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{Error, Map};

pub use array::{Array, ArrayIter};
pub use hash::{HashIter, HashMap, LruHashMap};
pub use per_cpu_array::{PerCpuArray, PerCpuArrayIter};
pub use per_cpu_hash::{LruPerCpuHashMap, PerCpuHashIter, PerCpuHashMap};

/// Types that are nothing but their bytes: any bytes are a value, and every byte of a value belongs to it.
///
/// This is a name for zerocopy's three traits together; whatever has them has this.
pub trait Plain: FromBytes + IntoBytes + Immutable {}

impl<T: FromBytes + IntoBytes + Immutable> Plain for T {}

/// Whether a hash map throws out the entries that were not used for longest when it is full. A type-level choice:
/// see [`Keep`] and [`Evict`].
pub trait Eviction: sealed::Sealed + 'static {
    #[doc(hidden)]
    const HASH: (MapType, &'static str);
    #[doc(hidden)]
    const PER_CPU_HASH: (MapType, &'static str);
}

/// A full map refuses new entries (`E2BIG`).
#[derive(Debug, Clone, Copy)]
pub enum Keep {}

/// A full map throws out the entries that were not used for longest.
#[derive(Debug, Clone, Copy)]
pub enum Evict {}

impl Eviction for Keep {
    const HASH: (MapType, &'static str) = (MapType::HASH, "a hash map");
    const PER_CPU_HASH: (MapType, &'static str) = (MapType::PERCPU_HASH, "a per-CPU hash map");
}

impl Eviction for Evict {
    const HASH: (MapType, &'static str) = (MapType::LRU_HASH, "an LRU hash map");
    const PER_CPU_HASH: (MapType, &'static str) = (MapType::LRU_PERCPU_HASH, "an LRU per-CPU hash map");
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Keep {}
    impl Sealed for super::Evict {}
}

/// Checks the map's type and the sizes of `K` and `V` against the map's.
fn check<K, V>(map: &Map, (wanted, what): (MapType, &'static str)) -> Result<(), Error> {
    if map.map_type() != wanted {
        return Err(Error::MapKind { map: map.name().to_owned(), expected: what, found: map.map_type() });
    }
    for (what, in_map, in_rust) in
        [("key", map.key_size(), size_of::<K>()), ("value", map.value_size(), size_of::<V>())]
    {
        let expected = in_map as usize;
        if expected != in_rust {
            return Err(Error::Size { map: map.name().to_owned(), what, expected, got: in_rust });
        }
    }
    Ok(())
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
