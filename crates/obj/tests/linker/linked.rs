//! Two objects that need each other.

use oxbpf_obj::{ObjectSpec, insn::disassemble};

use crate::{common, link, link_bytes, object, parse};

fn names<T>(of: &[T], name: impl Fn(&T) -> &str) -> Vec<&str> {
    of.iter().map(name).collect()
}

#[test]
fn each_thing_is_there_once() {
    let spec = parse(&link(&["one", "two"]).unwrap());
    assert_eq!(names(&spec.programs, |p| &p.name), ["run_one", "run_two"]);
    let mut maps = names(&spec.maps, |m| &m.name);
    maps.sort_unstable();
    assert_eq!(maps, ["counts", "linked.bss", "linked.data", "linked.kconfig", "linked.rodata", "slots"]);
    let mut globals: Vec<_> = spec.globals().map(|global| global.name.to_owned()).collect();
    globals.sort();
    for name in ["in_one", "base", "totals", "factor", "result_one", "result_two"] {
        assert_eq!(globals.iter().filter(|global| *global == name).count(), 1, "{name}: {globals:?}");
    }
    let externs = names(&spec.externs, |e| &e.name);
    assert_eq!(externs, ["CONFIG_HZ", "nowhere"]);
    assert_eq!(spec.license, "Dual MIT/GPL");
}

/// The first bytes of the variable `base`.
fn base(spec: &ObjectSpec) -> Vec<u8> {
    let base = spec.global("base").unwrap();
    let mut bytes = vec![0; base.size as usize];
    spec.maps[base.map].data().unwrap().read(base.offset, &mut bytes);
    bytes
}

/// What the programs do, as the kernel gets it.
fn programs(spec: &ObjectSpec) -> Vec<String> {
    let images = common::link(spec).unwrap();
    images.iter().map(|image| disassemble(&image.insns).map(|l| format!("{l}\n")).collect()).collect()
}

#[test]
fn the_order_does_not_matter_to_programs() {
    let (a, b) = (parse(&link(&["one", "two"]).unwrap()), parse(&link(&["two", "one"]).unwrap()));
    assert_eq!(names(&b.programs, |p| &p.name), ["run_two", "run_one"]);
    for (a, b) in programs(&a).iter().zip(programs(&b).iter().rev()) {
        // Only places in data and constants differ.
        assert_eq!(a.lines().count(), b.lines().count());
        let calls = |text: &str| text.lines().filter(|l| l.contains("call")).count();
        assert_eq!(calls(a), calls(b));
        assert!(calls(a) > 2);
    }
}

#[test]
fn the_definition_that_is_not_weak_counts() {
    for order in [["one", "two"], ["two", "one"]] {
        let spec = parse(&link(&order).unwrap());
        assert_eq!(base(&spec), 30_i32.to_le_bytes(), "{order:?}");
        // x * 10, not x + 1.
        let text = programs(&spec).join("");
        assert!(text.contains("*= 10") && !text.contains("+= 1\nexit"), "{order:?}: {text}");
    }
}

#[test]
fn the_same_bytes_every_time() {
    assert_eq!(link(&["one", "two"]).unwrap(), link(&["one", "two"]).unwrap());
    // And nothing is left to do for another run.
    let linked = link(&["two", "one"]).unwrap();
    let again = link_bytes(&[("linked", linked.clone())]).unwrap();
    assert_eq!(programs(&parse(&again)), programs(&parse(&linked)));
    assert_eq!(parse(&again).maps, parse(&linked).maps);
}

#[test]
fn step_by_step_is_as_good_as_at_once() {
    let one = link(&["one"]).unwrap();
    let linked = link_bytes(&[("one", one), ("two", object("two"))]).unwrap();
    let at_once = parse(&link(&["one", "two"]).unwrap());
    assert_eq!(programs(&parse(&linked)), programs(&at_once));
}

#[test]
fn both_byte_orders() {
    let big = parse(&link(&["big_endian_one", "big_endian_two"]).unwrap());
    let little = parse(&link(&["one", "two"]).unwrap());
    assert_eq!(big.endian, oxbpf_obj::Endian::Big);
    // clang takes another way to one of the fields of `totals`, in one of the programs.
    assert_eq!(programs(&big)[1], programs(&little)[1]);
    let calls = |spec: &ObjectSpec| programs(spec)[0].lines().filter(|line| line.contains("call")).count();
    assert_eq!(calls(&big), calls(&little));
    assert_eq!(base(&big), 30_i32.to_be_bytes());
}

#[test]
fn types_are_there_once() {
    let linked = parse(&link(&["one", "two"]).unwrap());
    let btf = linked.btf.unwrap();
    for name in ["totals", "int", "unsigned int", "counts", "xdp_md"] {
        let of_name = btf.types().filter(|ty| ty.name() == name && ty.kind() != oxbpf_btf::Kind::Var);
        assert_eq!(of_name.count(), 1, "{name}");
    }
}

#[test]
fn every_object_survives_alone() {
    for path in common::objects() {
        let bytes = std::fs::read(&path).unwrap();
        let name = path.to_string_lossy();
        let before = parse(&bytes);
        let linked = link_bytes(&[(&name, bytes)]);
        if before.btf.is_none() {
            assert!(linked.unwrap_err().to_string().ends_with("(compile with -g)"));
            continue;
        }
        let after = parse(&linked.unwrap());
        assert_eq!(programs(&before), programs(&after), "{name}");
        assert_eq!(before.maps.len(), after.maps.len(), "{name}");
    }
}

#[test]
fn what_is_referred_to_can_be_weak() {
    // user.bpf.o refers to what the others define, one weak, and does not say that it may be weak.
    for order in [["weak", "user", "strong"], ["user", "weak", "strong"], ["strong", "user", "weak"]] {
        let spec = parse(&link(&order).unwrap());
        let value = spec.global("value").unwrap();
        let mut bytes = [0; 4];
        spec.maps[value.map].data().unwrap().read(value.offset, &mut bytes);
        assert_eq!(i32::from_le_bytes(bytes), 2, "{order:?}");
    }
}
