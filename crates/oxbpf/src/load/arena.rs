//! Variables in an arena: where they are, and what they begin with.

use oxbpf_obj::{Data, MapFlags, MapSpec, MapType};
use oxbpf_sys::Kernel;

use crate::error::{Error, Result};
use crate::features::{Feature, lacks};
use crate::map::Map;

/// The offset in the arena at which its variables begin: the last pages, out of the way of programs that allocate from
/// the front; where instructions cannot point so far, the first.
pub(super) fn place(kernel: &Kernel, spec: &MapSpec) -> Result<u32> {
    let Some(data) = variables(spec) else { return Ok(0) };
    let page = rustix::param::page_size() as u64;
    let (size, used) =
        (page.saturating_mul(spec.max_entries.into()), u64::from(data.len()).next_multiple_of(page));
    let fail = |reason| Err(Error::MapDefinition { map: spec.name.clone(), reason });
    if used > size {
        return fail(format!("its variables take {used} bytes, it has {size} (max_entries counts pages)"));
    }
    if spec.flags.contains(MapFlags::SEGV_ON_FAULT) {
        return fail(
            "it has variables, and with BPF_F_SEGV_ON_FAULT user space cannot make their pages".into(),
        );
    }
    if lacks(kernel, Feature::DirectOffsets) {
        return Ok(0);
    }
    match u32::try_from(size - used) {
        Ok(offset) => Ok(offset),
        Err(_) => fail(format!("{size} bytes are more than an arena can have")),
    }
}

/// Maps the arena, which gives it the address that its programs are verified for, and puts the variables' values at
/// `offset`. Their pages are all made: what programs write to one that is not there would be lost.
pub(super) fn fill(spec: &MapSpec, offset: u32, map: &Map) -> Result<()> {
    let memory = map.arena()?;
    let Some(data) = variables(spec) else { return Ok(()) };
    if memory.write(offset as usize, &data.to_vec()) {
        return Ok(());
    }
    let reason = format!("its variables do not fit at {offset:#x}");
    Err(Error::MapDefinition { map: spec.name.clone(), reason })
}

fn variables(spec: &MapSpec) -> Option<&Data> {
    spec.data().filter(|_| spec.map_type == MapType::ARENA)
}
