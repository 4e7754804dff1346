//! Objects loaded by a program that a library makes of them.

use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{NonNull, null};

use oxbpf::obj::insn::opcode;
use oxbpf::obj::{Endian, Insn, LightLoader, LightMap, LightProgram, Pinning, TypeId};
use oxbpf::sys::ObjectKind;
use oxbpf::{
    Error, LightLoad, LoadOptions, Map, MapFlags, MapType, Object, ObjectSpec, OpenFlags, Program,
    ProgramFlags, ProgramParts, ProgramType,
};

use super::{Stage, Verdict};

fn loads() -> Verdict {
    Verdict { stage: Stage::Loads, errno: None, text: String::new() }
}

/// What oxbpf's loader makes of it, held against what loading it without gives.
pub(super) fn of_oxbpf(path: &Path) -> Verdict {
    let fail = |stage, error: &Error| Verdict {
        stage,
        errno: error.errno().map(|errno| errno.0),
        text: error.to_string(),
    };
    let mut spec = match oxbpf::open(path) {
        Ok(spec) => spec,
        Err(error) => return fail(Stage::Refused, &error),
    };
    // C libbpf's loader leaves pins out.
    for map in &mut spec.maps {
        (map.pinning, map.pin_path) = (Pinning::None, None);
    }
    let loader = match Object::light_loader(&spec, &LoadOptions::default(), false) {
        Ok(loader) => loader,
        Err(error) => return fail(Stage::Opens, &error),
    };
    let light = match Object::load_light(&loader, &LightLoad::default()) {
        Ok(light) => light,
        Err(error) => return fail(Stage::Made, &error),
    };
    let deviates = |text| Verdict { stage: Stage::Deviates, errno: None, text };
    match same(&spec, &light) {
        Ok(None) => loads(),
        Ok(Some(what)) => deviates(what),
        Err(error) => deviates(error.to_string()),
    }
}

/// What differs between what a loader has loaded and what loading without one gives.
fn same(spec: &ObjectSpec, light: &Object) -> Result<Option<String>, Error> {
    let ordinary = Object::load(spec, &LoadOptions::default())?;
    for (a, b) in light.maps().iter().zip(ordinary.maps()) {
        let (mut info, other) = (a.info()?, b.info()?);
        (info.id, info.btf_id) = (other.id, other.btf_id);
        if info != other {
            return Ok(Some(format!("map {}: {info:?} is not {other:?}", a.name())));
        }
        if values(a)? != values(b)? {
            return Ok(Some(format!("map {}: its value differs", a.name())));
        }
    }
    for (a, b) in light.programs().iter().zip(ordinary.programs()) {
        let (ours, theirs) = (insns(a)?, insns(b)?);
        if ours.len() != theirs.len() {
            let lengths = format!("{} and {} instructions", ours.len(), theirs.len());
            return Ok(Some(format!("program {}: {lengths}", a.name())));
        }
        if let Some((a_insn, b_insn)) = ours.iter().zip(&theirs).find(|(a, b)| a != b) {
            return Ok(Some(format!("program {}: {a_insn} is not {b_insn}", a.name())));
        }
    }
    let counts = |object: &Object| (object.maps().len(), object.programs().len());
    Ok((counts(light) != counts(&ordinary)).then(|| "not as many maps or programs".to_owned()))
}

/// The value of a map of global variables.
fn values(map: &Map) -> Result<Option<Vec<u8>>, Error> {
    match map.shape().section {
        Some(_) if map.map_type() == MapType::ARRAY => map.lookup(&0_u32.to_ne_bytes()),
        _ => Ok(None),
    }
}

/// The instructions after the verifier, with names in place of the ids of maps. What the verifier makes of addresses
/// of its own is left out.
fn insns(program: &Program) -> Result<Vec<String>, Error> {
    let kernel = program.kernel();
    let all = Insn::decode_all(&program.dump(ProgramParts::XLATED)?.xlated, Endian::NATIVE);
    let mut out: Vec<String> = Vec::with_capacity(all.len());
    let mut rest = all.as_slice();
    while let [insn, tail @ ..] = rest {
        rest = tail;
        if !insn.is_ldimm64() {
            out.push(format!("{insn:?}"));
            continue;
        }
        let high = tail.first().copied().unwrap_or_default();
        rest = tail.get(1..).unwrap_or_default();
        out.push(match insn.src() {
            opcode::PSEUDO_MAP_FD | opcode::PSEUDO_MAP_VALUE => {
                let fd = kernel.fd_by_id(ObjectKind::Map, insn.imm.cast_unsigned(), OpenFlags::empty())?;
                format!("r{} = {} + {}", insn.dst(), kernel.map_info(fd.as_fd())?.name, high.imm)
            }
            // An address of the kernel: of a symbol the same each time, of a program's own another.
            _ if high.imm < -1 => format!("r{} = address", insn.dst()),
            _ => format!("{insn:?} {high:?}"),
        });
    }
    Ok(out)
}

