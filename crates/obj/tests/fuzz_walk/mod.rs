//! Reads an object of any quality, asks for everything in it and links its programs; gives an object the values of a
//! configuration of any quality; makes one of several objects. The fuzz targets `elf_open`, `kconfig` and `linker` run this
//! on whatever they come up with, and a test runs it on what they found.

use std::io::Cursor;
use std::sync::OnceLock;

use oxbpf_obj::{Bytes, CoreTarget, ExternKind, LinkOptions, ObjectFile, ObjectSpec, StaticLinker};

/// Several objects, each behind its length in 16 bits, made one.
#[allow(dead_code, reason = "not every user links")]
pub(crate) fn linked(mut data: &[u8]) {
    let all = data.len();
    let mut objects = Vec::new();
    while let Some((len, rest)) = data.split_first_chunk::<2>() {
        let (object, rest) = rest.split_at(rest.len().min(u16::from_le_bytes(*len).into()));
        objects.push(object);
        data = rest;
    }
    let link = || {
        let mut linker = StaticLinker::new();
        for (object, name) in objects.iter().zip(["first", "second", "third", "fourth"]) {
            linker.add(name, object)?;
        }
        linker.finish()
    };
    match link() {
        Ok(linked) => {
            // Each name, string and section is copied once; what aligns them is bounded by itself.
            assert!(linked.len() <= 8 * all + (9 << 20), "{} of {all} bytes", linked.len());
            assert!(link().is_ok_and(|again| again == linked), "the same objects make the same one");
            if linked.len() <= 4 * all {
                object(&linked);
            }
        }
        Err(e) => said(&e),
    }
}

#[allow(dead_code, reason = "not every user opens")]
pub(crate) fn object(data: &[u8]) {
    let copied = ObjectSpec::parse_named("fuzz", data);
    // From where instructions cannot stand in memory, too.
    let from = data.len() % 5;
    let shared = Bytes::from([&[0; 5][..from], data].concat()).slice(from..from + data.len());
    let shared = ObjectSpec::parse_shared("fuzz", shared.expect("it was put there"));
    let (copied, spec) = match (copied, shared) {
        (Ok(copied), Ok(shared)) => (copied, shared),
        (Err(e), Err(same)) => {
            assert_eq!(e.to_string(), same.to_string());
            return said(&e);
        }
        (copied, shared) => panic!("copied: {copied:?}, shared: {shared:?}"),
    };
    assert_eq!(copied.maps, spec.maps);
    for (copied, shared) in copied.programs.iter().zip(&spec.programs) {
        assert_eq!(copied.insns(), shared.insns());
    }
    assert_eq!(
        copied.link(&LinkOptions::core_by_kernel()).ok(),
        spec.link(&LinkOptions::core_by_kernel()).ok()
    );
    drop(copied);
    if data.len().is_multiple_of(8) {
        in_large_file(data);
    }
    for g in spec.globals().take(100) {
        assert!(spec.maps.get(g.map).is_some(), "a global is in a map");
        let mut changed = spec.clone();
        if g.size <= 64 {
            let _ = changed.set_global_bytes(&g.name, &vec![0xa5; g.size as usize]);
        }
    }
    for m in &spec.maps {
        assert!(m.data().is_none_or(|d| d.runs().map(|(_, r)| r.len()).sum::<usize>() <= data.len()));
        m.kernel_name();
    }
    let plan = spec.plan(&[]);
    assert!(!plan.to_string().is_empty() && plan.programs.len() == spec.programs.len());
    assert!(plan.needs.is_sorted_by_key(|need| std::cmp::Reverse(need.since)));
    let sized = spec.maps.iter().filter(|m| m.data().is_some());
    for (i, m) in sized.take(8).enumerate() {
        let mut changed = spec.clone();
        let size = [m.value_size.wrapping_mul(2), m.value_size / 2, 4096 * 3, 0][i % 4];
        match changed.set_value_size(&m.name, size) {
            Ok(why) => {
                let found = changed.map(&m.name).expect("a map stays");
                assert!(found.value_size == size && found.data().is_none_or(|d| d.len() == size));
                assert!(why.is_none_or(|why| !why.to_string().is_empty()));
                assert!(changed.globals().all(|g| changed.maps.get(g.map).is_some()));
            }
            Err(e) => said(&e),
        }
    }
    config(&spec, "CONFIG_HZ=250\nCONFIG_X=y\nCONFIG_Y=\"text\"\n");
    // Without types of a kernel, and with the object's own in their place.
    link(&spec, &LinkOptions::default());
    if let Some(btf) = &spec.btf {
        let targets = [CoreTarget { name: "vmlinux", btf }];
        link(&spec, &LinkOptions::with_targets(&targets));
    }
}

