//! Every call on the kernel fails in turn, from opening an object to having it attached: over the kernel at hand, and
//! over one that is not there (any machine, no privileges).
//!
//! Each failure gives an error that names the errno, or is survived as [`survived`] says; none is a panic, and
//! afterwards no descriptor is open that was not before.

mod attach;
mod fds;
mod host;
mod light;
mod over_fake;
mod over_host;
mod survived;
mod tokens;

use std::process::ExitCode;
use std::sync::Arc;

use oxbpf::sys::Door;
use oxbpf::sys::doors::Faults;
use oxbpf::{Errno, Error, Kernel, LoadOptions, Object, ObjectSpec};
use oxbpf_testing::{Suite, TestResult};

use attach::Attached;

fn main() -> ExitCode {
    if let Some(code) = tokens::container() {
        return code;
    }
    let mut suite = Suite::new();
    // Descriptors are the whole process's.
    suite.one_at_a_time();
    over_fake::add(&mut suite);
    over_host::add(&mut suite);
    light::add(&mut suite);
    tokens::add(&mut suite);
    suite.run()
}

const ERRNOS: [Errno; 4] = [Errno::ENOMEM, Errno::EPERM, Errno::EINVAL, Errno::EAGAIN];

/// An object of testdata and what is done with it.
struct Case<'a> {
    file: &'a str,
    /// How it is loaded.
    load: fn(&ObjectSpec, &LoadOptions) -> Result<Object, Error>,
    /// How it is attached.
    attach: &'a dyn Fn(Object) -> Result<Attached, Error>,
    /// How many links that makes.
    links: usize,
}

/// Makes every call of the case fail, one at a time, with each errno.
fn sweep(
    case: &Case<'_>,
    door: impl Fn() -> Arc<dyn Door>,
    options: impl Fn(&ObjectSpec, Kernel) -> LoadOptions,
) -> TestResult {
    let spec = open(case.file)?;
    let run = |faults: &Arc<Faults>| -> Result<Attached, Error> {
        let kernel = Kernel::with_door(faults.clone() as Arc<dyn Door>);
        let object = (case.load)(&spec, &options(&spec, kernel))?;
        // To attach takes the kernel long. What a load survived says nothing about it.
        let whole = faults.fault().is_none() || case.links == 0;
        if whole { (case.attach)(object) } else { Ok(Attached { object, links: Vec::new() }) }
    };
    // Without a fault it works, so that what fails below fails for the fault.
    let counting = Arc::new(Faults::none(door()));
    let whole = run(&counting)?;
    assert_eq!(whole.links.len(), case.links, "{}", case.file);
    let (programs, calls) = (whole.object.programs().len(), counting.calls());
    drop((whole, counting));

    let open = fds::open()?;
    for errno in ERRNOS {
        let mut noticed = 0;
        for n in 0.. {
            let faults = Arc::new(Faults::nth(door(), n, errno));
            let outcome = run(&faults);
            faults.stop();
            let Some(fault) = faults.fault().cloned() else {
                // A call may lead to others when it fails, but not to fewer before it.
                assert!(n >= calls, "{}: {n} of {calls} calls failed", case.file);
                break;
            };
            // A fake has descriptors of its own.
            drop(faults);
            match outcome {
                Ok(attached) => {
                    assert!(
                        survived::because(case.file, &fault).is_some(),
                        "{}: goes on after {fault}",
                        case.file
                    );
                    assert_eq!(attached.object.programs().len(), programs, "{}: {fault}", case.file);
                }
                Err(error) => {
                    noticed += 1;
                    let hidden = survived::hidden(&fault).is_some_and(|errno| names(&error, errno));
                    assert!(hidden || names(&error, errno), "{}: {fault}: {error}: {error:?}", case.file);
                    assert!(!error.to_string().contains('\n'), "one line: {error}");
                }
            }
            assert_eq!(fds::open()?, open, "{}: {fault}: left open", case.file);
        }
        assert!(noticed > 0 || case.links == 0, "{}: {errno} is never noticed", case.file);
    }
    Ok(())
}

fn open(file: &str) -> Result<ObjectSpec, Error> {
    let mut spec = oxbpf::open(oxbpf_testing::testdata(file))?;
    if let Some(map) = spec.map_mut("own") {
        map.exclusive = Some("owner".into());
    }
    Ok(spec)
}

/// Whether an error, or what caused it, tells of an errno.
fn names(error: &Error, errno: Errno) -> bool {
    let name = errno.name().expect("a known errno");
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(e) = cause {
        if e.to_string().contains(name) {
            return true;
        }
        cause = e.source();
    }
    error.errno() == Some(errno)
}
