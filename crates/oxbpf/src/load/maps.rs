//! Maps: created, shared, filled and frozen.

use std::cell::LazyCell;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};

use oxbpf_obj::{Contents, Endian, FixupKind, MapFlags, MapSpec, MapType, ObjectSpec, ProgramImage};
use oxbpf_sys::{Cmd, Errno, Kernel, MapCreate, MapFd, SysError};

use super::btf::LoadedBtf;
use super::externs::Externs;
use super::hints::refused;
use super::struct_ops::{KernelOps, StructOpsMaps};
use super::{LoadOptions, arena, contents, hints, memlock, pinned};
use crate::error::{Error, Result};
use crate::features::{Feature, lacks};
use crate::map::pin::Pins;
use crate::map::{Map, Shape, create};

/// The maps of an object, in the order of its spec; `None` for those that are not created.
#[derive(Debug)]
pub(super) struct Maps {
    maps: Vec<Option<Map>>,
    /// The arena that has variables, and where they are in it.
    arena: Option<(usize, u32)>,
    names: Vec<String>,
    /// Maps of maps that were made and have yet to be filled, and where they are pinned then.
    unfilled: Vec<(usize, Option<PathBuf>)>,
    /// The pins made by this load: gone again unless it succeeds.
    pins: Pins,
}

/// Creates the maps of `spec` and puts into them what it says, but for programs.
pub(super) fn create(
    spec: &ObjectSpec,
    options: &LoadOptions,
    images: &[ProgramImage],
    btf: Option<&LoadedBtf>,
    externs: &Externs<'_>,
    struct_ops: &StructOpsMaps,
) -> Result<Maps> {
    let mut maps = Maps {
        maps: Vec::with_capacity(spec.maps.len()),
        arena: None,
        names: spec.maps.iter().map(|map| map.name.clone()).collect(),
        unfilled: Vec::new(),
        pins: Pins::new(&options.kernel),
    };
    let maker = Maker { spec, options, images, btf, externs, struct_ops };
    for (index, map) in spec.maps.iter().enumerate() {
        if map.autocreate && map.map_type == MapType::ARENA && map.data().is_some() {
            maps.arena = Some((index, arena::place(&options.kernel, map)?));
        }
        let made = if map.autocreate { maker.make(index, map, &mut maps)? } else { None };
        maps.maps.push(made);
    }
    // All maps exist by now, so that they may refer to each other in any order.
    let named = LazyCell::new(|| contents::by_name(spec.maps.iter().map(|map| &*map.name).enumerate()));
    for (index, path) in std::mem::take(&mut maps.unfilled) {
        let (Some(map), Some(made)) = (spec.maps.get(index), maps.get(index).cloned()) else { continue };
        contents::fill_map_of_maps(&named, &maps, map, &made)?;
        let made = maker.pin(map, made, path.as_deref(), &mut maps.pins)?;
        if let Some(place) = maps.maps.get_mut(index) {
            *place = Some(made);
        }
    }
    Ok(maps)
}

impl Maps {
    /// The map with this index in the spec, if it was created.
    pub(super) fn get(&self, index: usize) -> Option<&Map> {
        self.maps.get(index)?.as_ref()
    }

    /// The maps that were created.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Map> {
        self.maps.iter().flatten()
    }

    /// What is added to the offset of a variable in the map with this index: arenas have more than variables.
    pub(super) fn offset(&self, map: usize) -> u32 {
        self.arena.filter(|(index, _)| *index == map).map_or(0, |(_, offset)| offset)
    }

    /// Writes the descriptors of maps into a program, and the places of variables in them. Where a map was not created
    /// the instruction becomes one that the verifier refuses if it can be reached.
    pub(super) fn write_into(&self, image: &mut ProgramImage) {
        for fixup in std::mem::take(&mut image.fixups) {
            let (index, variable) = match fixup.kind {
                FixupKind::MapFd { map } => (map, None),
                FixupKind::MapValue { map, offset } => (map, Some(offset)),
                _ => continue,
            };
            let fd = self.get(index).map(|map| map.as_fd().as_raw_fd());
            match (fd, variable) {
                (Some(fd), Some(offset)) => {
                    image.set_map_value(fixup.insn, fd, offset.wrapping_add(self.offset(index)));
                }
                (Some(fd), None) => image.set_map(fixup.insn, fd),
                (None, _) => {
                    image.poison_map(fixup.insn, index, self.names.get(index).map_or("?", String::as_str));
                }
            }
        }
    }

    /// The maps that were created; their pins stay.
    pub(super) fn keep(self) -> Vec<Map> {
        self.pins.keep();
        self.maps.into_iter().flatten().collect()
    }
}

