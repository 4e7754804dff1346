//! Queues and stacks.

use std::fmt;
use std::marker::PhantomData;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{Kind, Plain, check, debug, get, take};
use crate::{Error, Map};

/// Values in the order in which they were pushed (`BPF_MAP_TYPE_QUEUE`, Linux 4.20), or the last first ([`Stack`]).
///
/// ```
/// # fn main() -> oxbpf::Result<()> {
/// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
/// # use oxbpf::{Map, MapCreate, MapType, typed::Queue};
/// # let map = Map::create(&kernel, &MapCreate { map_type: MapType::QUEUE, value_size: 4, max_entries: 2,
/// #     ..MapCreate::default() })?;
/// let jobs = Queue::<u32>::new(&map)?;
/// jobs.push(&1)?;
/// jobs.push(&2)?;
/// assert!(jobs.push(&3).is_err(), "it is full");
/// jobs.push_over(&3)?; // in place of the oldest
/// assert_eq!((jobs.peek()?, jobs.pop()?, jobs.pop()?, jobs.pop()?), (Some(2), Some(2), Some(3), None));
/// # Ok(())
/// # }
/// ```
pub struct Queue<V, O = Fifo> {
    map: Map,
    types: PhantomData<fn(O) -> V>,
}

/// Values of which the last that was pushed comes first (`BPF_MAP_TYPE_STACK`, Linux 4.20).
pub type Stack<V> = Queue<V, Lifo>;

/// Which value of a [`Queue`] comes first: see [`Fifo`] and [`Lifo`].
pub trait Order: sealed::Sealed + 'static {
    #[doc(hidden)]
    const KIND: Kind;
}

/// First in, first out.
#[derive(Debug, Clone, Copy)]
pub enum Fifo {}

/// Last in, first out.
#[derive(Debug, Clone, Copy)]
pub enum Lifo {}

impl Order for Fifo {
    const KIND: Kind = (MapType::QUEUE, "a queue");
}

impl Order for Lifo {
    const KIND: Kind = (MapType::STACK, "a stack");
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Fifo {}
    impl Sealed for super::Lifo {}
}

impl<V: Plain, O: Order> Queue<V, O> {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type, [`Error::Size`] if its values have another size than `V`.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check::<(), V>(map, O::KIND)?;
        Ok(Queue { map: map.clone(), types: PhantomData })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Adds a value.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` if it is full, `EPERM` for a read-only or frozen map.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn push(&self, value: &V) -> Result<(), Error> {
        self.map.update(&[], value.as_bytes(), ElemFlags::empty())
    }

    /// Adds a value; if it is full, in place of the oldest (`BPF_EXIST`).
    ///
    /// # Errors
    /// [`Error::Map`]: `EPERM` for a read-only or frozen map.
    pub fn push_over(&self, value: &V) -> Result<(), Error> {
        self.map.update(&[], value.as_bytes(), ElemFlags::EXIST)
    }

    /// Takes out the first value; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Map`]: `EPERM` for a map that user space may not read and write.
    #[doc(alias = "bpf_map_lookup_and_delete_elem")]
    pub fn pop(&self) -> Result<Option<V>, Error> {
        take(&self.map, &[], ElemFlags::empty())
    }

    /// The first value, which stays; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Map`]: `EPERM` for a map that user space may not read.
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn peek(&self) -> Result<Option<V>, Error> {
        get(&self.map, &[], ElemFlags::empty())
    }
}

impl<V, O> Clone for Queue<V, O> {
    fn clone(&self) -> Self {
        Queue { map: self.map.clone(), types: PhantomData }
    }
}

impl<V, O> fmt::Debug for Queue<V, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "Queue", &self.map)
    }
}
