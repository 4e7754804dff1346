//! Values of the kernel's configuration.
// What is unwrapped here and is not there fails the test.
#![allow(clippy::unwrap_used)]

use oxbpf_obj::{Contents, ExternKind, MapFlags, MapOrigin, ObjectSpec};

fn spec() -> ObjectSpec {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/tests/externs.bpf.o");
    ObjectSpec::parse_named("externs", &std::fs::read(path).unwrap()).unwrap()
}

/// The bytes of a value.
fn value<'b>(spec: &ObjectSpec, bytes: &'b [u8], name: &str) -> &'b [u8] {
    let found = spec.externs.iter().find(|e| e.name == name).unwrap();
    let ExternKind::Kconfig { offset, size } = found.kind else { panic!("{found:?}") };
    &bytes[offset as usize..(offset + size) as usize]
}

#[test]
fn the_map_is_made_of_them() {
    let spec = spec();
    let map = spec.map(".kconfig").unwrap();
    assert_eq!((map.name.as_str(), &map.origin), ("externs.kconfig", &MapOrigin::Kconfig));
    assert_eq!(map.flags, MapFlags::MMAPABLE | MapFlags::RDONLY_PROG);
    assert!(map.is_frozen() && map.contents == Contents::None);
    let values = spec.kconfig_values(&[], &|_| None).unwrap();
    assert_eq!(values.bytes, vec![0; map.value_size as usize]);
    let all = spec.externs.iter().filter(|e| matches!(e.kind, ExternKind::Kconfig { .. })).count();
    assert_eq!(values.unset.len(), all);
    // Variables of it are found by name, and cannot be set: they are the kernel's.
    let hz = spec.global("CONFIG_HZ").unwrap();
    assert!(hz.read_only && hz.size == 4);
    assert!(spec.clone().set_global("CONFIG_HZ", &1_u32).is_err());
}

#[test]
fn values_of_each_type() {
    let spec = spec();
    let text = "CONFIG_HZ=-2147483648\nCONFIG_BPF=y\r\nCONFIG_BPF_SYSCALL=m\n CONFIG_NET=y\nCONFIG_NET=n\n\
                CONFIG_NO_SUCH_OPTION=0xffffffffffffffff\nCONFIG_CC_VERSION_TEXT=\"a \"quoted\" text too long\"";
    let values = spec.kconfig_values(&[text], &|name| (name == "LINUX_KERNEL_VERSION").then_some(7)).unwrap();
    let value = |name| value(&spec, &values.bytes, name);
    assert_eq!(value("LINUX_KERNEL_VERSION"), 7_u32.to_le_bytes());
    assert_eq!(value("CONFIG_HZ"), i32::MIN.to_le_bytes());
    assert_eq!(value("CONFIG_BPF"), [1]);
    assert_eq!(value("CONFIG_BPF_SYSCALL"), 2_u32.to_le_bytes());
    assert_eq!(value("CONFIG_NET"), [b'n'], "lines begin at once");
    assert_eq!(value("CONFIG_NO_SUCH_OPTION"), u64::MAX.to_le_bytes());
    assert_eq!(value("CONFIG_CC_VERSION_TEXT"), *b"a \"quoted\" text\0");
    let unset: Vec<_> = values.unset.iter().map(|i| spec.externs[*i].name.as_str()).collect();
    assert_eq!(unset, ["LINUX_HAS_BPF_COOKIE", "LINUX_HAS_SYSCALL_WRAPPER"]);
}

#[test]
fn the_first_text_comes_first() {
    let spec = spec();
    let texts = ["CONFIG_HZ=1\nCONFIG_HZ=2", "CONFIG_HZ=3\nCONFIG_NET=m"];
    let values = spec.kconfig_values(&texts, &|_| None).unwrap();
    assert_eq!(value(&spec, &values.bytes, "CONFIG_HZ"), 1_u32.to_le_bytes());
    assert_eq!(value(&spec, &values.bytes, "CONFIG_NET"), [b'm']);
}

#[test]
fn what_does_not_fit_is_refused() {
    for (text, says) in [
        ("CONFIG_HZ=2147483648", "2147483648, which its 4 bytes do not hold"),
        ("CONFIG_HZ=-2147483649", "18446744071562067967, which its 4 bytes do not hold"),
        ("CONFIG_HZ=", "its type takes a number"),
        ("CONFIG_HZ=--1", "its type takes a number"),
        ("CONFIG_HZ=0x-1", "its type takes a number"),
        ("CONFIG_HZ=1 ms", "its type takes a number"),
        ("CONFIG_HZ=99999999999999999999", "its type takes a number"),
        ("CONFIG_BPF=m", "its type takes y or n"),
        ("CONFIG_BPF_SYSCALL=1", "its type takes y, n or m"),
        ("CONFIG_NET=\"y\"", "its type takes y, n, m or a number"),
        ("CONFIG_NET=256", "256, which its 1 bytes do not hold"),
        ("CONFIG_CC_VERSION_TEXT=\"", "its type takes a string in quotes"),
        ("CONFIG_NO_SUCH_OPTION=y", "its type takes a number"),
    ] {
        let error = spec().kconfig_values(&[text], &|_| None).unwrap_err().to_string();
        assert!(error.ends_with(says), "{text}: {error}");
    }
    let error = spec().kconfig_values(&[], &|name| (name == "LINUX_HAS_BPF_COOKIE").then_some(2));
    assert!(error.is_err(), "a bool is 0 or 1");
}
