//! What loaders that fail say.

use oxbpf::{Error, LightLoad, LoadOptions, Object};
use oxbpf_testing::{Need, Suite, TestResult, objects};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::Kernel(5, 17), Need::KernelBtf];
    for path in objects("rejected") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        suite.test(format!("errors::rejected::{name}"), &needs, move || {
            let spec = oxbpf::open(&path)?;
            let ordinary = Object::load(&spec, &LoadOptions::default()).unwrap_err();
            let light = Object::load_light(&super::loader(&spec)?, &LightLoad::default()).unwrap_err();
            let (Error::Rejected(ordinary), Error::Rejected(light)) = (ordinary, light) else {
                panic!("both have the verifier's log");
            };
            assert_eq!((&light.program, &light.insn), (&ordinary.program, &ordinary.insn));
            assert_eq!((&light.source, light.errno), (&ordinary.source, ordinary.errno));
            Ok(())
        });
    }
    suite.test("errors::map_refused", &needs, map_refused);
    suite.test("errors::missing_symbol", &needs, missing_symbol);
    suite.test("errors::damaged_types", &needs, damaged_types);
    suite.test("errors::before_syscall_programs", &[Need::Bpf], before_syscall_programs);
}

fn map_refused() -> TestResult {
    let mut spec = super::spec("tests/legacy_maps.bpf.o")?;
    spec.map_mut("old_hash").unwrap().key_size = 0;
    let error = Object::load_light(&super::loader(&spec)?, &LightLoad::default()).unwrap_err();
    assert!(matches!(&error, Error::MapCreate { map, .. } if map == "old_hash"), "{error}");
    assert_eq!(error.errno(), Some(oxbpf::Errno::EINVAL));
    Ok(())
}

fn missing_symbol() -> TestResult {
    let mut spec = super::spec("tests/missing_externs.bpf.o")?;
    for program in &mut spec.programs {
        program.autoload = program.name == "needs";
    }
    let error = super::loader(&spec).unwrap_err();
    assert!(matches!(&error, Error::Externs { missing, .. } if missing.len() == 2), "{error}");
    // All values of the configuration are as good as given.
    let kconfig = vec![0; spec.map(".kconfig").unwrap().value_size as usize];
    let mut options = oxbpf::obj::LightOptions::default();
    options.kconfig = Some(&kconfig);
    let loader = spec.light_loader(&options)?;
    let error = Object::load_light(&loader, &LightLoad::default()).unwrap_err();
    let Error::Externs { missing, .. } = &error else { panic!("{error}") };
    let mut names: Vec<_> = missing.iter().map(|missing| missing.name.as_str()).collect();
    names.sort_unstable();
    // Not in kernels before 6.2.
    names.retain(|name| *name != "bpf_task_from_pid");
    assert_eq!(names, ["bpf_rcu_read_lock", "no_such_function", "no_such_symbol", "no_such_variable"]);
    Ok(())
}

/// The kernel says what is wrong with them.
fn damaged_types() -> TestResult {
    let mut loader = super::loader(&super::spec("execsnoop.bpf.o")?)?;
    let types = loader.btf.clone().unwrap();
    let loader_of = |loader| Object::load_light(loader, &LightLoad::default()).unwrap_err();
    // The kind of the first type: one that there is not.
    loader.data[types.start as usize + 24 + 7] = 0x7f;
    let error = loader_of(&loader);
    assert!(!error.to_string().is_empty());
    assert!(!error.to_string().contains('\n'), "{error}");
    Ok(())
}

/// A kernel without such programs is told from one that refuses this one.
fn before_syscall_programs() -> TestResult {
    use oxbpf::sys::doors::Older;
    use oxbpf::sys::{HostDoor, KernelVersion};
    let older = Older::new(std::sync::Arc::new(HostDoor), KernelVersion::new(5, 13, 0));
    let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(older));
    let loader = super::loader(&super::spec("xdp_counter.bpf.o")?)?;
    let error = Object::load_light(&loader, &LightLoad { kernel, ..LightLoad::default() }).unwrap_err();
    assert!(error.to_string().contains("needs kernel >= 5.14"), "{error}");
    Ok(())
}
