//! Programs and functions of objects, and the images that linking makes of them.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

mod common;

use common::{image, link, spec};
use oxbpf_obj::{AttachKind, AttachType, FixupKind, Insn, ProgramFlags, ProgramType, insn::opcode};

/// Calls in an image: index of the call, and of the instruction it goes to.
fn calls(insns: &[Insn]) -> Vec<(usize, usize)> {
    let calls = insns.iter().enumerate().filter(|(_, i)| i.is_pseudo_call() || i.is_pseudo_func());
    calls.map(|(at, i)| (at, (at as i64 + 1 + i64::from(i.imm)) as usize)).collect()
}

#[test]
fn what_a_section_says() {
    let spec = spec("tests/statics.bpf.o");
    assert_eq!((spec.name.as_str(), spec.license.as_str()), ("statics", "Dual MIT/GPL"));
    assert_eq!(spec.kernel_version, 0x60100);
    let names: Vec<_> = spec.programs.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["on", "off"], "static functions are no programs");
    let on = spec.program("on").unwrap();
    assert_eq!((&*on.section, on.prog_type, on.autoload), ("xdp", ProgramType::XDP, true));
    assert_eq!(on.attach_type, Some(AttachType::XDP));
    assert_eq!(on.def.unwrap().attach, AttachKind::Xdp);
    let off = spec.program("off").unwrap();
    assert_eq!((&*off.section, off.autoload, off.autoattach), ("xdp", false, true));
}

#[test]
fn several_programs_share_a_section() {
    let spec = spec("tests/subprogs.bpf.o");
    let names: Vec<_> = spec.programs.iter().map(|p| (p.name.as_str(), &*p.section)).collect();
    assert_eq!(names, [("first", "xdp"), ("second", "xdp"), ("third", "socket")]);
    let first = &spec.programs[0];
    assert_eq!(first.insns().last(), Some(&Insn::exit()));
    assert!(first.insns().len() < spec.programs[1].insns().len() + first.insns().len());
}

#[test]
fn functions_are_appended_as_they_are_reached() {
    let spec = spec("tests/subprogs.bpf.o");
    let names = |program| {
        let image = image(&spec, program);
        let starts: Vec<usize> = image.functions.iter().map(|f| f.1).collect();
        for (at, to) in calls(&image.insns) {
            assert!(starts.contains(&to), "{program}: call at {at} goes to {to}, not to one of {starts:?}");
        }
        // Each function ends with an exit, and is there once.
        for start in starts.iter().skip(1).copied().chain([image.insns.len()]) {
            assert_eq!(image.insns[start - 1], Insn::exit());
        }
        image.functions.into_iter().map(|f| f.0).collect::<Vec<_>>()
    };
    assert_eq!(names("first"), ["first", "twice"]);
    assert_eq!(names("second"), ["second", "only_second", "twice_plus", "twice"]);
    // `twice` is called twice: by the program, and by the function appended before.
    assert_eq!(names("third"), ["third", "twice_plus", "twice"]);
}

#[test]
fn records_move_along_with_functions() {
    let spec = spec("tests/subprogs.bpf.o");
    for image in link(&spec).unwrap() {
        let starts: Vec<u32> = image.functions.iter().map(|f| f.1 as u32).collect();
        let records: Vec<u32> = image.func_info.iter().map(|r| r.insn_off).collect();
        assert_eq!(records, starts);
        let btf = spec.btf.as_ref().unwrap();
        for (record, (name, _)) in image.func_info.iter().zip(&image.functions) {
            assert_eq!(btf.get(record.ty).unwrap().name(), name);
        }
        let lines: Vec<u32> = image.line_info.iter().map(|r| r.insn_off).collect();
        assert!(lines.is_sorted() && lines.iter().all(|l| (*l as usize) < image.insns.len()));
        assert!(starts.iter().all(|s| lines.contains(s)), "no line for the start of a function");
    }
}

#[test]
fn static_functions_of_program_sections_are_called() {
    let spec = spec("tests/statics.bpf.o");
    let image = image(&spec, "on");
    let names: Vec<_> = image.functions.iter().map(|f| f.0.as_str()).collect();
    assert_eq!(names, ["on", "in_text", "in_section"]);
    let targets: Vec<_> = calls(&image.insns).into_iter().map(|(_, to)| to).collect();
    assert_eq!(targets, [image.functions[1].1, image.functions[2].1]);
    assert_eq!(image.func_info.len(), 3);
}

#[test]
fn programs_that_are_off_have_an_image_when_asked_for() {
    let spec = spec("tests/statics.bpf.o");
    assert_eq!(link(&spec).unwrap().len(), 1);
    let linker = spec.linker(&Default::default()).unwrap();
    assert_eq!(linker.image(1).unwrap().functions[0].0, "off");
    let mut spec = spec.clone();
    spec.program_mut("off").unwrap().autoload = true;
    spec.program_mut("on").unwrap().autoload = false;
    let images = link(&spec).unwrap();
    assert_eq!(images.iter().map(|i| i.program).collect::<Vec<_>>(), [1]);
}

#[test]
fn callbacks_are_functions_too() {
    for object in ["tests/callbacks.bpf.o", "tests/loop.bpf.o"] {
        let spec = spec(object);
        let image = &link(&spec).unwrap()[0];
        let callback = image.functions[1].1;
        let loads: Vec<_> = image.insns.iter().enumerate().filter(|(_, i)| i.is_pseudo_func()).collect();
        assert_eq!(loads.len(), 1, "{object}");
        let (at, load) = loads[0];
        assert_eq!(at as i64 + 1 + i64::from(load.imm), callback as i64, "{object}");
        assert_eq!(image.insns[at + 1].code, 0);
    }
}

