//! What a person is told to do about it.

use std::sync::Arc;

use oxbpf::sys::doors::Fake;
use oxbpf::sys::{Call, Cmd, Door, Reply};
use oxbpf::{Capability, Errno, Error, Hint, Kernel, LoadOptions, Object, Token, TrampolineRefusal};

use crate::{load, options, spec};

/// Refuses one command.
#[derive(Debug)]
struct Refusing {
    inner: Fake,
    cmd: Cmd,
}

// SAFETY: what it does not answer itself goes on to the inner door as it came; mappings are the inner door's.
unsafe impl Door for Refusing {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        match &call {
            Call::Bpf(attr) if attr.cmd() == self.cmd => Err(Errno::EPERM),
            _ => self.inner.call(call),
        }
    }
}

fn with_capabilities(effective: u64) -> Fake {
    Fake::new().with_file("/proc/thread-self/status", format!("Name:\ttest\nCapEff:\t{effective:016x}\n"))
}

/// The error of an object that may do only so much, refused at its first map or, if maps may be made, program.
fn refused(name: &str, effective: u64, cmd: Cmd) -> Error {
    load(&spec(name), Arc::new(Refusing { inner: with_capabilities(effective), cmd })).0.unwrap_err()
}

const NET_ADMIN: u64 = 1 << 12;
const PERFMON: u64 = 1 << 38;
const BPF: u64 = 1 << 39;
const ALL: u64 = (1 << 41) - 1;

#[test]
fn all_that_is_missing_is_named_at_once() {
    let error = refused("execsnoop.bpf.o", 0, Cmd::MAP_CREATE);
    assert_eq!(
        error.to_string(),
        "map events (ringbuf): BPF_MAP_CREATE failed: EPERM (Operation not permitted); \
         needs CAP_BPF and CAP_PERFMON; run as root"
    );
    let error = refused("xdp_counter.bpf.o", 0, Cmd::PROG_LOAD);
    assert!(error.to_string().ends_with("; needs CAP_BPF and CAP_NET_ADMIN; run as root"), "{error}");
    let error = refused("execsnoop.bpf.o", BPF, Cmd::PROG_LOAD);
    assert_eq!(error.hint(), Some(&Hint::Capabilities(vec![Capability::Perfmon])));
    let error = refused("xdp_counter.bpf.o", BPF, Cmd::PROG_LOAD);
    assert_eq!(error.hint(), Some(&Hint::Capabilities(vec![Capability::NetAdmin])));
}

/// Who has what it takes is refused for another reason.
#[test]
fn nothing_is_said_of_capabilities_that_are_there() {
    assert_eq!(refused("execsnoop.bpf.o", BPF | PERFMON, Cmd::PROG_LOAD).hint(), None);
    assert_eq!(refused("xdp_counter.bpf.o", BPF | NET_ADMIN, Cmd::MAP_CREATE).hint(), None);
    assert_eq!(refused("execsnoop.bpf.o", ALL, Cmd::MAP_CREATE).hint(), None);
}

/// Root of a container may do everything but this.
#[test]
fn capabilities_of_a_user_namespace_do_not_count() {
    let hint = |map: &str| {
        let inner = with_capabilities(ALL).with_file("/proc/self/uid_map", map);
        let spec = spec("execsnoop.bpf.o");
        let kernel = Kernel::with_door(Arc::new(Refusing { inner, cmd: Cmd::MAP_CREATE }));
        let options = LoadOptions { token: Token::Off, ..options(&spec, kernel) };
        Object::load(&spec, &options).unwrap_err().hint().cloned()
    };
    assert_eq!(hint("         0       1000          1\n"), Some(Hint::UserNamespace));
    assert_eq!(hint("         0          0 4294967295\n"), None);
}

/// Types with one function, `vfs_read`.
fn kernel_types() -> Vec<u8> {
    let mut builder = oxbpf::btf::BtfBuilder::new();
    let proto = builder.add_func_proto(oxbpf::btf::TypeId(0), []).unwrap();
    builder.add_func("vfs_read", 0, proto).unwrap();
    builder.to_vec(oxbpf::btf::Endian::NATIVE).unwrap()
}

#[test]
fn a_kernel_that_refuses_trampolines_says_why_if_it_can() {
    let refused = |inner: Fake| {
        let inner = inner.with_file("/sys/kernel/btf/vmlinux", kernel_types());
        load(&spec("funclat.bpf.o"), Arc::new(Refusing { inner, cmd: Cmd::PROG_LOAD })).0.unwrap_err()
    };
    let locked = with_capabilities(ALL)
        .with_file("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
    let error = refused(locked);
    assert!(matches!(error.hint(), Some(Hint::Trampoline(TrampolineRefusal::Lockdown(_)))), "{error}");
    assert!(error.to_string().ends_with("it is locked down (integrity), see kernel_lockdown(7)"), "{error}");
    let error = refused(with_capabilities(ALL));
    assert_eq!(error.hint(), Some(&Hint::Trampoline(TrampolineRefusal::Policy)), "{error}");
    let error = refused(with_capabilities(BPF));
    assert_eq!(error.hint(), Some(&Hint::Capabilities(vec![Capability::Perfmon])), "{error}");
}

#[test]
fn kernels_without_types_are_named() {
    let (object, _) = load(&spec("funclat.bpf.o"), Arc::new(Fake::new()));
    let error = object.unwrap_err();
    assert!(matches!(error, Error::KernelBtf { .. }), "{error}");
    assert!(error.to_string().contains("needs the kernel's BTF (CONFIG_DEBUG_INFO_BTF)"), "{error}");
}
