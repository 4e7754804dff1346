//! Programs as the kernel has them after a load.

use std::num::NonZeroUsize;
use std::os::fd::AsFd;

use oxbpf::obj::insn::Insn;
use oxbpf::sys::{LogBuf, TestRun};
use oxbpf::{Error, LoadOptions, Object};
use oxbpf_testing::{Need, Suite, TestResult, testdata};

pub(crate) fn tests(suite: &mut Suite) {
    const NEEDS: &[Need] = &[Need::Bpf, Need::NetAdmin];
    suite.test("programs::calls_return_what_they_should", NEEDS, subprograms);
    suite.test("programs::log_on_demand", NEEDS, log_on_demand);
    suite.test("programs::rejected_says_why", NEEDS, rejected_says_why);
    suite.test("programs::first_failure_in_order", NEEDS, first_failure);
    suite.test("programs::in_parallel", NEEDS, in_parallel);
    suite.test("programs::callbacks", &[Need::Bpf, Need::NetAdmin, Need::Kernel(5, 17)], callbacks);
    suite.test("programs::contexts", &[Need::Bpf, Need::NetAdmin, Need::Kernel(5, 10)], contexts);
    suite.test("programs::long_logs_are_whole", NEEDS, long_logs_are_whole);
    suite.test("programs::turned_off", NEEDS, turned_off);
    suite.test(
        "programs::exceptions",
        &[Need::Bpf, Need::NetAdmin, Need::KernelBtf, Need::Kernel(6, 7)],
        exceptions,
    );
    suite.test(
        "programs::constants_bound",
        &[Need::Bpf, Need::NetAdmin, Need::Kernel(5, 10)],
        constants_bound,
    );
}

pub(crate) fn run(object: &Object, program: &str) -> Result<u32, Error> {
    let program = object.program(program)?;
    let packet = [0; 64];
    let mut run = TestRun { data_in: &packet, repeat: 1, ..TestRun::default() };
    Ok(object.kernel().prog_test_run(program.as_fd(), &mut run)?.retval)
}

/// What programs compute with their functions, callbacks, globals and maps.
fn subprograms() -> TestResult {
    let object = super::load("tests/subprogs.bpf.o")?;
    assert_eq!(run(&object, "first")?, 128);
    assert_eq!(run(&object, "second")?, 129);
    let without_ethernet_header = 64 - 14;
    assert_eq!(run(&object, "third")?, without_ethernet_header * 2 + 2 + 6);
    let globals = super::load("tests/global_funcs.bpf.o")?;
    assert_eq!(run(&globals, "add")?, 111);
    let inner = super::load("tests/inner_maps.bpf.o")?;
    assert_eq!(run(&inner, "run")?, 22, "by a tail call");
    inner.map("inner_b")?.update(&1_u32.to_ne_bytes(), &5_u32.to_ne_bytes(), oxbpf::ElemFlags::empty())?;
    assert_eq!(run(&inner, "run")?, 5, "from the inner map");
    Ok(())
}

/// Functions whose address programs take: by the kernel's walk over a map, and by its loop, which calls others.
fn callbacks() -> TestResult {
    let object = super::load("tests/callbacks.bpf.o")?;
    let numbers = object.map("numbers")?;
    for n in 0_u32..8 {
        numbers.update(&n.to_ne_bytes(), &(n * n).to_ne_bytes(), oxbpf::ElemFlags::empty())?;
    }
    assert_eq!(run(&object, "sum")?, (0..8).map(|n| n * n).sum::<u32>());
    assert_eq!(run(&super::load("tests/loop.bpf.o")?, "squares")?, (0..10).map(|n| n * n).sum::<u32>());
    Ok(())
}

/// Global functions whose argument is the context, whether the kernel knows the tag that says so (6.8) or not.
fn contexts() -> TestResult {
    let object = super::load("tests/context_args.bpf.o")?;
    assert_eq!(run(&object, "of_tc")?, 64);
    assert_eq!(run(&object, "of_socket")?, 0);
    assert_eq!(run(&object, "of_xdp")?, 100);
    Ok(())
}

/// The verifier's log of a program that loads is there if asked for, whole.
fn log_on_demand() -> TestResult {
    let spec = oxbpf::open(testdata("tests/subprogs.bpf.o"))?;
    let quiet = Object::load(&spec, &LoadOptions::default())?;
    assert_eq!(quiet.program("second")?.log(), None);
    let options = LoadOptions { log_level: 2, ..LoadOptions::default() };
    let loud = Object::load(&spec, &options)?;
    let log = loud.program("second")?.log().expect("asked for");
    assert!(log.contains("R1=ctx") && log.contains("processed "), "{log}");
    Ok(())
}

