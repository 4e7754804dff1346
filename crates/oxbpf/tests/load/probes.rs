//! Every type, helper and kernel function says which kernel brought it: each claim is held against what the probe finds,
//! both ways. Where a newer kernel lacks something, its configuration has to say why.

use std::sync::Arc;

use oxbpf::features::{
    find_kfunc, has_helper, loads_programs_of, makes_maps_of, may_call_helper, may_call_kfunc,
};
use oxbpf::obj::insn::{helper_id, helper_since, helpers};
use oxbpf::obj::{kfunc_config, kfuncs};
use oxbpf::sys::HostDoor;
use oxbpf::{Errno, Kernel, MapType, ProgramType};
use oxbpf_testing::{Need, Skip, Suite, TestResult, without_capabilities};

const ALL: &[Need] = &[Need::Bpf, Need::NetAdmin];

type Release = (u16, u16);

pub(crate) fn tests(suite: &mut Suite) {
    for &kind in ProgramType::ALL.iter().filter(|kind| **kind != ProgramType::UNSPEC) {
        // Of these nothing is said where trampolines are refused.
        let takes_trampolines = matches!(kind, ProgramType::EXT | ProgramType::LSM);
        let needs = if takes_trampolines { &[Need::Bpf, Need::NetAdmin, Need::Trampolines] } else { ALL };
        suite.test(format!("probes::program_type::{kind}"), needs, move || {
            holds(kind.since(), loads_programs_of(&Kernel::host(), kind)?, kind.config())
        });
    }
    for &kind in MapType::ALL.iter().filter(|kind| **kind != MapType::UNSPEC) {
        suite.test(format!("probes::map_type::{kind}"), ALL, move || {
            holds(kind.since(), makes_maps_of(&Kernel::host(), kind)?, kind.config())
        });
    }
    for release in releases(helpers().filter_map(|(id, _)| helper_since(id))) {
        let name = format!("probes::helpers::of_{}_{}", release.0, release.1);
        suite.test(name, ALL, move || helpers_of(release));
    }
    for release in releases(kfuncs().map(|(_, release)| release)) {
        let name = format!("probes::kfuncs::of_{}_{}", release.0, release.1);
        suite.test(name, &[Need::Bpf, Need::KernelBtf], move || kfuncs_of(release));
    }
    suite.test("probes::numbers_from_the_future", ALL, numbers_from_the_future);
    suite.test("probes::helpers_by_type", ALL, helpers_by_type);
    suite.test("probes::kfuncs_by_type", &[Need::Bpf, Need::Kernel(6, 2), Need::KernelBtf], kfuncs_by_type);
    suite.test("probes::without_privileges", ALL, without_privileges);
}

fn releases(all: impl Iterator<Item = Release>) -> Vec<Release> {
    let mut all: Vec<_> = all.collect();
    all.dedup();
    all
}

/// Whether the running kernel is that release or a later one.
fn reached(release: Release) -> Result<bool, oxbpf::sys::SysError> {
    Ok(Kernel::host().kernel_version()?.at_least(release.0.into(), release.1.into()))
}

/// Something is there on kernels of its release and later ones, and on no other.
fn holds(since: Option<Release>, found: bool, option: Option<&'static str>) -> TestResult {
    let since = since.ok_or("no release")?;
    let (major, minor) = since;
    match (reached(since)?, found) {
        (true, true) | (false, false) => Ok(()),
        (false, true) => Err(format!("claimed since {major}.{minor}, but this kernel has it").into()),
        (true, false) => match option.filter(|option| !is_built_in(option)) {
            Some(option) => Err(Skip::because(format!("this kernel was built without {option}")).into()),
            None => Err(format!("claimed since {major}.{minor}, but this kernel lacks it").into()),
        },
    }
}

/// An error of finding out is one of the test: then nothing is explained.
fn is_built_in(option: &str) -> bool {
    let value = Kernel::host().config(option).expect("the kernel's configuration is there to read");
    value.is_some_and(|value| value == "y")
}

fn helpers_of(release: Release) -> TestResult {
    let kernel = Kernel::host();
    let came = reached(release)?;
    for (id, name) in helpers().filter(|(id, _)| helper_since(*id) == Some(release)) {
        assert_eq!(has_helper(&kernel, id)?, came, "{name}");
    }
    Ok(())
}

