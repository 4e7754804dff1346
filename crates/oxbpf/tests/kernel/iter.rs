//! `bpf/tests/iter.bpf.c`: iterators, read.

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use oxbpf::{AttachReason, CgroupOrder, Errno, Error, LinkKind, Program, Walk};
use oxbpf_testing::{Cgroup, Need, Suite, TestResult};

use crate::support::{Loaded, Result};

pub(crate) fn tests(suite: &mut Suite) {
    let since = |major, minor| [Need::Bpf, Need::KernelBtf, Need::Kernel(major, minor)];
    suite.test("iter::tasks", &since(5, 8), tasks);
    suite.test("iter::elements_of_a_map", &since(5, 10), elements_of_a_map);
    suite.test("iter::some_tasks", &since(6, 1), some_tasks);
    let cgroups = [Need::Bpf, Need::KernelBtf, Need::SysAdmin, Need::Cgroup2, Need::Kernel(6, 1)];
    suite.test("iter::cgroups", &cgroups, cgroups_in_order);
    suite.test("iter::what_cannot_be_walked", &since(5, 10), what_cannot_be_walked);
    suite.test("iter::another_program", &since(5, 8), another_program);
}

fn only(program: &str) -> Result<Loaded> {
    Loaded::with("tests/iter.bpf.o", |spec| {
        spec.programs.iter_mut().for_each(|p| p.autoload = p.name == program);
        Ok(())
    })
}

/// Threads with their processes.
fn walk(program: &Program, walk: Walk<'_>) -> Result<Vec<[u32; 2]>> {
    let link = program.attach_iter(walk)?;
    assert_eq!((link.kind(), link.target()), (LinkKind::Iterator, "task"));
    let mut bytes = Vec::new();
    link.read()?.read_to_end(&mut bytes)?;
    let number = |b: &[u8]| u32::from_ne_bytes([b[0], b[1], b[2], b[3]]);
    Ok(bytes.chunks_exact(8).map(|ids| [number(ids), number(&ids[4..])]).collect())
}

fn tasks() -> TestResult {
    let loaded = only("tasks")?;
    let program = loaded.object.program("tasks")?;
    let all = walk(program, Walk::All)?;
    let (own, parent) = (std::process::id(), std::os::unix::process::parent_id());
    assert!(all.contains(&[own, own]) && all.contains(&[parent, parent]), "{all:?}");
    // By its section.
    let link = program.attach()?;
    // Two walks of one link do not disturb each other.
    let (mut one, mut other) = (link.read()?, link.read()?);
    let mut first = [0; 8];
    one.read_exact(&mut first)?;
    let mut again = [0; 8];
    other.read_exact(&mut again)?;
    assert_eq!(first, again);
    Ok(())
}

fn some_tasks() -> TestResult {
    let loaded = only("tasks")?;
    let program = loaded.object.program("tasks")?;
    let own = std::process::id();
    let tid = rustix::thread::gettid().as_raw_pid().cast_unsigned();
    assert_eq!(walk(program, Walk::Thread(tid))?, [[tid, own]]);
    let threads = walk(program, Walk::Process(own))?;
    assert!(threads.contains(&[tid, own]) && threads.iter().all(|ids| ids[1] == own), "{threads:?}");
    let own_pid = rustix::process::getpid();
    let pidfd = rustix::process::pidfd_open(own_pid, rustix::process::PidfdFlags::empty())?;
    assert!(walk(program, Walk::Pidfd(pidfd.as_fd()))?.contains(&[tid, own]));
    // To the kernel that is to say nothing: it would walk all of them.
    for nobody in [Walk::Thread(0), Walk::Process(0)] {
        let error = program.attach_iter(nobody).expect_err("nobody has that number");
        assert!(error.to_string().contains("no process has the number 0"), "{error}");
    }
    assert_eq!(walk(program, Walk::Process(u32::MAX >> 1))?, [[0; 2]; 0], "there is no such process");
    let Err(Error::Attach(error)) = program.attach_iter(Walk::Pidfd(fs::File::open("/dev/null")?.as_fd()))
    else {
        panic!("a device is no process")
    };
    assert_eq!(error.errno(), Some(Errno::EBADF), "{error}");
    Ok(())
}

