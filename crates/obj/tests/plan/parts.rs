//! What the parts of an object are.

use oxbpf_obj::{ExternKind, MapFlags, MapType, Pinning, ProgramType};

use crate::common::{objects, spec};

#[test]
fn programs() {
    let plan = spec("tests/subprogs.bpf.o").plan(&[]);
    let first = &plan.programs[0];
    assert_eq!((first.name.as_str(), first.loaded, first.sleepable), ("first", true, false));
    assert!(first.functions.len() > 1 && first.functions[0] == "first", "{first:?}");
    assert!(first.insns > first.own_insns && first.own_insns > 0);
    let plan = spec("execsnoop.bpf.o").plan(&[]);
    let on_exec = &plan.programs[0];
    assert_eq!(on_exec.prog_type, ProgramType::TRACEPOINT);
    assert_eq!(on_exec.target.as_deref(), Some("sched/sched_process_exec"));
    assert_eq!(on_exec.maps, ["events", "execsnoo.bss"]);
    assert!(on_exec.helpers.iter().any(|helper| helper == "bpf_ringbuf_submit"));
    assert_eq!(on_exec.config, Some("CONFIG_BPF_EVENTS"));
    let because = on_exec.oldest.as_ref().unwrap();
    assert!(because.to_string().starts_with("Linux 5.8: helper bpf_ringbuf_"), "{because}");
    assert!(because.whose.to_string().contains("(execsnoop.bpf.c:"), "{because}");
}

#[test]
fn maps() {
    let plan = spec("tests/maps.bpf.o").plan(&[]);
    let map = |name: &str| plan.maps.iter().find(|map| map.name == name).unwrap();
    assert!(map("mmapable").flags.contains(MapFlags::MMAPABLE) && map("mmapable").created);
    let plan = spec("tests/pinned.bpf.o").plan(&[]);
    assert!(plan.maps.iter().any(|map| map.pinning == Pinning::ByName));
    let plan = spec("tests/inner_maps.bpf.o").plan(&[]);
    let outer = plan.maps.iter().find(|map| map.map_type == MapType::ARRAY_OF_MAPS).unwrap();
    assert!(outer.inner.is_some());
    let plan = spec("tests/globals.bpf.o").plan(&[]);
    assert!(plan.maps.iter().any(|map| map.global_data));
}

#[test]
fn externs() {
    let plan = spec("tests/externs.bpf.o").plan(&[]);
    assert!(plan.externs.iter().any(|symbol| matches!(symbol.kind, ExternKind::Kconfig { .. })));
    assert!(plan.externs.iter().any(|symbol| symbol.kind == ExternKind::KsymVar && symbol.typed));
    let weak = spec("tests/weak_externs.bpf.o").plan(&[]);
    assert!(weak.externs.iter().any(|symbol| symbol.weak));
    assert!(weak.programs.iter().any(|program| !program.kfuncs.is_empty()));
}

/// Every object has a plan, and says something.
#[test]
fn all() {
    for path in objects() {
        let Ok(spec) = oxbpf_obj::ObjectSpec::parse(&std::fs::read(&path).unwrap()) else { continue };
        let plan = spec.plan(&[]);
        // Some of those that are off are broken on purpose.
        for program in plan.programs.iter().filter(|program| program.loaded) {
            assert_eq!(program.problem, None, "{}: {}", path.display(), program.name);
            assert!(program.oldest.is_some() && program.insns >= program.own_insns);
        }
        assert_eq!(plan.maps.len(), spec.maps.len());
        assert!(plan.oldest().is_some() || spec.loaded_programs().next().is_none(), "{}", path.display());
        assert!(plan.oldest().map(|n| n.since) <= plan.oldest_if_reached().map(|n| n.since));
    }
}
