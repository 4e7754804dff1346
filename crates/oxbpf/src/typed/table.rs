//! The kinds of maps that are hash tables to their users, as types.

use oxbpf_obj::MapType;

use super::Kind;

/// What kind of map a [`HashMap`](super::HashMap) is: see [`Keep`], [`Evict`], [`Prefixes`], [`Resizable`] and
/// [`OfCgroups`].
pub trait Table: sealed::Sealed + 'static {
    #[doc(hidden)]
    const KIND: Kind;
}

/// What kind of map a [`PerCpuHashMap`](super::PerCpuHashMap) is: see [`Keep`], [`Evict`] and [`OfCgroups`].
pub trait PerCpuTable: sealed::Sealed + 'static {
    #[doc(hidden)]
    const PER_CPU: Kind;
}

/// A full map refuses new entries (`E2BIG`).
#[derive(Debug, Clone, Copy)]
pub enum Keep {}

/// A full map throws out the entries that were not used for longest.
#[derive(Debug, Clone, Copy)]
pub enum Evict {}

/// A key finds the entry with the longest prefix that it begins with.
#[derive(Debug, Clone, Copy)]
pub enum Prefixes {}

/// The table grows with what is in it.
#[derive(Debug, Clone, Copy)]
pub enum Resizable {}

/// The entries are those of cgroups to which a program is attached: they come and go with it.
#[derive(Debug, Clone, Copy)]
pub enum OfCgroups {}

impl Table for Keep {
    const KIND: Kind = (MapType::HASH, "a hash map");
}

impl Table for Evict {
    const KIND: Kind = (MapType::LRU_HASH, "an LRU hash map");
}

impl Table for Prefixes {
    const KIND: Kind = (MapType::LPM_TRIE, "an LPM trie");
}

impl Table for Resizable {
    const KIND: Kind = (MapType::RHASH, "a resizable hash map");
}

impl Table for OfCgroups {
    const KIND: Kind = (MapType::CGROUP_STORAGE, "a cgroup storage");
}

impl PerCpuTable for Keep {
    const PER_CPU: Kind = (MapType::PERCPU_HASH, "a per-CPU hash map");
}

impl PerCpuTable for Evict {
    const PER_CPU: Kind = (MapType::LRU_PERCPU_HASH, "an LRU per-CPU hash map");
}

impl PerCpuTable for OfCgroups {
    const PER_CPU: Kind = (MapType::PERCPU_CGROUP_STORAGE, "a per-CPU cgroup storage");
}

mod sealed {
    use super::{Evict, Keep, OfCgroups, Prefixes, Resizable};

    pub trait Sealed {}
    impl Sealed for Keep {}
    impl Sealed for Evict {}
    impl Sealed for Prefixes {}
    impl Sealed for Resizable {}
    impl Sealed for OfCgroups {}
}