fn elements_of_a_map() -> TestResult {
    let loaded = only("elements")?;
    let map = loaded.map("numbers")?;
    for n in 0..1000u32 {
        map.update(&n.to_ne_bytes(), &(u64::from(n) * 3).to_ne_bytes(), Default::default())?;
    }
    let link = loaded.object.program("elements")?.attach_iter(Walk::Map(map))?;
    let mut bytes = Vec::new();
    link.read()?.read_to_end(&mut bytes)?;
    let expected: Vec<u8> = (0..1000u64).flat_map(|n| (n * 3).to_ne_bytes()).collect();
    assert_eq!(bytes, expected);
    Ok(())
}

fn cgroups_in_order() -> TestResult {
    let group = Cgroup::create()?;
    let below = group.path().join("below");
    fs::create_dir(&below)?;
    let id = |path| fs::metadata(path).map(|m| m.ino());
    let (this, child) = (id(group.path())?, id(&below)?);
    let loaded = only("cgroups")?;
    let program = loaded.object.program("cgroups")?;
    let ids = |order| -> Result<Vec<u64>> {
        let link = program.attach_iter(Walk::Cgroups { from: group.as_fd(), order })?;
        let mut bytes = Vec::new();
        link.read()?.read_to_end(&mut bytes)?;
        Ok(bytes.as_chunks().0.iter().map(|id| u64::from_ne_bytes(*id)).collect())
    };
    let found = (ids(CgroupOrder::This)?, ids(CgroupOrder::ParentsFirst)?, ids(CgroupOrder::ChildrenFirst)?);
    let up = ids(CgroupOrder::Up)?;
    fs::remove_dir(&below)?;
    assert_eq!(found, (vec![this], vec![this, child], vec![child, this]));
    assert_eq!(up.first(), Some(&this));
    assert_eq!(up.iter().collect::<HashSet<_>>().len(), up.len());
    Ok(())
}

fn what_cannot_be_walked() -> TestResult {
    let loaded = only("elements")?;
    let program = loaded.object.program("elements")?;
    let why = |walk| match program.attach_iter(walk) {
        Err(Error::Attach(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let all = why(Walk::All);
    assert!(all.contains("it has to be said which (`Walk::Map`, `Walk::Cgroups`)"), "{all}");
    let stack = why(Walk::Map(loaded.map("unwalkable")?));
    assert!(stack.contains("the program walks no map, or none of this kind"), "{stack}");
    let xdp = Loaded::new("xdp_counter.bpf.o")?;
    let Err(Error::Attach(error)) = xdp.object.program("count")?.attach_iter(Walk::All) else { panic!() };
    assert!(matches!(error.reason, AttachReason::WrongType { .. }), "{error}");
    Ok(())
}

fn another_program() -> TestResult {
    let loaded = Loaded::with("tests/iter.bpf.o", |spec| {
        spec.programs.iter_mut().for_each(|p| p.autoload = ["tasks", "nothing"].contains(&p.name.as_str()));
        Ok(())
    })?;
    let (tasks, nothing) = (loaded.object.program("tasks")?, loaded.object.program("nothing")?);
    let mut link = tasks.attach_iter(Walk::All)?;
    let read = |link: &oxbpf::Link| -> Result<usize> { Ok(link.read()?.read_to_end(&mut Vec::new())?) };
    assert!(read(&link)? > 0);
    link.update(nothing)?;
    assert_eq!((read(&link)?, link.program()), (0, "nothing"));
    let error = link.replace(tasks, tasks).expect_err("another program is there");
    assert_eq!(
        error.to_string(),
        "BPF_LINK_UPDATE of the iterator link of program nothing to task failed: EPERM (Operation not permitted): \
         the program to replace is not the one there"
    );
    link.replace(nothing, tasks)?;
    assert!(read(&link)? > 0);
    Ok(())
}
