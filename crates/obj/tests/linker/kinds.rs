//! Objects of every kind that can be linked: struct_ops, arenas, jump tables, what the kernel is asked for.

use object::{Object as _, ObjectSection as _};
use oxbpf_obj::{Endian, ExternKind, LinkOptions, ObjectSpec};

use crate::common::elf::{File, LOCAL};
use crate::{common, link, link_bytes, parse};

fn linked(names: &[&str]) -> ObjectSpec {
    parse(&link(names).unwrap_or_else(|error| panic!("{error}")))
}

/// The programs of a struct_ops map, by the order of their fields' names.
fn functions<'s>(spec: &'s ObjectSpec, map: &str) -> Vec<&'s str> {
    spec.map(map).unwrap().struct_ops().unwrap().programs.values().map(String::as_str).collect()
}

#[test]
fn struct_ops_have_functions_of_other_objects() {
    for order in [["ops_one", "ops_two"], ["ops_two", "ops_one"]] {
        let spec = linked(&order);
        assert_eq!(spec.programs.len(), 7, "{order:?}");
        for (map, of, init, autocreate) in [
            ("old_one", "one", Some("init_one"), true),
            ("new_one", "one", None, true),
            ("new_two", "two", None, true),
            ("old_two", "two", Some("init_two"), false),
            ("off_two", "two", Some("init_two"), false),
        ] {
            let (avoid, ssthresh) = (format!("cong_avoid_{of}"), format!("ssthresh_{of}"));
            let expected = [Some(avoid.as_str()), init, Some(&ssthresh), Some("undo_two")];
            let expected: Vec<&str> = expected.into_iter().flatten().collect();
            assert_eq!(functions(&spec, map), expected, "{order:?}: {map}");
            assert_eq!(spec.map(map).unwrap().autocreate, autocreate, "{order:?}: {map}");
        }
        let loaded = |name: &str| spec.program(name).unwrap().autoload;
        assert!(loaded("init_one") && !loaded("init_two"), "{order:?}");
        assert!(spec.global("inits").is_some());
    }
}

#[test]
fn variables_of_an_arena_are_there_once() {
    for order in [["arena_one", "arena_two"], ["arena_two", "arena_one"]] {
        let spec = linked(&order);
        let arena = spec.maps.iter().position(|map| map.name == "arena").unwrap();
        let mut globals: Vec<_> = spec.globals().filter(|global| global.map == arena).collect();
        globals.sort_by_key(|global| global.offset);
        let mut names: Vec<_> = globals.iter().map(|global| global.name.as_str()).collect();
        // Static, of the same name: each object has its own.
        assert_eq!(names.iter().filter(|name| **name == "step").count(), 2, "{order:?}: {names:?}");
        names.sort_unstable();
        names.dedup();
        // The weak `level` of arena_one stays, unused and without a name.
        assert_eq!(names, ["level", "mine", "step", "table"], "{order:?}");
        for pair in globals.windows(2) {
            assert!(pair[0].offset + pair[0].size <= pair[1].offset, "{order:?}: {pair:?}");
        }
        let bytes = |name: &str| {
            let global = globals.iter().find(|global| global.name == name).unwrap();
            let mut bytes = vec![0; global.size as usize];
            spec.maps[arena].data().unwrap().read(global.offset, &mut bytes);
            bytes
        };
        assert_eq!(bytes("mine"), 40_u64.to_le_bytes(), "{order:?}");
        assert_eq!(bytes("level"), 5_u32.to_le_bytes(), "{order:?}");
        assert_eq!((bytes("table")[99], bytes("table").len()), (7, 100), "{order:?}");
    }
}

#[test]
fn a_variable_of_an_arena_that_nobody_defines() {
    let error = ObjectSpec::parse(&link(&["arena_one"]).unwrap()).unwrap_err().to_string();
    assert!(error.contains("extern table"), "{error}");
}

/// The instructions that the tables of a program lead to, each counted from the start of its function.
fn jumps(spec: &ObjectSpec, program: &str) -> Vec<Vec<u32>> {
    let images = spec.link(&LinkOptions::default()).unwrap();
    let image = images.iter().find(|image| spec.programs[image.program].name == program).unwrap();
    let start = |insn: u32| {
        let starts = image.functions.iter().map(|(_, start)| *start as u32);
        starts.filter(|start| *start <= insn).max().unwrap()
    };
    image.jump_tables.iter().map(|table| table.targets().map(|insn| insn - start(insn)).collect()).collect()
}

#[test]
fn jump_tables_lead_where_the_code_is() {
    let alone: Vec<_> = ["one", "two"]
        .iter()
        .flat_map(|n| {
            let spec = parse(&common::bytes(&format!("linked/jumps_{n}.bpf.o")));
            [jumps(&spec, &format!("jump_{n}")), jumps(&spec, &format!("call_{n}"))]
        })
        .collect();
    assert_eq!(alone, vec![vec![vec![10, 8]]; 4]);
    for order in [["jumps_one", "jumps_two"], ["jumps_two", "jumps_one"]] {
        let spec = linked(&order);
        for program in ["jump_one", "jump_two", "call_one", "call_two"] {
            assert_eq!(jumps(&spec, program), [[10, 8]], "{order:?}: {program}");
        }
    }
    // Linked a second time they stay where they are; behind another object they move once more.
    let first = common::bytes("tests/jump_tables.bpf.o");
    let both = link(&["jumps_one", "jumps_two"]).unwrap();
    let spec = parse(&link_bytes(&[("first", first), ("both", both)]).unwrap());
    for program in ["first", "second", "third", "jump_one", "jump_two", "call_one", "call_two"] {
        assert_eq!(jumps(&spec, program), [[10, 8]], "{program}");
    }
}

