//! What a loader loads is what loading the object gives.

use std::os::fd::AsFd;

use oxbpf::obj::Insn;
use oxbpf::obj::insn::opcode;
use oxbpf::sys::ObjectKind;
use oxbpf::{
    Kernel, LightLoad, LoadOptions, Map, MapSpec, Object, ObjectSpec, OpenFlags, Program, ProgramParts,
};
use oxbpf_testing::{Need, Skip, Suite, TestResult, objects};

pub(crate) fn tests(suite: &mut Suite) {
    for folder in ["", "tests"] {
        for path in objects(folder) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let needs = [Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Kernel(5, 17), Need::KernelBtf];
            suite.test(format!("same::{folder}/{name}"), &needs, move || same(oxbpf::open(&path)?));
        }
    }
}

fn same(mut spec: ObjectSpec) -> TestResult {
    // That is not a loader's to do.
    for map in &mut spec.maps {
        (map.pinning, map.pin_path) = (oxbpf::obj::Pinning::None, None);
    }
    let loader = match super::loader(&spec) {
        Ok(loader) => loader,
        Err(error) => {
            let known = [
                "its layout depends on the kernel",
                "only arrays can have",
                "needs what this kernel has not",
                "it has jump tables",
            ];
            assert!(known.iter().any(|why| error.to_string().contains(why)), "{error}");
            return Err(Skip::because(error.to_string()).into());
        }
    };
    let ordinary = Object::load(&spec, &LoadOptions::default());
    let light = Object::load_light(&loader, &LightLoad::default());
    let (ordinary, light) = match (ordinary, light) {
        (Ok(ordinary), Ok(light)) => (ordinary, light),
        (Err(ordinary), Err(light)) => {
            assert_eq!(ordinary.errno(), light.errno(), "{ordinary}; {light}");
            return Err(Skip::because(light.to_string()).into());
        }
        // Before 6.8 loading rewrites the types of functions that take the context; a loader takes them as they are.
        (Ok(_), Err(light)) if spec.name == "context_args" => {
            return Err(Skip::because(light.to_string()).into());
        }
        (ordinary, light) => panic!("{:?} and {:?}", ordinary.err(), light.err()),
    };
    assert_eq!(names(&light), names(&ordinary));
    for (light, ordinary) in light.maps().iter().zip(ordinary.maps()) {
        same_map(light, ordinary, &spec.maps)?;
    }
    for (light, ordinary) in light.programs().iter().zip(ordinary.programs()) {
        same_program(light, ordinary)?;
    }
    Ok(())
}

fn names(object: &Object) -> Vec<String> {
    let maps = object.maps().iter().map(Map::name);
    maps.chain(object.programs().iter().map(Program::name)).map(str::to_owned).collect()
}

fn same_map(light: &Map, ordinary: &Map, specs: &[MapSpec]) -> TestResult {
    assert_eq!(light.shape(), ordinary.shape());
    let (mut a, b) = (light.info()?, ordinary.info()?);
    (a.id, a.btf_id) = (b.id, b.btf_id);
    assert_eq!(a, b);
    let is_data = specs.iter().any(|map| map.name == light.name() && map.is_global_data());
    if is_data {
        assert_eq!(light.lookup(&[0; 4])?, ordinary.lookup(&[0; 4])?, "{}", light.name());
    }
    Ok(())
}

fn same_program(light: &Program, ordinary: &Program) -> TestResult {
    let parts = ProgramParts::XLATED | ProgramParts::LINE_INFO | ProgramParts::FUNC_INFO;
    let (a, b) = (light.dump(parts)?, ordinary.dump(parts)?);
    let (ours, theirs) = (insns(light.kernel(), &a.xlated)?, insns(ordinary.kernel(), &b.xlated)?);
    let differ = ours.iter().zip(&theirs).position(|(a, b)| a != b);
    let differ = differ.map(|at| (at, &ours[at], &theirs[at]));
    match light.name() {
        // The verifier writes an address of the program into it.
        "speak" => return Ok(()),
        // The kernel finds functions by their name alone, so one that the object has another prototype of is there.
        "look" => {
            assert!(ours.len() <= theirs.len());
            return Ok(());
        }
        _ => {}
    }
    assert_eq!((ours.len(), differ), (theirs.len(), None), "{}", light.name());
    assert_eq!((&a.func_info, &a.line_info), (&b.func_info, &b.line_info), "{}", light.name());
    let (a, b) = (light.info()?, ordinary.info()?);
    // Constants that a program does not use are not bound to it: the kernel does not let programs do that.
    assert!(a.map_ids.len() <= b.map_ids.len());
    assert_eq!((a.attach_btf_id, &a.name, a.gpl_compatible), (b.attach_btf_id, &b.name, b.gpl_compatible));
    Ok(())
}

/// Instructions as text, with names in place of the ids of maps.
fn insns(kernel: &Kernel, xlated: &[u8]) -> oxbpf::Result<Vec<String>> {
    let insns = Insn::decode_all(xlated, oxbpf::obj::Endian::NATIVE);
    let mut out = Vec::with_capacity(insns.len());
    for insn in insns {
        let is_map =
            insn.is_ldimm64() && matches!(insn.src(), opcode::PSEUDO_MAP_FD | opcode::PSEUDO_MAP_VALUE);
        let map = match is_map {
            true => {
                let fd = kernel.fd_by_id(ObjectKind::Map, insn.imm.cast_unsigned(), OpenFlags::empty())?;
                kernel.map_info(fd.as_fd())?.name
            }
            false => String::new(),
        };
        let insn = if is_map { Insn { imm: 0, ..insn } } else { insn };
        out.push(format!("{insn:?} {map}"));
    }
    Ok(out)
}
