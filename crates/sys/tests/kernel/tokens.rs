//! Tokens, as a container uses them.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;

use oxbpf_btf::{BtfBuilder, IntEncoding};
use oxbpf_sys::{
    AttachType, BtfLoad, Cmd, Errno, FdById, MapCreate, MapType, ObjectKind, OpenFlags, OpenHow, ProgLoad,
    ProgramType, SysError,
};
use oxbpf_testing::container::{self, Container};
use oxbpf_testing::{Need, Skip, Suite, TestResult};

use super::{kernel, program, refused, refused_as, returns};

/// The argument that makes this program the container.
const CONTAINER: &str = "--as-a-container";

pub(crate) fn add(suite: &mut Suite) {
    let needs = &[Need::Bpf, Need::SysAdmin, Need::Kernel(6, 9)];
    suite.test("tokens::stand_in_for_privileges", needs, stand_in_for_privileges);
    suite.test("tokens::are_refused_elsewhere", needs, are_refused_elsewhere);
}

fn stand_in_for_privileges() -> TestResult {
    container::outside(CONTAINER, &[], &[&[], &DELEGATED], |mount| {
        // Whoever has the privileges is not who the file system is for.
        refused_as(
            kernel().token_create(container::root(mount)?.as_fd()),
            "BPF_TOKEN_CREATE failed: EPERM (Operation not permitted): not in the user namespace of the BPF file \
             system, or without CAP_BPF there",
        );
        Ok(())
    })
}

/// What the container may do.
const DELEGATED: [(&str, &str); 4] = [
    ("delegate_cmds", "map_create:prog_load:btf_load:btf_get_fd_by_id"),
    ("delegate_maps", "array"),
    ("delegate_progs", "socket_filter"),
    ("delegate_attachs", "any"),
];

/// If this is the container: its end of it all.
pub(crate) fn container() -> Option<ExitCode> {
    container::inside(CONTAINER, in_container)
}

fn in_container(container: &Container) -> TestResult {
    let empty = container.mount()?;
    refused_as(
        kernel().token_create(container::root(empty.as_fd())?.as_fd()),
        "BPF_TOKEN_CREATE failed: ENOENT (No such file or directory): the BPF file system delegates nothing: it was \
         mounted without delegate_* options",
    );
    let mount = container.mount()?;
    let place = rustix::fs::openat(&mount, ".", rustix::fs::OFlags::PATH, rustix::fs::Mode::empty())?;
    refused(kernel().token_create(place.as_fd()), Errno::EBADF);
    let token = kernel().token_create(container::root(mount.as_fd())?.as_fd())?;
    tells_what_it_allows(token.as_fd())?;
    use_token(token.as_fd())?;
    goes_along(token)
}

/// A kernel that has it needs no more to be said.
fn goes_along(token: OwnedFd) -> TestResult {
    let k = kernel().with_token(token);
    let array = array();
    k.map_create(&array)?;
    k.prog_load(&program(ProgramType::SOCKET_FILTER, &returns(0)), None)?;
    let mut b = BtfBuilder::new();
    b.add_int("int", 4, IntEncoding::SIGNED)?;
    let loaded = k.btf_load(&BtfLoad { btf: b.build()?.as_bytes(), ..Default::default() }, None)?;
    let id = k.btf_info(loaded.as_fd())?.id;
    let opened = k.fd_by_id(ObjectKind::Btf, id, OpenFlags::empty());
    if k.kernel_version()?.at_least(6, 15) {
        opened?;
    } else {
        refused(opened, Errno::EPERM);
    }
    assert!(k.token().is_some() && kernel().token().is_none());
    refused(kernel().map_create(&array), Errno::EPERM);
    Ok(())
}

