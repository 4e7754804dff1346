//! From the file to an object that is ready to load, with what the command line changes in it.

use oxbpf::{MapType, ObjectSpec};
use oxbpf_btf::{Btf, Kind, TypeId};

use super::globals;
use crate::args::{GlobalSetting, RunArgs};
use crate::error::Error;
use crate::events::{EventType, Source};

/// Opens the object and makes the changes that were asked for.
pub(super) fn open(args: &RunArgs) -> Result<ObjectSpec, Error> {
    let mut spec = oxbpf::open(&args.object)?;
    for setting in &args.set {
        set(&mut spec, setting)?;
    }
    for name in &args.no_attach {
        match spec.program_mut(name) {
            Some(program) => program.autoattach = false,
            None => {
                return Err(no_such(
                    "program",
                    name,
                    spec.programs.iter().map(|program| program.name.clone()),
                ));
            }
        }
    }
    for name in &args.map {
        if spec.map(name).is_none() {
            return Err(no_such("map", name, spec.maps.iter().map(|map| map.name.clone())));
        }
    }
    if !spec.programs.iter().any(|program| program.autoload && program.autoattach) {
        return Err(Error::NothingToAttach);
    }
    Ok(spec)
}

/// The object's ring buffers, with what is known of their events.
pub(super) fn sources(spec: &ObjectSpec, args: &RunArgs) -> Result<Vec<Source>, Error> {
    let rings = || spec.maps.iter().filter(|map| map.autocreate && map.map_type == MapType::RINGBUF);
    if let Some(choice) = args.event.iter().find(|choice| rings().all(|ring| ring.name != choice.map)) {
        return Err(no_such("ring buffer", &choice.map, rings().map(|ring| ring.name.clone())));
    }
    rings()
        .map(|ring| {
            let choice = args.event.iter().rfind(|choice| choice.map == ring.name);
            let types = match (&spec.btf, choice) {
                (None, None) => None,
                (None, Some(choice)) => return Err(no_such("type", &choice.type_name, [].into_iter())),
                (Some(btf), None) => Some((btf.clone(), EventType::of_map(btf, &ring.name))),
                (Some(btf), Some(choice)) => {
                    let named = EventType::named(btf, &choice.type_name)
                        .ok_or_else(|| no_such("struct", &choice.type_name, structs(btf)))?;
                    Some((btf.clone(), named))
                }
            };
            Ok(Source { map: ring.name.clone(), types })
        })
        .collect()
}

fn set(spec: &mut ObjectSpec, setting: &GlobalSetting) -> Result<(), Error> {
    let failed = |reason| Error::Set { name: setting.name.clone(), reason };
    let Some(var) = spec.global(&setting.name) else {
        return Err(no_such("global variable", &setting.name, globals_of(spec)));
    };
    let bytes = match &spec.btf {
        Some(btf) if var.ty != TypeId::VOID => globals::encode(btf, var.ty, &setting.value),
        _ => globals::encode_untyped(&setting.value, var.size, spec.endian),
    };
    let bytes = bytes.map_err(failed)?;
    spec.set_global_bytes(&setting.name, &bytes).map_err(|error| failed(error.to_string()))
}

/// The global variables that can be set: not pointers, which mean nothing before loading.
fn globals_of(spec: &ObjectSpec) -> impl Iterator<Item = String> {
    let btf = spec.btf.iter();
    let vars = btf.flat_map(|btf| btf.types().map(move |ty| (btf, ty))).filter(|(btf, ty)| {
        let of = ty.target().and_then(|id| btf.resolve(id).ok());
        ty.kind() == Kind::Var
            && of.is_some_and(|of| of.kind() != Kind::Ptr)
            && spec.global(ty.name()).is_some()
    });
    vars.map(|(_, ty)| ty.name().to_owned())
}

fn structs(btf: &Btf) -> impl Iterator<Item = String> {
    let named = btf.types().filter(|ty| ty.kind() == Kind::Struct && !ty.name().is_empty());
    named.map(|ty| ty.name().to_owned())
}

fn no_such(kind: &'static str, name: &str, have: impl Iterator<Item = String>) -> Error {
    Error::NoSuch { kind, name: name.to_owned(), have: have.collect() }
}
