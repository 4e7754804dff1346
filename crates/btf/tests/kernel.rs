//! The running kernel's BTF, where it can be read.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod common;

use std::{process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Completion, Trial};
use oxbpf_btf::{Btf, Bytes, Kind, KindSupport};

/// The largest amount of memory that this process has had so far, in KiB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

const PATH: &str = "/sys/kernel/btf/vmlinux";

fn main() -> ExitCode {
    let trial = Trial::ignorable_test("the_running_kernel", || match std::fs::read(PATH) {
        Ok(data) => {
            the_running_kernel(data);
            Ok(Completion::Completed)
        }
        Err(e) => Ok(Completion::ignored_with(format!("{PATH}: {e}"))),
    });
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn the_running_kernel(data: Vec<u8>) {
    let bytes = Bytes::shared(Arc::new(data));
    let before = peak();
    let btf = Btf::parse(bytes).unwrap();
    // Offsets of the types and little else.
    // A sanitizer has its own memory beside each of ours.
    let sanitized = option_env!("RUSTFLAGS").is_some_and(|flags| flags.contains("sanitizer"));
    if let (Some(before), Some(after), false) = (before, peak(), sanitized) {
        assert!(after - before <= 2048, "the parse took {} KiB", after - before);
    }

    assert_eq!(btf.check_all(), Ok(()));
    let kinds: std::collections::BTreeSet<Kind> = btf.headers().map(|h| h.kind()).collect();
    assert!(kinds.len() >= 12, "{kinds:?}");
    let task = btf.find("task_struct", Kind::Struct).unwrap();
    let task = btf.get(task).unwrap();
    let pid = task.members().find(|m| m.name == "pid").unwrap();
    assert_eq!(btf.resolve(pid.ty).unwrap().size(), Some(4));
    assert!(btf.size_of(task.id()).unwrap() > 1000 && btf.align_of(task.id()).unwrap() >= 8);
    assert!(btf.find("vfs_read", Kind::Func).is_some());
    assert_eq!(btf.find("no_such_type_anywhere", Kind::Struct), None);

    // The index agrees with a search through all types.
    for (n, h) in btf.headers().enumerate().filter(|(n, _)| n % 977 == 0) {
        let t = btf.get(h.id).unwrap();
        if !t.name().is_empty() {
            let first = btf.types().take(n + 1).find(|x| x.kind() == t.kind() && x.name() == t.name());
            assert_eq!(btf.find(t.name(), t.kind()), first.map(|t| t.id()));
        }
    }
    // Every struct can be laid over some bytes.
    for h in btf.headers().filter(|h| h.kind() == Kind::Struct).step_by(37) {
        btf.decode(h.id, &[0x5a; 64]).unwrap();
        assert_eq!(btf.size_of(h.id).unwrap(), u64::from(btf.get(h.id).unwrap().size().unwrap()));
        assert!(btf.align_of(h.id).unwrap() <= 8);
    }
    let other = Btf::parse(btf.to_endian(btf.endian().other())).unwrap();
    common::walk::same(&btf, &other);
    let old = Btf::parse(btf.sanitize(&KindSupport::NONE).unwrap()).unwrap();
    assert!(old.end_id() >= btf.end_id());
}
