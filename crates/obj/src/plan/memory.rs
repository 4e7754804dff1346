//! How much memory a map takes.

use super::flags;
use crate::MapSpec;
use crate::uapi::MapType;

/// An estimate of the memory that a map takes in a 64-bit kernel, in bytes. What kernels add for each element has changed
/// now and then by some bytes.
///
/// Of maps whose elements live with something else (sockets, tasks, inodes, cgroups) nothing is known: they have as many
/// as there are of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Memory {
    /// From its creation.
    pub created: u64,
    /// Once it is full.
    pub full: u64,
    /// Beside [`full`](Self::full), for each possible CPU.
    pub per_cpu: u64,
}

const PAGE: u64 = 4096;
/// What every map has.
const MAP: u64 = 320;
/// What a hash table keeps of an element beside key and value, and for each of its buckets.
const HASH_ELEMENT: u64 = 48;
const BUCKET: u64 = 16;
const POINTER: u64 = 8;

impl Memory {
    /// That of a map, as its spec has it.
    pub(super) fn of(map: &MapSpec) -> Option<Self> {
        let entries = u64::from(map.max_entries);
        let (key, value) = (rounded(map.key_size), rounded(map.value_size));
        let each = |bytes: u64| MAP.saturating_add(entries.saturating_mul(bytes));
        let hash = |value: u64| {
            let buckets = entries.checked_next_power_of_two().unwrap_or(u64::MAX).saturating_mul(BUCKET);
            let element = HASH_ELEMENT.saturating_add(key).saturating_add(value);
            (MAP.saturating_add(buckets), entries.saturating_mul(element))
        };
        let all = |full: u64| Self { created: full, full, per_cpu: 0 };
        // Buckets, and what the elements take.
        let table = |(fixed, elements): (u64, u64), per_cpu: u64| {
            let full = fixed.saturating_add(elements);
            let created = if flags::grows(map.map_type, map.flags) { fixed } else { full };
            Self { created, full, per_cpu }
        };
        Some(match map.map_type {
            MapType::HASH | MapType::LRU_HASH | MapType::RHASH => table(hash(value), 0),
            MapType::PERCPU_HASH | MapType::LRU_PERCPU_HASH => {
                table(hash(POINTER), entries.saturating_mul(value))
            }
            MapType::HASH_OF_MAPS => table(hash(POINTER), 0),
            MapType::ARRAY | MapType::QUEUE | MapType::STACK => all(each(value)),
            MapType::PERCPU_ARRAY => Self { per_cpu: entries.saturating_mul(value), ..all(each(POINTER)) },
            MapType::PROG_ARRAY
            | MapType::PERF_EVENT_ARRAY
            | MapType::CGROUP_ARRAY
            | MapType::ARRAY_OF_MAPS
            | MapType::SOCKMAP
            | MapType::XSKMAP
            | MapType::REUSEPORT_SOCKARRAY => all(each(POINTER)),
            MapType::DEVMAP | MapType::CPUMAP => table((each(POINTER), entries.saturating_mul(64)), 0),
            MapType::DEVMAP_HASH | MapType::SOCKHASH => table(hash(64), 0),
            MapType::LPM_TRIE => {
                table((MAP, entries.saturating_mul(key.saturating_add(value).saturating_add(40))), 0)
            }
            MapType::STACK_TRACE => {
                let entries = entries.checked_next_power_of_two().unwrap_or(u64::MAX);
                let each = value.saturating_add(24).saturating_add(POINTER);
                all(MAP.saturating_add(entries.saturating_mul(each)))
            }
            // Its bytes, and pages that say who is where.
            MapType::RINGBUF | MapType::USER_RINGBUF => all(entries.saturating_add(PAGE.saturating_mul(3))),
            MapType::BLOOM_FILTER => {
                let hashes = (map.map_extra & 0xf).max(1);
                let bits = entries.saturating_mul(hashes).saturating_mul(7) / 5;
                all(MAP.saturating_add(bits.checked_next_power_of_two().unwrap_or(u64::MAX) / 8))
            }
            MapType::ARENA => table((MAP, entries.saturating_mul(PAGE)), 0),
            MapType::INSN_ARRAY => all(each(24)),
            _ => return None,
        })
    }
}

/// Keys and values take multiples of 8.
fn rounded(size: u32) -> u64 {
    u64::from(size).next_multiple_of(8)
}
