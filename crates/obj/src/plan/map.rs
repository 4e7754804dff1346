//! What a map is and needs.

use super::memory::Memory;
use super::need::{Need, Privilege, Release, When, Whose};
use super::{Planner, flags};
use crate::relo_core::shortened;
use crate::spec::{Contents, MapOrigin};
use crate::uapi::{MapFlags, MapType, since};
use crate::{Capability, MapSpec, Pinning};

/// A map of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MapPlan {
    /// Its name.
    pub name: String,
    /// Its type.
    pub map_type: MapType,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Entries at most; bytes for ring buffers, pages for arenas. 0 where the loader chooses.
    pub max_entries: u32,
    /// Flags at creation.
    pub flags: MapFlags,
    /// Whether the object asks for it to be pinned.
    pub pinning: Pinning,
    /// Whether it holds global variables, the kernel's configuration among them.
    pub global_data: bool,
    /// Whether it is created unless it is turned on or off.
    pub created: bool,
    /// Of a map of maps: what these are like.
    pub inner: Option<Box<MapPlan>>,
    /// What it takes; `None` where that depends on what it is used with.
    pub memory: Option<Memory>,
    /// The option of the kernel's build that its type depends on.
    pub config: Option<&'static str>,
    /// The oldest kernel that makes it; of global variables, that has them.
    pub oldest: Option<Release>,
}

impl Planner<'_> {
    /// Looks at a map; what it needs goes to the planner's lists.
    pub(super) fn map(&mut self, map: &MapSpec) -> MapPlan {
        let mut needs = Vec::new();
        // Without them an older kernel has no global variables, which only programs that use them mind.
        let spared = !map.autocreate || map.is_global_data();
        let name = || Whose::Map { name: shortened(&map.name) };
        let mut add = |since: Release, what: String| {
            needs.push(Need { since, what, whose: name(), when: When::Load });
        };
        if let Some(since) = map.map_type.since() {
            add(since.into(), format!("maps of type {}", map.map_type));
        }
        // The loader takes it back where it is for global variables.
        let taken_back = if map.is_global_data() { MapFlags::MMAPABLE } else { MapFlags::empty() };
        let fields = [
            (map.map_extra != 0, since::MAP_EXTRA),
            (map.ifindex != 0, since::MAP_IFINDEX),
            (map.exclusive.is_some(), since::MAP_EXCLUSIVE),
        ];
        let fields = fields.into_iter().filter(|(set, _)| *set).map(|(_, since)| since);
        for (since, what) in map.flags.difference(taken_back).since().chain(fields) {
            add(since.into(), what.to_owned());
        }
        if map.is_global_data() {
            add((5, 2).into(), "global variables".to_owned());
        }
        if let Contents::StructOps(_) = map.contents {
            let ty = self.spec.btf.as_ref().and_then(|btf| btf.get(map.value_type).ok());
            if let Some((ty, since)) = ty.and_then(|ty| Some((ty, flags::struct_ops(ty.name())?))) {
                add(since, format!("struct_ops of struct {}", ty.name()));
            }
        }
        let oldest = needs.iter().map(|need| need.since).max();
        let when = if spared { When::Spared } else { When::Load };
        self.needs.add(needs.into_iter().map(|need| Need { when, ..need }));
        let inner = map.inner.as_deref().map(|inner| Box::new(self.map(inner)));
        if map.autocreate {
            let what = format!("maps of type {}", map.map_type);
            let capability = map.map_type.capability().unwrap_or(Capability::Bpf);
            if !self.privileges.iter().any(|p| p.capability == capability && p.what == what) {
                self.privileges.push(Privilege { capability, what, attach: false });
            }
        }
        MapPlan {
            name: shortened(&map.name),
            map_type: map.map_type,
            key_size: map.key_size,
            value_size: map.value_size,
            max_entries: map.max_entries,
            flags: map.flags,
            pinning: map.pinning,
            global_data: map.is_global_data() || map.origin == MapOrigin::Kconfig,
            created: map.autocreate,
            inner,
            memory: Memory::of(map),
            config: map.map_type.config(),
            oldest,
        }
    }
}
