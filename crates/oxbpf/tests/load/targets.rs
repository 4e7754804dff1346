//! Programs that are verified against a function: of the kernel, of a module, of another program.

use std::path::Path;

use oxbpf::btf::Kind;
use oxbpf::{AttachType, Error, LoadOptions, Object, ObjectSpec, ProgramFlags, ProgramType};
use oxbpf_testing::{Need, Suite, TestResult, testdata};

pub(crate) fn tests(suite: &mut Suite) {
    const TRACING: &[Need] = &[Need::Bpf, Need::KernelBtf, Need::Kernel(5, 10)];
    const TRAMPOLINES: &[Need] = &[Need::Bpf, Need::KernelBtf, Need::Trampolines, Need::Kernel(5, 10)];
    suite.test("targets::tracepoint", TRACING, tracepoint);
    suite.test("targets::iterator", TRACING, iterator);
    suite.test("targets::security_hook", TRAMPOLINES, || kernel_function("allow_open", "bpf_lsm_file_open"));
    suite.test("targets::changed_result", TRAMPOLINES, || {
        kernel_function("keep_result", "security_file_open")
    });
    // The first kernel on which this hook may sleep.
    let since = [TRAMPOLINES, &[Need::Kernel(5, 11)]].concat();
    suite.test("targets::sleepable", &since, sleepable);
    suite.test("targets::of_a_module", TRAMPOLINES, of_a_module);
    suite.test("targets::of_another_program", TRAMPOLINES, of_another_program);
    suite.test("targets::traced_program", TRAMPOLINES, traced_program);
    suite.test("targets::copies", TRAMPOLINES, copies);
    suite.test("targets::of_no_program", &[Need::Bpf], of_no_program);
    suite.test("targets::missing", TRACING, missing);
}

fn spec() -> Result<ObjectSpec, Error> {
    oxbpf::open(testdata("tests/targets.bpf.o"))
}

/// The object with one of its programs turned on, and no other.
fn only(program: &str) -> Result<ObjectSpec, Error> {
    let mut spec = spec()?;
    for other in &mut spec.programs {
        other.autoload = other.name == program;
    }
    Ok(spec)
}

/// Loads `program` alone: the kernel says that it is for `function`.
fn kernel_function(program: &str, function: &str) -> TestResult {
    let object = Object::load(&only(program)?, &LoadOptions::default())?;
    let info = object.program(program)?.info()?;
    let id = object.kernel().btf()?.find(function, Kind::Func).ok_or("not in the kernel's types")?;
    // Kernels before 5.17 do not tell.
    assert!(info.attach_btf_id == id.0 || info.attach_btf_id == 0, "{info:?}");
    Ok(())
}

fn tracepoint() -> TestResult {
    let object = super::load("schedlat.bpf.o")?;
    let program = object.programs().first().ok_or("no programs")?;
    let name = format!("btf_trace_{}", program.attach_to().ok_or("no target")?);
    let id = object.kernel().btf()?.find(&name, Kind::Typedef).ok_or("not in the kernel's types")?;
    let info = program.info()?;
    assert!(info.attach_btf_id == id.0 || info.attach_btf_id == 0, "{info:?}");
    Ok(())
}

fn iterator() -> TestResult {
    kernel_function("count_tasks", "bpf_iter_task")
}

fn sleepable() -> TestResult {
    let object = Object::load(&only("may_sleep")?, &LoadOptions::default())?;
    assert!(object.program("may_sleep")?.flags().contains(ProgramFlags::SLEEPABLE));
    Ok(())
}

/// `module:function`, and the bare name if the kernel has none of that name.
fn of_a_module() -> TestResult {
    if !Path::new("/sys/kernel/btf/overlay").exists() {
        return Err(oxbpf_testing::Skip::because("needs the module overlay, with types").into());
    }
    for target in ["overlay:ovl_permission", "ovl_permission"] {
        let mut spec = only("may_sleep")?;
        let program = spec.program_mut("may_sleep").ok_or("in the source")?;
        program.flags.remove(ProgramFlags::SLEEPABLE);
        program.prog_type = ProgramType::TRACING;
        program.attach_type = Some(AttachType::TRACE_FEXIT);
        program.attach_to = Some(target.into());
        let object = Object::load(&spec, &LoadOptions::default())?;
        assert_eq!(object.programs().len(), 1, "{target}");
    }
    let mut spec = only("keep_result")?;
    spec.program_mut("keep_result").ok_or("in the source")?.attach_to = Some("vmlinux:ovl_permission".into());
    let error = Object::load(&spec, &LoadOptions::default()).unwrap_err();
    assert!(error.to_string().ends_with("this kernel has no function ovl_permission in vmlinux"), "{error}");
    Ok(())
}