/// The same object in a file that is not read at once.
fn in_large_file(data: &[u8]) {
    let mut file = data.to_vec();
    file.resize(data.len() + (256 << 10), 0x2e);
    let read = ObjectFile::read(Cursor::new(&file), file.len() as u64).expect("it is in memory");
    match (ObjectSpec::parse_named("fuzz", &file), read.parse("fuzz")) {
        (Ok(copied), Ok(read)) => {
            assert_eq!(copied.maps, read.maps);
            let types = |spec: &ObjectSpec| spec.btf.as_ref().map(|btf| btf.as_bytes().to_vec());
            assert_eq!(types(&copied), types(&read));
            let options = LinkOptions::core_by_kernel();
            assert_eq!(copied.link(&options).ok(), read.link(&options).ok());
        }
        (Err(e), Err(same)) => assert_eq!(e.to_string(), same.to_string()),
        (copied, read) => panic!("copied: {copied:?}, read: {read:?}"),
    }
}

fn link(spec: &ObjectSpec, options: &LinkOptions<'_>) {
    match spec.link(options) {
        Ok(mut images) => {
            match spec.spell_out_contexts(&mut images) {
                Ok(Some(types)) => assert!(spec.has_context_tags() && types.end_id() > types.first_id()),
                Ok(None) => {}
                Err(e) => said(&e),
            }
            for i in images {
                assert!(i.program < spec.programs.len());
                assert!(i.fixups.iter().all(|f| f.insn < i.insns.len()), "a fixup is inside its program");
                assert!(i.functions.iter().all(|f| f.1 < i.insns.len()), "a function is inside its program");
                assert!(i.func_info.iter().all(|f| (f.insn_off as usize) < i.insns.len()));
                assert!(i.line_info.iter().all(|l| (l.insn_off as usize) < i.insns.len()));
                assert!(i.poisoned.iter().all(|p| p.insn < i.insns.len()));
                let inside = |target: u32| (target as usize) < i.insns.len();
                assert!(i.jump_tables.iter().all(|t| t.len() > 0 && t.targets().all(inside)));
                i.digest(spec.endian);
            }
        }
        Err(e) => said(&e),
    }
}

/// Texts up to a NUL, for the object of the tests that asks for a value of each type.
#[allow(dead_code, reason = "not every user has configurations")]
pub(crate) fn kconfig(data: &[u8]) {
    static SPEC: OnceLock<ObjectSpec> = OnceLock::new();
    let spec = SPEC.get_or_init(|| {
        let object = include_bytes!("../../../../testdata/tests/externs.bpf.o");
        ObjectSpec::parse(object).expect("an object of the tests")
    });
    let text = String::from_utf8_lossy(data);
    let mut values = match spec.kconfig_values(&[], &|name| (name == "LINUX_KERNEL_VERSION").then_some(1)) {
        Ok(values) => values,
        Err(e) => return said(&e),
    };
    let mut left = values.unset.len();
    for text in text.split('\0') {
        if let Err(e) = spec.add_kconfig(&mut values, text) {
            return said(&e);
        }
        assert!(values.unset.len() <= left && values.unset.is_sorted());
        left = values.unset.len();
    }
    // One by one or all at once.
    let texts: Vec<&str> = text.split('\0').collect();
    let all = spec.kconfig_values(&texts, &|name| (name == "LINUX_KERNEL_VERSION").then_some(1));
    assert_eq!(all.ok(), Some(values));
}

fn config(spec: &ObjectSpec, text: &str) {
    match spec.kconfig_values(&[text], &|name| (name.len() as u64).checked_sub(20)) {
        Ok(values) => {
            let is_kconfig = |i: &usize| matches!(spec.externs[*i].kind, ExternKind::Kconfig { .. });
            assert!(values.unset.iter().all(is_kconfig));
        }
        Err(e) => said(&e),
    }
}

fn said(e: &dyn std::error::Error) {
    assert!(!e.to_string().is_empty());
    let mut source = e.source();
    while let Some(s) = source {
        assert!(!s.to_string().is_empty());
        source = s.source();
    }
}
