//! Which calls a load makes, in which order, with which attributes.

use std::sync::Arc;

use oxbpf::sys::doors::Fake;
use oxbpf::sys::uapi::{BtfLoadAttr, MapCreateAttr, MapElemAttr, ProgLoadAttr};
use oxbpf::{AttachType, MapType, ProgramType};

use crate::{lines, load, named, spec};

fn fake() -> Arc<Fake> {
    Arc::new(Fake::new())
}

/// A load on a recent kernel makes one call for each thing that is made, and none to find out what the kernel has.
#[test]
fn no_call_too_many() {
    let (object, calls) = load(&spec("execsnoop.bpf.o"), fake());
    object.unwrap();
    assert_eq!(
        lines(&calls),
        ["BPF_BTF_LOAD", "BPF_MAP_CREATE events", "BPF_MAP_CREATE execsnoo.bss", "BPF_PROG_LOAD on_exec",]
    );
}

#[test]
fn variables_are_filled_in_and_constants_frozen() {
    let (object, calls) = load(&spec("tests/globals.bpf.o"), fake());
    object.unwrap();
    let text = lines(&calls);
    let at = |line: &str| text.iter().position(|l| l == line).unwrap_or_else(|| panic!("{line}: {text:#?}"));
    let rodata = at("BPF_MAP_CREATE globals.rodata");
    assert_eq!(calls[rodata + 1].name, "BPF_MAP_UPDATE_ELEM");
    assert_eq!(calls[rodata + 2].name, "BPF_MAP_FREEZE");
    let create: MapCreateAttr = calls[rodata].view();
    let update: MapElemAttr = calls[rodata + 1].view();
    assert_eq!(create.map_type, MapType::ARRAY.0);
    assert_ne!(create.btf_value_type_id, 0);
    assert_eq!(calls[rodata + 1].bytes("value").unwrap().len(), create.value_size as usize);
    assert_eq!(update.flags, 0);
    // All zeros are left to the kernel.
    let bss = at("BPF_MAP_CREATE globals.bss");
    assert_ne!(calls.get(bss + 1).map(|call| call.name), Some("BPF_MAP_UPDATE_ELEM"));
    assert_eq!(named(&calls, "BPF_MAP_FREEZE").len(), 2);
}

#[test]
fn programs_come_with_their_types_and_lines() {
    let (object, calls) = load(&spec("tests/subprogs.bpf.o"), fake());
    object.unwrap();
    let btf: BtfLoadAttr = calls[0].view();
    assert_eq!((calls[0].name, btf.btf_log_level), ("BPF_BTF_LOAD", 0));
    for load in named(&calls, "BPF_PROG_LOAD") {
        let attr: ProgLoadAttr = load.view();
        assert_ne!(attr.prog_btf_fd, 0);
        assert_eq!((attr.func_info_rec_size, attr.line_info_rec_size), (8, 16));
        // The program itself and each function it reaches.
        let functions = match &*load.what {
            "first" => 2,
            "second" => 4,
            "third" => 3,
            other => panic!("{other}"),
        };
        assert_eq!(attr.func_info_cnt, functions, "{}", load.what);
        assert_eq!((attr.log_level, attr.log_size), (0, 0));
        assert_eq!(load.bytes("license"), Some(&b"Dual MIT/GPL\0"[..]));
        let offsets: Vec<u32> = records(load.bytes("func_info").unwrap(), 8);
        assert_eq!(offsets[0], 0);
        assert!(offsets.is_sorted() && offsets.iter().all(|offset| *offset < attr.insn_cnt), "{offsets:?}");
        let lines: Vec<u32> = records(load.bytes("line_info").unwrap(), 16);
        assert!(lines.is_sorted() && lines.iter().all(|line| *line < attr.insn_cnt), "{lines:?}");
    }
}

/// The first number of each record.
fn records(bytes: &[u8], size: usize) -> Vec<u32> {
    bytes.chunks_exact(size).map(|record| u32::from_ne_bytes(record[..4].try_into().unwrap())).collect()
}

#[test]
fn types_and_attach_types_follow_from_the_sections() {
    let (object, calls) = load(&spec("cgroup_egress.bpf.o"), fake());
    object.unwrap();
    let attr: ProgLoadAttr = named(&calls, "BPF_PROG_LOAD")[0].view();
    assert_eq!(attr.prog_type, ProgramType::CGROUP_SKB.0);
    assert_eq!(attr.expected_attach_type, AttachType::CGROUP_INET_EGRESS.0);
}

#[test]
fn maps_are_what_the_source_says_or_the_loader_makes_of_it() {
    let (object, calls) = load(&spec("tests/maps.bpf.o"), fake());
    object.unwrap();
    let create = |name: &str| -> MapCreateAttr {
        named(&calls, "BPF_MAP_CREATE").iter().find(|call| call.what == name).unwrap().view()
    };
    assert_eq!(create("perf").max_entries, 4, "the fake kernel has four CPUs");
    assert_eq!(create("ringbuf").max_entries, 8192, "5000 bytes, rounded up");
    let hash = create("hash");
    assert_ne!((hash.btf_fd, hash.btf_key_type_id, hash.btf_value_type_id), (0, 0, 0));
    let traces = create("stacks");
    assert_eq!((traces.btf_fd, traces.btf_key_type_id, traces.btf_value_type_id), (0, 0, 0));
    assert_eq!(create("by_size").btf_fd, 0, "sizes alone say nothing of types");
}

#[test]
fn inner_maps_go_and_slots_are_filled_in_after_all_maps_are_there() {
    let (object, calls) = load(&spec("tests/inner_maps.bpf.o"), fake());
    let object = object.unwrap();
    let updates = named(&calls, "BPF_MAP_UPDATE_ELEM");
    let last_map = calls.iter().rposition(|call| call.name == "BPF_MAP_CREATE").unwrap();
    let first_slot = calls.iter().position(|call| call.name == "BPF_MAP_UPDATE_ELEM").unwrap();
    let first_program = calls.iter().position(|call| call.name == "BPF_PROG_LOAD").unwrap();
    assert!(last_map < first_slot && first_slot < first_program);
    assert_eq!(updates.len(), 3, "two maps and one program");
    assert_eq!(calls.last().unwrap().name, "BPF_MAP_UPDATE_ELEM", "programs last");
    let outer: MapCreateAttr = named(&calls, "BPF_MAP_CREATE")
        .iter()
        .find(|call| call.what == "outer_hash")
        .map(|call| call.view())
        .unwrap();
    assert_ne!(outer.inner_map_fd, 0);
    assert_eq!((outer.btf_fd, outer.value_size), (0, 4));
    assert_eq!(object.maps().len(), 5);
}

/// Dropping an object gives everything back; what is cloned from it lives on.
#[test]
fn descriptors_live_as_long_as_their_owners() {
    let door = fake();
    let (object, _) = load(&spec("execsnoop.bpf.o"), door.clone());
    let object = object.unwrap();
    // Two maps and a program: the kernel holds on to their types by itself.
    assert_eq!(door.open_objects(), 3);
    let (program, map) = (object.programs()[0].clone(), object.maps()[0].clone());
    drop(object);
    assert_eq!(door.open_objects(), 2);
    drop(program);
    assert_eq!(door.open_objects(), 1);
    drop(map);
    assert_eq!(door.open_objects(), 0);
}

#[test]
fn owners_may_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<oxbpf::Object>();
    anywhere::<oxbpf::Program>();
    anywhere::<oxbpf::Map>();
    anywhere::<oxbpf::Error>();
}
