//! What the kernel gives to objects: its configuration, symbols and functions.

use oxbpf::{Error, LoadOptions, Object};
use oxbpf_testing::{Need, Skip, Suite, TestResult, testdata};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::programs::run;

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::NetAdmin, Need::KernelBtf, Need::Kernel(5, 10)];
    suite.test("externs::are_what_the_kernel_says", &needs, values);
    let variables = [Need::Bpf, Need::NetAdmin, Need::KernelBtf, Need::Kernel(5, 11)];
    suite.test("externs::variables_by_type", &variables, variable);
    suite.test(
        "externs::of_a_module",
        &[Need::Bpf, Need::NetAdmin, Need::KernelBtf, Need::Kernel(6, 0)],
        of_a_module,
    );
    suite.test("externs::configuration_by_the_caller", &needs, given);
    suite.test("externs::all_that_is_missing_is_named", &needs, missing);
    suite.test("externs::unused_ones_may_be_missing", &needs, unused);
}

/// The variable `seen` of the object.
#[derive(FromBytes, IntoBytes, Immutable, Debug)]
#[repr(C)]
struct Seen {
    kernel_version: u64,
    has_cookie: u64,
    has_wrapper: u64,
    hz: u64,
    bpf: u64,
    bpf_syscall: u64,
    net: u64,
    no_such_option: u64,
    address: u64,
    no_address: u64,
    variables: u64,
    kfuncs: u64,
    wrong_kfunc: u64,
    compiler: [u8; 16],
}

fn seen(options: &LoadOptions) -> Result<(Object, Seen), Box<dyn std::error::Error + Send + Sync>> {
    let object = Object::load(&oxbpf::open(testdata("tests/externs.bpf.o"))?, options)?;
    assert_eq!(run(&object, "look")?, 2, "XDP_PASS");
    let seen = object.global("seen")?.get()?;
    Ok((object, seen))
}

fn values() -> TestResult {
    let (object, seen) = seen(&LoadOptions::default())?;
    let kernel = object.kernel();
    let config = |option: &str| kernel.config(option).map(Option::unwrap_or_default);
    assert_eq!(seen.kernel_version, u64::from(kernel.kernel_version()?.code()));
    let has = |feature| u64::from(oxbpf::features::supported(kernel, feature));
    assert_eq!(seen.has_cookie, has(oxbpf::Feature::BpfCookie));
    assert_eq!(seen.has_wrapper, 1, "since 4.17 on the machines that we know");
    assert_eq!(seen.hz.to_string(), config("CONFIG_HZ")?);
    assert_eq!((seen.bpf, seen.bpf_syscall, seen.net), (1, 1, u64::from(b'y')));
    let compiler = config("CONFIG_CC_VERSION_TEXT")?;
    let expected: Vec<u8> = compiler.trim_matches('"').bytes().take(15).chain([0]).collect();
    assert_eq!(seen.compiler[..], expected[..], "{compiler}");
    assert_eq!((seen.no_such_option, seen.no_address), (0, 0));

    let text = std::fs::read_to_string("/proc/kallsyms")?;
    let line =
        text.lines().find(|line| line.ends_with(" T bpf_prog_put")).expect("a function of every kernel");
    assert_eq!(format!("{:016x}", seen.address), line[..16]);
    assert_eq!(seen.variables, 0, "the weak one that no kernel has");
    let has_kfuncs = text.lines().any(|line| line.ends_with(" T bpf_rcu_read_lock"));
    assert_eq!(seen.kfuncs, if has_kfuncs { 2 } else { 0 }, "one function, by two names");
    assert_eq!(seen.wrong_kfunc, 0, "a weak function of another type counts as missing");

    // Read from outside too, and fixed.
    assert_eq!(object.global("CONFIG_HZ")?.get::<u32>()?.to_string(), config("CONFIG_HZ")?);
    let map = object.map(".kconfig")?;
    let error =
        map.update(&0_u32.to_ne_bytes(), &vec![0; map.value_size() as usize], oxbpf::ElemFlags::empty());
    assert_eq!(error.unwrap_err().errno(), Some(oxbpf::Errno::EPERM), "frozen");
    Ok(())
}

fn variable() -> TestResult {
    let mut spec = oxbpf::open(testdata("tests/externs.bpf.o"))?;
    spec.program_mut("look_at_variable").unwrap().autoload = true;
    if oxbpf::Kernel::host().config("CONFIG_KALLSYMS_ALL")?.as_deref() != Some("y") {
        return Err(Skip::because("needs CONFIG_KALLSYMS_ALL").into());
    }
    let object = Object::load(&spec, &LoadOptions::default())?;
    assert_eq!(run(&object, "look_at_variable")?, 2, "XDP_PASS");
    Ok(())
}

