//! Storage that lives with sockets, tasks, inodes and cgroups.

use std::net::UdpSocket;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;

use oxbpf::typed::{AttachedCgroupKey, CgroupStorage, Owner, PerCpuCgroupStorage, Storage};
use oxbpf::{
    AttachFlags, AttachType, CgrpStorage, ElemFlags, Errno, InodeStorage, Kernel, SkStorage, TaskStorage,
};
use oxbpf_testing::{Cgroup, Need, Skip, Suite, TestResult};

use super::{kinds, refused};

pub(crate) fn tests(suite: &mut Suite) {
    let bpf = Need::Bpf;
    suite.test("storage::of_sockets", &[bpf, Need::Kernel(5, 8)], sockets);
    suite.test("storage::of_tasks", &[bpf, Need::Kernel(5, 11)], tasks);
    suite.test("storage::of_inodes", &[bpf, Need::Kernel(5, 10)], inodes);
    suite.test("storage::of_cgroups", &[bpf, Need::SysAdmin, Need::Cgroup2, Need::Kernel(6, 2)], cgroups);
    suite.test(
        "storage::of_attached_cgroups",
        &[bpf, Need::NetAdmin, Need::SysAdmin, Need::Cgroup2, Need::Kernel(5, 9)],
        attached,
    );
}

/// What holds for all of them: `a` and `b` are owners. A descriptor of something else is refused with `no_owner`; of an
/// inode each is one.
fn lifecycle<O: Owner>(
    storage: &Storage<u64, O>,
    (a, b): (impl AsFd, impl AsFd),
    no_owner: Option<Errno>,
) -> TestResult {
    let name = storage.map().name().to_owned();
    let failed = |cmd: &str, what: &str| format!("map {name}: {cmd} failed: {what}");
    assert_eq!((storage.get(&a)?, storage.remove(&a)?), (None, false));
    refused(
        storage.update(&a, &1, ElemFlags::EXIST),
        Errno::ENOENT,
        &failed("BPF_MAP_UPDATE_ELEM", "ENOENT (No such file or directory): no such key"),
    );
    storage.insert(&a, &1)?;
    storage.update(&b, &2, ElemFlags::NOEXIST)?;
    assert_eq!((storage.get(&a)?, storage.get(&b)?), (Some(1), Some(2)));
    refused(
        storage.update(&a, &3, ElemFlags::NOEXIST),
        Errno::EEXIST,
        &failed("BPF_MAP_UPDATE_ELEM", "EEXIST (File exists): the key is there already"),
    );
    storage.update(&a, &3, ElemFlags::EXIST)?;
    assert_eq!(storage.get(&a)?, Some(3));
    refused(
        storage.get_flags(&a, ElemFlags::LOCK),
        Errno::EINVAL,
        &failed(
            "BPF_MAP_LOOKUP_ELEM",
            "EINVAL (Invalid argument): the map's values have no spin lock to hold",
        ),
    );
    assert!(storage.remove(&a)? && !storage.remove(&a)?);
    assert_eq!((storage.get(&a)?, storage.get(&b)?), (None, Some(2)));
    if let Some(errno) = no_owner {
        let other = std::fs::File::open("/dev/null")?;
        for error in [
            storage.get(&other).expect_err("not an owner"),
            storage.insert(&other, &1).expect_err("not an owner"),
            storage.remove(&other).map(|_| ()).expect_err("not an owner"),
        ] {
            assert_eq!(error.errno(), Some(errno), "{error}");
        }
    }
    let error = storage.map().next_key(None).expect_err("no walking");
    assert!(matches!(error.errno(), Some(Errno::ENOTSUPP | Errno::EOPNOTSUPP)), "{error}");
    Ok(())
}

fn sockets() -> TestResult {
    let object = kinds(&["of_sockets"], &[])?;
    let storage = SkStorage::<u64>::new(object.map("of_sockets")?)?;
    let owners = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    lifecycle(&storage, owners, Some(Errno::ENOTSOCK))
}