/// The entries of the tables of a file that is linked with itself, and how long its parts of `xdp` and `.text` are.
fn tables_of_two(mut file: File) -> (Vec<u64>, u64, u64) {
    // Without types there can be no globals.
    file.symbols.iter_mut().for_each(|symbol| symbol.bind = LOCAL);
    let linked = link_bytes(&[("first", file.build()), ("second", file.build())]).unwrap();
    let linked = object::File::parse(&*linked).unwrap();
    let data = |name: &str| linked.section_by_name(name).unwrap().data().unwrap();
    let entries = data(".jumptables").as_chunks::<8>().0.iter().map(|entry| match file.endian {
        Endian::Little => u64::from_le_bytes(*entry),
        Endian::Big => u64::from_be_bytes(*entry),
    });
    (entries.collect(), data("xdp").len() as u64 / 2, data(".text").len() as u64 / 2)
}

#[test]
fn jump_tables_in_both_byte_orders() {
    for endian in [Endian::Little, Endian::Big] {
        let (entries, xdp, text) = tables_of_two(File::jump_tables(endian, [48, 56, 40, 48]));
        // The first table leads into the section of the program, the second into .text.
        assert_eq!(entries, [48, 56, 40, 48, 48 + xdp, 56 + xdp, 40 + text, 48 + text], "{endian:?}");
    }
}

#[test]
fn tables_that_overlap_are_moved_once() {
    let mut file = File::jump_tables(Endian::Little, [48, 56, 40, 48]);
    // The second takes in half of the first.
    let second = file.symbols.iter_mut().find(|symbol| symbol.name == "BPF.JT.1.0").unwrap();
    (second.value, second.size) = (8, 24);
    let (entries, xdp, text) = tables_of_two(file.clone());
    let moved = [48 + xdp, 56 + xdp, 40 + text, 48 + text];
    assert_eq!(entries, [[48, 56, 40, 48], moved].concat());
    // One that goes beyond the section's end is left alone.
    file.symbols.iter_mut().find(|symbol| symbol.name == "BPF.JT.1.0").unwrap().size = 32;
    let (entries, xdp, _) = tables_of_two(file);
    assert_eq!(entries[4..], [48 + xdp, 56 + xdp, 40, 48]);
}

#[test]
fn externs_of_several_objects_are_there_once() {
    let orders = [
        ["many_one", "many_two", "many_three"],
        ["many_three", "many_two", "many_one"],
        ["many_two", "many_three", "many_one"],
    ];
    for order in orders {
        let spec = linked(&order);
        let mut externs: Vec<_> = spec.externs.iter().map(|e| (&*e.name, e.weak)).collect();
        externs.sort_unstable();
        // Who says that it has to be there decides.
        let expected = [
            ("CONFIG_BPF_SYSCALL", true),
            ("CONFIG_HZ", false),
            ("LINUX_KERNEL_VERSION", false),
            ("bpf_rcu_read_lock", true),
            ("nowhere", true),
        ];
        assert_eq!(externs, expected, "{order:?}");
        let function = spec.externs.iter().find(|e| e.name == "bpf_rcu_read_lock").unwrap();
        assert_eq!(function.kind, ExternKind::KsymFunc);
        assert_eq!(spec.maps.iter().filter(|map| map.name == "counts").count(), 1, "{order:?}");
        assert_eq!(spec.kernel_version, 7, "{order:?}");
        assert_eq!(spec.programs.len(), 3);
    }
}

#[test]
fn what_is_wanted_of_the_kernel_is_not_found_elsewhere() {
    let refused = |names: &[&str]| link(names).unwrap_err().to_string();
    for (name, symbol, (wanted, defined)) in [
        ("met_config", "CONFIG_HZ", (".kconfig", ".data")),
        ("met_externs", "bpf_rcu_read_lock", (".ksyms", ".text")),
    ] {
        assert_eq!(
            refused(&["many_one", name]),
            format!("{name}: symbol {symbol}: it is in section {defined}, but in {wanted} in many_one")
        );
        assert_eq!(
            refused(&[name, "many_one"]),
            format!("many_one: symbol {symbol}: it is in section {wanted}, but in {defined} in {name}")
        );
    }
}

#[test]
fn another_version() {
    assert_eq!(
        link(&["many_one", "other_version"]).unwrap_err().to_string(),
        "other_version: section version: it is [08, 00, 00, 00], but [07, 00, 00, 00] in many_one; objects that are \
         linked need the same"
    );
    // An object without one has nothing against it.
    assert_eq!(linked(&["many_three", "many_one"]).kernel_version, 7);
}
