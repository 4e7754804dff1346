//! CO-RE through linking: once for all programs, against the types that are given.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

mod common;

use std::cell::Cell;
use std::collections::BTreeSet;

use common::{bytes, link, objects, spec};
use object::{Object as _, ObjectSection as _};
use oxbpf_btf::BtfBuilder;
use oxbpf_obj::{CoreTarget, Error, Insn, LinkOptions, ObjectSpec, ProgramImage, relo_core};

#[test]
fn a_kernel_is_asked_for_only_if_needed() {
    assert!(!spec("tests/subprogs.bpf.o").needs_core_targets());
    let mut with = spec("schedlat.bpf.o");
    assert!(with.needs_core_targets());
    let error = with.link(&LinkOptions::default()).unwrap_err();
    assert!(matches!(error, Error::NoCoreTargets { .. }));
    assert!(error.to_string().ends_with("has CO-RE relocations, and no types of a kernel are given"));
    // What is not to be loaded is not relocated.
    with.programs.iter_mut().for_each(|p| p.autoload = false);
    assert!(!with.needs_core_targets());
    assert_eq!(with.link(&LinkOptions::default()).unwrap(), []);
}

#[test]
fn what_the_kernel_lacks_is_poisoned() {
    let spec = spec("schedlat.bpf.o");
    let empty = BtfBuilder::new().build().unwrap();
    let targets = [CoreTarget { name: "vmlinux", btf: &empty }];
    let images = spec.link(&LinkOptions::with_targets(&targets)).unwrap();
    let poisoned: Vec<_> = images.iter().flat_map(|i| i.poisoned.iter().map(move |p| (i, p))).collect();
    assert!(!poisoned.is_empty());
    for (image, poison) in poisoned {
        assert_eq!(poison.imm, relo_core::POISON);
        assert_eq!(image.insns[poison.insn], Insn::call_helper(relo_core::POISON));
        assert!(poison.description.ends_with("the kernel has no such type"), "{}", poison.description);
    }
}

#[test]
fn modules_are_read_only_when_a_type_is_lacking() {
    let spec = spec("schedlat.bpf.o");
    let own = spec.btf.clone().unwrap();
    let module = [CoreTarget { name: "module", btf: &own }];
    let asked = Cell::new(0);
    let modules = || {
        asked.set(asked.get() + 1);
        &module[..]
    };
    let targets = [CoreTarget { name: "vmlinux", btf: &own }];
    let in_vmlinux = spec.link(&LinkOptions::with_targets(&targets).with_modules(&modules)).unwrap();
    assert_eq!(asked.get(), 0);
    let empty = BtfBuilder::new().build().unwrap();
    let targets = [CoreTarget { name: "vmlinux", btf: &empty }];
    let in_module = spec.link(&LinkOptions::with_targets(&targets).with_modules(&modules)).unwrap();
    assert_eq!(asked.get(), 1);
    assert_eq!(in_vmlinux, in_module);
}

#[test]
fn images_are_made_one_by_one_on_any_thread() {
    for path in objects() {
        let spec = ObjectSpec::parse(&std::fs::read(&path).unwrap()).unwrap();
        let all = link(&spec).unwrap();
        let targets: Vec<_> = spec.btf.iter().map(|btf| CoreTarget { name: "vmlinux", btf }).collect();
        let linker = spec.linker(&LinkOptions::with_targets(&targets)).unwrap();
        let linker = &linker;
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                all.iter().map(|image| scope.spawn(move || linker.image(image.program).unwrap())).collect();
            for (thread, image) in threads.into_iter().zip(&all) {
                assert_eq!(&thread.join().unwrap(), image, "{}", path.display());
            }
        });
    }
}

#[test]
fn byte_orders_differ_in_nothing_else() {
    for name in ["subprogs", "inner_maps", "globals"] {
        let little = spec(&format!("tests/{name}.bpf.o"));
        let big = spec(&format!("big_endian/{name}.bpf.o"));
        assert_eq!(little.maps.len(), big.maps.len());
        for (a, b) in little.maps.iter().zip(&big.maps) {
            assert_eq!((&a.name, a.map_type, a.value_size), (&b.name, b.map_type, b.value_size));
            assert_eq!((a.flags, &a.inner), (b.flags, &b.inner));
        }
        for (a, b) in link(&little).unwrap().iter().zip(&link(&big).unwrap()) {
            assert_eq!((&a.insns, &a.fixups, &a.functions), (&b.insns, &b.fixups, &b.functions), "{name}");
            assert_eq!(a.func_info, b.func_info);
            let lines =
                |i: &ProgramImage| i.line_info.iter().map(|l| (l.insn_off, l.line_col)).collect::<Vec<_>>();
            assert_eq!(lines(a), lines(b));
        }
        let limit = |spec: &ObjectSpec| {
            let var = spec.global("limit")?;
            let mut bytes = [0; 4];
            spec.maps[var.map].data()?.read(var.offset, &mut bytes);
            Some(bytes)
        };
        assert_eq!(limit(&little).map(u32::from_le_bytes), limit(&big).map(u32::from_be_bytes));
    }
}

#[test]
fn programs_of_another_object_are_refused() {
    let mut one = spec("tests/subprogs.bpf.o");
    let other = spec("tests/loop.bpf.o");
    one.programs.push(other.programs[0].clone());
    let error = link(&one).unwrap_err();
    assert!(error.to_string().ends_with("the program belongs to another object"), "{error}");
    // A copy of the spec shares its code.
    let mut copy = other.clone();
    copy.programs = other.programs.clone();
    copy.programs.push(other.programs[0].clone());
    let images = link(&copy).unwrap();
    assert_eq!(images[0].insns, images[1].insns);
}