fn tells_what_it_allows(token: BorrowedFd<'_>) -> TestResult {
    let k = kernel();
    let info = k.token_info(token);
    if !k.kernel_version()?.at_least(6, 17) {
        refused(info, Errno::EINVAL);
        return Ok(());
    }
    let info = info?;
    for cmd in [Cmd::MAP_CREATE, Cmd::PROG_LOAD, Cmd::BTF_LOAD, Cmd::BTF_GET_FD_BY_ID] {
        assert!(info.allows_cmd(cmd), "{cmd}: {info:?}");
    }
    assert!(!info.allows_cmd(Cmd::MAP_GET_NEXT_ID), "{info:?}");
    assert!(info.allows_map(MapType::ARRAY) && !info.allows_map(MapType::HASH), "{info:?}");
    assert!(info.allows_program(ProgramType::SOCKET_FILTER) && !info.allows_program(ProgramType::XDP));
    assert!(info.allows_attach(AttachType::XDP), "any");
    Ok(())
}

fn array() -> MapCreate<'static> {
    MapCreate { map_type: MapType::ARRAY, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() }
}

/// What a token allows, and does not.
fn use_token(token: BorrowedFd<'_>) -> TestResult {
    let k = kernel();
    let token_fd = Some(token);
    let array = MapCreate { token_fd, ..array() };
    refused(k.map_create(&MapCreate { token_fd: None, ..array.clone() }), Errno::EPERM);
    k.map_create(&array)?;
    let insns = returns(0);
    let filter = ProgLoad { token_fd, ..program(ProgramType::SOCKET_FILTER, &insns) };
    refused(k.prog_load(&ProgLoad { token_fd: None, ..filter.clone() }, None), Errno::EPERM);
    k.prog_load(&filter, None)?;
    let mut b = BtfBuilder::new();
    b.add_int("int", 4, IntEncoding::SIGNED)?;
    let btf = b.build()?;
    refused(k.btf_load(&BtfLoad { btf: btf.as_bytes(), token_fd: None }, None), Errno::EPERM);
    let loaded = k.btf_load(&BtfLoad { btf: btf.as_bytes(), token_fd }, None)?;
    let id = k.btf_info(loaded.as_fd())?.id;
    let by_id = k.fd_by_id_with(ObjectKind::Btf, id, &FdById { token_fd, ..Default::default() });
    if k.kernel_version()?.at_least(6, 15) {
        assert_eq!(k.btf_info(by_id?.as_fd())?.id, id);
        // What the file system does not delegate stays forbidden.
        refused(k.map_create(&MapCreate { map_type: MapType::HASH, ..array }), Errno::EPERM);
        refused(k.prog_load(&ProgLoad { prog_type: ProgramType::XDP, ..filter }, None), Errno::EPERM);
    } else {
        refused(by_id, Errno::EINVAL);
    }
    let none = k.fd_by_id_with(ObjectKind::Btf, id, &FdById::default());
    refused_as(
        none,
        &format!(
            "BPF_BTF_GET_FD_BY_ID of BTF {id} failed: EPERM (Operation not permitted): opening by id needs \
             CAP_SYS_ADMIN, or a token for BTF"
        ),
    );
    Ok(())
}

fn are_refused_elsewhere() -> TestResult {
    let k = kernel();
    let proc = k.open(Path::new("/proc"), OpenHow::Read)?;
    refused_as(
        k.token_create(proc.as_fd()),
        "BPF_TOKEN_CREATE failed: EINVAL (Invalid argument): not the root of a BPF file system, or a kernel before \
         Linux 6.9",
    );
    let at = oxbpf_testing::mounts::find("bpf").ok_or_else(|| Skip::because("needs a BPF file system"))?;
    let first = k.open(&at, OpenHow::Read)?;
    refused_as(
        k.token_create(first.as_fd()),
        "BPF_TOKEN_CREATE failed: EOPNOTSUPP (Operation not supported): in the first user namespace, where nobody \
         needs a token",
    );
    // A descriptor of something else is no token.
    let map = MapCreate { token_fd: Some(proc.as_fd()), ..array() };
    let e: SysError = refused(k.map_create(&map), Errno::EINVAL);
    assert!(e.what().is_none());
    refused(k.token_info(proc.as_fd()), Errno::EINVAL);
    let map = k.map_create(&MapCreate { token_fd: None, ..map })?;
    refused(k.token_info(map.as_fd()), Errno::EINVAL);
    Ok(())
}
