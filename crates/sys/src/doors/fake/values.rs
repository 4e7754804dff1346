//! What a map holds.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::os::fd::{BorrowedFd, OwnedFd};

use crate::Errno;
use crate::uapi::{MapCreateAttr, MapType};

/// How many CPUs the fake's files tell of.
const CPUS: u64 = 4;
/// An array of more bytes is refused as too large.
const MOST: u64 = 1 << 40;

/// The elements of a map.
#[derive(Debug)]
pub(super) enum Values {
    /// In the memfd, one after another: arrays, whose memory can be mapped.
    Slots {
        count: u64,
        /// Bytes a lookup moves.
        len: u64,
        /// Bytes from one to the next.
        stride: u64,
    },
    /// By key: hash tables.
    Keyed { elements: BTreeMap<Vec<u8>, Vec<u8>>, room: usize, evicts: bool },
    /// First in, first out, or last.
    Queue { elements: VecDeque<Vec<u8>>, room: usize, last_first: bool },
    /// By index, but absent until set: arrays of descriptors.
    Sparse { elements: BTreeMap<u32, Vec<u8>>, count: u32 },
    /// Nothing that user space could look at: ring buffers.
    Memory { len: u64 },
}

impl Values {
    /// For a new map; `file` is its memfd.
    pub(super) fn new(attr: &MapCreateAttr, file: BorrowedFd<'_>) -> Result<Self, Errno> {
        let kind = MapType(attr.map_type);
        let room = attr.max_entries as usize;
        let page = rustix::param::page_size() as u64;
        let value = u64::from(attr.value_size);
        Ok(match kind {
            MapType::ARRAY | MapType::PERCPU_ARRAY | MapType::INSN_ARRAY => {
                let stride = value.next_multiple_of(8);
                let (len, stride) =
                    if kind.is_per_cpu() { (stride * CPUS, stride * CPUS) } else { (value, stride) };
                let size = stride.checked_mul(room as u64).filter(|s| *s <= MOST).ok_or(Errno::E2BIG)?;
                rustix::fs::ftruncate(file, size.next_multiple_of(page))?;
                Self::Slots { count: room as u64, len, stride }
            }
            MapType::RINGBUF | MapType::USER_RINGBUF => {
                let size = u64::from(attr.max_entries);
                if !size.is_power_of_two() || !size.is_multiple_of(page) {
                    return Err(Errno::EINVAL);
                }
                // Consumer's page, producer's page, the data twice.
                let len = 2 * page + 2 * size;
                rustix::fs::ftruncate(file, len)?;
                Self::Memory { len }
            }
            MapType::ARENA => {
                let len = page * room as u64;
                rustix::fs::ftruncate(file, len)?;
                Self::Memory { len }
            }
            MapType::QUEUE | MapType::STACK => {
                Self::Queue { elements: VecDeque::new(), room, last_first: kind == MapType::STACK }
            }
            MapType::PROG_ARRAY
            | MapType::PERF_EVENT_ARRAY
            | MapType::CGROUP_ARRAY
            | MapType::ARRAY_OF_MAPS
            | MapType::SOCKMAP
            | MapType::XSKMAP
            | MapType::DEVMAP
            | MapType::CPUMAP
            | MapType::STRUCT_OPS => Self::Sparse { elements: BTreeMap::new(), count: attr.max_entries },
            MapType::BLOOM_FILTER => Self::Memory { len: 0 },
            _ => Self::Keyed {
                elements: BTreeMap::new(),
                room,
                evicts: matches!(kind, MapType::LRU_HASH | MapType::LRU_PERCPU_HASH),
            },
        })
    }

    /// How much can be mapped.
    pub(super) fn mapped_len(&self) -> u64 {
        match self {
            Self::Slots { count, stride, .. } => count * stride,
            Self::Memory { len } => *len,
            _ => 0,
        }
    }

    /// `fd` is a descriptor of the map.
    pub(super) fn lookup(&self, fd: u32, key: &[u8]) -> Result<Vec<u8>, Errno> {
        match self {
            Self::Slots { len, .. } => {
                let mut value = vec![0; *len as usize];
                let at = self.slot(key).ok_or(Errno::ENOENT)?;
                rustix::io::pread(reopen(fd)?, &mut value, at)?;
                Ok(value)
            }
            Self::Keyed { elements, .. } => elements.get(key).cloned().ok_or(Errno::ENOENT),
            Self::Sparse { elements, .. } => elements.get(&index(key)?).cloned().ok_or(Errno::ENOENT),
            Self::Queue { elements, last_first, .. } => {
                let element = if *last_first { elements.back() } else { elements.front() };
                element.cloned().ok_or(Errno::ENOENT)
            }
            Self::Memory { .. } => Err(Errno::ENOTSUPP),
        }
    }

