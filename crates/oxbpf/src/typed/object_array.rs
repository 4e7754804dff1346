//! Programs for tail calls, and maps in maps: put in by descriptor, told by id.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::AsFd;

use oxbpf_obj::MapType;
use oxbpf_sys::Kernel;
use oxbpf_sys::uapi::ElemFlags;

use super::{Kind, check_key, debug, descriptors};
use crate::{Error, Map, Program};

/// Programs ([`ProgramArray`]) or maps ([`ArrayOfMaps`]) by index.
pub struct ObjectArray<T> {
    map: Map,
    holds: PhantomData<fn(T) -> T>,
}

/// Programs by index (`BPF_MAP_TYPE_PROG_ARRAY`, Linux 4.2), to which others jump with `bpf_tail_call()`.
///
/// When the last descriptor and pin of the map goes, the kernel empties it, whatever programs use it.
pub type ProgramArray = ObjectArray<Program>;

/// Maps by index (`BPF_MAP_TYPE_ARRAY_OF_MAPS`, Linux 4.12), all of the kind of the one that it was made with.
///
/// A program on its way keeps a map that was replaced: an update waits until none uses it any more.
pub type ArrayOfMaps = ObjectArray<Map>;

/// What an [`ObjectArray`] can hold.
pub trait Held: AsFd + sealed::Sealed + Sized {
    #[doc(hidden)]
    const KIND: Kind;
    #[doc(hidden)]
    fn open(kernel: &Kernel, id: u32) -> Result<Self, Error>;
}

impl Held for Program {
    const KIND: Kind = (MapType::PROG_ARRAY, "a program array");

    fn open(kernel: &Kernel, id: u32) -> Result<Self, Error> {
        Self::from_id(kernel, id)
    }
}

impl Held for Map {
    const KIND: Kind = (MapType::ARRAY_OF_MAPS, "an array of maps");

    fn open(kernel: &Kernel, id: u32) -> Result<Self, Error> {
        Self::from_id(kernel, id)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Program {}
    impl Sealed for crate::Map {}
}

impl<T: Held> ObjectArray<T> {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, T::KIND)?;
        Ok(ObjectArray { map: map.clone(), holds: PhantomData })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Puts a program or map at `index`, in place of what is there.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end; `EINVAL` for a program of another type (or with other helpers or JIT) than
    /// those of the map, or a map unlike the one that this was made with; `EPERM` for a frozen map.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn set(&self, index: u32, object: &T) -> Result<(), Error> {
        descriptors::put(&self.map, &index.to_ne_bytes(), object.as_fd(), ElemFlags::empty())
    }

    /// Takes what is at `index` out; tells whether there was something.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end, `EPERM` for a frozen map.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn clear(&self, index: u32) -> Result<bool, Error> {
        self.map.delete(&index.to_ne_bytes())
    }

    /// The id of what is at `index` (maps 4.14, programs 4.17); `None` if there is nothing.
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn id(&self, index: u32) -> Result<Option<u32>, Error> {
        descriptors::id(&self.map, &index.to_ne_bytes())
    }

    /// What is at `index`, opened by its id (needs `CAP_SYS_ADMIN`); `None` if there is nothing.
    ///
    /// # Errors
    /// [`Error::Map`]; [`Error::Kernel`]: `EPERM`.
    pub fn get(&self, index: u32) -> Result<Option<T>, Error> {
        descriptors::get(&self.map, &index.to_ne_bytes(), T::open)
    }

    /// The indices that have something, and its id.
    pub fn iter(&self) -> impl Iterator<Item = Result<(u32, u32), Error>> + '_ {
        descriptors::ids(&self.map).map(|entry| entry.map(|(key, id)| (descriptors::index(&key), id)))
    }
}

impl<T> Clone for ObjectArray<T> {
    fn clone(&self) -> Self {
        ObjectArray { map: self.map.clone(), holds: PhantomData }
    }
}

impl<T> fmt::Debug for ObjectArray<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "ObjectArray", &self.map)
    }
}
