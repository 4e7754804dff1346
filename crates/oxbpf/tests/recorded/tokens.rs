//! Privileges by a token, played: in a kernel that refuses what brings none.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

use oxbpf::sys::doors::Fake;
use oxbpf::sys::uapi::{BtfLoadAttr, IdAttr, MapCreateAttr, ProgLoadAttr};
use oxbpf::sys::{Call, Cmd, Door, Reply};
use oxbpf::{Capability, Errno, Error, Hint, Kernel, LoadOptions, Object, ObjectSpec, ProgramFlags, Token};

use crate::maps::with_jump_tables;
use crate::{options, spec, version};

const BPFFS: &str = "/sys/fs/bpf";
/// `BPF_F_TOKEN_FD`, the same for all commands.
const TOKEN_FD: u32 = ProgramFlags::TOKEN_FD.bits();

/// A container's kernel, with a file system in the usual place.
#[derive(Debug)]
struct Container {
    inner: Fake,
    delegates: bool,
    /// The command that wants a token; all if there is none.
    only: Option<Cmd>,
    /// Whether the kernel takes no token where it opens types by their id, as before 6.15.
    is_old: bool,
    /// What was asked for a token, and what came without one.
    asked: Mutex<Vec<&'static str>>,
}

impl Container {
    fn new(delegates: bool) -> Arc<Self> {
        let inner = Fake::new().with_file("/proc/self/uid_map", "0 1000 1\n");
        Arc::new(Self { inner, delegates, only: None, is_old: false, asked: Mutex::default() })
    }
}

// SAFETY: what it does not answer itself goes on to the inner door as it came; mappings and maps are the inner door's.
unsafe impl Door for Container {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        let attr = match call {
            Call::Open(path, _) if path == Path::new(BPFFS) => {
                self.asked.lock().unwrap().push("open");
                return Ok(Reply::Fd(File::open("/dev/null").unwrap().into()));
            }
            Call::Bpf(attr) => attr,
            other => return self.inner.call(other),
        };
        let cmd = attr.cmd();
        let has_token = match cmd {
            Cmd::TOKEN_CREATE => {
                self.asked.lock().unwrap().push(cmd.name());
                let token = || Reply::Fd(File::open("/dev/null").unwrap().into());
                return self.delegates.then(token).ok_or(Errno::ENOENT);
            }
            Cmd::MAP_CREATE => {
                let attr: MapCreateAttr = attr.view();
                attr.map_flags & TOKEN_FD != 0 && attr.map_token_fd > 0
            }
            Cmd::PROG_LOAD => {
                let attr: ProgLoadAttr = attr.view();
                attr.prog_flags & TOKEN_FD != 0 && attr.prog_token_fd > 0
            }
            Cmd::BTF_LOAD => {
                let attr: BtfLoadAttr = attr.view();
                attr.btf_flags & TOKEN_FD != 0 && attr.btf_token_fd > 0
            }
            Cmd::BTF_GET_FD_BY_ID => {
                let attr: IdAttr = attr.view();
                let has_token = attr.open_flags & TOKEN_FD != 0 && attr.token_fd > 0;
                if has_token && self.is_old {
                    return Err(Errno::EINVAL);
                }
                has_token
            }
            _ => true,
        };
        if has_token || self.only.is_some_and(|only| only != cmd) {
            return self.inner.call(Call::Bpf(attr));
        }
        self.asked.lock().unwrap().push(cmd.name());
        Err(Errno::EPERM)
    }
}

fn load(name: &str, door: &Arc<Container>, token: Token) -> (Result<Object, Error>, Vec<&'static str>) {
    load_spec(&spec(name), door, token)
}

fn load_spec(
    spec: &ObjectSpec,
    door: &Arc<Container>,
    token: Token,
) -> (Result<Object, Error>, Vec<&'static str>) {
    let kernel = Kernel::with_door(door.clone());
    let outcome = Object::load(spec, &LoadOptions { token, ..options(spec, kernel) });
    (outcome, std::mem::take(&mut *door.asked.lock().unwrap()))
}

/// It is looked for at the first refusal, and goes along with all that follows.
#[test]
fn one_refusal_one_token() {
    let (object, asked) = load("tests/globals.bpf.o", &Container::new(true), Token::Auto);
    object.unwrap();
    assert_eq!(asked, ["BPF_BTF_LOAD", "open", "BPF_TOKEN_CREATE"]);
    let (object, asked) = load("tests/no_btf.bpf.o", &Container::new(true), Token::Auto);
    object.unwrap();
    assert!(
        matches!(asked[..], ["BPF_MAP_CREATE" | "BPF_PROG_LOAD", "open", "BPF_TOKEN_CREATE"]),
        "{asked:?}"
    );
}

/// An object without types and maps is refused first over the arrays of its jump tables.
#[test]
fn jump_tables_are_made_with_a_token() {
    let (object, asked) = load_spec(&with_jump_tables(), &Container::new(true), Token::Auto);
    object.unwrap();
    assert_eq!(asked, ["BPF_MAP_CREATE", "open", "BPF_TOKEN_CREATE"]);
}