    /// `fd` is a descriptor of the map.
    pub(super) fn update(&mut self, fd: u32, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let (noexist, exist) = (flags & 3 == 1, flags & 3 == 2);
        if flags & 3 == 3 {
            return Err(Errno::EINVAL);
        }
        match self {
            Self::Slots { .. } => {
                let at = self.slot(key).ok_or(Errno::E2BIG)?;
                if noexist {
                    return Err(Errno::EEXIST);
                }
                rustix::io::pwrite(reopen(fd)?, value, at)?;
                Ok(())
            }
            Self::Keyed { elements, room, evicts } => {
                match elements.get(key) {
                    Some(_) if noexist => return Err(Errno::EEXIST),
                    None if exist => return Err(Errno::ENOENT),
                    None if elements.len() >= *room && !*evicts => return Err(Errno::E2BIG),
                    None if elements.len() >= *room => drop(elements.pop_first()),
                    _ => {}
                }
                elements.insert(key.to_vec(), value.to_vec());
                Ok(())
            }
            Self::Sparse { elements, count } => {
                let i = index(key)?;
                if i >= *count {
                    return Err(Errno::E2BIG);
                }
                elements.insert(i, value.to_vec());
                Ok(())
            }
            Self::Queue { elements, room, .. } => {
                if elements.len() >= *room {
                    if !exist {
                        return Err(Errno::E2BIG);
                    }
                    elements.pop_front();
                }
                elements.push_back(value.to_vec());
                Ok(())
            }
            Self::Memory { .. } => Err(Errno::ENOTSUPP),
        }
    }

    pub(super) fn delete(&mut self, key: &[u8]) -> Result<(), Errno> {
        match self {
            Self::Slots { .. } => Err(Errno::EINVAL),
            Self::Keyed { elements, .. } => elements.remove(key).map(drop).ok_or(Errno::ENOENT),
            Self::Sparse { elements, .. } => elements.remove(&index(key)?).map(drop).ok_or(Errno::ENOENT),
            Self::Queue { .. } => Err(Errno::EINVAL),
            Self::Memory { .. } => Err(Errno::ENOTSUPP),
        }
    }

    /// Takes the next element out of a queue, or an element by key.
    pub(super) fn take(&mut self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        match self {
            Self::Queue { elements, last_first, .. } => {
                let element = if *last_first { elements.pop_back() } else { elements.pop_front() };
                element.ok_or(Errno::ENOENT)
            }
            Self::Keyed { elements, .. } => elements.remove(key).ok_or(Errno::ENOENT),
            _ => Err(Errno::ENOTSUPP),
        }
    }

    /// The key after `key`; the first for `None`, or for one that is not there.
    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        let after = |count: u64| {
            let next = match key {
                Some(k) => u64::from(index(k)?) + 1,
                None => 0,
            };
            // A key beyond the end starts over, the last one ends.
            let next = if next > count { 0 } else { next };
            if next < count { Ok((next as u32).to_ne_bytes().to_vec()) } else { Err(Errno::ENOENT) }
        };
        match self {
            Self::Slots { count, .. } => after(*count),
            Self::Sparse { count, .. } => after(u64::from(*count)),
            Self::Keyed { elements, .. } => {
                let after = match key.filter(|k| elements.contains_key(*k)) {
                    Some(k) => Bound::Excluded(k),
                    None => Bound::Unbounded,
                };
                let next = elements.range::<[u8], _>((after, Bound::Unbounded)).next();
                next.map(|(k, _)| k.clone()).ok_or(Errno::ENOENT)
            }
            Self::Queue { .. } => Err(Errno::EINVAL),
            Self::Memory { .. } => Err(Errno::ENOTSUPP),
        }
    }

    /// Where in the file the value of an index is.
    fn slot(&self, key: &[u8]) -> Option<u64> {
        let Self::Slots { count, stride, .. } = self else { return None };
        let i = u64::from(index(key).ok()?);
        (i < *count).then_some(i * stride)
    }
}

/// The memory behind a descriptor of this process, once more.
pub(super) fn reopen(fd: u32) -> Result<OwnedFd, Errno> {
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC;
    let fd = rustix::fs::open(format!("/proc/self/fd/{fd}"), flags, rustix::fs::Mode::empty())?;
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, 3)?)
}

fn index(key: &[u8]) -> Result<u32, Errno> {
    key.try_into().map(u32::from_ne_bytes).map_err(|_| Errno::EINVAL)
}
