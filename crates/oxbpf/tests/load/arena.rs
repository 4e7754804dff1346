//! Variables that programs and user space share, in arenas and in maps of another size; maps of one program only.

use oxbpf::{Arena, Errno, LoadOptions, Map, MapType, Object};
use oxbpf_testing::{Need, Suite, TestResult, testdata};

pub(crate) fn tests(suite: &mut Suite) {
    let arenas = Need::That("needs arenas (Linux 6.9 with a JIT for them)", has_arenas);
    suite.test("arena::variables", &[Need::Bpf, arenas], variables);
    suite.test("arena::at_an_address", &[Need::Bpf, arenas], at_an_address);
    suite.test("maps::resized", &[Need::Bpf, Need::Kernel(5, 14)], resized);
    suite.test("maps::exclusive", &[Need::Bpf, Need::Kernel(6, 18)], exclusive);
}

pub(crate) fn has_arenas() -> bool {
    Object::load(&spec("tests/arena.bpf.o"), &LoadOptions::default()).is_ok()
}

fn spec(name: &str) -> oxbpf::ObjectSpec {
    oxbpf::open(testdata(name)).unwrap()
}

fn run(object: &Object, program: &str) -> TestResult {
    object.program(program)?.test_run().run()?;
    Ok(())
}

/// Both sides see the same variables, at the same addresses.
fn variables() -> TestResult {
    let mut spec = spec("tests/arena.bpf.o");
    spec.set_global("counter", &100_u64)?;
    let object = Object::load(&spec, &LoadOptions::default())?;
    let counter = object.global("counter")?;
    assert_eq!(counter.map().map_type(), MapType::ARENA);
    assert_eq!(counter.get::<u64>()?, 100);
    run(&object, "count")?;
    assert_eq!(counter.get::<u64>()?, 102, "by the static one, which is 2");
    assert_eq!(object.global("zero")?.get::<u64>()?, 1);
    let table = object.global("table")?.bytes()?;
    assert_eq!((table.len(), table[0], table[4999]), (5000, 1, 9), "the last on the second page");
    assert_eq!(object.global("runs")?.get::<u64>()?, 1);
    counter.set(&7_u64)?;
    run(&object, "count")?;
    assert_eq!(counter.get::<u64>()?, 9);

    run(&object, "chain")?;
    let arena = Arena::new(counter.map())?;
    let mut at = object.global("first")?.get::<u64>()?;
    let mut values = Vec::new();
    while let Some(node) = arena.offset_of(at).filter(|_| at != 0) {
        let number = |offset| arena.memory().load_u64(node + offset).ok_or("inside");
        values.push(number(0)?);
        at = number(8)?;
    }
    assert_eq!(values, [3, 2, 1], "pointers of programs are pointers here");
    Ok(())
}

fn at_an_address() -> TestResult {
    const ADDRESS: u64 = 1 << 45;
    let mut spec = spec("tests/arena.bpf.o");
    let arena = spec.map_mut("arena").ok_or("it is there")?;
    arena.map_extra = ADDRESS;
    let object = Object::load(&spec, &LoadOptions::default())?;
    run(&object, "count")?;
    assert_eq!(object.global("counter")?.get::<u64>()?, 42);
    assert_eq!(Arena::new(object.map("arena")?)?.address(), ADDRESS);
    // The address is taken.
    let error = Object::load(&spec, &LoadOptions::default()).expect_err("twice");
    assert_eq!(error.errno(), Some(Errno::EEXIST), "{error}");
    drop(object);
    Object::load(&spec, &LoadOptions::default())?;
    Ok(())
}

/// The array at the end of a section has as many elements as the loader says.
fn resized() -> TestResult {
    let mut spec = spec("tests/resized.bpf.o");
    let at = spec.global("samples").ok_or("it is there")?.offset;
    spec.set_global("count", &500_u32)?;
    // With one element the verifier does not let the program have 500.
    let error = Object::load(&spec, &LoadOptions::default()).expect_err("out of bounds");
    assert!(matches!(error, oxbpf::Error::Rejected(_)), "{error}");
    assert!(spec.set_value_size(".data.samples", at + 4 * 1000)?.is_none());
    let object = Object::load(&spec, &LoadOptions::default())?;
    run(&object, "fill")?;
    assert_eq!(object.global("sum")?.get::<u64>()?, (0..500).map(|i| i * 3).sum());
    let bytes = object.global("samples")?.bytes()?;
    let samples: Vec<u32> =
        bytes.chunks_exact(4).map(|raw| u32::from_ne_bytes(raw.try_into().expect("4 bytes"))).collect();
    assert_eq!((samples.len(), samples[499], samples[500]), (1000, 1497, 0));
    let info = object.map(".data.samples")?.info()?;
    assert_eq!(info.value_size, at + 4000);
    assert_ne!(info.btf_value_type_id, 0, "its types fit");

    // Types that do not fit are left out; programs do not need them.
    assert!(spec.set_value_size(".data.fixed", 64)?.is_some());
    let object = Object::load(&spec, &LoadOptions::default())?;
    let info = object.map(".data.fixed")?.info()?;
    assert_eq!((info.value_size, info.btf_value_type_id), (64, 0));
    Ok(())
}

fn exclusive() -> TestResult {
    let mut spec = spec("tests/exclusive.bpf.o");
    spec.map_mut("own").ok_or("it is there")?.exclusive = Some("owner".into());
    let object = Object::load(&spec, &LoadOptions::default())?;
    run(&object, "owner")?;
    let own: &Map = object.map("own")?;
    assert_eq!(own.lookup(&1_u32.to_ne_bytes())?, Some(6_u64.to_ne_bytes().to_vec()));
    // The hash is that of one program.
    spec.program_mut("other").ok_or("it is there")?.autoload = true;
    let error = Object::load(&spec, &LoadOptions::default()).expect_err("it has an owner");
    assert!(error.to_string().starts_with("program other"), "{error}");
    assert_eq!(error.errno(), Some(Errno::EACCES), "{error}");
    // And what was given to another is not taken either.
    let mut second = spec.clone();
    second.program_mut("owner").ok_or("it is there")?.autoload = false;
    second.map_mut("own").ok_or("it is there")?.exclusive = None;
    let options = LoadOptions { maps: [("own".to_owned(), own.clone())].into(), ..LoadOptions::default() };
    assert!(Object::load(&second, &options).is_err());
    Ok(())
}