/// What maps are made from.
struct Maker<'a> {
    spec: &'a ObjectSpec,
    options: &'a LoadOptions,
    /// The programs, complete but for maps.
    images: &'a [ProgramImage],
    btf: Option<&'a LoadedBtf>,
    externs: &'a Externs<'a>,
    struct_ops: &'a StructOpsMaps,
}

impl Maker<'_> {
    fn make(&self, index: usize, map: &MapSpec, maps: &mut Maps) -> Result<Option<Map>> {
        if let Some(given) = self.options.maps.get(&map.name) {
            pinned::check_given(map, given)?;
            return Ok(Some(given.clone()));
        }
        let kernel = &self.options.kernel;
        let max_entries = max_entries(kernel, map)?;
        let path = pinned::path(self.spec, map, &self.options.pin_root);
        if let Some(path) = &path
            && let Some(fd) = pinned::open(kernel, map, max_entries, path)?
        {
            tracing::debug!(map = map.name, path = %path.display(), "pinned map reused");
            return Ok(Some(self.wrap(map, max_entries, map.flags, fd)));
        }
        let ops = self.struct_ops.get(index);
        let Some((fd, flags)) = self.create(map, ops, max_entries)? else { return Ok(None) };
        let made = self.wrap(map, max_entries, flags, fd);
        match map.map_type {
            MapType::ARENA => arena::fill(map, maps.offset(index), &made)?,
            _ => contents::fill_data(map, self.externs, &made)?,
        }
        if map.is_frozen() {
            made.freeze()?;
        }
        if map.map_type.is_map_in_map() && matches!(map.contents, Contents::Slots(_)) {
            maps.unfilled.push((index, path));
            return Ok(Some(made));
        }
        self.pin(map, made, path.as_deref(), &mut maps.pins).map(Some)
    }

    /// Pins a map that is complete, and may be found by others from now on.
    fn pin(&self, map: &MapSpec, made: Map, path: Option<&Path>, pins: &mut Pins) -> Result<Map> {
        let Some(path) = path else { return Ok(made) };
        match pins.add(path, |path| made.pin(path)) {
            // Someone else was faster: theirs is the one to share.
            Err(error) if error.errno() == Some(Errno::EEXIST) => {
                let entries = made.max_entries();
                let theirs = pinned::open(&self.options.kernel, map, entries, path)?.ok_or(error)?;
                Ok(self.wrap(map, entries, made.flags(), theirs))
            }
            pinned => pinned.map(|()| made),
        }
    }

    fn wrap(&self, map: &MapSpec, max_entries: u32, flags: MapFlags, fd: MapFd) -> Map {
        let shape = Shape {
            name: map.name.clone(),
            section: map.origin.section().map(str::to_owned),
            map_type: map.map_type,
            key_size: map.key_size,
            // Of struct_ops it is the kernel's.
            value_size: u32::try_from(fd.value_size()).unwrap_or(map.value_size),
            max_entries,
            flags,
            map_extra: map.map_extra,
            key_type: map.key_type,
            value_type: map.value_type,
        };
        Map::new(fd, self.options.kernel.clone(), shape, self.spec.btf.clone())
    }

    /// Creates a map, with what this kernel has of what it asks for. `None`: it is for global variables, which this
    /// kernel has not, and only a program that uses it need fail.
    fn create(
        &self,
        map: &MapSpec,
        ops: Option<&KernelOps>,
        entries: u32,
    ) -> Result<Option<(MapFd, MapFlags)>> {
        let kernel = &self.options.kernel;
        let given = self.options.inner_maps.get(&map.name);
        let inner = match &map.inner {
            Some(inner) if map.map_type.is_map_in_map() && given.is_none() => {
                self.create(inner, None, max_entries(kernel, inner)?)?.map(|(fd, _)| fd)
            }
            _ => None,
        };
        let given = given.filter(|_| map.map_type.is_map_in_map()).map(AsFd::as_fd);
        let owner = self.owner(map)?;
        let name = map.kernel_name();
        let mut attempt = MapCreate {
            map_type: map.map_type,
            key_size: map.key_size,
            value_size: map.value_size,
            max_entries: entries,
            flags: map.flags,
            name: &name,
            map_extra: map.map_extra,
            numa_node: map.numa_node,
            inner_map_fd: given.or(inner.as_ref().map(AsFd::as_fd)),
            ifindex: map.ifindex,
            excl_prog_hash: owner.as_ref().map_or(&[], |hash| &hash[..]),
            ..MapCreate::default()
        };
        if let Some(btf) = self.btf
            && map.map_type.takes_types()
            && (map.key_type.0 != 0 || map.value_type.0 != 0)
        {
            attempt.btf_fd = Some(btf.fd.as_fd());
            attempt.btf_key_type_id = map.key_type.0;
            attempt.btf_value_type_id = map.value_type.0;
        }
        if let Some(ops) = ops {
            // The kernel's type, not the object's; but it wants the object's types all the same.
            attempt.value_size = u32::try_from(ops.value.len()).unwrap_or(u32::MAX);
            attempt.btf_fd = self.btf.map(|btf| btf.fd.as_fd());
            attempt.btf_vmlinux_value_type_id = ops.value_type.0;
            attempt.value_type_btf_obj_fd = ops.module.as_ref().map(|module| module.fd.as_fd());
        }
        loop {
            let mut error = match memlock::retried(kernel, || kernel.map_create(&attempt)) {
                Ok(fd) => return Ok(Some((fd, attempt.flags))),
                Err(error) => error,
            };
            if map.is_global_data() && refused(&error, Cmd::MAP_CREATE) && lacks(kernel, Feature::GlobalData)
            {
                tracing::warn!(map = map.name, "this kernel has no global variables; going on without");
                return Ok(None);
            }
            if !lower(kernel, map, &mut attempt, &error) {
                let needs = hints::needs_of_object(self.spec);
                let hint = hints::map(kernel, needs, map.map_type, &mut error);
                return Err(Error::MapCreate {
                    map: map.name.clone(),
                    map_type: map.map_type,
                    // The name stands before it.
                    source: error.bare(),
                    hint,
                });
            }
        }
    }
}

