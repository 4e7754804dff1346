//! Storage that lives with a socket, a task, an inode or a cgroup.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd};

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{HashMap, Kind, OfCgroups, PerCpuHashMap, Plain, check, debug, get};
use crate::{Error, Map};

/// A value for each socket, task, inode or cgroup that a program or this process gave one; it goes with its owner.
///
/// An owner is named by a descriptor: see [`SkStorage`], [`TaskStorage`], [`InodeStorage`] and [`CgrpStorage`]. The
/// kernel does not list who has a value; an iterator program does (`iter/bpf_sk_storage_map`).
///
/// ```no_run
/// # fn example(map: oxbpf::Map) -> Result<(), Box<dyn std::error::Error>> {
/// use oxbpf::typed::SkStorage;
///
/// let marks = SkStorage::<u32>::new(&map)?;
/// let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
/// marks.insert(&socket, &7)?;
/// assert_eq!(marks.get(&socket)?, Some(7));
/// # Ok(())
/// # }
/// ```
pub struct Storage<V, O> {
    map: Map,
    types: PhantomData<fn(O) -> V>,
}

/// A value for each socket (`BPF_MAP_TYPE_SK_STORAGE`, Linux 5.2); the descriptor is that of the socket.
pub type SkStorage<V> = Storage<V, OfSocket>;
/// A value for each task (`BPF_MAP_TYPE_TASK_STORAGE`, Linux 5.11); the descriptor is a pidfd (pidfd_open(2)).
pub type TaskStorage<V> = Storage<V, OfTask>;
/// A value for each inode (`BPF_MAP_TYPE_INODE_STORAGE`, Linux 5.10); the descriptor is that of a file or directory.
pub type InodeStorage<V> = Storage<V, OfInode>;
/// A value for each cgroup (`BPF_MAP_TYPE_CGRP_STORAGE`, Linux 6.2); the descriptor is that of its directory.
pub type CgrpStorage<V> = Storage<V, OfCgroup>;

/// Values of the cgroups that a program is attached to (`BPF_MAP_TYPE_CGROUP_STORAGE`, Linux 4.19), by
/// [`AttachedCgroupKey`] or, shared by all attach types (5.9), by the cgroup's id alone (`u64`). They come with the
/// attachment and go with it; [`CgrpStorage`] supersedes it. Only entries that are there can be written (`ENOENT`), none
/// can be deleted (`EINVAL`).
pub type CgroupStorage<K, V> = HashMap<K, V, OfCgroups>;
/// As [`CgroupStorage`], with a value for each CPU (`BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE`, Linux 4.20).
pub type PerCpuCgroupStorage<K, V> = PerCpuHashMap<K, V, OfCgroups>;

/// The key of a [`CgroupStorage`] (`struct bpf_cgroup_storage_key`).
#[derive(FromBytes, IntoBytes, Immutable, Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct AttachedCgroupKey {
    /// The cgroup's id: the inode number of its directory.
    pub cgroup_id: u64,
    /// The number of the [`AttachType`](crate::AttachType).
    pub attach_type: u32,
    /// Zero.
    pub padding: u32,
}

/// Whose value a [`Storage`] has: see [`OfSocket`], [`OfTask`], [`OfInode`] and [`OfCgroup`].
pub trait Owner: sealed::Sealed + 'static {
    #[doc(hidden)]
    const KIND: Kind;
}

/// Sockets.
#[derive(Debug, Clone, Copy)]
pub enum OfSocket {}

/// Tasks: threads of user space.
#[derive(Debug, Clone, Copy)]
pub enum OfTask {}

/// Inodes: files and directories.
#[derive(Debug, Clone, Copy)]
pub enum OfInode {}

/// Cgroups.
#[derive(Debug, Clone, Copy)]
pub enum OfCgroup {}

impl Owner for OfSocket {
    const KIND: Kind = (MapType::SK_STORAGE, "a socket storage");
}

impl Owner for OfTask {
    const KIND: Kind = (MapType::TASK_STORAGE, "a task storage");
}

impl Owner for OfInode {
    const KIND: Kind = (MapType::INODE_STORAGE, "an inode storage");
}

impl Owner for OfCgroup {
    const KIND: Kind = (MapType::CGRP_STORAGE, "a cgroup's storage");
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::OfSocket {}
    impl Sealed for super::OfTask {}
    impl Sealed for super::OfInode {}
    impl Sealed for super::OfCgroup {}
}

impl<V: Plain, O: Owner> Storage<V, O> {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type, [`Error::Size`] if its values have another size than `V`.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check::<i32, V>(map, O::KIND)?;
        Ok(Storage { map: map.clone(), types: PhantomData })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The value of an owner, if it has one.
    ///
    /// # Errors
    /// [`Error::Map`]: `EBADF` or `EINVAL` for a descriptor of something else.
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn get(&self, owner: impl AsFd) -> Result<Option<V>, Error> {
        self.get_flags(owner, ElemFlags::empty())
    }

    /// As [`get`](Self::get), with flags: [`ElemFlags::LOCK`] holds the value's spin lock meanwhile.
    ///
    /// # Errors
    /// As [`get`](Self::get); `EINVAL` if the value has no spin lock.
    pub fn get_flags(&self, owner: impl AsFd, flags: ElemFlags) -> Result<Option<V>, Error> {
        get(&self.map, &key(&owner), flags)
    }

    /// Gives an owner a value, new or in place of the one it has.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    #[doc(alias = "bpf_map_update_elem")]
    pub fn insert(&self, owner: impl AsFd, value: &V) -> Result<(), Error> {
        self.update(owner, value, ElemFlags::empty())
    }

    /// Gives an owner a value if it has none yet, or only if it has one, as `flags` say.
    ///
    /// # Errors
    /// [`Error::Map`]: `EBADF` or `EINVAL` for a descriptor of something else, `EEXIST` or `ENOENT` as `flags` ask.
    pub fn update(&self, owner: impl AsFd, value: &V, flags: ElemFlags) -> Result<(), Error> {
        self.map.update(&key(&owner), value.as_bytes(), flags)
    }

    /// Takes an owner's value; tells whether it had one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn remove(&self, owner: impl AsFd) -> Result<bool, Error> {
        self.map.delete(&key(&owner))
    }
}

fn key(owner: &impl AsFd) -> [u8; 4] {
    owner.as_fd().as_raw_fd().to_ne_bytes()
}

impl<V, O> Clone for Storage<V, O> {
    fn clone(&self) -> Self {
        Storage { map: self.map.clone(), types: PhantomData }
    }
}

impl<V, O> fmt::Debug for Storage<V, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "Storage", &self.map)
    }
}
