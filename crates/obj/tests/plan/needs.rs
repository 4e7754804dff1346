//! Which kernel an object needs, and because of what.

use oxbpf_obj::insn::{Assembler, Cond, Reg::*};
use oxbpf_obj::{
    AttachType, Capability, MapFlags, MapType, ObjectSpec, Plan, ProgramFlags, ProgramType, When,
};

use crate::common::elf::File;
use crate::common::spec;

fn oldest(plan: &Plan) -> String {
    plan.oldest().map(|need| format!("{}: {}", need.since, need.what)).unwrap_or_default()
}

#[test]
fn of_testdata() {
    for (name, expected) in [
        ("execsnoop.bpf.o", "5.8: maps of type ringbuf"),
        ("funclat.bpf.o", "5.5: programs of type tracing"),
        ("xdp_counter.bpf.o", "5.1: 32-bit jump"),
        ("tests/legacy_maps.bpf.o", "4.8: programs of type xdp"),
        ("tests/global_funcs.bpf.o", "4.16: call of a function"),
        ("tests/arena.bpf.o", "6.9: maps of type arena"),
        ("tests/map_kinds.bpf.o", "6.2: maps of type cgrp_storage"),
        ("tests/callbacks.bpf.o", "5.13: helper bpf_for_each_map_elem"),
        ("tests/struct_ops.bpf.o", "5.6: maps of type struct_ops"),
        ("big_endian/globals.bpf.o", "5.2: address of a map's value"),
    ] {
        assert_eq!(oldest(&spec(name).plan(&[])), expected, "{name}");
    }
}

/// A program of its own making, in a section.
fn made(section: &'static str, program: Assembler) -> ObjectSpec {
    let mut file = File::minimal();
    let insns = program.finish().unwrap();
    let code = file.code(section, &insns);
    file.func("made", code, 0, insns.len() as u64);
    let mut object = ObjectSpec::parse(&file.build()).unwrap();
    object.programs.retain(|program| program.name == "made");
    object
}

fn nothing() -> Assembler {
    Assembler::new().mov64_imm(R0, 0).exit()
}

#[test]
fn types_and_flags_of_programs() {
    let since =
        |section: &'static str| made(section, nothing()).plan(&[]).oldest().unwrap().since.to_string();
    assert_eq!(since("socket"), "3.19");
    assert_eq!(since("xdp"), "4.8");
    assert_eq!(since("xdp.frags"), "5.18");
    assert_eq!(since("uprobe.s"), "6.0");
    assert_eq!(since("fentry.s/vfs_read"), "5.10");
    assert_eq!(since("iter.s/task"), "5.10");
    assert_eq!(since("tp.s/syscalls/sys_enter_openat"), "7.2");
    // Older kernels load them, but do not let them sleep.
    let to_attach =
        |section| made(section, nothing()).plan(&[]).oldest_to_attach().unwrap().since.to_string();
    assert_eq!(to_attach("iter.s/task"), "5.18");
    assert_eq!(to_attach("tp_btf.s/sys_enter"), "7.2");
    assert_eq!(since("syscall"), "5.14");
    // The kernel looks at this attach type when it loads, at that one when it attaches.
    assert_eq!(since("cgroup/connect_unix"), "6.7");
    assert_eq!(since("tcx/ingress"), "4.17");
    let tcx = made("tcx/ingress", nothing()).plan(&[]);
    assert_eq!(tcx.oldest_to_attach().unwrap().what, "attach type tcx_ingress");
    assert_eq!(tcx.oldest_to_attach().unwrap().when, When::Attach);
    // This one is left out where the kernel takes none.
    assert_eq!(since("sk_msg"), "4.17");
    assert_eq!(since("lirc_mode2"), "4.18");
}

#[test]
fn what_is_off_does_not_count() {
    let mut object = made("iter.s/task", nothing());
    object.programs[0].autoload = false;
    let plan = object.plan(&[]);
    assert_eq!(plan.oldest(), None);
    assert!(!plan.programs[0].loaded && plan.privileges.is_empty());
    assert!(plan.needs.iter().all(|need| need.when == When::Spared) && !plan.needs.is_empty());
    let mut maps = spec("tests/arena.bpf.o");
    maps.maps.iter_mut().for_each(|map| map.autocreate = false);
    let plan = maps.plan(&[]);
    assert!(plan.maps.iter().all(|map| !map.created), "{plan}");
    assert!(plan.needs.iter().all(|need| need.what != "maps of type arena" || need.when == When::Spared));
}

