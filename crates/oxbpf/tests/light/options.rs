//! What loaders can be told.

use oxbpf::{Error, LightLoad, LoadOptions, Object};
use oxbpf_testing::{Need, Suite, TestResult};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::Kernel(5, 14)];
    suite.test("options::initial_values", &needs, initial_values);
    suite.test("options::max_entries", &needs, max_entries);
    suite.test("options::unknown_maps", &needs, unknown_maps);
    suite.test("options::runs", &needs, runs);
    suite.test("options::hash", &[Need::Bpf, Need::Kernel(6, 18)], hash);
    suite.test("options::hash_before_6_18", &needs, hash_before);
}

fn initial_values() -> TestResult {
    let spec = super::spec("tests/globals.bpf.o")?;
    let loader = super::loader(&spec)?;
    let rodata = loader.maps.iter().find(|map| map.section.as_deref() == Some(".rodata")).unwrap();
    let mut value = loader.bytes(rodata.initial.as_ref().unwrap()).to_vec();
    let at = spec.global("limit").unwrap().offset as usize;
    value[at..at + 4].copy_from_slice(&4711_u32.to_ne_bytes());
    let mut options = LightLoad::default();
    options.values.insert(rodata.name.clone(), value);
    let object = Object::load_light(&loader, &options)?;
    assert_eq!(object.global("limit")?.get::<u32>()?, 4711);
    assert_eq!(object.global("counter")?.get::<u64>()?, 1000, "what is not given stays");
    assert_eq!(object.map(".rodata")?.info()?.frozen, Some(true));
    options.values.insert(rodata.name.clone(), vec![1]);
    let error = Object::load_light(&loader, &options).unwrap_err();
    assert!(matches!(error, Error::Size { got: 1, .. }), "{error}");
    Ok(())
}

fn max_entries() -> TestResult {
    let loader = super::loader(&super::spec("tests/legacy_maps.bpf.o")?)?;
    let mut options = LightLoad::default();
    options.max_entries.insert("old_hash".into(), 7);
    let object = Object::load_light(&loader, &options)?;
    assert_eq!(object.map("old_hash")?.info()?.max_entries, 7);
    Ok(())
}

fn unknown_maps() -> TestResult {
    let loader = super::loader(&super::spec("tests/legacy_maps.bpf.o")?)?;
    let mut options = LightLoad::default();
    options.max_entries.insert("no_such".into(), 7);
    let error = Object::load_light(&loader, &options).unwrap_err();
    assert!(matches!(&error, Error::NoSuchMap { name, .. } if name == "no_such"), "{error}");
    Ok(())
}

/// The programs work: they are run, and see the maps.
fn runs() -> TestResult {
    let object =
        Object::load_light(&super::loader(&super::spec("xdp_counter.bpf.o")?)?, &LightLoad::default())?;
    let output = object.programs()[0].test_run().data(&[0; 64]).run()?;
    assert_eq!(output.return_value, 2, "XDP_PASS");
    Ok(())
}

/// A loader that checks its hash runs, and one whose data were changed does not.
fn hash() -> TestResult {
    let spec = super::spec("tests/globals.bpf.o")?;
    let loader = Object::light_loader(&spec, &LoadOptions::default(), true)?;
    assert!(loader.checks_hash);
    Object::load_light(&loader, &LightLoad::default())?;
    let mut changed = loader.clone();
    *changed.data.last_mut().unwrap() ^= 1;
    let error = Object::load_light(&changed, &LightLoad::default()).unwrap_err();
    assert!(error.to_string().ends_with("its data are not those that it was made with"), "{error}");
    Ok(())
}

/// Where the kernel has no such maps, the error says so.
fn hash_before() -> TestResult {
    use oxbpf::sys::doors::Older;
    use oxbpf::sys::{HostDoor, KernelVersion};
    let older = Older::new(std::sync::Arc::new(HostDoor), KernelVersion::new(5, 15, 0));
    let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(older));
    let spec = super::spec("tests/globals.bpf.o")?;
    let loader = Object::light_loader(&spec, &LoadOptions::default(), true)?;
    let error = Object::load_light(&loader, &LightLoad { kernel, ..LightLoad::default() }).unwrap_err();
    assert!(error.to_string().contains("needs kernel >= 6.18 (maps of one program only)"), "{error}");
    Ok(())
}
