//! What is known of the machine.

use std::os::fd::AsFd;
use std::sync::Arc;

use oxbpf_btf::Kind;
use oxbpf_sys::doors::Recorder;
use oxbpf_sys::uapi::OpenFlags;
use oxbpf_sys::{Capabilities, Errno, HostDoor, Kernel, ObjectKind};
use oxbpf_testing::{Need, Suite, TestResult};

use super::{kernel, refused};

pub(crate) fn add(suite: &mut Suite) {
    suite.test("machine::version_and_cpus", &[], version_and_cpus);
    suite.test("machine::capabilities_of_root", &[Need::Bpf, Need::SysAdmin], capabilities_of_root);
    suite.test("machine::types", &[Need::KernelBtf], types);
    suite.test("machine::types_are_mapped", &[Need::KernelBtf, Need::Kernel(6, 16)], types_are_mapped);
    suite.test("machine::types_by_id", &[Need::KernelBtf, Need::SysAdmin, Need::Kernel(5, 11)], types_by_id);
    suite.test("machine::one_kernel_for_all", &[Need::KernelBtf], one_kernel_for_all);
    let config = Need::That("needs the kernel's configuration", || Kernel::host().config_text().is_ok());
    suite.test("machine::configuration", &[config], configuration);
    suite.test("machine::uprobe_pmu", &[Need::Uprobes], uprobe_pmu);
    let resource = Need::That("needs CAP_SYS_RESOURCE", || {
        Kernel::host().capabilities().is_ok_and(|c| c.contains(Capabilities::SYS_RESOURCE))
    });
    suite.test("machine::memlock", &[resource], memlock);
}

fn version_and_cpus() -> TestResult {
    let k = kernel();
    let release = rustix::system::uname();
    let version = k.kernel_version()?;
    let expected = format!("{}.{}.", version.major, version.minor);
    assert!(release.release().to_string_lossy().starts_with(&expected), "{version}");
    let (possible, online) = (k.possible_cpus()?, k.online_cpus()?);
    assert!(possible as usize >= online.len() && !online.is_empty());
    assert!(online.len() >= std::thread::available_parallelism()?.get());
    Ok(())
}

fn capabilities_of_root() -> TestResult {
    let caps = kernel().capabilities()?;
    assert!(caps.contains(Capabilities::SYS_ADMIN) && caps.may_bpf() && caps.may_trace());
    kernel().lockdown()?;
    Ok(())
}

fn types() -> TestResult {
    let btf = kernel().btf()?;
    assert!(btf.find("task_struct", Kind::Struct).is_some());
    assert!(btf.types().count() > 1000);
    for (name, module) in kernel().module_btfs()? {
        assert!(module.first_id() == btf.end_id(), "{name}");
    }
    refused(kernel().module_btf("no_such_module"), Errno::ENOENT);
    refused(kernel().module_btf("../vmlinux"), Errno::ENOENT);
    Ok(())
}

fn types_are_mapped() -> TestResult {
    let recorder = Arc::new(Recorder::new(Arc::new(HostDoor)));
    let k = Kernel::with_door(recorder.clone());
    k.btf()?;
    k.btf()?;
    let calls: Vec<String> = recorder.take().iter().take(3).map(ToString::to_string).collect();
    assert_eq!(calls, ["open /sys/kernel/btf/vmlinux", "mmap"]);
    Ok(())
}

/// The kernel's own types have an id too.
fn types_by_id() -> TestResult {
    let k = kernel();
    let mut last = 0;
    while let Some(id) = k.next_id(ObjectKind::Btf, last)? {
        last = id;
        let fd = k.fd_by_id(ObjectKind::Btf, id, OpenFlags::empty())?;
        let info = k.btf_info(fd.as_fd())?;
        if info.kernel_btf && info.name == "vmlinux" {
            assert_eq!(k.btf_by_id(id, None)?.as_bytes(), k.btf()?.as_bytes());
            return Ok(());
        }
        if info.kernel_btf {
            assert_eq!(k.btf_by_id(id, None)?.first_id(), k.btf()?.end_id());
        }
    }
    Err("the kernel's types are not among those with an id".into())
}

fn one_kernel_for_all() -> TestResult {
    let (a, b) = (Kernel::host().btf()?, Kernel::host().btf()?);
    assert!(std::ptr::eq(a.as_bytes(), b.as_bytes()));
    Ok(())
}

fn configuration() -> TestResult {
    let k = kernel();
    assert_eq!(k.config("CONFIG_BPF_SYSCALL")?.as_deref(), Some("y"));
    assert_eq!(k.config("CONFIG_NO_SUCH_OPTION")?, None);
    Ok(())
}

fn uprobe_pmu() -> TestResult {
    let pmu = kernel().uprobe_pmu()?;
    assert_eq!((pmu.retprobe_bit, pmu.ref_ctr_shift), (0, 32));
    let text = std::fs::read_to_string("/sys/bus/event_source/devices/uprobe/type")?;
    assert_eq!(pmu.event_type.to_string(), text.trim());
    Ok(())
}

fn memlock() -> TestResult {
    let k = kernel();
    k.set_memlock(u64::MAX)?;
    assert_eq!(k.memlock()?, u64::MAX);
    Ok(())
}
