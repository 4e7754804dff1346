//! Maps: created, filled, frozen, put into each other.

use std::ops::Range;

use super::Plan;
use super::blob::Attr;
use super::emit::{Cmd, Emitter};
use super::loader::{LightMap, LightStep};
use crate::spec::{Contents, MapOrigin, Pinning, SlotTarget, ring_buffer_size};
use crate::uapi::{MapFlags, MapType};
use crate::{Data, MapSpec};

/// `union bpf_attr` of `BPF_MAP_CREATE`, as far as this needs it.
mod create {
    pub(super) const MAP_TYPE: u32 = 0;
    pub(super) const KEY_SIZE: u32 = 4;
    pub(super) const VALUE_SIZE: u32 = 8;
    pub(super) const MAX_ENTRIES: u32 = 12;
    pub(super) const MAP_FLAGS: u32 = 16;
    pub(super) const INNER_MAP_FD: u32 = 20;
    pub(super) const NUMA_NODE: u32 = 24;
    pub(super) const MAP_NAME: u32 = 28;
    pub(super) const MAP_IFINDEX: u32 = 44;
    pub(super) const BTF_FD: u32 = 48;
    pub(super) const BTF_KEY_TYPE_ID: u32 = 52;
    pub(super) const BTF_VALUE_TYPE_ID: u32 = 56;
    pub(super) const MAP_EXTRA: u32 = 64;
    pub(super) const SIZE: usize = 72;
}

/// Of `BPF_MAP_UPDATE_ELEM` and `BPF_MAP_FREEZE`.
mod elem {
    pub(super) const MAP_FD: u32 = 0;
    pub(super) const KEY: u32 = 8;
    pub(super) const VALUE: u32 = 16;
    pub(super) const SIZE: usize = 32;
    pub(super) const FREEZE_SIZE: usize = 4;
}

/// Zeros that data may have where the file has none, for all maps of an object.
const ZEROS: u32 = 8 << 20;

/// Makes all maps, and puts maps into maps of maps.
pub(super) fn emit(out: &mut Emitter, plan: &Plan<'_>, kconfig: &[u8]) -> Vec<LightMap> {
    let mut zeros = ZEROS;
    let mut made = Vec::with_capacity(plan.maps.len());
    for (map, spec) in plan.maps.iter().map(|index| plan.spec_of_map(*index)).enumerate() {
        let Some(spec) = spec else { continue };
        let inner = plan.inner_slot(map).zip(spec.inner.as_deref());
        if let Some((slot, inner)) = inner {
            out.step(LightStep::InnerMap { map });
            let attr = attr(out, plan, inner);
            out.bpf(Cmd::MapCreate, attr, create::SIZE);
            out.keep(slot);
        }
        out.step(LightStep::Map { map });
        let attr = attr(out, plan, spec);
        if let Some((slot, _)) = inner {
            out.copy(attr.saturating_add(create::INNER_MAP_FD), slot);
        }
        out.max_entries(attr.saturating_add(create::MAX_ENTRIES), map);
        out.bpf(Cmd::MapCreate, attr, create::SIZE);
        out.keep(plan.map_slot(map));
        let initial = value(out, plan, map, spec, kconfig, &mut zeros);
        if spec.is_frozen() {
            out.step(LightStep::Freeze { map });
            let attr = out.blob.attr(Attr::new(elem::SIZE, plan.endian()));
            out.copy(attr.saturating_add(elem::MAP_FD), plan.map_slot(map));
            out.bpf(Cmd::MapFreeze, attr, elem::FREEZE_SIZE);
        }
        made.push(LightMap {
            name: spec.name.clone(),
            section: spec.origin.section().map(str::to_owned),
            map_type: spec.map_type,
            key_size: spec.key_size,
            value_size: spec.value_size,
            max_entries: spec.max_entries,
            flags: spec.flags,
            map_extra: spec.map_extra,
            key_type: spec.key_type,
            value_type: spec.value_type,
            frozen: spec.is_frozen(),
            initial,
        });
    }
    for map in 0..plan.maps.len() {
        slots(out, plan, map, |target| match target {
            SlotTarget::Map(name) => plan.slot_of_map(name),
            SlotTarget::Program(_) => None,
        });
    }
    made
}

/// The attribute that creates a map, but for the descriptor of its inner map.
fn attr(out: &mut Emitter, plan: &Plan<'_>, spec: &MapSpec) -> u32 {
    let mut flags = spec.flags;
    flags.set(MapFlags::NUMA_NODE, flags.contains(MapFlags::NUMA_NODE) || spec.numa_node.is_some());
    let mut attr = Attr::new(create::SIZE, plan.endian())
        .u32(create::MAP_TYPE, spec.map_type.0)
        .u32(create::KEY_SIZE, spec.key_size)
        .u32(create::VALUE_SIZE, spec.value_size)
        .u32(create::MAX_ENTRIES, entries(spec))
        .u32(create::MAP_FLAGS, flags.bits())
        .u32(create::NUMA_NODE, spec.numa_node.unwrap_or(0))
        .name(create::MAP_NAME, &spec.kernel_name())
        .u32(create::MAP_IFINDEX, spec.ifindex)
        .u64(create::MAP_EXTRA, spec.map_extra);
    let typed = plan.btf().is_some()
        && spec.map_type.takes_types()
        && (spec.key_type.0 != 0 || spec.value_type.0 != 0);
    if typed {
        attr = attr
            .u32(create::BTF_KEY_TYPE_ID, spec.key_type.0)
            .u32(create::BTF_VALUE_TYPE_ID, spec.value_type.0);
    }
    let attr = out.blob.attr(attr);
    if typed {
        out.copy(attr.saturating_add(create::BTF_FD), plan.btf_slot());
    }
    attr
}