/// The callback follows the functions that the program reaches, with those that it reaches itself.
#[test]
fn exception_callbacks_are_appended() {
    let spec = spec("tests/exceptions.bpf.o");
    let linker = spec.linker(&LinkOptions::default()).unwrap();
    let index = |name: &str| spec.programs.iter().position(|program| program.name == name).unwrap();
    let functions = |name| {
        let image = linker.image(index(name)).unwrap();
        assert_eq!(image.func_info.len(), image.functions.len());
        image.functions.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(functions("throws"), ["throws", "caught", "seven_more"]);
    assert_eq!(functions("throws_uncaught"), ["throws_uncaught"]);
    assert_eq!(functions("two_catch"), ["two_catch"], "the verifier says what is wrong");
    let error = |name| linker.image(index(name)).unwrap_err().to_string();
    assert!(error("nothing_catches").ends_with("exception callback nowhere is not in the object"));
    assert!(error("static_catches").ends_with("exception callback is_static is no global function"));
}

/// For a kernel that does not know the tag, an argument that is the context says so by its type.
#[test]
fn contexts_are_spelt_out() {
    let spec = spec("tests/context_args.bpf.o");
    assert!(spec.has_context_tags());
    let own = spec.btf.as_ref().unwrap();
    let mut images = spec.link(&LinkOptions::default()).unwrap();
    let before = images.clone();
    let btf = spec.spell_out_contexts(&mut images).unwrap().expect("two functions go by the tag alone");
    let contexts = |image: &ProgramImage| -> Vec<_> {
        let functions = image.func_info.iter().map(|info| btf.get(info.ty).unwrap());
        let context = |ty: oxbpf_btf::Type<'_>| {
            let param = btf.get(ty.target()?).ok()?.params().next()?;
            let to = btf.resolve(btf.resolve(param.ty).ok()?.target()?).ok()?;
            Some(format!("{}({})", ty.name(), to.name()))
        };
        functions.filter_map(context).collect()
    };
    let program = |name: &str| &images[spec.programs.iter().position(|p| p.name == name).unwrap()];
    assert_eq!(
        contexts(program("of_tc")),
        ["of_tc", "byte", "length"].map(|name| format!("{name}(__sk_buff)"))
    );
    assert_eq!(contexts(program("of_xdp")), ["of_xdp", "cut"].map(|name| format!("{name}(xdp_md)")));
    // What says it by its type stays, and all programs of a type share what is made for it.
    let changed = |name: &str| -> Vec<_> {
        let index = spec.programs.iter().position(|p| p.name == name).unwrap();
        let pairs = before[index].func_info.iter().zip(&images[index].func_info);
        pairs.map(|(a, b)| (a.insn_off == b.insn_off, a.ty != b.ty)).collect()
    };
    assert_eq!(changed("of_tc"), [(true, false), (true, true), (true, false)]);
    assert_eq!(btf.types().take(own.types().count()).count(), own.types().count());
    let tags = btf.types().filter(|ty| ty.name() == "arg:ctx").count();
    assert_eq!(
        tags - own.types().filter(|ty| ty.name() == "arg:ctx").count(),
        3,
        "byte for two types, cut for one"
    );
    // Where there is nothing to do, nothing is done.
    let other = self::spec("tests/global_funcs.bpf.o");
    assert!(!other.has_context_tags());
    let mut images = other.link(&LinkOptions::default()).unwrap();
    assert!(other.spell_out_contexts(&mut images).unwrap().is_none());
}

/// What a relocation means may hang on those before it, wherever these are; what is done to a function does not.
#[test]
fn relocations_of_functions_by_turns() {
    let mut bytes = bytes("tests/core_access.bpf.o");
    let in_order = ObjectSpec::parse(&bytes).unwrap();
    let sections = in_order.programs.iter().map(|p| &p.section).collect::<BTreeSet<_>>();
    assert!(sections.len() < in_order.programs.len(), "no section has two programs");
    reverse_core_relos(&mut bytes);
    let backwards = ObjectSpec::parse(&bytes).unwrap();
    let own = in_order.btf.clone().unwrap();
    let targets = [CoreTarget { name: "vmlinux", btf: &own }];
    let empty = BtfBuilder::new().build().unwrap();
    let nothing = [CoreTarget { name: "vmlinux", btf: &empty }];
    for targets in [&targets, &nothing] {
        let options = LinkOptions::with_targets(targets);
        let images = in_order.link(&options).unwrap();
        assert!(images.iter().any(|image| image.insns.len() > 2));
        assert_eq!(images, backwards.link(&options).unwrap());
    }
}

/// Turns the records of each section of code around.
fn reverse_core_relos(object: &mut [u8]) {
    let file = object::File::parse(&*object).unwrap();
    let (start, size) = file.section_by_name(".BTF.ext").unwrap().file_range().unwrap();
    let ext = &mut object[start as usize..][..size as usize];
    let word = |ext: &[u8], at: usize| u32::from_le_bytes(ext[at..at + 4].try_into().unwrap()) as usize;
    let part = word(ext, 4) + word(ext, 24);
    let (mut at, end, record) = (part + 4, part + word(ext, 28), word(ext, part));
    let mut moved = 0;
    while at < end {
        let count = word(ext, at + 4);
        let records = &mut ext[at + 8..][..count * record];
        let turned: Vec<u8> = records.chunks(record).rev().flatten().copied().collect();
        moved += usize::from(records != turned);
        records.copy_from_slice(&turned);
        at += 8 + count * record;
    }
    assert_ne!(moved, 0);
}
