//! Objects that are loaded in a container, by a token.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use oxbpf::{Errno, Error, Feature, Hint, Kernel, LoadOptions, Object, Token, features};
use oxbpf_testing::container::{self, ALL, BPFFS, Container};
use oxbpf_testing::{Need, Suite, TestResult, testdata};

/// The arguments that make this program one of the containers.
const UNASKED: &str = "--as-a-container";
const OFF: &str = "--as-a-container-without";
const NAMED: &str = "--as-a-container-with-a-path";
const TARGET: &str = "--as-a-container-with-a-target";

/// Everything but opening types by their id.
const NO_TYPES: &[(&str, &str)] = &[
    ("delegate_cmds", "map_create:prog_load:btf_load"),
    ("delegate_maps", "any"),
    ("delegate_progs", "any"),
    ("delegate_attachs", "any"),
];

const LESS: &str = "--as-a-container-with-less";
const ONLY_HASHES: &[(&str, &str)] = &[("delegate_maps", "hash"), ALL[0], ALL[2], ALL[3]];
const NO_XDP: &[(&str, &str)] = &[("delegate_progs", "socket_filter"), ALL[0], ALL[1], ALL[3]];
const NO_PROGRAMS: &[(&str, &str)] = &[("delegate_cmds", "map_create:btf_load"), ALL[1], ALL[2], ALL[3]];

const VARIABLE: &str = "LIBBPF_BPF_TOKEN_PATH";
pub(crate) fn tests(suite: &mut Suite) {
    let needs = &[Need::Bpf, Need::SysAdmin, Need::Kernel(6, 9)];
    suite.test("tokens::unasked", needs, || container::outside(UNASKED, &[], &[&[], ALL], |_| Ok(())));
    suite.test("tokens::off", needs, || container::outside(OFF, &[(VARIABLE, "")], &[ALL], |_| Ok(())));
    suite.test("tokens::by_the_environment", needs, || {
        let at = std::env::temp_dir().join(format!("oxbpf-token-{}", std::process::id()));
        std::fs::create_dir(&at)?;
        let path = at.to_str().ok_or("a path in UTF-8")?;
        let outcome = container::outside(NAMED, &[(VARIABLE, path)], &[ALL], |_| Ok(()));
        std::fs::remove_dir(&at)?;
        outcome
    });
    suite.test(
        "tokens::for_the_types_of_a_target",
        &[Need::Bpf, Need::SysAdmin, Need::Kernel(6, 15)],
        || container::outside(TARGET, &[], &[NO_TYPES, ALL], |_| Ok(())),
    );
    // The kernel tells what a token allows, and knows options by their names.
    suite.test(
        "tokens::that_do_not_do",
        &[Need::Bpf, Need::SysAdmin, Need::Kernel(6, 17), Need::KernelBtf],
        || container::outside(LESS, &[], &[ONLY_HASHES, NO_XDP, NO_PROGRAMS], |_| Ok(())),
    );
    suite.test("tokens::that_must_be", &[Need::Bpf, Need::Kernel(6, 9)], that_must_be);
}

/// If this is one of the containers: its end of it all.
pub(crate) fn container() -> Option<ExitCode> {
    let start = std::env::args().nth(1)?;
    let work: fn(&Container) -> TestResult = match start.as_str() {
        UNASKED => unasked,
        OFF => off,
        NAMED => named,
        TARGET => target,
        LESS => less,
        _ => return None,
    };
    container::inside(&start, work)
}

fn load(token: Token) -> Result<Object, Error> {
    // An XDP program, a socket filter, and variables.
    let spec = oxbpf::open(testdata("tests/subprogs.bpf.o"))?;
    Object::load(&spec, &LoadOptions { token, ..LoadOptions::default() })
}

fn works(object: &Object) -> TestResult {
    assert_eq!(object.programs().len(), 3);
    assert!(object.kernel().token().is_some());
    for program in object.programs() {
        assert_ne!(program.info()?.btf_id, 0, "{} has its types", program.name());
    }
    assert_eq!(super::programs::run(object, "third")?, (64 - 14) * 2 + 2 + 6);
    // What is asked of the kernel later has the same privileges.
    assert!(features::supported(object.kernel(), Feature::BpfCookie));
    assert!(!features::supported(&Kernel::host(), Feature::BpfCookie), "without it nothing can be known");
    Ok(())
}

fn refused(outcome: Result<Object, Error>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EPERM), "{error}");
    assert_eq!(error.hint(), Some(&Hint::UserNamespace), "{error}");
}

