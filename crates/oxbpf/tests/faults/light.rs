//! Loaders: each call of the process that runs one fails in turn.

use std::sync::Arc;

use oxbpf::sys::doors::Faults;
use oxbpf::sys::{Door, HostDoor};
use oxbpf::{Error, Kernel, LightLoad, LoadOptions, Object};
use oxbpf_testing::{Need, Suite, TestResult};

use crate::{ERRNOS, fds, names};

pub(crate) fn add(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::NetAdmin, Need::Kernel(5, 17), Need::KernelBtf];
    for file in ["xdp_counter.bpf.o", "tests/inner_maps.bpf.o", "tests/globals.bpf.o", "schedlat.bpf.o"] {
        let name = file.trim_end_matches(".bpf.o");
        suite.test(format!("light::{name}"), &needs, move || sweep(file, false));
    }
    suite.test("light::hash", &[Need::Bpf, Need::Kernel(6, 18)], || sweep("tests/globals.bpf.o", true));
    suite.test("light::kernel_refuses", &needs, kernel_refuses);
}

fn sweep(file: &str, check_hash: bool) -> TestResult {
    let spec = oxbpf::open(oxbpf_testing::testdata(file))?;
    let loader = Object::light_loader(&spec, &LoadOptions::default(), check_hash)?;
    let run = |faults: &Arc<Faults>| -> Result<Object, Error> {
        let kernel = Kernel::with_door(faults.clone() as Arc<dyn Door>);
        Object::load_light(&loader, &LightLoad { kernel, ..LightLoad::default() })
    };
    drop(run(&Arc::new(Faults::none(Arc::new(HostDoor))))?);
    let open = fds::open()?;
    for errno in ERRNOS {
        for n in 0.. {
            let faults = Arc::new(Faults::nth(Arc::new(HostDoor), n, errno));
            let outcome = run(&faults);
            let Some(fault) = faults.fault().cloned() else {
                outcome?;
                break;
            };
            match outcome {
                // Loading the loader is tried again with a log; EAGAIN, and EPERM for the sake of RLIMIT_MEMLOCK, too.
                Ok(object) => {
                    assert!(
                        ["BPF_PROG_LOAD", "BPF_MAP_CREATE"].contains(&fault.call),
                        "goes on after {fault}"
                    );
                    drop(object);
                }
                Err(error) => assert!(names(&error, errno), "{fault}: {error}"),
            }
            assert_eq!(fds::open()?, open, "{fault}: left open");
        }
    }
    Ok(())
}

/// What the loader itself has made is closed when the kernel refuses its last step.
fn kernel_refuses() -> TestResult {
    let spec = oxbpf::open(oxbpf_testing::testdata("tests/inner_maps.bpf.o"))?;
    let loader = Object::light_loader(&spec, &LoadOptions::default(), false)?;
    let open = fds::open()?;
    for last in 0..loader.programs.len() {
        let mut broken = loader.clone();
        // An instruction that there is not.
        broken.data[broken.programs[last].insns.start as usize] = 0xff;
        let error = Object::load_light(&broken, &LightLoad::default()).expect_err("it is broken");
        assert!(matches!(error, Error::Rejected(_)), "{error}");
        assert_eq!(fds::open()?, open, "left open");
    }
    Ok(())
}
