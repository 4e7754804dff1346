//! Values of maps that packets are redirected through: a number, and a program that runs on the way.

use std::os::fd::{AsFd, AsRawFd};

use oxbpf_sys::uapi::ElemFlags;

use crate::{Error, Map, Program};

/// A number of the kind that the map has, and the id of a program or none.
pub(super) type Target = (u32, Option<u32>);

/// Checks that the map's values have this form: 4 bytes, or 8 with room for a program.
pub(super) fn check(map: &Map) -> Result<(), Error> {
    match map.value_size() {
        4 | 8 => Ok(()),
        other => {
            Err(Error::Size { map: map.name().to_owned(), what: "value", expected: other as usize, got: 8 })
        }
    }
}

/// Writes a target.
pub(super) fn put(
    map: &Map,
    key: &[u8],
    number: u32,
    program: Option<&Program>,
    flags: ElemFlags,
) -> Result<(), Error> {
    let mut value = [0; 8];
    let (first, second) = value.split_at_mut(4);
    first.copy_from_slice(&number.to_ne_bytes());
    if let Some(program) = program {
        if map.value_size() < 8 {
            let reason = "its values have 4 bytes, no room for a program: make it with 8".to_owned();
            return Err(Error::MapDefinition { map: map.name().to_owned(), reason });
        }
        second.copy_from_slice(&program.as_fd().as_raw_fd().to_ne_bytes());
    }
    map.update(key, value.get(..map.value_len()).unwrap_or(&value), flags)
}

/// Reads a target.
pub(super) fn get(map: &Map, key: &[u8]) -> Result<Option<Target>, Error> {
    let mut value = [0; 8];
    let room = value.get_mut(..map.value_len()).unwrap_or_default();
    Ok(map.lookup_into(key, room, ElemFlags::empty())?.then(|| read(&value)))
}

/// All keys with their targets.
pub(super) fn iter(map: &Map) -> impl Iterator<Item = Result<(Vec<u8>, Target), Error>> + '_ {
    map.iter().map(|entry| entry.map(|(key, value)| (key, read(&value))))
}

fn read(value: &[u8]) -> Target {
    let number = |at: usize| {
        let bytes = value.get(at..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    };
    (number(0), Some(number(4)).filter(|id| *id != 0))
}
