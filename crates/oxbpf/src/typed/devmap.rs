//! Network devices for XDP redirection.

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{check_key, descriptors, redirect};
use crate::{Error, Map, Program};

/// Where an entry of a [`DevMap`] or [`DevMapHash`] sends packets (`struct bpf_devmap_val`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DevMapValue {
    /// The network device.
    pub ifindex: u32,
    /// The id of the XDP program that runs on them before they leave (5.8).
    pub program_id: Option<u32>,
}

impl DevMapValue {
    fn of((ifindex, program_id): redirect::Target) -> Self {
        Self { ifindex, program_id }
    }
}

/// Network devices by index (`BPF_MAP_TYPE_DEVMAP`, Linux 4.14), for `bpf_redirect_map()` in XDP programs. Its values
/// have 4 bytes, or 8 with room for a program (5.8).
///
/// A device that goes (or moves to another network namespace) goes from the map.
#[derive(Debug, Clone)]
pub struct DevMap {
    map: Map,
}

impl DevMap {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, (MapType::DEVMAP, "a devmap"))?;
        redirect::check(map)?;
        Ok(DevMap { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Has `index` send to a network device of this network namespace, through a program loaded for
    /// [`AttachType::XDP_DEVMAP`](crate::AttachType::XDP_DEVMAP).
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end, `EINVAL` for no such device or another program.
    /// [`Error::MapDefinition`] for a program, if values have 4 bytes.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn set(&self, index: u32, ifindex: u32, program: Option<&Program>) -> Result<(), Error> {
        redirect::put(&self.map, &index.to_ne_bytes(), ifindex, program, ElemFlags::empty())
    }

    /// Has `index` send nowhere.
    ///
    /// # Errors
    /// [`Error::Map`]: `EINVAL` past the end.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn clear(&self, index: u32) -> Result<(), Error> {
        self.map.delete(&index.to_ne_bytes()).map(drop)
    }

    /// Where `index` sends to; `None` for nowhere.
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn get(&self, index: u32) -> Result<Option<DevMapValue>, Error> {
        Ok(redirect::get(&self.map, &index.to_ne_bytes())?.map(DevMapValue::of))
    }

    /// The indices that send somewhere.
    pub fn iter(&self) -> impl Iterator<Item = Result<(u32, DevMapValue), Error>> + '_ {
        redirect::iter(&self.map)
            .map(|entry| entry.map(|(key, target)| (descriptors::index(&key), DevMapValue::of(target))))
    }
}

/// Network devices by any number (`BPF_MAP_TYPE_DEVMAP_HASH`, Linux 5.4): as [`DevMap`], for numbers that are far apart,
/// as those of interfaces are.
#[derive(Debug, Clone)]
pub struct DevMapHash {
    map: Map,
}

impl DevMapHash {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, (MapType::DEVMAP_HASH, "a devmap hash"))?;
        redirect::check(map)?;
        Ok(DevMapHash { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Has `key` send to a network device of this network namespace, through a program loaded for
    /// [`AttachType::XDP_DEVMAP`](crate::AttachType::XDP_DEVMAP).
    ///
    /// # Errors
    /// As [`update`](Self::update).
    #[doc(alias = "bpf_map_update_elem")]
    pub fn insert(&self, key: u32, ifindex: u32, program: Option<&Program>) -> Result<(), Error> {
        self.update(key, ifindex, program, ElemFlags::empty())
    }

    /// As [`insert`](Self::insert), only if the key has no device yet ([`ElemFlags::NOEXIST`]).
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` if it is full, `EEXIST` as `flags` ask, `EINVAL` for no such device or another program.
    /// [`Error::MapDefinition`] for a program, if values have 4 bytes.
    pub fn update(
        &self,
        key: u32,
        ifindex: u32,
        program: Option<&Program>,
        flags: ElemFlags,
    ) -> Result<(), Error> {
        redirect::put(&self.map, &key.to_ne_bytes(), ifindex, program, flags)
    }

    /// Takes the key out; tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn remove(&self, key: u32) -> Result<bool, Error> {
        self.map.delete(&key.to_ne_bytes())
    }

    /// Where `key` sends to; `None` for nowhere.
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn get(&self, key: u32) -> Result<Option<DevMapValue>, Error> {
        Ok(redirect::get(&self.map, &key.to_ne_bytes())?.map(DevMapValue::of))
    }

    /// The keys, and where they send to.
    pub fn iter(&self) -> impl Iterator<Item = Result<(u32, DevMapValue), Error>> + '_ {
        redirect::iter(&self.map)
            .map(|entry| entry.map(|(key, target)| (descriptors::index(&key), DevMapValue::of(target))))
    }
}