/// A log that is longer than the room it had at first is asked for again: for a program that loads, and one that does not.
fn long_logs_are_whole() -> TestResult {
    /// Each instruction is a line of the log, two with the registers.
    const MANY: usize = 3000;
    let spec = oxbpf::open(testdata("xdp_counter.bpf.o"))?;
    let load = |last: &[Insn]| {
        let mut prepared =
            Object::prepare(&spec, &LoadOptions { log_level: LogBuf::ALL, ..LoadOptions::default() })?;
        let name = prepared.spec().programs[0].name.clone();
        let image = prepared.image_mut(&name)?;
        image.insns = (0..MANY as i32).map(|n| Insn::mov64_imm(0, n)).collect();
        image.insns.extend(last);
        image.func_info.clear();
        image.line_info.clear();
        prepared.load()
    };
    let object = load(&[Insn::exit()])?;
    let log = object.programs()[0].log().expect("asked for");
    assert!(log.len() > 64 << 10, "{} bytes", log.len());
    assert!(log.contains("0: (b7) r0 = 0") && log.contains("(b7) r0 = 2999") && log.contains("processed "));
    let Error::Rejected(why) = load(&[Insn::mov64_imm(10, 0), Insn::exit()]).unwrap_err() else {
        panic!("it writes to the frame pointer")
    };
    assert!(why.log.starts_with("func#0") || why.log.starts_with("0: "), "{}", &why.log[..200]);
    assert!(why.to_string().contains("frame pointer is read only"), "{why}");
    Ok(())
}

fn rejected_says_why() -> TestResult {
    let error = super::load("rejected/no_null_check.bpf.o").unwrap_err();
    let Error::Rejected(why) = &error else { panic!("{error}") };
    assert_eq!((&*why.program, &*why.section), ("count", "xdp"));
    assert!(error.to_string().contains("invalid mem access 'map_value_or_null'"), "{error}");
    assert_eq!(error.errno(), Some(oxbpf::Errno::EACCES));
    let error = super::load("rejected/no_such_field.bpf.o").unwrap_err();
    assert!(matches!(error, Error::Rejected(_)), "{error}");
    Ok(())
}

/// Whichever thread fails first, the error is about the first program in the object that fails.
fn first_failure() -> TestResult {
    let spec = oxbpf::open(testdata("rejected/in_subprog.bpf.o"))?;
    let mut many = spec.clone();
    let [good, bad] = &spec.programs[..] else { panic!("two programs") };
    many.programs = (0..60)
        .map(|n| {
            let mut program = if n == 40 || n > 44 { bad.clone() } else { good.clone() };
            program.name = format!("program_{n}");
            program
        })
        .collect();
    for threads in [1, 2, 5] {
        let options = LoadOptions { threads: NonZeroUsize::new(threads), ..LoadOptions::default() };
        let error = Object::load(&many, &options).unwrap_err();
        let Error::Rejected(why) = &error else { panic!("{error}") };
        assert_eq!(why.program, "program_40", "{threads} threads");
    }
    Ok(())
}

/// All programs are there and work, in order, with any number of threads.
fn in_parallel() -> TestResult {
    let spec = oxbpf::open(testdata("tests/subprogs.bpf.o"))?;
    let mut many = spec.clone();
    many.programs = (0..120)
        .map(|n| {
            let mut program = spec.programs[n % 2].clone();
            program.name = format!("program_{n}");
            program
        })
        .collect();
    for threads in [None, NonZeroUsize::new(1), NonZeroUsize::new(3)] {
        let object = Object::load(&many, &LoadOptions { threads, ..LoadOptions::default() })?;
        assert_eq!(object.programs().len(), 120);
        for (n, program) in object.programs().iter().enumerate() {
            assert_eq!(program.name(), format!("program_{n}"));
            assert_eq!(program.info()?.name, format!("program_{n}"));
            assert_eq!(run(&object, program.name())?, 128 + n as u32 % 2);
        }
    }
    Ok(())
}

fn turned_off() -> TestResult {
    let mut spec = oxbpf::open(testdata("rejected/in_subprog.bpf.o"))?;
    spec.program_mut("bad").expect("in the source").autoload = false;
    let object = Object::load(&spec, &LoadOptions::default())?;
    assert_eq!(object.programs().len(), 1);
    let error = object.program("bad").unwrap_err();
    assert_eq!(error.to_string(), "no program bad in object in_subprog; it has: good");
    Ok(())
}

/// What a program throws, its callback gets: it returns instead of the program.
fn exceptions() -> TestResult {
    let mut spec = oxbpf::open(testdata("tests/exceptions.bpf.o"))?;
    for name in ["throws", "throws_uncaught"] {
        spec.program_mut(name).expect("in the source").autoload = true;
    }
    let object = match Object::load(&spec, &LoadOptions::default()) {
        Err(Error::Externs { missing, .. }) => {
            return Err(oxbpf_testing::Skip::because(format!("no exceptions: {}", missing[0])).into());
        }
        loaded => loaded?,
    };
    assert_eq!(run(&object, "throws")?, 100 + 7);
    assert_eq!(run(&object, "throws_uncaught")?, 5, "the kernel's own callback returns what is thrown");
    let mut spec = spec.clone();
    spec.program_mut("two_catch").expect("in the source").autoload = true;
    let error = Object::load(&spec, &LoadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("multiple exception"), "{error}");
    Ok(())
}

/// Constants that a program does not use are held by it all the same, as bpftool expects.
fn constants_bound() -> TestResult {
    let object = super::load("opensnoop.bpf.o")?;
    let constants = object.map(".rodata")?.info()?.id;
    for program in object.programs() {
        assert!(program.info()?.map_ids.contains(&constants), "{}", program.name());
    }
    Ok(())
}
