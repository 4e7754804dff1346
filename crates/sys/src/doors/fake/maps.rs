//! Commands on maps.

use std::os::fd::AsFd;

use oxbpf_btf::Btf;

use super::State;
use super::objects::{Kind, Map};
use super::values::Values;
use crate::uapi::{ElemFlags, MapBatchAttr, MapCreateAttr, MapElemAttr, MapFlags, MapType};
use crate::{Attr, Cmd, Errno, Reply};

impl State {
    pub(super) fn map_create(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: MapCreateAttr = attr.view();
        if let Err(e) = check_shape(&a) {
            attr.answer_log("Invalid key_size, value_size, max_entries or map_flags.\n");
            return Err(e);
        }
        let btf_id = self.objects.btf_id(a.btf_fd)?;
        self.check_types(&a)?;
        if MapType(a.map_type).is_map_in_map() {
            self.objects.find_raw(a.inner_map_fd)?.map()?;
        }
        let fd = super::memfd("map")?;
        let values = Values::new(&a, fd.as_fd())?;
        let map = Map { attr: a, btf_id, frozen: false, values };
        self.objects.add_on(fd, Kind::Map(Box::new(map))).map(Reply::Fd)
    }

    /// Key and value types must be as long as keys and values.
    fn check_types(&mut self, a: &MapCreateAttr) -> Result<(), Errno> {
        if a.btf_fd == 0 {
            return if a.btf_key_type_id == 0 && a.btf_value_type_id == 0 {
                Ok(())
            } else {
                Err(Errno::EBADF)
            };
        }
        let Kind::Btf(bytes) = &self.objects.find_raw(a.btf_fd)?.kind else { return Err(Errno::EINVAL) };
        let btf = Btf::parse(bytes.as_slice()).map_err(|_| Errno::EINVAL)?;
        for (id, size) in [(a.btf_key_type_id, a.key_size), (a.btf_value_type_id, a.value_size)] {
            if id != 0 && btf.size_of(oxbpf_btf::TypeId(id)).ok() != Some(u64::from(size)) {
                return Err(Errno::EINVAL);
            }
        }
        Ok(())
    }

    pub(super) fn map_elem(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: MapElemAttr = attr.view();
        let cmd = attr.cmd();
        let kind = MapType(self.objects.find_raw(a.map_fd)?.map()?.attr.map_type);
        let (known, write) = (ElemFlags::NOEXIST | ElemFlags::EXIST, cmd == Cmd::MAP_UPDATE_ELEM);
        if ElemFlags::from_bits_retain(a.flags).intersects(if write { !known } else { ElemFlags::all() }) {
            return Err(Errno::EINVAL);
        }
        let key = attr.bytes("key").map(<[u8]>::to_vec);
        let plain_key = key.clone().unwrap_or_default();
        if cmd == Cmd::MAP_UPDATE_ELEM {
            let value = attr.bytes("value").unwrap_or_default().to_vec();
            let value = self.stored(kind, value)?;
            let map = self.objects.find_raw(a.map_fd)?.map()?;
            if map.frozen {
                return Err(Errno::EPERM);
            }
            return map.values.update(a.map_fd, &plain_key, &value, a.flags).map(|()| Reply::Value(0));
        }
        let map = self.objects.find_raw(a.map_fd)?.map()?;
        let answer = match cmd {
            Cmd::MAP_LOOKUP_ELEM => Some(("value", map.values.lookup(a.map_fd, &plain_key)?)),
            Cmd::MAP_LOOKUP_AND_DELETE_ELEM | Cmd::MAP_DELETE_ELEM if map.frozen => return Err(Errno::EPERM),
            Cmd::MAP_LOOKUP_AND_DELETE_ELEM => Some(("value", map.values.take(&plain_key)?)),
            Cmd::MAP_GET_NEXT_KEY => Some(("next_key", map.values.next_key(key.as_deref())?)),
            Cmd::MAP_DELETE_ELEM => {
                map.values.delete(&plain_key)?;
                None
            }
            _ => {
                if map.frozen {
                    return Err(Errno::EPERM);
                }
                map.frozen = true;
                None
            }
        };
        if let Some((field, bytes)) = answer {
            fill(attr, field, 0, &bytes)?;
        }
        Ok(Reply::Value(0))
    }

