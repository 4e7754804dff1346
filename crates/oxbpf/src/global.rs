//! Global variables of a loaded object.

use oxbpf_obj::{GlobalVar, TypeId};
use oxbpf_sys::Prot;
use oxbpf_sys::uapi::ElemFlags;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::error::{Error, Result};
use crate::map::Map;
use crate::object::Object;

/// A global variable of a loaded object, which its programs read and write too.
///
/// Where the kernel can map it (5.5), it is read and written in memory, without a system call: whole numbers of up to 8
/// bytes at once, a structure number by number, so that what a program writes meanwhile may come out partly old, partly
/// new.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/tests/globals.bpf.o");
/// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
/// use oxbpf::{LoadOptions, Object};
///
/// let options = LoadOptions { kernel, ..LoadOptions::default() };
/// let object = Object::load(&oxbpf::open(file)?, &options)?;
/// let counter = object.global("counter")?;
/// assert_eq!(counter.get::<u64>()?, 1000);
/// counter.set(&0_u64)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Global {
    map: Map,
    var: GlobalVar,
}

impl Object {
    /// The global variable with this name; of several, one that is not static.
    ///
    /// # Errors
    /// [`Error::Global`] if there is none, or its map was not created.
    pub fn global(&self, name: &str) -> Result<Global> {
        let mut named = self.globals.iter().filter(|(var, _)| var.name == name).peekable();
        let first = named.peek().copied();
        let found = named.find(|(var, _)| !var.is_static).or(first);
        match found {
            Some((var, map)) => Ok(Global { map: map.clone(), var: var.clone() }),
            None => Err(Error::Global {
                name: name.to_owned(),
                reason: format!("object {} has none of that name", self.name),
            }),
        }
    }
}

impl Global {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.var.name
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.var.size as usize
    }

    /// Its type in [`Object::btf`], void if unknown.
    pub fn ty(&self) -> TypeId {
        self.var.ty
    }

    /// Whether it is a constant (`const volatile`), fixed since the load.
    pub fn is_constant(&self) -> bool {
        self.var.read_only
    }

    /// The map that holds it.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Its value now.
    ///
    /// # Errors
    /// [`Error::Global`] if `T` has another size; [`Error::Map`].
    pub fn get<T: FromBytes>(&self) -> Result<T> {
        self.check(size_of::<T>())?;
        let bytes = self.bytes()?;
        T::read_from_bytes(&bytes).map_err(|_| self.wrong_size(size_of::<T>()))
    }

    /// Its bytes now.
    ///
    /// # Errors
    /// [`Error::Map`].
    pub fn bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.size()];
        let offset = self.var.offset as usize;
        if self.map.with_memory(self.prot(), |memory| memory.read(offset, &mut bytes)) == Some(true) {
            return Ok(bytes);
        }
        let whole = self.whole()?;
        let value = whole.get(offset..).and_then(|rest| rest.get(..bytes.len()));
        value.map(<[u8]>::to_vec).ok_or_else(|| self.beyond())
    }

    /// Changes its value. A map that cannot be mapped is read and written as a whole, so that what programs write to
    /// other variables meanwhile is lost.
    ///
    /// # Errors
    /// [`Error::Global`] if `T` has another size or the variable is a constant; [`Error::Map`].
    pub fn set<T: IntoBytes + Immutable + ?Sized>(&self, value: &T) -> Result<()> {
        let value = value.as_bytes();
        self.check(value.len())?;
        if self.is_constant() {
            let reason = "it is a constant, set it before the load".to_owned();
            return Err(Error::Global { name: self.name().to_owned(), reason });
        }
        let offset = self.var.offset as usize;
        if self.map.with_memory(self.prot(), |memory| memory.write(offset, value)) == Some(true) {
            return Ok(());
        }
        let mut whole = self.whole()?;
        let place = whole.get_mut(offset..).and_then(|rest| rest.get_mut(..value.len()));
        place.ok_or_else(|| self.beyond())?.copy_from_slice(value);
        self.map.update(&0_u32.to_ne_bytes(), &whole, ElemFlags::empty())
    }

    fn prot(&self) -> Prot {
        if self.is_constant() { Prot::Read } else { Prot::ReadWrite }
    }

    /// The only value of its map.
    fn whole(&self) -> Result<Vec<u8>> {
        Ok(self.map.lookup(&0_u32.to_ne_bytes())?.unwrap_or_default())
    }

    fn check(&self, size: usize) -> Result<()> {
        if size == self.size() { Ok(()) } else { Err(self.wrong_size(size)) }
    }

    fn wrong_size(&self, size: usize) -> Error {
        let reason = format!("it has {} bytes, not {size}", self.size());
        Error::Global { name: self.name().to_owned(), reason }
    }

    /// Its map was handed in or pinned by someone else, and is smaller than the object says.
    fn beyond(&self) -> Error {
        let reason = format!("map {} ends before it", self.map.name());
        Error::Global { name: self.name().to_owned(), reason }
    }
}