fn tasks() -> TestResult {
    let object = kinds(&["of_tasks"], &[])?;
    let storage = TaskStorage::<u64>::new(object.map("of_tasks")?)?;
    let pidfd = |pid| rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty());
    let own = pidfd(rustix::process::getpid())?;
    let first = pidfd(rustix::process::Pid::INIT)?;
    lifecycle(&storage, (own, &first), Some(Errno::EBADF))?;
    // What is left there goes with the map.
    assert!(storage.remove(&first)?);
    Ok(())
}

fn inodes() -> TestResult {
    let kernel = Kernel::host();
    let listed = |list: &str| list.split(',').any(|name| name.trim_matches('"') == "bpf");
    let chosen = std::fs::read_to_string("/proc/cmdline")?;
    let active = match std::fs::read_to_string("/sys/kernel/security/lsm") {
        Ok(list) => listed(&list),
        // Not told: what it was built with, unless it was booted with others.
        Err(_) => {
            !chosen.split_whitespace().any(|word| word.starts_with("lsm=") || word.starts_with("security="))
                && kernel.config("CONFIG_LSM").ok().flatten().is_some_and(|list| listed(&list))
        }
    };
    if !active {
        return Err(Skip::because("needs the security module bpf (CONFIG_BPF_LSM, lsm=...,bpf)").into());
    }
    let object = kinds(&["of_inodes"], &[])?;
    let storage = InodeStorage::<u64>::new(object.map("of_inodes")?)?;
    let owners = (std::fs::File::open(std::env::temp_dir())?, std::fs::File::open("/proc/self/exe")?);
    lifecycle(&storage, owners, None)
}

fn cgroups() -> TestResult {
    let object = kinds(&["of_cgroups"], &[])?;
    let storage = CgrpStorage::<u64>::new(object.map("of_cgroups")?)?;
    lifecycle(&storage, (Cgroup::create()?, Cgroup::create()?), Some(Errno::EBADF))
}

fn attached() -> TestResult {
    let object = kinds(&["of_attached", "of_attached_percpu"], &["sent"])?;
    let all = CgroupStorage::<AttachedCgroupKey, u64>::new(object.map("of_attached")?)?;
    let percpu = PerCpuCgroupStorage::<AttachedCgroupKey, u64>::new(object.map("of_attached_percpu")?)?;
    let cgroup = Cgroup::create()?;
    let key = AttachedCgroupKey {
        cgroup_id: cgroup.path().metadata()?.ino(),
        attach_type: AttachType::CGROUP_INET_EGRESS.0,
        padding: 0,
    };
    assert_eq!((all.get(&key)?, all.iter().count()), (None, 0));
    refused(
        all.insert(&key, &1),
        Errno::ENOENT,
        "map of_attached: BPF_MAP_UPDATE_ELEM failed: ENOENT (No such file or directory): no such key",
    );
    let link = object.program("sent")?.attach_cgroup(&cgroup, AttachFlags::empty())?;
    assert_eq!(all.get(&key)?, Some(0));
    all.insert(&key, &10)?;
    let values = percpu.get(&key)?.ok_or("it is attached")?;
    assert_eq!(values.iter().sum::<u64>(), 0);
    percpu.insert(&key, &vec![5; values.len()])?;
    assert_eq!(all.iter().collect::<oxbpf::Result<Vec<_>>>()?, [(key, 10)]);
    assert_eq!(percpu.iter().collect::<oxbpf::Result<Vec<_>>>()?, [(key, vec![5; values.len()])]);
    refused(
        all.remove(&key),
        Errno::EINVAL,
        "map of_attached: BPF_MAP_DELETE_ELEM failed: EINVAL (Invalid argument)",
    );
    link.detach()?;
    assert!(cgroup.as_fd().as_raw_fd() > 0);
    Ok(())
}