    /// Of a descriptor the kernel keeps the object, and shows its id.
    fn stored(&mut self, kind: MapType, value: Vec<u8>) -> Result<Vec<u8>, Errno> {
        let wants_map = kind.is_map_in_map();
        if !wants_map && kind != MapType::PROG_ARRAY {
            return Ok(value);
        }
        let fd = u32::from_ne_bytes(value.as_slice().try_into().map_err(|_| Errno::EINVAL)?);
        let object = self.objects.find_raw(fd)?;
        let id = object.id;
        if wants_map {
            object.map()?;
        } else {
            object.prog()?;
        }
        Ok(id.to_ne_bytes().to_vec())
    }

    pub(super) fn map_batch(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: MapBatchAttr = attr.view();
        let cmd = attr.cmd();
        let map = self.objects.find_raw(a.map_fd)?.map()?;
        let key_size = map.attr.key_size as usize;
        let value_len = attr.bytes("values").map_or(0, <[u8]>::len) / (a.count.max(1) as usize);
        let mut done = 0;
        let mut result = Ok(Reply::Value(0));
        if cmd == Cmd::MAP_UPDATE_BATCH || cmd == Cmd::MAP_DELETE_BATCH {
            if map.frozen {
                return Err(Errno::EPERM);
            }
            let keys = attr.bytes("keys").unwrap_or_default();
            let values = attr.bytes("values").unwrap_or_default();
            for (i, key) in keys.chunks(key_size.max(1)).enumerate() {
                let value = values.chunks(value_len.max(1)).nth(i).unwrap_or_default();
                let one = if cmd == Cmd::MAP_UPDATE_BATCH {
                    map.values.update(a.map_fd, key, value, a.elem_flags)
                } else {
                    map.values.delete(key)
                };
                if let Err(e) = one {
                    result = Err(e);
                    break;
                }
                done += 1;
            }
        } else {
            let mut last = attr.bytes("in_batch").and_then(|b| b.get(..key_size)).map(<[u8]>::to_vec);
            let mut found = Vec::new();
            while done < a.count {
                let Ok(key) = map.values.next_key(last.as_deref()) else { break };
                let Ok(value) = map.values.lookup(a.map_fd, &key) else { break };
                found.push((key.clone(), value));
                last = Some(key);
                done += 1;
            }
            let more = map.values.next_key(last.as_deref()).is_ok() && done == a.count;
            if cmd == Cmd::MAP_LOOKUP_AND_DELETE_BATCH {
                for (key, _) in &found {
                    map.values.delete(key)?;
                }
            }
            for (i, (key, value)) in found.iter().enumerate() {
                fill(attr, "keys", i * key_size, key)?;
                fill(attr, "values", i * value_len, value)?;
            }
            if let Some(last) = last {
                fill(attr, "out_batch", 0, &last)?;
            }
            if !more {
                result = Err(Errno::ENOENT);
            }
        }
        attr.answer(&MapBatchAttr { count: done, ..a });
        result
    }
}

/// The sizes that the kernel insists on.
fn check_shape(a: &MapCreateAttr) -> Result<(), Errno> {
    let kind = MapType(a.map_type);
    let flags = MapFlags::from_bits_retain(a.map_flags);
    if kind.name().is_none() || kind == MapType::UNSPEC {
        return Err(Errno::EINVAL);
    }
    let keyless = matches!(
        kind,
        MapType::QUEUE
            | MapType::STACK
            | MapType::BLOOM_FILTER
            | MapType::RINGBUF
            | MapType::USER_RINGBUF
            | MapType::ARENA
    );
    let storage = matches!(
        kind,
        MapType::SK_STORAGE | MapType::TASK_STORAGE | MapType::INODE_STORAGE | MapType::CGRP_STORAGE
    );
    let ok = if storage {
        a.key_size == 4 && a.value_size > 0 && a.max_entries == 0 && flags.contains(MapFlags::NO_PREALLOC)
    } else {
        a.max_entries > 0
            && (a.key_size == 0) == keyless
            && (!kind.is_indexed() || a.key_size == 4)
            && (a.value_size > 0 || keyless)
    };
    let ringbuf = matches!(kind, MapType::RINGBUF | MapType::USER_RINGBUF);
    if ok && !(ringbuf && a.value_size != 0) { Ok(()) } else { Err(Errno::EINVAL) }
}

fn fill(attr: &mut Attr<'_>, field: &str, at: usize, bytes: &[u8]) -> Result<(), Errno> {
    let out = attr.bytes_mut(field).and_then(|b| b.get_mut(at..at + bytes.len())).ok_or(Errno::EFAULT)?;
    out.copy_from_slice(bytes);
    Ok(())
}
