//! Where a kernel's types are looked for.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

use std::os::fd::AsFd;
use std::sync::Arc;

use oxbpf_btf::{Btf, BtfBuilder, Endian, IntEncoding, Kind};
use oxbpf_sys::doors::{Fake, Recorder};
use oxbpf_sys::{BtfLoad, Errno, Kernel};

fn types(name: &str) -> Btf {
    let mut b = BtfBuilder::new();
    b.add_int(name, 4, IntEncoding::SIGNED).unwrap();
    b.build_as(Endian::Little).unwrap()
}

/// An ELF file with a section `.BTF`.
fn elf(btf: &[u8]) -> Vec<u8> {
    elf_with(".BTF", btf)
}

fn elf_with(name: &str, btf: &[u8]) -> Vec<u8> {
    let names = [b"\0", name.as_bytes(), b"\0"].concat();
    let (btf_at, names_at) = (64 + 3 * 64, 64 + 3 * 64 + btf.len() as u64);
    let mut out = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend([2u16, 62].map(u16::to_le_bytes).as_flattened());
    out.extend(1u32.to_le_bytes());
    out.extend([0u64, 0, 64].map(u64::to_le_bytes).as_flattened());
    out.extend(0u32.to_le_bytes());
    out.extend([64u16, 0, 0, 64, 3, 2].map(u16::to_le_bytes).as_flattened());
    for (name, kind, at, len) in
        [(0u32, 0u32, 0, 0), (1, 1, btf_at, btf.len()), (0, 3, names_at, names.len())]
    {
        out.extend([name, kind].map(u32::to_le_bytes).as_flattened());
        out.extend([0, 0, at, len as u64, 0, 1, 0].map(u64::to_le_bytes).as_flattened());
    }
    [&out[..], btf, &names].concat()
}

fn release() -> String {
    Kernel::with_door(Arc::new(Fake::new())).uname().unwrap().release
}

#[test]
fn in_files_where_the_kernel_shows_none() {
    let (boot, debug) =
        (format!("/boot/vmlinux-{}", release()), format!("/usr/lib/debug/boot/vmlinux-{}", release()));
    let fake = Fake::new()
        .with_file(&boot, elf(&[1, 2, 3]))
        .with_file(&debug, elf(types("of debug").as_bytes()))
        .with_file(
            format!("/usr/lib/debug/lib/modules/{}/vmlinux", release()),
            elf(types("last").as_bytes()),
        );
    let recorder = Arc::new(Recorder::new(Arc::new(fake)));
    let kernel = Kernel::with_door(recorder.clone());
    // The first is broken, and passed over.
    assert!(kernel.btf().unwrap().find("of debug", Kind::Int).is_some());
    assert_eq!(kernel.btf().unwrap().known_pointer_size(), Some(8));
    let opened: Vec<String> =
        recorder.take().iter().map(ToString::to_string).filter(|c| c.starts_with("open ")).collect();
    let r = release();
    assert_eq!(
        opened,
        [
            "open /sys/kernel/btf/vmlinux: ENOENT".to_owned(),
            format!("open /boot/vmlinux-{r}"),
            format!("open /lib/modules/{r}/vmlinux-{r}: ENOENT"),
            format!("open /lib/modules/{r}/build/vmlinux: ENOENT"),
            format!("open /usr/lib/modules/{r}/kernel/vmlinux: ENOENT"),
            format!("open /usr/lib/debug/boot/vmlinux-{r}"),
        ]
    );
}

#[test]
fn what_the_kernel_shows_comes_first() {
    let fake = Fake::new()
        .with_file("/sys/kernel/btf/vmlinux", types("shown").as_bytes())
        .with_file(format!("/boot/vmlinux-{}", release()), elf(types("of boot").as_bytes()));
    let kernel = Kernel::with_door(Arc::new(fake));
    assert!(kernel.btf().unwrap().find("shown", Kind::Int).is_some());
    // What is shown and broken is an error, and nothing else is taken for it.
    let broken = Fake::new()
        .with_file("/sys/kernel/btf/vmlinux", [1, 2, 3])
        .with_file(format!("/boot/vmlinux-{}", release()), elf(types("of boot").as_bytes()));
    let e = Kernel::with_door(Arc::new(broken)).btf().unwrap_err();
    assert_eq!(e.errno, Errno::EINVAL);
}

#[test]
fn nowhere_is_an_error_that_says_where_it_looked() {
    let e = Kernel::with_door(Arc::new(Fake::new())).btf().unwrap_err();
    assert_eq!(e.errno, Errno::ENOENT);
    let text = e.to_string();
    assert!(
        text.contains("CONFIG_DEBUG_INFO_BTF") && text.contains("/usr/lib/debug/boot/vmlinux-"),
        "{text}"
    );
}

#[test]
fn modules_continue_the_kernels_types() {
    let vmlinux = types("int");
    let mut b = BtfBuilder::split(&vmlinux);
    b.add_ptr(vmlinux.find("int", Kind::Int).unwrap()).unwrap();
    let module = b.build_as(Endian::Little).unwrap();
    let fake = Fake::new()
        .with_file("/sys/kernel/btf/vmlinux", vmlinux.as_bytes())
        .with_file("/sys/kernel/btf/nf_tables", module.as_bytes())
        .with_file("/lib/modules/nf_tables.ko", elf(module.as_bytes()))
        .with_file("/boot/nothing", elf_with(".text", &[]));
    let kernel = Kernel::with_door(Arc::new(fake));
    assert_eq!(kernel.module_btf("nf_tables").unwrap().as_bytes(), module.as_bytes());
    let of_file = kernel.read_btf("/lib/modules/nf_tables.ko", Some(&vmlinux)).unwrap();
    assert_eq!(of_file.btf.as_bytes(), module.as_bytes());
    assert_eq!(kernel.read_btf("/lib/modules/nf_tables.ko", None).unwrap_err().errno, Errno::EINVAL);
    assert_eq!(kernel.read_btf("/boot/nothing", None).unwrap_err().errno, Errno::ENODATA);
    assert_eq!(kernel.read_btf("/no/such/file", None).unwrap_err().errno, Errno::ENOENT);
}

#[test]
fn by_id() {
    let kernel = Kernel::with_door(Arc::new(Fake::new()));
    let btf = types("loaded");
    if !btf.endian().is_native() {
        return;
    }
    let fd = kernel.btf_load(&BtfLoad { btf: btf.as_bytes(), ..Default::default() }, None).unwrap();
    let id = kernel.btf_info(fd.as_fd()).unwrap().id;
    assert_eq!(kernel.btf_by_id(id, None).unwrap().as_bytes(), btf.as_bytes());
    assert_eq!(kernel.btf_by_id(id + 1, None).unwrap_err().errno, Errno::ENOENT);
}
