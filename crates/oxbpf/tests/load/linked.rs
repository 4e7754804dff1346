//! Objects made of several.

use oxbpf::{LoadOptions, Object};
use oxbpf_testing::{Need, Suite, TestResult, testdata};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::programs::run;

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::NetAdmin, Need::KernelBtf, Need::Kernel(5, 10)];
    suite.test("linked::behave_as_one", &needs, || behave(["one", "two"]));
    suite.test("linked::behave_as_one_in_the_other_order", &needs, || behave(["two", "one"]));
    let arenas = Need::That("needs arenas (Linux 6.9 with a JIT for them)", crate::arena::has_arenas);
    suite.test("linked::share_an_arena", &[Need::Bpf, arenas], || arena(["arena_one", "arena_two"]));
    let arenas = Need::That("needs arenas (Linux 6.9 with a JIT for them)", crate::arena::has_arenas);
    suite.test("linked::share_an_arena_in_the_other_order", &[Need::Bpf, arenas], || {
        arena(["arena_two", "arena_one"])
    });
}

#[derive(FromBytes, IntoBytes, Immutable, Debug, PartialEq)]
#[repr(C)]
struct Totals {
    runs: u32,
    _pad: u32,
    sum: u64,
}

fn linked(order: [&str; 2]) -> Result<Object, Box<dyn std::error::Error + Send + Sync>> {
    let linked = oxbpf::link_objects(order.map(|name| testdata(format!("linked/{name}.bpf.o"))))?;
    Ok(Object::load(&oxbpf::ObjectSpec::parse_named("linked", &linked)?, &LoadOptions::default())?)
}

/// Programs of both objects work on the same variables, but for those that are static.
fn arena(order: [&str; 2]) -> TestResult {
    let object = linked(order)?;
    let mine = || object.global("mine")?.get::<u64>();
    assert_eq!(mine()?, 40);
    object.program("add_one")?.test_run().run()?;
    // Its own step of 2, and the level that is not weak.
    assert_eq!(mine()?, 40 + 2 + 5);
    object.program("add_two")?.test_run().run()?;
    assert_eq!(mine()?, 47 + 3 + 5);
    let table = object.global("table")?.bytes()?;
    assert_eq!((table.len(), table[0], table[99]), (100, 8, 8));
    Ok(())
}

/// What the programs leave behind in the variables and maps of both objects.
fn behave(order: [&str; 2]) -> TestResult {
    let object = linked(order)?;
    let global = |name: &str| -> oxbpf::Result<i32> { object.global(name)?.get() };

    assert_eq!(run(&object, "run_one")?, 2, "XDP_PASS");
    // The variable and function that are not weak, of two.bpf.c: factor * 10.
    assert_eq!(object.global("totals")?.get::<Totals>()?, Totals { runs: 1, _pad: 0, sum: 70 });
    // in_one + base.
    let counted = object.map("counts")?.lookup(&1_u32.to_ne_bytes())?;
    assert_eq!(counted.as_deref(), Some(Totals { runs: 1, _pad: 0, sum: 5 + 30 }.as_bytes()));
    // Each object's own: one.bpf.c counts from 100 by one, two.bpf.c from 200 by two.
    assert_eq!(global("result_one")?, 20 * 101 + i32::from(b'o'));
    assert_eq!(run(&object, "run_two")?, 2, "XDP_PASS");
    assert_eq!(global("result_two")?, 2 * 202 + i32::from(b't'));
    assert_eq!(global("in_one")?, 6);
    let slot = object.map("slots")?.lookup(&1_u32.to_ne_bytes())?;
    let slot = slot.ok_or("slots has no second element")?;
    let hz = object.kernel().config("CONFIG_HZ")?.unwrap_or_default();
    assert_eq!(u64::from_ne_bytes(slot[..8].try_into()?).to_string(), hz);

    assert_eq!(run(&object, "run_one")?, 2);
    assert_eq!(object.global("totals")?.get::<Totals>()?, Totals { runs: 2, _pad: 0, sum: 140 });
    Ok(())
}
