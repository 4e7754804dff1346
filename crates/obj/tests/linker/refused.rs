//! Objects that do not fit together, and what is said of them.

use oxbpf_obj::{LinkerProblem, StaticLinker};

use crate::{link, object};

fn refused(names: &[&str]) -> String {
    link(names).unwrap_err().to_string()
}

#[test]
fn two_definitions() {
    let text = "duplicate: symbol totals: it is defined here and in two; one of them could be weak (__weak) or static";
    assert_eq!(refused(&["two", "duplicate"]), text);
    assert!(refused(&["two", "two"]).starts_with("two: symbol "));
}

#[test]
fn another_type() {
    assert_eq!(
        refused(&["two", "other_type"]),
        "other_type: symbol totals: declared as `struct totals totals`, but as `struct totals totals` in two: \
         bits before field `sum`: 32 here, 64 there"
    );
    assert_eq!(
        refused(&["two", "other_function"]),
        "other_function: symbol add: declared as `int add(int, struct totals *)`, but as `int add(int a, int b)` in \
         two: parameter 2: a pointer here, int (4 bytes) there"
    );
}

#[test]
fn an_extern_that_is_there_first() {
    let text = refused(&["other_type", "two"]);
    assert!(text.starts_with("two: symbol totals: declared as `struct totals totals`"), "{text}");
    assert!(text.ends_with("bits before field `sum`: 64 here, 32 there"), "{text}");
}

#[test]
fn another_map() {
    assert_eq!(
        refused(&["two", "other_map"]),
        "other_map: symbol counts: the map's max_entries is 16, but 8 in two"
    );
}

#[test]
fn another_section() {
    assert_eq!(
        refused(&["two", "other_section"]),
        "other_section: symbol totals: it is in section .ksyms, but in .bss in two"
    );
}

#[test]
fn another_license() {
    assert_eq!(
        refused(&["one", "other_license"]),
        "other_license: section license: it is \"GPL\", but \"Dual MIT/GPL\" in one; objects that are linked need \
         the same"
    );
}

#[test]
fn another_byte_order() {
    assert_eq!(refused(&["one", "big_endian_two"]), "big_endian_two: it is big-endian, and one is not");
    assert_eq!(refused(&["big_endian_one", "two"]), "two: it is little-endian, and big_endian_one is not");
}

#[test]
fn a_map_that_nobody_defines_is_said_when_it_is_opened() {
    let linked = link(&["one"]).unwrap();
    let error = oxbpf_obj::ObjectSpec::parse(&linked).unwrap_err().to_string();
    assert!(error.contains("counts"), "{error}");
}

#[test]
fn nothing_comes_of_a_linker_that_failed() {
    let mut linker = StaticLinker::new();
    linker.add("two", &object("two")).unwrap();
    linker.add("duplicate", &object("duplicate")).unwrap_err();
    let error = linker.add("one", &object("one")).unwrap_err();
    assert!(matches!(*error.problem, LinkerProblem::Broken), "{error}");
    assert_eq!(
        linker.finish().unwrap_err().to_string(),
        "linked object: an object before it could not be added"
    );
    let nothing = StaticLinker::new().finish().unwrap_err();
    assert!(matches!(*nothing.problem, LinkerProblem::Nothing));
}
