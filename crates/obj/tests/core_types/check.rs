use oxbpf_btf::{BtfBuilder, Field, IntEncoding, TypeId};
use oxbpf_obj::relo_core::Cause;
use oxbpf_obj::{CoreOutcome, CoreTarget, LinkOptions};

use super::{kernels, object, objects};

#[test]
fn agrees_with_the_linker() {
    for kernel in kernels() {
        for (name, spec) in objects() {
            let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
            let check = spec.core_check(&targets);
            let linked = spec.link(&LinkOptions::with_targets(&targets));
            let failed = check.relos.iter().find(|r| r.used && matches!(r.outcome, CoreOutcome::Failed(_)));
            match (&linked, failed) {
                (Ok(_), None) => {}
                (Err(e), Some(failed)) => {
                    let CoreOutcome::Failed(problem) = &failed.outcome else { unreachable!() };
                    assert!(e.to_string().contains(&problem.to_string()), "{name}: {e} and {failed}");
                }
                _ => panic!("{name}: {linked:?} but {check}"),
            }
            let Ok(images) = linked else { continue };
            // Each function's poisoned instructions are those without a value.
            let mut poisoned: Vec<String> =
                images.iter().flat_map(|i| i.poisoned.iter().map(|p| p.description.clone())).collect();
            let mut unresolved: Vec<String> = check
                .unresolved()
                .filter_map(|r| match &r.outcome {
                    CoreOutcome::Unresolved(cause) => Some(format!("{}: {cause}", r.what)),
                    _ => None,
                })
                .collect();
            for list in [&mut poisoned, &mut unresolved] {
                list.sort();
                list.dedup();
            }
            assert_eq!(poisoned, unresolved, "{name}");
        }
    }
}

#[test]
fn says_what_is_found_where_and_what_not() {
    let spec = object("rejected/no_such_field.bpf.o");
    let local = spec.btf.as_ref().unwrap();
    let own = spec.core_check(&[CoreTarget { name: "its own types", btf: local }]);
    assert!(own.is_resolved(), "{own}");
    for relo in &own.relos {
        match &relo.outcome {
            CoreOutcome::Resolved { found, old, new } => {
                assert_eq!(found.target, "its own types");
                assert!(old.is_none_or(|old| old == *new), "{relo}");
            }
            other => panic!("{other:?}"),
        }
    }
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    b.add_struct("task_struct", 4, [Field::new("nothing", int, 0)]).unwrap();
    let other = b.build().unwrap();
    let check = spec.core_check(&[CoreTarget { name: "vmlinux", btf: &other }]);
    assert!(!check.is_resolved());
    let relo = check.unresolved().next().unwrap();
    assert!(matches!(relo.outcome, CoreOutcome::Unresolved(Cause::NoMatch)), "{relo:?}");
    assert_eq!(
        check.to_string(),
        "read: instruction 1 (no_such_field.bpf.c:16): byte_off of struct task_struct___no.no_such_field (0:0): \
         the kernel's type has nothing that matches\n0 of 1 relocations resolve"
    );
    assert_eq!(
        format!("{own:#}"),
        "read: instruction 1 (no_such_field.bpf.c:16): byte_off of struct task_struct___no.no_such_field (0:0): \
         0, in struct task_struct___no [5] of its own types\n1 of 1 relocations resolve"
    );
}

#[test]
fn no_targets_is_an_answer_too() {
    let spec = object("execsnoop.bpf.o");
    let check = spec.core_check(&[]);
    assert!(
        check.relos.iter().all(|r| matches!(r.outcome, CoreOutcome::Failed(_) | CoreOutcome::Local { .. }))
    );
    let empty = BtfBuilder::new().build().unwrap();
    assert_eq!(empty.end_id(), TypeId(1));
    let check = spec.core_check(&[CoreTarget { name: "vmlinux", btf: &empty }]);
    let causes = check.unresolved().map(|r| r.outcome.clone());
    assert!(causes.into_iter().all(|c| c == CoreOutcome::Unresolved(Cause::NoType)));
}
