//! Loading in two steps.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use oxbpf::obj::{FixupKind, insn::Insn};
use oxbpf::sys::doors::{Fake, Recorder};
use oxbpf::sys::uapi::ProgLoadAttr;
use oxbpf::{AttachType, Error, Kernel, Object, ObjectSpec, Prepared, ProgramFlags};

use crate::{lines, load, named, options, spec};

fn prepare(spec: &ObjectSpec, door: Arc<Fake>) -> (Prepared, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::new(door));
    let kernel = Kernel::with_door(recorder.clone());
    (Object::prepare(spec, &options(spec, kernel)).unwrap(), recorder)
}

/// The two steps ask what the one asks, in the same order; programs come with the second.
#[test]
fn two_steps_are_one_load() {
    for name in ["execsnoop.bpf.o", "tests/inner_maps.bpf.o", "tests/subprogs.bpf.o"] {
        let spec = spec(name);
        let (whole, calls) = load(&spec, Arc::new(Fake::new()));
        let (prepared, recorder) = prepare(&spec, Arc::new(Fake::new()));
        let first = lines(&recorder.take());
        assert!(!first.iter().any(|line| line.starts_with("BPF_PROG_LOAD")), "{first:?}");
        let object = prepared.load().unwrap();
        let second = lines(&recorder.take());
        assert!(second[0].starts_with("BPF_PROG_LOAD"), "{second:?}");
        assert_eq!([first, second].concat(), lines(&calls), "{name}");
        assert_eq!(object.programs().len(), whole.unwrap().programs().len());
    }
}

/// What there is to read in between is what the verifier gets.
#[test]
fn programs_are_complete_before_they_are_loaded() {
    let spec = spec("tests/subprogs.bpf.o");
    let before = spec.link(&oxbpf::obj::LinkOptions::default()).unwrap();
    let (prepared, recorder) = prepare(&spec, Arc::new(Fake::new()));
    let images = prepared.images().to_vec();
    for (before, image) in before.iter().zip(&images) {
        assert!(image.fixups.is_empty());
        for fixup in &before.fixups {
            let FixupKind::MapValue { map, .. } = fixup.kind else { panic!("{fixup:?}") };
            let map = prepared.map(&spec.maps[map].name).unwrap();
            assert_eq!(image.insns[fixup.insn].imm, map.as_fd().as_raw_fd());
        }
    }
    prepared.load().unwrap();
    let calls = recorder.take();
    for (load, image) in named(&calls, "BPF_PROG_LOAD").iter().zip(&images) {
        assert_eq!(load.bytes("insns"), Some(&*Insn::encode_all(&image.insns, spec.endian)));
    }
}

#[test]
fn what_is_changed_in_between_is_what_is_loaded() {
    let spec = spec("tests/subprogs.bpf.o");
    let (mut prepared, recorder) = prepare(&spec, Arc::new(Fake::new()));
    prepared.program_mut("second").unwrap().autoload = false;
    let third = prepared.program_mut("third").unwrap();
    third.attach_type = Some(AttachType::TCX_EGRESS);
    third.flags = ProgramFlags::TEST_RND_HI32;
    third.log_level = 2;
    let image = prepared.image_mut("first").unwrap();
    image.insns = vec![Insn::mov64_imm(0, 7), Insn::exit()];
    image.func_info.clear();
    image.line_info.clear();
    let object = prepared.load().unwrap();
    let names: Vec<_> = object.programs().iter().map(oxbpf::Program::name).collect();
    assert_eq!(names, ["first", "third"]);
    assert_eq!(object.programs()[1].flags(), ProgramFlags::TEST_RND_HI32);
    let calls = recorder.take();
    let [first, third] = named(&calls, "BPF_PROG_LOAD")[..] else { panic!("two programs") };
    let attr: ProgLoadAttr = first.view();
    assert_eq!((attr.insn_cnt, attr.func_info_cnt, attr.line_info_cnt), (2, 0, 0));
    let attr: ProgLoadAttr = third.view();
    assert_eq!((attr.expected_attach_type, attr.log_level), (AttachType::TCX_EGRESS.0, 2));
    assert_eq!(attr.prog_flags, ProgramFlags::TEST_RND_HI32.bits());
}

#[test]
fn a_program_that_is_not_there_is_named_with_those_that_are() {
    let mut spec = spec("tests/subprogs.bpf.o");
    spec.program_mut("second").unwrap().autoload = false;
    let (mut prepared, _) = prepare(&spec, Arc::new(Fake::new()));
    let error = prepared.image_mut("second").unwrap_err();
    assert_eq!(error.to_string(), "no program second in object subprogs; it has: first, third");
    let error = prepared.map("nothing").unwrap_err();
    assert!(matches!(error, Error::NoSuchMap { .. }), "{error}");
}

/// Dropped instead of loaded, it leaves nothing; loaded, its maps are those that were there.
#[test]
fn dropping_takes_everything_back() {
    let door = Arc::new(Fake::new());
    let spec = spec("tests/pinned.bpf.o");
    let pinned = |kernel: &Kernel| {
        let path = std::path::Path::new("/sys/fs/bpf/oxbpf_test_pinned");
        kernel.obj_get(path, oxbpf::OpenFlags::empty()).is_ok()
    };
    let (prepared, recorder) = prepare(&spec, door.clone());
    let kernel = Kernel::with_door(recorder);
    assert!(pinned(&kernel));
    drop(prepared);
    assert!(!pinned(&kernel));
    assert_eq!(door.open_objects(), 0);

    let (prepared, _) = prepare(&spec, door);
    let before = prepared.map("oxbpf_test_pinned").unwrap().as_fd().as_raw_fd();
    let object = prepared.load().unwrap();
    assert!(pinned(&kernel));
    assert_eq!(object.map("oxbpf_test_pinned").unwrap().as_fd().as_raw_fd(), before);
}

/// Copies are programs of their own, and change nothing of what is prepared.
#[test]
fn copies_are_loaded_beside() {
    let spec = spec("tests/subprogs.bpf.o");
    let (mut prepared, recorder) = prepare(&spec, Arc::new(Fake::new()));
    recorder.take();
    let copy = prepared
        .load_copy("first", |program| {
            program.name = "copy".into();
            program.flags = ProgramFlags::TEST_RND_HI32;
            program.log_level = 1;
        })
        .unwrap();
    assert_eq!((copy.name(), copy.flags()), ("copy", ProgramFlags::TEST_RND_HI32));
    assert!(copy.log().is_some());
    let [call] = &recorder.take()[..] else { panic!("one call, and no constants bound") };
    let insns = Insn::native_bytes(&prepared.images()[0].insns);
    assert_eq!((&*call.what, call.bytes("insns")), ("copy", Some(insns)));
    // A program that is changed is copied as it is changed.
    prepared.image_mut("first").unwrap().insns[0] = Insn::mov64_imm(0, 3);
    prepared.load_copy("first", |_| ()).unwrap();
    assert_eq!(&recorder.take()[0].bytes("insns").unwrap()[..8], [0xb7, 0, 0, 0, 3, 0, 0, 0]);
    let error = prepared.load_copy("no_such_program", |_| ()).unwrap_err();
    assert!(matches!(error, Error::NoSuchProgram { .. }), "{error}");
    let object = prepared.load().unwrap();
    assert_eq!((object.programs().len(), copy.name()), (3, "copy"));
}
