//! What objects expect from the kernel, of kernels that are not there.

use std::sync::Arc;

use oxbpf::Error;
use oxbpf::sys::doors::{Fake, Faults};
use oxbpf::{Errno, Kernel, LoadOptions, Object};

use crate::spec;

const CONFIG: &str =
    "CONFIG_HZ=250\nCONFIG_BPF=y\nCONFIG_BPF_SYSCALL=y\nCONFIG_NET=y\nCONFIG_CC_VERSION_TEXT=\"cc\"\n";
const SYMBOLS: &str = "ffffffff81000000 T bpf_prog_put\nffffffff81000010 T __x64_sys_bpf\n";

/// A kernel with the types that the object has, so that all of its functions are there.
fn fake(name: &str, symbols: &str, config: &str) -> Fake {
    let types = spec(name).btf.unwrap();
    let fake = Fake::new().with_file("/sys/kernel/btf/vmlinux", types.as_bytes());
    fake.with_file("/proc/kallsyms", symbols).with_file("/boot/config-6.18.0", config)
}

fn missing(outcome: Result<Object, Error>) -> Vec<String> {
    match outcome {
        Err(Error::Externs { missing, .. }) => missing.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn load(name: &str, door: Fake) -> Result<Object, Error> {
    let options = LoadOptions { kernel: Kernel::with_door(Arc::new(door)), ..LoadOptions::default() };
    Object::load(&spec(name), &options)
}

/// The configuration beside the kernel, what loaders know, symbols: all of it is in the map and the programs.
#[test]
fn everything_is_found() {
    let object = load("tests/externs.bpf.o", fake("tests/externs.bpf.o", SYMBOLS, CONFIG)).unwrap();
    let number = |name: &str| object.global(name).unwrap().bytes().unwrap();
    assert_eq!(number("CONFIG_HZ"), 250_u32.to_ne_bytes());
    assert_eq!(number("LINUX_KERNEL_VERSION"), 0x0006_1200_u32.to_ne_bytes());
    assert_eq!(number("LINUX_HAS_BPF_COOKIE"), [1]);
    assert_eq!(number("CONFIG_CC_VERSION_TEXT")[..3], *b"cc\0");
}

/// Optimizing at link time leaves static variables with a suffix that the source does not have.
#[test]
fn symbols_with_a_suffix_are_found() {
    let symbols = "ffffffff81000000 d bpf_prog_put.llvm.12345\n";
    assert!(load("tests/externs.bpf.o", fake("tests/externs.bpf.o", symbols, CONFIG)).is_ok());
    let symbols = "ffffffff81000000 T bpf_prog_put.llvm.12345\n";
    let missing = missing(load("tests/externs.bpf.o", fake("tests/externs.bpf.o", symbols, CONFIG)));
    assert_eq!(missing, ["bpf_prog_put (the kernel has no such symbol)"]);
}

/// A symbol that there are two of is named with the others.
#[test]
fn all_that_is_missing_is_in_one_error() {
    let symbols =
        "ffffffff81000000 T bpf_prog_put\nffffffff81000000 t bpf_prog_put\nffffffff81000040 t bpf_prog_put\n";
    let config = "CONFIG_BPF=y\nCONFIG_NET=y\n";
    let missing = missing(load("tests/externs.bpf.o", fake("tests/externs.bpf.o", symbols, config)));
    assert_eq!(
        missing,
        [
            "CONFIG_BPF_SYSCALL (not set in the kernel's configuration)",
            "CONFIG_HZ (not set in the kernel's configuration)",
            "CONFIG_CC_VERSION_TEXT (not set in the kernel's configuration)",
            "bpf_prog_put (there are several: at 0xffffffff81000000 and 0xffffffff81000040)",
        ]
    );
}

/// What is there and cannot be read is not told as missing.
#[test]
fn files_that_cannot_be_read_are_named() {
    for (file, says) in [
        ("/boot/config-6.18.0", "CONFIG_HZ (the kernel's configuration cannot be read: "),
        ("/proc/kallsyms", "bpf_prog_put (the kernel's symbols cannot be read: "),
    ] {
        let failing = |n| {
            let fake = Arc::new(fake("tests/externs.bpf.o", SYMBOLS, CONFIG));
            let faults = Arc::new(Faults::nth(fake, n, Errno::EACCES));
            let kernel = Kernel::with_door(faults.clone());
            // Asked for already: only what is asked for by name is to fail.
            oxbpf::features::supported(&kernel, oxbpf::features::Feature::SyscallWrapper);
            let options = LoadOptions { kernel, ..LoadOptions::default() };
            let outcome = Object::load(&spec("tests/externs.bpf.o"), &options);
            (faults.fault().cloned(), outcome)
        };
        let found = (0..200).map(failing).find(|(fault, outcome)| {
            outcome.is_err() && fault.as_ref().is_some_and(|fault| fault.call == "open" && fault.what == file)
        });
        let missing = missing(found.unwrap_or_else(|| panic!("{file} is not opened")).1);
        let said = missing.iter().find(|missing| missing.starts_with(says));
        assert!(said.is_some_and(|said| said.contains("EACCES")), "{missing:?}");
    }
}
