//! Maps in memory, and freezing them.

use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::sync::{Arc, PoisonError, RwLock};

use oxbpf_obj::{MapFlags, MapType};
use oxbpf_sys::{Errno, Mapping, Prot, SysError};

use super::Map;
use crate::error::{Error, Result};

/// The values of a map in memory, mapped once for all who share the map.
#[derive(Debug, Default)]
pub(super) struct Memory(RwLock<State>);

#[derive(Debug, Default)]
enum State {
    /// Nobody asked yet, or the map was frozen since.
    #[default]
    Unknown,
    /// It cannot be mapped.
    Refused,
    Mapped(Arc<Mapping>),
}

impl Map {
    /// Makes it read-only for user space, for good (5.2). Programs write on, unless it was made with
    /// [`MapFlags::RDONLY_PROG`].
    ///
    /// The mapping through which this map's [`Global`](crate::Global) variables were read and written is given up first.
    ///
    /// # Errors
    /// [`Error::Map`]: `EBUSY` if someone has it mapped for writing ([`mmap`](Self::mmap), another process) or it is
    /// frozen already (`EPERM` in newer kernels), `EINVAL` before 5.2.
    #[doc(alias = "bpf_map_freeze")]
    pub fn freeze(&self) -> Result<()> {
        // Nobody maps it anew until it is frozen.
        let mut state = self.0.memory.0.write().unwrap_or_else(PoisonError::into_inner);
        if self.map_type() != MapType::ARENA {
            *state = State::Unknown;
        }
        self.0.kernel.map_freeze(self.as_fd()).map_err(|source| self.failed(source))
    }

    /// Maps the values of an array made with [`MapFlags::MMAPABLE`] (5.5) into memory: element `i` stands at `i` times
    /// its size rounded up to 8. [`Array::mmap`](crate::Array::mmap) gives them types.
    ///
    /// # Errors
    /// [`Error::Map`]: `EPERM` for writing to a frozen map, `ENOTSUPP` or `EINVAL` for one that cannot be mapped.
    pub fn mmap(&self, prot: Prot) -> Result<Mapping> {
        self.map_values(prot)?.map_err(|source| self.failed(source))
    }

    fn map_values(&self, prot: Prot) -> Result<Result<Mapping, SysError>> {
        let element = u64::from(self.value_size()).next_multiple_of(8);
        let len = element.saturating_mul(u64::from(self.max_entries()));
        let len = usize::try_from(len).map_err(|_| Error::MapDefinition {
            map: self.name().to_owned(),
            reason: format!("{len} bytes cannot be mapped on this machine"),
        })?;
        Ok(self.0.kernel.mmap(self.as_fd(), len, 0, prot))
    }

    /// All of an arena, mapped once for all who share the map: it stays where it is as long as any of them is there.
    pub(crate) fn arena(&self) -> Result<Arc<Mapping>> {
        let mut state = self.0.memory.0.write().unwrap_or_else(PoisonError::into_inner);
        if let State::Mapped(mapping) = &*state {
            return Ok(mapping.clone());
        }
        let mapping = Arc::new(self.map_arena()?.map_err(|source| self.failed(source))?);
        *state = State::Mapped(mapping.clone());
        Ok(mapping)
    }

    fn map_whole(&self, prot: Prot) -> Result<Result<Mapping, SysError>> {
        if self.map_type() == MapType::ARENA { self.map_arena() } else { self.map_values(prot) }
    }

    fn map_arena(&self) -> Result<Result<Mapping, SysError>> {
        let len = (self.max_entries() as usize).checked_mul(rustix::param::page_size());
        let (Some(len), Ok(address)) = (len, usize::try_from(self.shape().map_extra)) else {
            let reason = "it is larger than this machine's memory can be".to_owned();
            return Err(Error::MapDefinition { map: self.name().to_owned(), reason });
        };
        let kernel = &self.0.kernel;
        Ok(match NonZeroUsize::new(address) {
            Some(address) => kernel.mmap_at(self.as_fd(), address, len, 0, Prot::ReadWrite),
            None => kernel.mmap(self.as_fd(), len, 0, Prot::ReadWrite),
        })
    }

    /// Does something with the values in memory, mapped once for all who share the map; `None` if it cannot be mapped.
    pub(crate) fn with_memory<T>(&self, prot: Prot, act: impl FnOnce(&Mapping) -> T) -> Option<T> {
        if !self.flags().contains(MapFlags::MMAPABLE) {
            return None;
        }
        {
            let state = self.0.memory.0.read().unwrap_or_else(PoisonError::into_inner);
            match &*state {
                State::Mapped(mapping) => return Some(act(mapping)),
                State::Refused => return None,
                State::Unknown => {}
            }
        }
        let mut state = self.0.memory.0.write().unwrap_or_else(PoisonError::into_inner);
        if let State::Unknown = *state {
            let mapped = match self.map_whole(prot).ok()? {
                // Frozen.
                Err(error) if prot == Prot::ReadWrite && error.errno == Errno::EPERM => {
                    self.map_whole(Prot::Read).ok()?
                }
                other => other,
            };
            *state = match mapped {
                Ok(mapping) => State::Mapped(Arc::new(mapping)),
                // No room at the moment: the next one asks again.
                Err(error) if matches!(error.errno, Errno::ENOMEM | Errno::EAGAIN) => State::Unknown,
                Err(_) => State::Refused,
            };
        }
        match &*state {
            State::Mapped(mapping) => Some(act(mapping)),
            _ => None,
        }
    }
}
