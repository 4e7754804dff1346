//! Over the kernel at hand.

use oxbpf::{Error, LoadOptions, Object, ObjectSpec};
use oxbpf_testing::net::in_own_netns;
use oxbpf_testing::{Cgroup, Need, Skip, Suite, TestResult};

use crate::attach::{self, Attached};
use crate::{Case, host, open, sweep};

pub(crate) fn add(suite: &mut Suite) {
    let exec = Need::Tracepoint("sched", "sched_process_exec");
    let ringbuf = Need::Kernel(5, 8);
    let arenas = Need::That("needs arenas (Linux 6.9 with a JIT for them)", || {
        open("tests/arena.bpf.o").and_then(|spec| Object::load(&spec, &LoadOptions::default())).is_ok()
    });
    let cases: [(&str, &[Need], attach::Attach, usize); 14] = [
        ("execsnoop.bpf.o", &[exec, ringbuf, Need::KernelBtf], attach::by_section, 1),
        ("schedlat.bpf.o", &[Need::KernelBtf, Need::Kernel(5, 5)], attach::by_section, 3),
        ("funclat.bpf.o", &[Need::Trampolines, Need::KernelBtf], attach::by_section, 2),
        ("uprobe.bpf.o", &[Need::Uprobes, ringbuf], attach::to_this_program, 2),
        ("tests/kprobe.bpf.o", &[Need::Kprobes, ringbuf], attach::by_section, 2),
        ("tests/perf_event.bpf.o", &[Need::Kernel(5, 2)], attach::to_clocks, 1),
        ("tests/raw_tp.bpf.o", &[Need::Kernel(5, 2)], attach::by_section, 2),
        ("tests/inner_maps.bpf.o", &[Need::Kernel(5, 10)], attach::nowhere, 0),
        ("tests/arena.bpf.o", &[arenas], attach::nowhere, 0),
        ("tests/externs.bpf.o", &[Need::KernelBtf, Need::Kernel(5, 10)], attach::nowhere, 0),
        ("tests/missing_externs.bpf.o", &[Need::KernelBtf, Need::Kernel(5, 10)], attach::nowhere, 0),
        ("tests/weak_externs.bpf.o", &[Need::KernelBtf, Need::Kernel(5, 10)], attach::nowhere, 0),
        ("tests/exclusive.bpf.o", &[Need::Kernel(6, 18)], attach::nowhere, 0),
        (STRUCT_OPS, &[Need::NetAdmin, Need::KernelBtf, Need::Kernel(5, 13)], attach::by_section, 1),
    ];
    for (file, needs, attach, links) in cases {
        let needs = [&[Need::Bpf], needs].concat();
        let load = if file == STRUCT_OPS { under_own_name } else { Object::load };
        suite.test(name(file), &needs, move || over_host(&Case { file, load, attach: &attach, links }));
    }
    let network = [Need::Bpf, Need::NetAdmin, Need::SysAdmin];
    suite.test("host::xdp_counter", &[&network[..], &[Need::Kernel(5, 9)]].concat(), xdp_counter);
    let cgroups = [Need::Kernel(5, 7), Need::Cgroup2];
    suite.test("host::cgroup_egress", &[&network[..], &cgroups].concat(), cgroup_egress);
    let bpffs =
        Need::That("needs a mounted BPF file system", || oxbpf_testing::mounts::find("bpf").is_some());
    suite.test("host::tests/pinned", &[Need::Bpf, Need::SysAdmin, bpffs], pinned);
}

fn name(file: &str) -> String {
    format!("host::{}", file.trim_end_matches(".bpf.o"))
}

const STRUCT_OPS: &str = "tests/struct_ops.bpf.o";

/// The kernel has one table of a name: nobody else's is to be in the way.
fn under_own_name(spec: &ObjectSpec, options: &LoadOptions) -> Result<Object, Error> {
    let (mut spec, mut name) = (spec.clone(), [0; 16]);
    let own = format!("oxbpf{}", std::process::id());
    name.iter_mut().zip(own.bytes()).for_each(|(to, from)| *to = from);
    let named = spec.set_struct_ops_field("plain", "name", &name);
    named.map_err(|source| Error::Link { object: spec.name.clone(), source })?;
    Object::load(&spec, options)
}

fn over_host(case: &Case<'_>) -> TestResult {
    assert_eq!(attach::keep_probed(), 1);
    sweep(case, host::door, |_, kernel| {
        let kernel = host::with_types(kernel);
        LoadOptions { kernel, ..LoadOptions::default() }
    })
}

/// In a network namespace of its own, where the loopback interface is nobody else's.
fn xdp_counter() -> TestResult {
    in_own_netns(|| {
        over_host(&Case {
            file: "xdp_counter.bpf.o",
            load: Object::load,
            attach: &attach::to_loopback,
            links: 1,
        })
    })?
}

fn cgroup_egress() -> TestResult {
    let cgroup = Cgroup::create()?;
    let attach = |object: Object| -> Result<Attached, Error> { attach::to_cgroup(object, cgroup.path()) };
    over_host(&Case { file: "cgroup_egress.bpf.o", load: Object::load, attach: &attach, links: 1 })
}

/// Pins that stay when a load fails would be found by the next one, which the test would see as calls that are
/// missing; those of loads that succeed are taken away here.
fn pinned() -> TestResult {
    let bpffs = oxbpf_testing::mounts::find("bpf").ok_or_else(|| Skip::because("needs a BPF file system"))?;
    let dir = bpffs.join(format!("oxbpf-faults-{}", std::process::id()));
    std::fs::create_dir(&dir)?;
    let unpin = || -> Result<(), std::io::Error> {
        for pin in std::fs::read_dir(&dir)? {
            std::fs::remove_file(pin?.path())?;
        }
        Ok(())
    };
    let attach = |object: Object| -> Result<Attached, Error> {
        unpin().map_err(|source| Error::Read { path: dir.clone(), source })?;
        attach::nowhere(object)
    };
    let case = Case { file: "tests/pinned.bpf.o", load: Object::load, attach: &attach, links: 0 };
    let options =
        |_: &ObjectSpec, kernel| LoadOptions { kernel, pin_root: dir.clone(), ..LoadOptions::default() };
    let result = sweep(&case, host::door, options);
    let left: Vec<_> = std::fs::read_dir(&dir)?.collect::<Result<_, _>>()?;
    unpin()?;
    std::fs::remove_dir(&dir)?;
    assert!(left.is_empty(), "{left:?}");
    result
}