impl Maker<'_> {
    /// What the kernel knows the only program by that may use a map.
    fn owner(&self, map: &MapSpec) -> Result<Option<[u8; 32]>> {
        let Some(name) = &map.exclusive else { return Ok(None) };
        let is_owner = |image: &&ProgramImage| {
            self.spec.programs.get(image.program).is_some_and(|program| program.name == *name)
        };
        match self.images.iter().find(is_owner) {
            Some(image) => Ok(Some(image.digest(Endian::NATIVE))),
            None => Err(Error::MapDefinition {
                map: map.name.clone(),
                reason: format!("it is for program {name} only, which is not there or not to be loaded"),
            }),
        }
    }
}

/// Takes back one thing of `attempt` that this kernel lacks; false if there is none left.
fn lower(kernel: &Kernel, map: &MapSpec, attempt: &mut MapCreate<'_>, error: &SysError) -> bool {
    if !refused(error, Cmd::MAP_CREATE) {
        return false;
    }
    if map.is_global_data() && attempt.flags.contains(MapFlags::MMAPABLE) && lacks(kernel, Feature::ArrayMmap)
    {
        attempt.flags.remove(MapFlags::MMAPABLE);
    } else if !attempt.name.is_empty() && lacks(kernel, Feature::ObjectNames) {
        attempt.name = "";
    } else if attempt.btf_fd.is_some() && map.map_type != MapType::STRUCT_OPS {
        tracing::warn!(map = map.name, %error, "map refused with its types; going on without them");
        attempt.btf_fd = None;
        attempt.btf_key_type_id = 0;
        attempt.btf_value_type_id = 0;
    } else {
        return false;
    }
    true
}

/// How many elements a map has: what its spec says, or what this machine asks for.
fn max_entries(kernel: &Kernel, map: &MapSpec) -> Result<u32> {
    let source = match create::max_entries(kernel, map.map_type, map.max_entries) {
        Ok(entries) => return Ok(entries),
        Err(source) => source,
    };
    Err(Error::Map { map: map.name.clone(), source })
}