#[test]
fn changes_of_the_spec_count() {
    let mut object = made("socket", nothing());
    object.programs[0].flags |= ProgramFlags::TEST_REG_INVARIANTS;
    assert_eq!(oldest(&object.plan(&[])), "6.8: BPF_F_TEST_REG_INVARIANTS");
    object.programs[0].set_type(ProgramType::TRACING);
    object.programs[0].attach_type = Some(AttachType::TRACE_FSESSION);
    assert_eq!(oldest(&object.plan(&[])), "7.0: attach type trace_fsession");
    let mut object = spec("tests/maps.bpf.o");
    object.maps[0].map_type = MapType::RINGBUF;
    object.maps[0].flags = MapFlags::RB_OVERWRITE;
    assert_eq!(oldest(&object.plan(&[])), "6.19: ring buffers that overwrite");
}

#[test]
fn instructions() {
    let plan = |program| made("socket", program).plan(&[]);
    let loop_of = |times| {
        let top = Assembler::new().mov64_imm(R0, 0).label("top").add64_imm(R0, 1);
        top.if64_imm(Cond::Ne, R0, times, "top").exit()
    };
    assert_eq!(oldest(&plan(loop_of(9))), "5.3: loop");
    let long = (0..5000).fold(Assembler::new(), |program, _| program.mov64_imm(R0, 0)).exit();
    assert_eq!(oldest(&plan(long)), "5.2: more than 4096 instructions");
    assert_eq!(oldest(&plan(Assembler::new().call(175).exit())), "5.15: helper bpf_task_pt_regs");
    // One that no kernel known here has needs none.
    let unknown = plan(Assembler::new().call(4000).exit());
    assert_eq!(oldest(&unknown), "3.19: programs of type socket_filter");
    assert_eq!(unknown.programs[0].helpers, ["4000"]);
}

/// The loader has an older helper for these.
#[test]
fn replaced_helpers() {
    let plan = made("kprobe/x", Assembler::new().call(113).exit()).plan(&[]);
    assert_eq!(oldest(&plan), "4.1: programs of type kprobe");
    let need = plan.needs.iter().find(|need| need.what == "helper bpf_probe_read_kernel").unwrap();
    assert_eq!((need.since.to_string(), need.when), ("5.5".to_owned(), When::Spared));
}

/// What the verifier knows beforehand may lead around an instruction.
#[test]
fn guards() {
    // It asks a constant whether to go on.
    let asks = spec("funclat.bpf.o").plan(&[]);
    let reached = asks.needs.iter().filter(|need| need.when == When::Reached);
    assert!(reached.clone().count() > 0, "{asks:#}");
    assert!(reached.into_iter().all(|need| need.whose.to_string().contains("program on_entry, ")));
    // What stands before the question is sure.
    let before = asks.needs.iter().find(|need| need.what == "address of a map's value").unwrap();
    assert_eq!(before.when, When::Load);
    let plain = spec("execsnoop.bpf.o").plan(&[]);
    assert!(plain.needs.iter().all(|need| need.when != When::Reached), "{plain:#}");
}

#[test]
fn privileges() {
    let of = |section: &'static str, program| made(section, program).plan(&[]).capabilities();
    assert!(of("socket", nothing()).iter().eq(&[Capability::Bpf]));
    assert!(of("xdp", nothing()).iter().eq(&[Capability::Bpf, Capability::NetAdmin]));
    let printing = Assembler::new().call(6).exit();
    assert!(of("xdp", printing).contains(&Capability::Perfmon));
    let writing = Assembler::new().call(36).exit();
    assert!(of("kprobe/x", writing).contains(&Capability::SysAdmin));
    let plan = made("cgroup_skb/egress", nothing()).plan(&[]);
    let attach: Vec<_> = plan.privileges.iter().filter(|p| p.attach).map(|p| p.capability).collect();
    assert_eq!(attach, [Capability::NetAdmin]);
}

#[test]
fn a_section_without_a_type() {
    let plan = made("no_such_kind", nothing()).plan(&[]);
    assert!(plan.programs[0].problem.as_ref().unwrap().contains("says no type"), "{plan}");
}
