use std::ops::ControlFlow;

use oxbpf_btf::{BtfBuilder, Kind, Progress};
use oxbpf_obj::{
    Btf, CoreCheck, CoreOutcome, CoreTarget, Error, LinkOptions, ObjectSpec, TypeId, min_core_btf,
    min_core_btf_with_progress,
};

use super::{kernels, object, objects};

fn check(spec: &ObjectSpec, btf: &Btf) -> CoreCheck {
    spec.core_check(&[CoreTarget { name: "vmlinux", btf }])
}

/// Ids differ, and where there is nothing it does not matter why.
fn outcomes(check: CoreCheck) -> Vec<String> {
    let outcome = |outcome| match outcome {
        CoreOutcome::Resolved { mut found, old, new } => {
            found.id = TypeId::VOID;
            format!("{} {old:?} {new}", found.name)
        }
        CoreOutcome::Unresolved(_) => "unresolved".into(),
        other => format!("{other:?}"),
    };
    let without_ids = |kind| kind != oxbpf_btf::CoreReloKind::TypeIdTarget;
    check
        .relos
        .into_iter()
        .filter(|r| without_ids(r.kind))
        .map(|r| r.what + ": " + &outcome(r.outcome))
        .collect()
}

#[test]
fn objects_relocate_against_it_as_against_the_whole() {
    for kernel in kernels() {
        let all = objects();
        // Those that this kernel cannot have at all would have nothing cut for them.
        let fits = |spec: &&ObjectSpec| {
            !check(spec, &kernel).relos.iter().any(|r| matches!(r.outcome, CoreOutcome::Failed(_)))
        };
        let specs: Vec<&ObjectSpec> = all.iter().map(|(_, spec)| spec).filter(fits).collect();
        assert!(specs.len() >= 3);
        let together = min_core_btf(&specs, &kernel).unwrap();
        for spec in specs {
            let alone = min_core_btf(&[spec], &kernel).unwrap();
            assert!(alone.as_bytes().len() <= together.as_bytes().len());
            let whole = outcomes(check(spec, &kernel));
            assert_eq!(outcomes(check(spec, &alone)), whole, "{}", spec.name);
            assert_eq!(outcomes(check(spec, &together)), whole, "{}", spec.name);
            let link = |btf| {
                let targets = [CoreTarget { name: "vmlinux", btf }];
                let images = spec.link(&LinkOptions::with_targets(&targets)).unwrap();
                images.into_iter().map(|i| i.insns).collect::<Vec<_>>()
            };
            let has_ids = check(spec, &kernel).relos.iter().any(|r| !matches!(r.kind as u32, 0..=5 | 8..));
            if !has_ids {
                assert_eq!(link(&alone), link(&kernel), "{}", spec.name);
            }
        }
        assert!(together.as_bytes().len() < kernel.as_bytes().len());
        assert_eq!(min_core_btf(&[], &kernel).unwrap().end_id(), TypeId(1));
    }
}

#[test]
fn keeps_only_the_members_that_are_accessed() {
    let spec = object("execsnoop.bpf.o");
    let local = spec.btf.as_ref().unwrap();
    let small = min_core_btf(&[&spec], local).unwrap();
    let task = small.get(small.find("task_struct", Kind::Struct).unwrap()).unwrap();
    let whole = local.get(local.find("task_struct", Kind::Struct).unwrap()).unwrap();
    assert_eq!(task.size(), whole.size());
    let accessed: Vec<String> = spec
        .core_check(&[CoreTarget { name: "", btf: local }])
        .relos
        .iter()
        .filter_map(|r| r.what.split("task_struct.").nth(1)?.split([' ', '.', '[']).next().map(str::to_owned))
        .collect();
    for member in task.members() {
        assert!(accessed.iter().any(|a| a == member.name), "{} of {accessed:?}", member.name);
    }
    assert!(!accessed.is_empty());
}

#[test]
fn a_split_target_becomes_one() {
    let spec = object("execsnoop.bpf.o");
    let local = spec.btf.clone().unwrap();
    let split = BtfBuilder::split(&local).build().unwrap();
    let small = min_core_btf(&[&spec], &split).unwrap();
    assert!(small.base().is_none());
    assert_eq!(small.as_bytes(), min_core_btf(&[&spec], &local).unwrap().as_bytes());
}

#[test]
fn progress_is_told_and_can_stop_it() {
    let spec = object("execsnoop.bpf.o");
    let local = spec.btf.as_ref().unwrap();
    let relos = check(&spec, local).relos.len() as u64;
    let targets = [CoreTarget { name: "vmlinux", btf: local }];
    let mut told = Vec::new();
    let mut note = |progress: Progress| {
        told.push(progress.done);
        ControlFlow::Continue(())
    };
    assert_eq!(spec.core_check_with_progress(&targets, &mut note).unwrap(), check(&spec, local));
    let small = min_core_btf_with_progress(&[&spec], local, &mut note).unwrap();
    assert_eq!(small.as_bytes(), min_core_btf(&[&spec], local).unwrap().as_bytes());
    assert_eq!(told, (0..=relos).chain(0..=relos).collect::<Vec<_>>());
    let mut stop = |_: Progress| ControlFlow::Break(());
    assert!(matches!(spec.core_check_with_progress(&targets, &mut stop), Err(Error::Cancelled(_))));
    let stopped = min_core_btf_with_progress(&[&spec], local, &mut stop);
    assert!(matches!(stopped, Err(Error::Cancelled(_))));
}
