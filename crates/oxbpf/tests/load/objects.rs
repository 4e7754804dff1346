//! Every object under testdata loads, but for those that must not.

use oxbpf::{AttachType, Error, Hint, LoadOptions, Object, ObjectSpec, Prepared, ProgramParts, ProgramType};
use oxbpf_testing::{Need, Suite, TestResult, objects, testdata};

pub(crate) fn tests(suite: &mut Suite) {
    for folder in ["", "tests"] {
        for path in objects(folder) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let spec = oxbpf::open(&path).unwrap();
            suite.test(format!("objects::loads::{folder}/{name}"), &needs(&spec), move || loads(&spec));
        }
    }
    for path in objects("rejected") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        suite.test(format!("objects::rejected::{name}"), &[Need::Bpf, Need::KernelBtf], move || {
            let spec = oxbpf::open(&path)?;
            let error = Object::load(&spec, &LoadOptions::default()).unwrap_err();
            let Error::Rejected(why) = &error else { panic!("{error}") };
            assert!(!error.to_string().contains('\n'), "{error}");
            assert!(format!("{error:#}").contains(why.log.trim_end()), "{error:#}");
            Ok(())
        });
    }
    suite.test("objects::other_endian", &[], other_endian);
    suite.test("objects::loaded_twice", &[Need::Bpf, Need::NetAdmin], loaded_twice);
    suite.test(
        "objects::trampolines_refused_with_a_reason",
        &[Need::Bpf, Need::Kernel(5, 5)],
        refused_trampolines,
    );
}

/// What the programs of an object ask of the kernel, as their sources say.
fn needs(spec: &ObjectSpec) -> Vec<Need> {
    let mut needs = vec![Need::Bpf, Need::NetAdmin];
    for program in spec.loaded_programs().map(|(_, program)| program) {
        match program.prog_type {
            ProgramType::TRACING if program.attach_type == Some(AttachType::TRACE_RAW_TP) => {
                needs.extend([Need::KernelBtf, Need::Kernel(5, 5)]);
            }
            ProgramType::TRACING if program.attach_type == Some(AttachType::TRACE_ITER) => {
                needs.extend([Need::KernelBtf, Need::Kernel(5, 8)]);
            }
            ProgramType::SYSCALL => needs.push(Need::Kernel(5, 14)),
            ProgramType::STRUCT_OPS => needs.push(Need::KernelBtf),
            ProgramType::TRACING | ProgramType::LSM => {
                needs.extend([Need::KernelBtf, Need::Trampolines]);
            }
            _ => {}
        }
    }
    match spec.name.as_str() {
        "core_access" | "core_kinds" | "kprobe" | "opensnoop" => needs.push(Need::KernelBtf),
        "externs" | "missing_externs" => needs.extend([Need::KernelBtf, Need::Kernel(5, 10)]),
        "struct_ops" => needs.push(Need::Kernel(5, 13)),
        "arena" => needs.push(Need::Kernel(6, 9)),
        "iter" | "aya" | "aya_btf" => needs.push(Need::Kernel(6, 1)),
        "exclusive" | "resized" => needs.push(Need::Kernel(5, 14)),
        "other_maps" => needs.push(Need::Kernel(5, 16)),
        "stream" => needs.push(Need::Kernel(6, 18)),
        "jump_tables" => needs.push(Need::Kernel(6, 19)),
        "callbacks" => needs.push(Need::Kernel(5, 13)),
        "loop" => needs.push(Need::Kernel(5, 17)),
        "map_kinds" => needs.extend([Need::Kernel(6, 2), Need::SysAdmin]),
        _ => {}
    }
    needs
}

