//! Over a kernel that is not there.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use oxbpf::btf::{Btf, BtfBuilder, Field, Kind};
use oxbpf::sys::Door;
use oxbpf::sys::doors::Fake;
use oxbpf::{Error, Kernel, LoadOptions, Object, ObjectSpec};
use oxbpf_testing::{Suite, TestResult};

use crate::attach::{self, Attached};
use crate::{Case, open, sweep};

pub(crate) fn add(suite: &mut Suite) {
    let cases = [
        ("execsnoop.bpf.o", attach::by_section as attach::Attach, 1),
        ("opensnoop.bpf.o", attach::by_section, 2),
        ("schedlat.bpf.o", attach::by_section, 3),
        ("funclat.bpf.o", attach::by_section, 2),
        ("uprobe.bpf.o", attach::to_this_program, 2),
        ("xdp_counter.bpf.o", attach::to_loopback, 1),
        ("cgroup_egress.bpf.o", to_some_cgroup, 1),
        ("tests/kprobe.bpf.o", attach::by_section, 2),
        ("tests/perf_event.bpf.o", attach::to_clocks, 1),
        ("tests/raw_tp.bpf.o", attach::by_section, 2),
        ("tests/globals.bpf.o", attach::nowhere, 0),
        ("tests/maps.bpf.o", attach::nowhere, 0),
        ("tests/inner_maps.bpf.o", attach::nowhere, 0),
        ("tests/subprogs.bpf.o", attach::nowhere, 0),
        ("tests/arena.bpf.o", attach::nowhere, 0),
        ("tests/exclusive.bpf.o", attach::nowhere, 0),
        ("tests/externs.bpf.o", attach::nowhere, 0),
        ("tests/iproute2_maps.bpf.o", attach::nowhere, 0),
        ("tests/legacy_maps.bpf.o", attach::nowhere, 0),
        ("tests/struct_ops.bpf.o", attach::by_section, 1),
        ("tests/jump_tables.bpf.o", attach::nowhere, 0),
    ];
    for (file, attach, links) in cases {
        let name = format!("fake::{}", file.trim_end_matches(".bpf.o"));
        suite.test(name, &[], move || over_fake(&Case { file, load: Object::load, attach: &attach, links }));
    }
    suite.test("fake::in_steps", &[], in_steps);
    suite.test("fake::tests/pinned", &[], pinned);
}

/// In two steps, with a copy of each program in between.
fn in_steps() -> TestResult {
    let load = |spec: &ObjectSpec, options: &LoadOptions| -> Result<Object, Error> {
        let prepared = Object::prepare(spec, options)?;
        for program in &spec.programs {
            prepared.load_copy(&program.name, |copy| copy.name.push_str("_copy"))?;
        }
        prepared.load()
    };
    over_fake(&Case { file: "tests/subprogs.bpf.o", load, attach: &attach::nowhere, links: 0 })
}

/// As the kernel would, the fake keeps what is pinned.
fn pinned() -> TestResult {
    let fake = RefCell::new(Arc::new(Fake::new()));
    let door = || -> Arc<dyn Door> {
        *fake.borrow_mut() = Arc::new(Fake::new());
        fake.borrow().clone()
    };
    let attach = |object: Object| -> Result<Attached, Error> {
        let unspoilt = Kernel::with_door(fake.borrow().clone());
        for map in object.maps() {
            // Not all are pinned.
            let _ = unspoilt.unpin(&Path::new("/sys/fs/bpf").join(map.name()));
        }
        attach::nowhere(object)
    };
    let case = Case { file: "tests/pinned.bpf.o", load: Object::load, attach: &attach, links: 0 };
    sweep(&case, door, |_, kernel| LoadOptions { kernel, ..LoadOptions::default() })
}

fn over_fake(case: &Case<'_>) -> TestResult {
    let types = kernel_types(open(case.file)?.btf.as_ref())?;
    let config =
        "CONFIG_HZ=250\nCONFIG_BPF=y\nCONFIG_BPF_SYSCALL=y\nCONFIG_NET=y\nCONFIG_CC_VERSION_TEXT=\"cc\"\n";
    let symbols =
        "ffffffff81000000 T bpf_prog_put\nffffffff81000010 T __x64_sys_bpf\nffffffff81000020 T do_unlinkat\n";
    let door = || -> Arc<dyn Door> {
        let fake = Fake::new().with_file("/sys/kernel/btf/vmlinux", types.as_bytes());
        Arc::new(fake.with_file("/boot/config-6.18.0", config).with_file("/proc/kallsyms", symbols))
    };
    sweep(case, door, |_, kernel| LoadOptions { kernel, ..LoadOptions::default() })
}

/// The types of a kernel that has those of the object, which CO-RE looks for, and the functions and tracepoints that
/// the objects trace.
fn kernel_types(own: Option<&Btf>) -> Result<Btf, oxbpf::btf::Error> {
    let mut types = own.map_or_else(BtfBuilder::new, BtfBuilder::from);
    let void = oxbpf::btf::TypeId(0);
    let proto = types.add_func_proto(void, [])?;
    let pointer = types.add_ptr(proto)?;
    for tracepoint in ["sched_wakeup", "sched_wakeup_new", "sched_switch"] {
        types.add_typedef(&format!("btf_trace_{tracepoint}"), pointer)?;
    }
    types.add_func("vfs_read", 0, proto)?;
    // What a struct_ops map holds.
    if let Some(id) = own.and_then(|own| own.find("tcp_congestion_ops", Kind::Struct)) {
        let size = own.and_then(|own| own.get(id).ok()?.size()).unwrap_or_default();
        let fields = [Field::new("data", id, 64 * 8)];
        types.add_struct("bpf_struct_ops_tcp_congestion_ops", 64 + size, fields)?;
    }
    types.build()
}

/// A fake takes any directory for a cgroup.
fn to_some_cgroup(object: Object) -> Result<Attached, Error> {
    attach::to_cgroup(object, Path::new("/"))
}
