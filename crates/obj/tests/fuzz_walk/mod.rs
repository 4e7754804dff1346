//! Reads an object of any quality, asks for everything in it and links its programs. The fuzz target `elf_open`
//! runs this on whatever it comes up with, and a test runs it on what it found.

use oxbpf_obj::{CoreTarget, LinkOptions, ObjectSpec};

pub(crate) fn object(data: &[u8]) {
    let spec = match ObjectSpec::parse_named("fuzz", data) {
        Ok(spec) => spec,
        Err(e) => return said(&e),
    };
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
    // Without types of a kernel, and with the object's own in their place.
    link(&spec, &LinkOptions::default());
    if let Some(btf) = &spec.btf {
        let targets = [CoreTarget { name: "vmlinux", btf }];
        link(&spec, &LinkOptions::with_targets(&targets));
    }
}

fn link(spec: &ObjectSpec, options: &LinkOptions<'_>) {
    match spec.link(options) {
        Ok(images) => {
            for i in images {
                assert!(i.program < spec.programs.len());
                assert!(i.fixups.iter().all(|f| f.insn < i.insns.len()), "a fixup is inside its program");
                assert!(i.functions.iter().all(|f| f.1 < i.insns.len()), "a function is inside its program");
                assert!(i.func_info.iter().all(|f| (f.insn_off as usize) < i.insns.len()));
                assert!(i.line_info.iter().all(|l| (l.insn_off as usize) < i.insns.len()));
                assert!(i.poisoned.iter().all(|p| p.insn < i.insns.len()));
            }
        }
        Err(e) => said(&e),
    }
}

fn said(e: &oxbpf_obj::Error) {
    assert!(!e.to_string().is_empty());
    let mut source = std::error::Error::source(e);
    while let Some(s) = source {
        assert!(!s.to_string().is_empty());
        source = s.source();
    }
}
