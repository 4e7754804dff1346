//! Values that are descriptors when they are written and ids, cookies or nothing when they are read.

use std::os::fd::{AsRawFd, BorrowedFd};

use oxbpf_sys::uapi::ElemFlags;
use oxbpf_sys::{Errno, Kernel};

use crate::{Error, Map};

/// Puts what `fd` is at `key`. The map's values have 4 or 8 bytes.
pub(super) fn put(map: &Map, key: &[u8], fd: BorrowedFd<'_>, flags: ElemFlags) -> Result<(), Error> {
    let fd = fd.as_raw_fd();
    if map.value_len() == 8 {
        return map.update(key, &i64::from(fd).to_ne_bytes(), flags);
    }
    map.update(key, &fd.to_ne_bytes(), flags)
}

/// The id of what is at `key`.
pub(super) fn id(map: &Map, key: &[u8]) -> Result<Option<u32>, Error> {
    let mut id = [0; 4];
    Ok(map.lookup_into(key, &mut id, ElemFlags::empty())?.then(|| u32::from_ne_bytes(id)))
}

/// What is at `key`, opened by its id; `None` if there is nothing, or it went before.
pub(super) fn get<T>(
    map: &Map,
    key: &[u8],
    open: impl FnOnce(&Kernel, u32) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let Some(id) = id(map, key)? else { return Ok(None) };
    match open(map.kernel(), id) {
        Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(None),
        opened => opened.map(Some),
    }
}

/// The cookie of the socket at `key`. The kernel tells it where values have 8 bytes.
pub(super) fn cookie(map: &Map, key: &[u8]) -> Result<Option<u64>, Error> {
    let mut cookie = [0; 8];
    let room = cookie.get_mut(..map.value_len()).unwrap_or_default();
    Ok(map.lookup_into(key, room, ElemFlags::empty())?.then(|| u64::from_ne_bytes(cookie)))
}

/// The ids at all keys that have one.
pub(super) fn ids(map: &Map) -> impl Iterator<Item = Result<(Vec<u8>, u32), Error>> + '_ {
    map.iter()
        .map(|entry| entry.map(|(key, id)| (key, id.first_chunk().map_or(0, |id| u32::from_ne_bytes(*id)))))
}

/// The index that a key of 4 bytes is.
pub(super) fn index(key: &[u8]) -> u32 {
    key.first_chunk().map_or(0, |key| u32::from_ne_bytes(*key))
}