#[test]
fn hidden_functions_are_verified_with_their_callers() {
    let spec = spec("tests/global_funcs.bpf.o");
    let btf = spec.btf.as_ref().unwrap();
    let linkage = |name| {
        let id = btf.find(name, oxbpf_btf::Kind::Func).unwrap();
        btf.get(id).unwrap().linkage().unwrap()
    };
    assert_eq!((linkage("strong"), linkage("weak"), linkage("hidden")), (1, 1, 0));
    assert_eq!(linkage("add"), 1, "programs stay as they are");
}

#[test]
fn sections_set_flags() {
    let mut file = common::elf::File::default();
    for (i, name) in ["uprobe.s//bin/sh:main", "xdp.frags", "xdp", "no_such_section"].into_iter().enumerate()
    {
        let section = file.code(name, &[Insn::exit()]);
        file.func(["a", "b", "c", "d"][i], section, 0, 1);
    }
    let spec = oxbpf_obj::ObjectSpec::parse(&file.build()).unwrap();
    let flags: Vec<_> = spec.programs.iter().map(|p| p.flags).collect();
    let (sleepable, frags) = (ProgramFlags::SLEEPABLE, ProgramFlags::XDP_HAS_FRAGS);
    assert_eq!(flags, [sleepable, frags, ProgramFlags::empty(), ProgramFlags::empty()]);
    assert_eq!(spec.programs[0].attach_to.as_deref(), Some("/bin/sh:main"));
    assert_eq!((spec.programs[3].def, spec.programs[3].prog_type), (None, ProgramType::UNSPEC));
}

#[test]
fn symbols_of_the_kernel_are_fixups() {
    let spec = spec("tests/weak_externs.bpf.o");
    assert_eq!(spec.externs.len(), 2);
    assert!(spec.externs.iter().all(|e| e.weak));
    let mut image = image(&spec, "ask");
    let fixups = std::mem::take(&mut image.fixups);
    let index = |name: &str| spec.externs.iter().position(|e| e.name == name).unwrap();
    let (variable, function) = (index("no_such_variable"), index("no_such_function"));
    let kinds: Vec<_> = fixups.iter().map(|f| f.kind).collect();
    assert_eq!(
        kinds,
        [
            FixupKind::Ksym { index: variable },
            FixupKind::Ksym { index: function },
            FixupKind::Kfunc { index: function }
        ]
    );

    let mut found = image.clone();
    found.set_ksym_address(fixups[0].insn, 0x1234_5678_9abc_def0);
    found.set_ksym_type(fixups[1].insn, oxbpf_btf::TypeId(77), Some(5));
    found.set_kfunc(fixups[2].insn, oxbpf_btf::TypeId(78), 2);
    let slots = |at: usize| [found.insns[at], found.insns[at + 1]].map(|i| (i.src(), i.imm.cast_unsigned()));
    assert_eq!(slots(fixups[0].insn), [(0, 0x9abc_def0), (0, 0x1234_5678)]);
    assert_eq!(slots(fixups[1].insn), [(3, 77), (0, 5)]);
    let call = found.insns[fixups[2].insn];
    assert_eq!((call.src(), call.imm, call.off, call.is_call()), (2, 78, 2, true));

    image.set_ksym_address(fixups[0].insn, 0);
    image.poison_kfunc(fixups[2].insn, function, "no_such_function");
    assert!(image.insns.iter().filter(|i| i.is_ldimm64()).all(|i| i.imm == 0 && i.src() == 0));
    let [poisoned] = &image.poisoned[..] else { panic!("{:?}", image.poisoned) };
    assert_eq!(image.insns[poisoned.insn], Insn::call_helper(poisoned.imm));
    assert_eq!(poisoned.description, "kernel function no_such_function is missing");
    // The types of externs are as a kernel takes them.
    let btf = spec.btf.as_ref().unwrap();
    let sec = btf.get(btf.find(".ksyms", oxbpf_btf::Kind::Datasec).unwrap()).unwrap();
    let vars: Vec<_> = sec.variables().collect();
    assert_eq!((sec.size(), vars.len()), (Some(8), 2));
    for (i, var) in vars.iter().enumerate() {
        let ty = btf.get(var.ty).unwrap();
        assert_eq!((ty.kind(), ty.linkage()), (oxbpf_btf::Kind::Var, Some(1)));
        assert_eq!((var.offset, var.size), (4 * i as u32, 4));
    }
}

#[test]
fn map_references_are_fixups() {
    let spec = spec("tests/globals.bpf.o");
    let image = image(&spec, "run");
    assert!(image.fixups.is_sorted_by_key(|f| f.insn) && !image.fixups.is_empty());
    for fixup in &image.fixups {
        let FixupKind::MapValue { map, offset } = fixup.kind else { panic!("{fixup:?}") };
        let (insn, next) = (image.insns[fixup.insn], image.insns[fixup.insn + 1]);
        assert_eq!((insn.code, insn.src()), (opcode::LD_IMM64, opcode::PSEUDO_MAP_VALUE));
        assert_eq!(next.imm as u32, offset);
        assert!(offset < spec.maps[map].value_size);
    }
    // `counter` is read and written at the start of .data.
    let counter = spec.global("counter").unwrap();
    let wanted = FixupKind::MapValue { map: counter.map, offset: counter.offset };
    assert!(image.fixups.iter().any(|f| f.kind == wanted));
}
