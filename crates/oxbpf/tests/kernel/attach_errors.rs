//! What a person reads when attaching fails on a real kernel.

use oxbpf::{AttachReason, Error, KprobeOptions, Link, SymbolError, UprobeOptions};
use oxbpf_testing::{Need, Skip, Suite, TestResult};

use crate::support::{Loaded, unique_path};

pub(crate) fn tests(suite: &mut Suite) {
    let tracepoint =
        [Need::Bpf, Need::KernelBtf, Need::Kernel(5, 8), Need::Tracepoint("sched", "sched_switch")];
    suite.test("attach_errors::tracepoints_like_the_wanted_one", &tracepoint, tracepoints);
    suite.test("attach_errors::raw_tracepoints_like_the_wanted_one", &tracepoint, raw_tracepoints);
    suite.test("attach_errors::a_context_too_small", &tracepoint, a_context_too_small);
    let kprobe = [Need::Bpf, Need::KernelBtf, Need::Kernel(5, 8), Need::Kprobes];
    suite.test("attach_errors::functions_like_the_wanted_one", &kprobe, functions);
    let none = Need::That("needs a kernel without kprobes", || Need::Kprobes.missing().is_some());
    suite.test(
        "attach_errors::no_kprobes",
        &[Need::Bpf, Need::Kernel(5, 8), Need::KernelBtf, none],
        no_kprobes,
    );
    let uprobe = [Need::Bpf, Need::Kernel(5, 8), Need::Uprobes];
    suite.test("attach_errors::binaries_and_symbols", &uprobe, binaries_and_symbols);
}

fn reason(result: Result<Link, Error>) -> AttachReason {
    match result {
        Err(Error::Attach(e)) => e.reason,
        other => panic!("{other:?}"),
    }
}

fn tracepoints() -> TestResult {
    let loaded = Loaded::new("execsnoop.bpf.o")?;
    let program = loaded.object.program("on_exec")?;
    let AttachReason::NoTracepoint { name, near } = reason(program.attach_tracepoint("sched", "sched_swich"))
    else {
        panic!()
    };
    assert_eq!(name, "sched/sched_swich");
    assert!(near.contains(&"sched/sched_switch".to_owned()), "{near:?}");
    // In another category.
    let error = program.attach_tracepoint("syscalls", "sched_switch").expect_err("not there").to_string();
    assert_eq!(
        error,
        "cannot attach program on_exec (tracepoint/sched/sched_process_exec): this kernel has no tracepoint \
         `syscalls/sched_switch`; did you mean `sched/sched_switch`?"
    );
    for nonsense in ["..", "", "a/b"] {
        let refused = reason(program.attach_tracepoint(nonsense, nonsense));
        assert!(matches!(refused, AttachReason::NoTracepoint { .. }), "{refused}");
    }
    Ok(())
}

fn raw_tracepoints() -> TestResult {
    let loaded = Loaded::new("tests/raw_tp.bpf.o")?;
    let program = loaded.object.program("on_enter")?;
    let refused = reason(program.attach_raw_tracepoint("sched_swich"));
    let AttachReason::NoTracepoint { near, .. } = refused else { panic!("{refused}") };
    assert!(near.contains(&"sched_switch".to_owned()), "{near:?}");
    Ok(())
}

/// The program reads more than this event has, which only attaching finds out.
fn a_context_too_small() -> TestResult {
    let loaded = Loaded::new("opensnoop.bpf.o")?;
    let refused = reason(loaded.object.program("on_enter")?.attach_tracepoint("syscalls", "sys_enter_close"));
    assert!(
        refused.to_string().starts_with("the program reads more of its context than the event has"),
        "{refused}"
    );
    Ok(())
}

fn functions() -> TestResult {
    let loaded = Loaded::new("tests/kprobe.bpf.o")?;
    let program = loaded.object.program("on_entry")?;
    let at = |function| KprobeOptions { function, ..Default::default() };
    let refused = reason(program.attach_kprobe(&at("do_unlinkatt")));
    let AttachReason::NoFunction { near, .. } = &refused else { panic!("{refused}") };
    assert!(near.contains(&"do_unlinkat".to_owned()), "{near:?}");
    // In the middle of its first instruction.
    let refused = reason(program.attach_kprobe(&KprobeOptions { offset: 1, ..at("do_unlinkat") }));
    assert!(matches!(&refused, AttachReason::Refused { .. }), "{refused}");
    // One of the functions that the kernel keeps free of probes.
    let refused = reason(program.attach_kprobe(&at("exc_int3")));
    assert!(matches!(&refused, AttachReason::Refused { .. } | AttachReason::NoFunction { .. }), "{refused}");
    Ok(())
}

fn no_kprobes() -> TestResult {
    let loaded = Loaded::new("tests/kprobe.bpf.o")?;
    let error = loaded.object.program("on_entry")?.attach().expect_err("no kprobes").to_string();
    assert_eq!(
        error,
        "cannot attach program on_entry (kprobe/do_unlinkat): this kernel has no kprobes (CONFIG_KPROBE_EVENTS)"
    );
    Ok(())
}

fn binaries_and_symbols() -> TestResult {
    let loaded = Loaded::new("uprobe.bpf.o")?;
    let program = loaded.object.program("on_entry")?;
    let at = |binary, function| UprobeOptions { binary, function: Some(function), ..Default::default() };
    let refused = reason(program.attach_uprobe(&at("no-such-program", "main")));
    assert!(matches!(refused, AttachReason::NoBinary { .. }), "{refused}");

    let script = unique_path("script");
    std::fs::write(&script, "#!/bin/sh\n")?;
    let refused = reason(program.attach_uprobe(&at(&script, "main")));
    assert_eq!(refused.to_string(), format!("{script}: it is not an ELF file"));
    // An offset needs no symbols, but must be in the file.
    let offset = UprobeOptions { binary: &script, offset: 1 << 20, ..Default::default() };
    assert!(matches!(
        reason(program.attach_uprobe(&offset)),
        AttachReason::Refused { .. } | AttachReason::Kernel(_)
    ));
    std::fs::remove_file(&script)?;

    let refused = reason(program.attach_uprobe(&at("/no/such/file", "main")));
    assert!(matches!(&refused, AttachReason::Symbol { source: SymbolError::Io(_), .. }), "{refused}");

    let refused = reason(program.attach_uprobe(&at("libc.so.6", "opendirr")));
    if matches!(refused, AttachReason::NoBinary { .. }) {
        return Err(Skip::because("needs a libc.so.6").into());
    }
    assert!(refused.to_string().contains("has no function `opendirr`; did you mean `opendir`"), "{refused}");
    let refused = reason(program.attach_uprobe(&at("libc.so.6", "stderr")));
    assert!(
        matches!(&refused, AttachReason::Symbol { source: SymbolError::NotFunction { .. }, .. }),
        "{refused}"
    );
    // Chosen for the processor when a program starts.
    let refused = reason(program.attach_uprobe(&at("libc.so.6", "strlen")));
    if cfg!(target_arch = "x86_64") {
        assert!(
            matches!(&refused, AttachReason::Symbol { source: SymbolError::Indirect { .. }, .. }),
            "{refused}"
        );
    }
    let back = UprobeOptions { on_return: true, offset: 4, ..at("libc.so.6", "opendir") };
    assert!(matches!(reason(program.attach_uprobe(&back)), AttachReason::ReturnOffset));
    Ok(())
}
