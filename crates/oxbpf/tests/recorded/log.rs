//! The verifier's log: asked for when it is needed, never cut.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use oxbpf::sys::doors::Fake;
use oxbpf::sys::uapi::ProgLoadAttr;
use oxbpf::sys::{Call, Cmd, Door, Reply};
use oxbpf::{Errno, Error, Kernel, LoadOptions, LogSink, Object, ObjectSpec};

use crate::{load, options, spec};

/// Rejects every program with a log of its own.
#[derive(Debug)]
struct Rejecting {
    inner: Fake,
    log: String,
    /// Level and size of the log of each attempt.
    asked: Mutex<Vec<(u32, u32)>>,
    /// As since 6.4: says how long the log is.
    tells_size: bool,
}

// SAFETY: what it does not answer itself goes on to the inner door as it came; mappings are the inner door's.
unsafe impl Door for Rejecting {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        let Call::Bpf(attr) = call else { return self.inner.call(call) };
        if attr.cmd() != Cmd::PROG_LOAD {
            return self.inner.call(Call::Bpf(attr));
        }
        let view: ProgLoadAttr = attr.view();
        self.asked.lock().unwrap().push((view.log_level, view.log_size));
        let Some(buf) = attr.bytes_mut("log_buf") else { return Err(Errno::EACCES) };
        let fits = buf.len() > self.log.len();
        let len = self.log.len().min(buf.len() - 1);
        buf[..len].copy_from_slice(&self.log.as_bytes()[..len]);
        buf[len..].fill(0);
        if self.tells_size {
            attr.answer(&ProgLoadAttr { log_true_size: self.log.len() as u32 + 1, ..view });
        }
        Err(if fits { Errno::EACCES } else { Errno::ENOSPC })
    }
}

fn rejecting(length: usize, tells_size: bool) -> Arc<Rejecting> {
    let log = format!("{}R0 invalid mem access 'scalar'\n", "0: (95) exit\n".repeat(length / 13));
    Arc::new(Rejecting { inner: Fake::new(), log, asked: Mutex::default(), tells_size })
}

fn rejected(length: usize, tells_size: bool) -> (Error, Vec<(u32, u32)>) {
    let door = rejecting(length, tells_size);
    let (object, _) = load(&spec("cgroup_egress.bpf.o"), door.clone());
    let error = object.unwrap_err();
    let Error::Rejected(why) = &error else { panic!("{error}") };
    assert_eq!(why.log, door.log, "the whole log");
    assert_eq!(why.errno, Errno::EACCES);
    let asked = door.asked.lock().unwrap().clone();
    (error, asked)
}

#[test]
fn a_short_log_takes_one_more_attempt() {
    let (error, asked) = rejected(100, false);
    assert_eq!(asked, [(0, 0), (1, 64 << 10)]);
    assert!(error.to_string().contains("R0 invalid mem access 'scalar'"), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    assert!(format!("{error:#}").contains("0: (95) exit"), "{error:#}");
}

#[test]
fn a_long_log_gets_more_room_until_it_fits() {
    let (_, asked) = rejected(200 << 10, false);
    assert_eq!(asked, [(0, 0), (1, 64 << 10), (1, 128 << 10), (1, 256 << 10)]);
}

#[test]
fn a_kernel_that_says_how_long_the_log_is_gets_that_much_room() {
    let (_, asked) = rejected(5 << 20, true);
    let [_, _, (1, size)] = asked[..] else { panic!("{asked:?}") };
    assert!(size as usize > 5 << 20 && (size as usize) < 6 << 20, "{size}");
}

/// A refusal without a log is the kernel's, not the verifier's.
#[test]
fn no_log_no_verdict() {
    let door = Arc::new(Rejecting {
        inner: Fake::new(),
        log: String::new(),
        asked: Mutex::default(),
        tells_size: false,
    });
    let (object, _) = load(&spec("cgroup_egress.bpf.o"), door);
    let error = object.unwrap_err();
    assert!(matches!(error, Error::ProgramLoad { .. }), "{error}");
}

/// Where the room is given the log is cut, once, and what was refused at first stays the reason.
#[test]
fn room_that_is_given_is_kept_to() {
    let door = rejecting(5000, true);
    let mut spec = spec("cgroup_egress.bpf.o");
    let options = |size| {
        let kernel = Kernel::with_door(door.clone());
        LoadOptions { log_size: NonZeroU32::new(size), ..options(&spec, kernel) }
    };
    let error = Object::load(&spec, &options(1000)).unwrap_err();
    let Error::Rejected(why) = &error else { panic!("{error}") };
    assert_eq!((why.log.len(), why.errno), (999, Errno::EACCES));
    assert_eq!(std::mem::take(&mut *door.asked.lock().unwrap()), [(0, 0), (1, 1000)]);
    // A program's own comes first.
    let options = options(1000);
    spec.programs[0].log_size = NonZeroU32::new(2000);
    spec.programs[0].log_level = 2;
    let error = Object::load(&spec, &options).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ENOSPC), "a log was asked for, and is not whole");
    assert_eq!(*door.asked.lock().unwrap(), [(2, 2000)]);
}

/// Logs are handed on: of programs that load, if they are asked for, and of one that does not.
#[test]
fn logs_are_handed_on() {
    let logs: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let sink = |logs: &Arc<Mutex<Vec<_>>>| {
        let logs = Arc::clone(logs);
        LogSink::new(move |program, log| logs.lock().unwrap().push((program.to_owned(), log.to_owned())))
    };
    let taken = || std::mem::take(&mut *logs.lock().unwrap());
    let egress = spec("cgroup_egress.bpf.o");
    let door = rejecting(100, true);
    let with = |spec: &ObjectSpec, door: Arc<dyn Door>, log_level| LoadOptions {
        on_log: Some(sink(&logs)),
        log_level,
        ..options(spec, Kernel::with_door(door))
    };
    Object::load(&egress, &with(&egress, door.clone(), 0)).unwrap_err();
    assert_eq!(taken(), [(egress.programs[0].name.clone(), door.log.clone())]);
    let three = spec("tests/subprogs.bpf.o");
    Object::load(&three, &with(&three, Arc::new(Fake::new()), 0)).unwrap();
    assert_eq!(taken(), []);
    Object::load(&three, &with(&three, Arc::new(Fake::new()), 1)).unwrap();
    assert_eq!(
        taken().iter().map(|(program, _)| &**program).collect::<Vec<_>>(),
        ["first", "second", "third"]
    );
}