/// As above, where a token was looked for.
fn found_none(outcome: Result<Object, Error>, errno: Errno) {
    let error = outcome.unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EPERM), "{error}");
    let Some(Hint::NoToken { path, source }) = error.hint() else { panic!("{error}") };
    assert_eq!((path.as_path(), source.op, source.errno), (Path::new(BPFFS), "BPF_TOKEN_CREATE", errno));
    assert!(error.to_string().contains("no BPF token was to be had from /sys/fs/bpf: "), "{error}");
}

/// The file system in the usual place, if it delegates something.
fn unasked(container: &Container) -> TestResult {
    // That of the machine is not for this namespace.
    found_none(load(Token::Auto), Errno::EPERM);
    let empty = container.mount()?;
    container.show(empty.as_fd(), Path::new(BPFFS))?;
    found_none(load(Token::Auto), Errno::ENOENT);
    let error = load(Token::At(BPFFS.into())).unwrap_err();
    assert!(matches!(&error, Error::Token { path, .. } if path == Path::new(BPFFS)), "{error}");
    assert!(error.to_string().contains("ENOENT"), "{error}");
    let mount = container.mount()?;
    container.show(mount.as_fd(), Path::new(BPFFS))?;
    refused(load(Token::Off));
    works(&load(Token::Auto)?)?;
    works(&load(Token::At(BPFFS.into()))?)
}

/// An empty variable means none, and gives way to what the caller says.
fn off(container: &Container) -> TestResult {
    let mount = container.mount()?;
    container.show(mount.as_fd(), Path::new(BPFFS))?;
    refused(load(Token::Auto));
    works(&load(Token::At(BPFFS.into()))?)
}

/// What the variable names must be there.
fn named(container: &Container) -> TestResult {
    let path = PathBuf::from(std::env::var_os(VARIABLE).ok_or("a path")?);
    let error = load(Token::Auto).unwrap_err();
    assert!(matches!(&error, Error::Token { path: named, .. } if *named == path), "{error}");
    let mount = container.mount()?;
    container.show(mount.as_fd(), &path)?;
    works(&load(Token::Auto)?)?;
    refused(load(Token::Off));
    Ok(())
}

/// A program that replaces a function of another one, whose types are opened by their id.
fn target(container: &Container) -> TestResult {
    let replace = || -> Result<Object, Error> {
        let target =
            Object::load(&oxbpf::open(testdata("tests/global_funcs.bpf.o"))?, &LoadOptions::default())?;
        let mut spec = oxbpf::open(testdata("tests/targets.bpf.o"))?;
        spec.programs.iter_mut().for_each(|program| program.autoload = program.name == "new_strong");
        let mut options = LoadOptions::default();
        options.targets.insert("new_strong".into(), target.program("add")?.clone());
        Object::load(&spec, &options)
    };
    let mount = container.mount()?;
    container.show(mount.as_fd(), Path::new(BPFFS))?;
    let error = replace().unwrap_err();
    assert!(matches!(&error, Error::TargetBtf { target, .. } if target == "add"), "{error}");
    assert_eq!(error.errno(), Some(Errno::EPERM), "{error}");
    let mount = container.mount()?;
    container.show(mount.as_fd(), Path::new(BPFFS))?;
    match replace() {
        Ok(object) => assert_eq!(object.programs().len(), 1),
        // The types were found; some kernels make no trampolines.
        Err(error) => assert!(matches!(error, Error::ProgramLoad { .. }), "{error}"),
    }
    Ok(())
}

/// Tokens that do not allow one thing, which the error names.
fn less(container: &Container) -> TestResult {
    for denied in ["maps of type array", "programs of type xdp", "BPF_PROG_LOAD"] {
        let mount = container.mount()?;
        container.show(mount.as_fd(), Path::new(BPFFS))?;
        let error = load(Token::Auto).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EPERM), "{error}");
        assert_eq!(error.hint(), Some(&Hint::TokenDenies { what: denied.into() }), "{error}");
    }
    Ok(())
}

/// Where there is none to be had, nothing is loaded without.
fn that_must_be() -> TestResult {
    for (path, errno) in [("/no/such/place", Errno::ENOENT), ("/proc", Errno::EINVAL)] {
        let error = load(Token::At(path.into())).unwrap_err();
        assert_eq!(error.errno(), Some(errno), "{error}");
        assert!(error.to_string().starts_with(&format!("BPF token from {path}: ")), "{error}");
    }
    Ok(())
}