/// Functions that are there for programs only; the others were there before programs might call them, or went.
fn kfuncs_of(release: Release) -> TestResult {
    let kernel = Kernel::host();
    let own = |name: &str| ["bpf_", "scx_", "hid_bpf_"].iter().any(|prefix| name.starts_with(prefix));
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for (name, _) in kfuncs().filter(|(name, of)| *of == release && own(name)) {
        checked += 1;
        let found = find_kfunc(&kernel, name)?.is_some();
        let explained = || kfunc_config(name).is_some_and(|option| !is_built_in(option));
        if found != reached(release)? && (found || !explained() && !has_gone(name)) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "of {checked}: {wrong:?}");
    Ok(())
}

/// Functions that later kernels lack: replaced by others.
fn has_gone(name: &str) -> bool {
    let gone = ["hid_bpf_attach_prog", "scx_bpf_consume", "scx_bpf_dispatch", "scx_bpf_create_dsq"];
    gone.iter().any(|gone| name.starts_with(gone))
}

fn numbers_from_the_future() -> TestResult {
    let kernel = Kernel::host();
    assert!(!loads_programs_of(&kernel, ProgramType(4000))?);
    assert!(!makes_maps_of(&kernel, MapType(4000))?);
    assert!(!has_helper(&kernel, 4000)?);
    assert!(!may_call_helper(&kernel, ProgramType::XDP, 4000)?);
    assert!(!may_call_helper(&kernel, ProgramType(4000), 1)?);
    Ok(())
}

fn helpers_by_type() -> TestResult {
    let kernel = Kernel::host();
    let may = |kind, name| may_call_helper(&kernel, kind, helper_id(name).expect("a helper"));
    for kind in [ProgramType::XDP, ProgramType::SCHED_CLS, ProgramType::TRACING, ProgramType::STRUCT_OPS] {
        assert!(may(kind, "bpf_map_lookup_elem")?, "{kind}");
    }
    assert!(may(ProgramType::XDP, "bpf_xdp_adjust_head")?);
    assert!(!may(ProgramType::SCHED_CLS, "bpf_xdp_adjust_head")?);
    assert!(may(ProgramType::KPROBE, "bpf_get_stackid")?);
    assert!(!may(ProgramType::SOCKET_FILTER, "bpf_get_stackid")?);
    // No program that traces has it, those for functions (by trampolines, which machines may refuse) neither.
    let packets = may(ProgramType::TRACING, "bpf_xdp_adjust_head");
    assert!(
        matches!(&packets, Ok(false)) || packets.as_ref().is_err_and(|e| e.errno == Errno::EPERM),
        "{packets:?}"
    );
    // Iterators only.
    assert!(may(ProgramType::TRACING, "bpf_seq_write")?);
    let cookies = reached((5, 15))?;
    assert_eq!(may(ProgramType::KPROBE, "bpf_get_attach_cookie")?, cookies);
    assert!(!may(ProgramType::XDP, "bpf_get_attach_cookie")?);
    assert_eq!(may(ProgramType::SYSCALL, "bpf_sys_bpf")?, reached((5, 14))?);
    let untold = may(ProgramType::EXT, "bpf_map_lookup_elem").expect_err("it depends on what is extended");
    assert_eq!(untold.errno, Errno::EOPNOTSUPP);
    Ok(())
}

fn kfuncs_by_type() -> TestResult {
    let kernel = Kernel::host();
    assert!(may_call_kfunc(&kernel, ProgramType::TRACING, "bpf_task_acquire")?);
    assert!(!may_call_kfunc(&kernel, ProgramType::SOCKET_FILTER, "bpf_task_acquire")?);
    // A function, but not for programs.
    assert!(find_kfunc(&kernel, "vfs_read")?.is_some_and(|found| found.module.is_none()));
    assert!(!may_call_kfunc(&kernel, ProgramType::TRACING, "vfs_read")?);
    assert!(find_kfunc(&kernel, "oxbpf_no_such_function")?.is_none());
    assert!(!may_call_kfunc(&kernel, ProgramType::TRACING, "oxbpf_no_such_function")?);
    Ok(())
}

/// Who may not ask gets no answer, rather than a wrong one.
fn without_privileges() -> TestResult {
    without_capabilities(|| {
        // One that nothing is known of yet.
        let kernel = Kernel::with_door(Arc::new(HostDoor));
        let refused = |answer: Result<bool, oxbpf::sys::SysError>| {
            answer.expect_err("no privileges, no answer").errno == Errno::EPERM
        };
        assert!(refused(loads_programs_of(&kernel, ProgramType::KPROBE)));
        assert!(refused(makes_maps_of(&kernel, MapType::STACK_TRACE)));
        assert!(refused(may_call_helper(&kernel, ProgramType::KPROBE, 1)));
        assert!(refused(may_call_kfunc(&kernel, ProgramType::TRACING, "bpf_task_acquire")));
    })?;
    Ok(())
}
