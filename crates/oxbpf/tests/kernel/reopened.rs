//! Programs that are opened again, by their id: attached without the object that they are of.

use std::io::Read;

use oxbpf::{AttachFlags, AttachReason, AttachType, Error, Kernel, LinkDetails, LinkKind, Program, Walk};
use oxbpf_testing::{Cgroup, Need, Suite, TestResult};

use crate::support::{Loaded, Result};

pub(crate) fn tests(suite: &mut Suite) {
    let cgroups = [Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Cgroup2, Need::Kernel(5, 8)];
    suite.test("reopened::attached_to_cgroups", &cgroups, attached_to_cgroups);
    let tracing = [Need::Bpf, Need::SysAdmin, Need::KernelBtf, Need::Kernel(5, 11)];
    suite.test("reopened::attached_to_what_the_kernel_knows", &tracing, attached_to_what_the_kernel_knows);
    let functions = [Need::Bpf, Need::SysAdmin, Need::KernelBtf, Need::Trampolines, Need::Kernel(5, 19)];
    suite.test("reopened::attached_to_functions", &functions, attached_to_functions);
}

/// The program of this name, opened by its id: the kernel does not tell what it was loaded for.
fn again(loaded: &Loaded, program: &str) -> Result<Program> {
    let id = loaded.object.program(program)?.info()?.id;
    let program = Program::from_id(&Kernel::host(), id)?;
    assert_eq!(program.attach_type(), None);
    Ok(program)
}

fn attached_to_cgroups() -> TestResult {
    let cgroup = Cgroup::create()?;
    let program = again(&Loaded::new("cgroup_egress.bpf.o")?, "count")?;
    let untold = program.attach_cgroup(&cgroup, AttachFlags::empty()).expect_err("ingress or egress?");
    assert_eq!(
        untold.to_string(),
        "cannot attach program count: the kernel does not tell what it was loaded for: say it by `Program::loaded_for`"
    );
    let program = program.loaded_for(AttachType::CGROUP_INET_EGRESS);
    let link = program.attach_cgroup(&cgroup, AttachFlags::empty())?;
    let LinkDetails::Cgroup { attach_type, .. } = link.info()?.details else { panic!("{link:?}") };
    assert_eq!(attach_type, AttachType::CGROUP_INET_EGRESS);
    Ok(())
}

fn attached_to_what_the_kernel_knows() -> TestResult {
    let link = again(&Loaded::new("schedlat.bpf.o")?, "on_switch")?.attach_tracing(0)?;
    assert_eq!((link.kind(), link.target()), (LinkKind::RawTracepoint, "sched_switch"));
    let walker = Loaded::with("tests/iter.bpf.o", |spec| {
        spec.programs.iter_mut().for_each(|p| p.autoload = p.name == "tasks");
        Ok(())
    })?;
    let link = again(&walker, "tasks")?.attach_iter(Walk::All)?;
    assert!(link.read()?.read(&mut [0; 64])? > 0);
    let wrong = walker.object.program("tasks")?.attach_tracing(0).expect_err("an iterator").to_string();
    assert!(wrong.ends_with("it is not attached: it is an iterator, for `Program::attach_iter`"), "{wrong}");
    Ok(())
}

fn attached_to_functions() -> TestResult {
    let loaded = Loaded::new("funclat.bpf.o")?;
    for (name, attach_type, kind) in [
        ("on_entry", AttachType::TRACE_FENTRY, LinkKind::Fentry),
        ("on_exit", AttachType::TRACE_FEXIT, LinkKind::Fexit),
    ] {
        let program = again(&loaded, name)?;
        assert_eq!(program.attach_tracing(0)?.kind(), kind);
        let untold = program.attach_tracing(7).expect_err("a cookie takes the other command");
        let Error::Attach(untold) = untold else { panic!("{untold}") };
        assert!(matches!(untold.reason, AttachReason::Untold), "{untold}");
        assert_eq!(program.loaded_for(attach_type).attach_tracing(7)?.kind(), kind);
    }
    Ok(())
}