/// A function of a program that is loaded already is replaced.
fn of_another_program() -> TestResult {
    let target = super::load("tests/global_funcs.bpf.o")?;
    let mut spec = only("new_strong")?;
    let mut options = LoadOptions::default();
    options.targets.insert("new_strong".into(), target.program("add")?.clone());
    let object = Object::load(&spec, &options)?;
    assert_eq!(object.program("new_strong")?.info()?.prog_type, ProgramType::EXT);

    spec.program_mut("new_strong").ok_or("in the source")?.attach_to = Some("nothing".into());
    let error = Object::load(&spec, &options).unwrap_err();
    assert!(error.to_string().ends_with("program add has no function nothing"), "{error}");
    Ok(())
}

/// An object with one program, for the entry of a function.
fn fentry(function: &str) -> Result<ObjectSpec, Box<dyn std::error::Error + Send + Sync>> {
    let mut spec = only("may_sleep")?;
    let program = spec.program_mut("may_sleep").ok_or("in the source")?;
    program.set_type(ProgramType::TRACING);
    program.attach_type = Some(AttachType::TRACE_FENTRY);
    program.attach_to = Some(function.into());
    Ok(spec)
}

/// A function of a program is traced: given before loading, or between the two steps.
fn traced_program() -> TestResult {
    let target = super::load("tests/global_funcs.bpf.o")?;
    let traced = target.program("add")?;
    let spec = fentry("strong")?;
    let mut options = LoadOptions::default();
    options.targets.insert("may_sleep".into(), traced.clone());
    let at_once = Object::load(&spec, &options)?;
    let mut prepared = Object::prepare(&spec, &LoadOptions::default())?;
    prepared.set_target("may_sleep", traced.clone());
    let in_steps = prepared.load()?;
    let id = traced.info()?.btf_id;
    for object in [at_once, in_steps] {
        let info = object.program("may_sleep")?.info()?;
        // Kernels before 5.17 do not tell.
        assert!([0, id].contains(&info.attach_btf_obj_id), "{info:?}");
        assert_eq!(info.prog_type, ProgramType::TRACING);
    }
    Ok(())
}

/// One program for several functions: it is loaded once for each.
fn copies() -> TestResult {
    let spec = fentry("vfs_open")?;
    let prepared = Object::prepare(&spec, &LoadOptions::default())?;
    let types = oxbpf::Kernel::host().btf()?;
    for function in ["vfs_read", "vfs_write"] {
        let copy = prepared.load_copy("may_sleep", |program| program.attach_to = Some(function.into()))?;
        let id = types.find(function, Kind::Func).ok_or("not in the kernel's types")?;
        let info = copy.info()?;
        assert!([0, id.0].contains(&info.attach_btf_id), "{function}: {info:?}");
    }
    Ok(())
}

fn of_no_program() -> TestResult {
    let error = Object::load(&only("new_strong")?, &LoadOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Target { .. }), "{error}");
    assert!(error.to_string().contains("is not given (LoadOptions::targets)"), "{error}");
    Ok(())
}

/// What a program is for is looked up before it is loaded, and named if it is not there.
fn missing() -> TestResult {
    for (program, what) in [
        ("count_tasks", "iterator"),
        ("allow_open", "LSM hook"),
        ("keep_result", "function"),
        ("may_sleep", "LSM hook"),
    ] {
        let mut spec = only(program)?;
        spec.program_mut(program).ok_or("in the source")?.attach_to = Some("no_such_thing".into());
        let error = Object::load(&spec, &LoadOptions::default()).unwrap_err();
        let end = format!("this kernel has no {what} no_such_thing in its BTF");
        assert!(error.to_string().ends_with(&end), "{error}");
        spec.program_mut(program).ok_or("in the source")?.attach_to = None;
        let error = Object::load(&spec, &LoadOptions::default()).unwrap_err();
        assert!(error.to_string().contains("its section names no target"), "{error}");
    }
    Ok(())
}