/// What the loader that C libbpf makes does, run here.
pub(super) fn of_libbpf(path: &Path) -> Verdict {
    let path = CString::new(path.as_os_str().as_bytes()).expect("paths have no NUL");
    // SAFETY: the path ends in NUL; no options are the default.
    let object = unsafe { libbpf_sys::bpf_object__open_file(path.as_ptr(), null()) };
    let Some(object) = NonNull::new(object) else {
        let errno = std::io::Error::last_os_error().raw_os_error();
        return Verdict { stage: Stage::Refused, errno, text: String::new() };
    };
    let verdict = generate(object).map(|loader| match Object::load_light(&loader, &LightLoad::default()) {
        Ok(_) => loads(),
        Err(error) => {
            let errno = error.errno().map(|errno| errno.0);
            Verdict { stage: Stage::Made, errno, text: error.to_string() }
        }
    });
    // SAFETY: it was opened and not closed, and nothing of it is used later: the loader is a copy.
    unsafe { libbpf_sys::bpf_object__close(object.as_ptr()) };
    verdict.unwrap_or_else(|errno| Verdict { stage: Stage::Opens, errno: Some(errno), text: String::new() })
}

/// The loader that C libbpf makes of an object, described as far as running it takes.
fn generate(object: NonNull<libbpf_sys::bpf_object>) -> Result<LightLoader, i32> {
    let object = object.as_ptr();
    let mut options = libbpf_sys::gen_loader_opts {
        sz: size_of::<libbpf_sys::gen_loader_opts>() as _,
        ..Default::default()
    };
    // C libbpf does the same for its own pins; loaders have none.
    let mut maps = 0;
    let mut map = null();
    loop {
        // SAFETY: the object is open, and the map is one of it or null for the first.
        map = unsafe { libbpf_sys::bpf_object__next_map(object, map) };
        if map.is_null() {
            break;
        }
        // SAFETY: the map is of an open object; null takes the pin away.
        unsafe { libbpf_sys::bpf_map__set_pin_path(map.cast_mut(), null()) };
        maps += 1;
    }
    // SAFETY: the object is open, and the options live until it was loaded below.
    let asked = unsafe { libbpf_sys::bpf_object__gen_loader(object, &raw mut options) };
    if asked < 0 {
        return Err(-asked);
    }
    // SAFETY: as above.
    let loaded = unsafe { libbpf_sys::bpf_object__load(object) };
    if loaded < 0 {
        return Err(-loaded);
    }
    let mut programs = 0;
    let mut program = std::ptr::null_mut();
    loop {
        // SAFETY: the object is open, and the program is one of it or null for the first.
        program = unsafe { libbpf_sys::bpf_object__next_program(object, program) };
        if program.is_null() {
            break;
        }
        // SAFETY: as above.
        programs += usize::from(unsafe { libbpf_sys::bpf_program__autoload(program) });
    }
    // SAFETY: the object's, of these lengths, until it is closed; copied here.
    let bytes = |at: *const std::ffi::c_char, len: u32| unsafe {
        std::slice::from_raw_parts(at.cast::<u8>(), len as usize).to_vec()
    };
    Ok(LightLoader {
        name: "libbpf".to_owned(),
        endian: Endian::NATIVE,
        insns: Insn::decode_all(&bytes(options.insns, options.insns_sz), Endian::NATIVE),
        data: bytes(options.data, options.data_sz),
        maps: vec![any_map(); maps],
        programs: vec![any_program(); programs],
        steps: Vec::new(),
        btf: None,
        checks_hash: false,
    })
}

/// A map of which only its place matters.
fn any_map() -> LightMap {
    LightMap {
        name: String::new(),
        section: None,
        map_type: MapType::UNSPEC,
        key_size: 0,
        value_size: 0,
        max_entries: 0,
        flags: MapFlags::empty(),
        map_extra: 0,
        key_type: TypeId(0),
        value_type: TypeId(0),
        frozen: false,
        initial: None,
    }
}

/// A program of which only its place matters.
fn any_program() -> LightProgram {
    LightProgram {
        name: String::new(),
        section: String::new(),
        prog_type: ProgramType::UNSPEC,
        attach_type: None,
        attach_to: None,
        flags: ProgramFlags::empty(),
        autoattach: false,
        ifindex: 0,
        insns: 0..0,
        func_info: 0..0,
        line_info: 0..0,
    }
}