fn given() -> TestResult {
    let text = "# made up\nCONFIG_HZ=0x7b\nCONFIG_BPF=n\nCONFIG_NO_SUCH_OPTION=-1\nCONFIG_BPF_SYSCALL=m\n";
    let options = LoadOptions { kconfig: Some(text.into()), ..LoadOptions::default() };
    let (_, seen) = seen(&options)?;
    assert_eq!((seen.hz, seen.bpf, seen.bpf_syscall, seen.no_such_option), (123, 0, 2, u64::MAX));
    assert_eq!(seen.net, u64::from(b'y'), "from the kernel: the text does not have it");

    for (text, says) in [
        ("CONFIG_HZ=y", "extern CONFIG_HZ: the configuration says y, its type takes a number"),
        (
            "CONFIG_HZ=4294967296",
            "extern CONFIG_HZ: the configuration says 4294967296, which its 4 bytes do not hold",
        ),
        ("CONFIG_BPF=m", "extern CONFIG_BPF: the configuration says m, its type takes y or n"),
        (
            "CONFIG_CC_VERSION_TEXT=\"no end",
            "extern CONFIG_CC_VERSION_TEXT: the configuration says \"no end, its type takes a string in quotes",
        ),
    ] {
        let options = LoadOptions { kconfig: Some(text.into()), ..LoadOptions::default() };
        let error = crate::externs::seen(&options).expect_err(text);
        assert_eq!(error.to_string(), format!("object externs: {says}"));
    }
    Ok(())
}

fn missing() -> TestResult {
    let mut spec = oxbpf::open(testdata("tests/missing_externs.bpf.o"))?;
    spec.program_mut("needs").unwrap().autoload = true;
    let error = Object::load(&spec, &LoadOptions::default()).expect_err("much is missing");
    let Error::Externs { missing, .. } = &error else { panic!("{error}") };
    let mut names: Vec<&str> = missing.iter().map(|missing| missing.name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "CONFIG_NO_SUCH_OPTION",
        "LINUX_NO_SUCH_FACT",
        "bpf_rcu_read_lock",
        "bpf_task_from_pid",
        "no_such_function",
        "no_such_symbol",
        "no_such_variable",
    ];
    assert_eq!(names, expected);
    let text = error.to_string();
    for part in [
        "object missing_externs needs what this kernel has not: ",
        "CONFIG_NO_SUCH_OPTION (not set in the kernel's configuration)",
        "LINUX_NO_SUCH_FACT (neither a CONFIG_ option nor a value that loaders know)",
        "no_such_symbol (the kernel has no such symbol)",
        "no_such_variable (no variable of that name in the types of the kernel and its modules)",
        "no_such_function (no function of that name in the types of the kernel and its modules)",
    ] {
        assert!(text.contains(part), "{text}");
    }
    Ok(())
}

fn unused() -> TestResult {
    let object = crate::load("tests/missing_externs.bpf.o")?;
    let hz = object.kernel().config("CONFIG_HZ")?.unwrap_or_default();
    assert_eq!(run(&object, "fine")?.to_string(), hz);
    Ok(())
}

/// Functions of a module are called like the kernel's own.
fn of_a_module() -> TestResult {
    let module = std::path::Path::new("/sys/kernel/btf/nf_conntrack");
    if !module.exists() {
        // Where there is one, in a virtual machine for one, loading it does no harm.
        let _ = std::process::Command::new("modprobe").args(["-q", "nf_conntrack"]).status();
    }
    let vmlinux = oxbpf::Kernel::host().btf()?;
    if !module.exists() && vmlinux.find("bpf_xdp_ct_lookup", oxbpf::btf::Kind::Func).is_none() {
        return Err(Skip::because("needs nf_conntrack with BPF functions").into());
    }
    let mut spec = oxbpf::open(testdata("tests/module_externs.bpf.o"))?;
    spec.program_mut("look_up").unwrap().autoload = true;
    let object = Object::load(&spec, &LoadOptions::default())?;
    assert_eq!(run(&object, "look_up")?, 2, "no connection, so XDP_PASS");
    assert_eq!(object.global("error")?.get::<i32>()?, -2, "ENOENT");
    Ok(())
}