fn loads(spec: &ObjectSpec) -> TestResult {
    // A folder of its own: the tests run in parallel, and each removes its own.
    let pins = oxbpf_testing::mounts::find("bpf").ok_or("no bpffs")?.join(format!(
        "oxbpf-objects-{}-{}",
        std::process::id(),
        spec.name
    ));
    let options = LoadOptions { pin_root: pins.clone(), ..LoadOptions::default() };
    let prepared = Object::prepare(spec, &options);
    let images = prepared.as_ref().map(|prepared| prepared.images().to_vec()).unwrap_or_default();
    let outcome = prepared.and_then(Prepared::load);
    let _ = std::fs::remove_dir_all(&pins);
    let object = outcome?;
    let wanted = spec.loaded_programs().map(|(_, program)| program);
    let names: Vec<_> = wanted.map(|program| program.name.as_str()).collect();
    assert_eq!(object.programs().iter().map(oxbpf::Program::name).collect::<Vec<_>>(), names);
    assert_eq!(object.maps().len(), spec.maps.iter().filter(|map| map.autocreate).count());
    for (program, name) in object.programs().iter().zip(names) {
        let info = program.info()?;
        assert_eq!(info.prog_type, program.prog_type());
        assert_eq!(info.name, name.chars().take(15).collect::<String>());
        assert_eq!(info.btf_id != 0, spec.btf.is_some(), "{name} has its types");
    }
    for (program, image) in object.programs().iter().zip(&images) {
        let name = program.name();
        assert_eq!(image.func_info.is_empty(), spec.btf.is_none(), "{name}");
        assert_eq!(image.line_info.is_empty(), spec.btf.is_none(), "{name}");
        let dump = program.dump(ProgramParts::FUNC_INFO | ProgramParts::LINE_INFO)?;
        let functions: Vec<_> = dump.functions().map(|function| function.ty).collect();
        assert_eq!(functions, image.func_info.iter().map(|info| info.ty).collect::<Vec<_>>(), "{name}");
        // The verifier leaves out code that nothing reaches, with its lines.
        let lines = dump.lines().count();
        assert!(lines <= image.line_info.len() && (lines == 0) == spec.btf.is_none(), "{name}: {lines}");
        if spec.btf.is_some() {
            assert_eq!(image.func_info.len(), image.functions.len(), "{name}: one for each function");
        }
    }
    Ok(())
}

fn other_endian() -> TestResult {
    let folder =
        if cfg!(target_endian = "little") { "big_endian/globals.bpf.o" } else { "tests/globals.bpf.o" };
    let spec = oxbpf::open(testdata(folder))?;
    let error = Object::load(&spec, &LoadOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Endian { .. }), "{error}");
    Ok(())
}

/// A spec is a recipe: it can be changed and loaded again.
fn loaded_twice() -> TestResult {
    let mut spec = oxbpf::open(testdata("tests/globals.bpf.o"))?;
    let first = Object::load(&spec, &LoadOptions::default())?;
    spec.set_global("limit", &99_u32)?;
    let second = Object::load(&spec, &LoadOptions::default())?;
    let limit = |object: &Object| -> Result<Vec<u8>, Error> {
        let value = object.map(".rodata")?.lookup(&0_u32.to_ne_bytes())?.expect("arrays have all elements");
        let at = spec.global("limit").expect("it is in the source").offset as usize;
        Ok(value[at..at + 4].to_vec())
    };
    assert_eq!(limit(&first)?, 10_u32.to_ne_bytes());
    assert_eq!(limit(&second)?, 99_u32.to_ne_bytes());
    assert_ne!(first.programs()[0].info()?.id, second.programs()[0].info()?.id);
    Ok(())
}

/// Where trampolines are refused to root, the error says why as far as that can be known.
fn refused_trampolines() -> TestResult {
    let error = match super::load("funclat.bpf.o") {
        Ok(_) => return Err(oxbpf_testing::Skip::because("this kernel allows BPF trampolines").into()),
        Err(error) => error,
    };
    assert_eq!(error.errno(), Some(oxbpf::Errno::EPERM), "{error}");
    assert!(matches!(error.hint(), Some(Hint::Trampoline(_))), "{error}");
    assert!(error.to_string().contains("refuses BPF trampolines"), "{error}");
    Ok(())
}