/// Where the file system delegates nothing, the refusal is what one is told about, and nothing is asked again.
#[test]
fn no_token_no_privileges() {
    let (object, asked) = load("tests/globals.bpf.o", &Container::new(false), Token::Auto);
    let error = object.unwrap_err();
    assert!(matches!(error, Error::MapCreate { .. }), "{error}");
    assert_eq!(error.errno(), Some(Errno::EPERM));
    assert_eq!(
        error.to_string(),
        "map globals.rodata (array): BPF_MAP_CREATE failed: EPERM (Operation not permitted); this process is in a user \
         namespace, whose capabilities do not count for BPF, and no BPF token was to be had from /sys/fs/bpf: \
         BPF_TOKEN_CREATE failed: ENOENT (No such file or directory): the BPF file system delegates nothing: it was \
         mounted without delegate_* options; run it outside, or set LIBBPF_BPF_TOKEN_PATH to a BPF file system that \
         delegates privileges"
    );
    assert_eq!(asked, ["BPF_BTF_LOAD", "open", "BPF_TOKEN_CREATE", "BPF_MAP_CREATE"]);
}

/// The one that is asked for is made first, and must be there.
#[test]
fn what_is_asked_for_comes_first() {
    let at = || Token::At(BPFFS.into());
    let (object, asked) = load("tests/globals.bpf.o", &Container::new(true), at());
    object.unwrap();
    assert_eq!(asked, ["open", "BPF_TOKEN_CREATE"]);
    let (object, asked) = load("tests/globals.bpf.o", &Container::new(false), at());
    let error = object.unwrap_err();
    assert_eq!(
        error.to_string(),
        "BPF token from /sys/fs/bpf: BPF_TOKEN_CREATE failed: ENOENT (No such file or directory): the BPF file system delegates nothing: it was mounted without delegate_* options"
    );
    assert_eq!(asked, ["open", "BPF_TOKEN_CREATE"]);
    let (object, asked) = load("tests/globals.bpf.o", &Container::new(true), Token::Off);
    assert_eq!(object.unwrap_err().errno(), Some(Errno::EPERM));
    assert_eq!(asked, ["BPF_BTF_LOAD", "BPF_MAP_CREATE"]);
}

/// A kernel that has a token already needs no other, in both steps.
#[test]
fn a_kernel_may_bring_its_own() {
    let door = Container::new(false);
    let kernel = Kernel::with_door(door.clone()).with_token(File::open("/dev/null").unwrap().into());
    let spec = spec("tests/globals.bpf.o");
    let prepared = Object::prepare(&spec, &options(&spec, kernel)).unwrap();
    prepared.load().unwrap();
    assert!(door.asked.lock().unwrap().is_empty());
}

/// Loads a program that replaces a function of another one, where only the other's types want a token.
fn replaces(door: Container) -> (Result<Object, Error>, Vec<&'static str>) {
    let door = Arc::new(Container { only: Some(Cmd::BTF_GET_FD_BY_ID), ..door });
    let kernel = Kernel::with_door(door.clone());
    let target = spec("tests/global_funcs.bpf.o");
    let target = Object::load(&target, &options(&target, kernel.clone())).unwrap();
    let mut spec = spec("tests/targets.bpf.o");
    spec.programs.iter_mut().for_each(|program| program.autoload = program.name == "new_strong");
    let mut options = options(&spec, kernel);
    options.targets.insert("new_strong".into(), target.program("add").unwrap().clone());
    let outcome = Object::load(&spec, &options);
    (outcome, std::mem::take(&mut *door.asked.lock().unwrap()))
}

fn container(delegates: bool) -> Container {
    Arc::into_inner(Container::new(delegates)).unwrap()
}

/// The types of a program whose function is replaced are opened by their id, with a token if need be.
#[test]
fn targets_are_looked_up_with_a_token() {
    let (object, asked) = replaces(container(true));
    assert_eq!(object.unwrap().programs().len(), 1);
    assert_eq!(asked, ["BPF_BTF_GET_FD_BY_ID", "open", "BPF_TOKEN_CREATE"]);

    let (object, asked) = replaces(container(false));
    let error = object.unwrap_err();
    assert!(matches!(&error, Error::TargetBtf { target, .. } if target == "add"), "{error}");
    assert_eq!(error.errno(), Some(Errno::EPERM));
    assert!(matches!(error.hint(), Some(Hint::NoToken { path, .. }) if path == Path::new(BPFFS)), "{error}");
    assert_eq!(asked, ["BPF_BTF_GET_FD_BY_ID", "open", "BPF_TOKEN_CREATE"]);

    // Outside of containers a capability is missing, of those that come with CAP_BPF none.
    let outside = container(false);
    let inner = outside.inner.with_file("/proc/self/uid_map", "0 0 4294967295\n");
    let inner = inner.with_file("/proc/thread-self/status", "CapEff:\t000000c000000000\n");
    let (object, _) = replaces(Container { inner, ..outside });
    let error = object.unwrap_err();
    assert_eq!(error.hint(), Some(&Hint::Capabilities(vec![Capability::SysAdmin])), "{error}");

    let old = container(true);
    let (object, _) =
        replaces(Container { is_old: true, inner: old.inner.with_version(version(6, 12)), ..old });
    let error = object.unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EPERM), "{error}");
    assert!(error.unsupported().is_some_and(|missing| missing.since == version(6, 15)), "{error}");
}