/// How many entries a map has unless whoever runs the loader says so, who knows how large pages are there.
fn entries(spec: &MapSpec) -> u32 {
    const SMALLEST_PAGE: u32 = 4096;
    match spec.map_type {
        MapType::RINGBUF | MapType::USER_RINGBUF => ring_buffer_size(spec.max_entries, SMALLEST_PAGE),
        _ => spec.max_entries,
    }
}

/// Writes a map's initial value: that of the object, or what the context gives in its place. Where that may stand.
fn value(
    out: &mut Emitter,
    plan: &Plan<'_>,
    map: usize,
    spec: &MapSpec,
    kconfig: &[u8],
    zeros: &mut u32,
) -> Option<Range<u32>> {
    let mut data = match spec.origin {
        MapOrigin::Kconfig => Data::new(kconfig.to_vec())?,
        _ => spec.data()?.clone(),
    };
    // The kernel reads that many bytes, whatever there are.
    data.resize(spec.value_size);
    if data.is_empty() {
        return None;
    }
    let made_up = data.len().saturating_sub(stored(&data));
    // Without room for it the value cannot be given, but all zeros need not be.
    *zeros = match zeros.checked_sub(made_up) {
        Some(left) => left,
        None if data.is_zeros() => return None,
        None => {
            out.blob.full = true;
            return None;
        }
    };
    let value =
        if data.is_zeros() { out.blob.zeros(data.len() as usize) } else { out.blob.add(&data.to_vec()) };
    out.step(LightStep::Value { map });
    let [given, done] = [out.place(), out.place()];
    // What is all zeros anyway is written only if it is given.
    out.initial(map, &value, if data.is_zeros() { &done } else { &given });
    out.mark(&given);
    let key = out.blob.zeros(4).start;
    update(out, plan, plan.map_slot(map), key, value.start);
    out.mark(&done);
    Some(value)
}

/// Bytes that are in the file or were set.
fn stored(data: &Data) -> u32 {
    data.runs().fold(0, |sum, (_, bytes)| sum.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX)))
}

/// Puts programs into program arrays.
pub(super) fn fill_program_arrays(out: &mut Emitter, plan: &Plan<'_>) {
    for map in 0..plan.maps.len() {
        slots(out, plan, map, |target| match target {
            SlotTarget::Program(name) => plan.slot_of_program(name),
            SlotTarget::Map(_) => None,
        });
    }
}

/// Puts into a map those of its initial entries that `descriptor` knows.
fn slots(out: &mut Emitter, plan: &Plan<'_>, map: usize, descriptor: impl Fn(&SlotTarget) -> Option<u32>) {
    let Some(Contents::Slots(slots)) =
        plan.maps.get(map).and_then(|i| plan.spec_of_map(*i)).map(|s| &s.contents)
    else {
        return;
    };
    for slot in slots {
        let Some(value) = descriptor(&slot.target) else { continue };
        out.step(LightStep::Slot { map, index: slot.index });
        let key = out.blob.words([slot.index].into_iter()).start;
        update(out, plan, plan.map_slot(map), key, value);
    }
}

fn update(out: &mut Emitter, plan: &Plan<'_>, map: u32, key: u32, value: u32) {
    let attr = out.blob.attr(Attr::new(elem::SIZE, plan.endian()));
    out.copy(attr.saturating_add(elem::MAP_FD), map);
    out.point(attr.saturating_add(elem::KEY), key);
    out.point(attr.saturating_add(elem::VALUE), value);
    out.bpf(Cmd::MapUpdateElem, attr, elem::SIZE);
}

/// Why a loader cannot make a map.
pub(super) fn problem(spec: &MapSpec) -> Option<&'static str> {
    let has_data = spec.origin == MapOrigin::Kconfig || spec.data().is_some();
    let has_slots = matches!(&spec.contents, Contents::Slots(slots) if !slots.is_empty());
    if spec.map_type == MapType::STRUCT_OPS {
        return Some("its layout depends on the kernel");
    }
    if spec.exclusive.is_some() {
        return Some("the program that it is exclusive to is not known before it is relocated");
    }
    if spec.pinning != Pinning::None || spec.pin_path.is_some() {
        return Some("programs cannot pin; take the pinning out and pin it afterwards");
    }
    // Of these the kernel reads as many bytes as there are here.
    if has_data && (spec.map_type != MapType::ARRAY || spec.key_size != 4) {
        return Some("only arrays can have an initial value");
    }
    (has_slots && spec.key_size != 4).then_some("initial entries need keys of 4 bytes")
}
