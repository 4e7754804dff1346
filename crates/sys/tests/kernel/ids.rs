//! Ids, and descriptors by id.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf_btf::{BtfBuilder, IntEncoding};
use oxbpf_sys::uapi::OpenFlags;
use oxbpf_sys::{
    BtfLoad, Errno, FdById, Kernel, MapCreate, MapFlags, MapType, ObjectKind, ProgramType, SysError,
};
use oxbpf_testing::{Need, Suite, TestResult, wait_until, without_capabilities};

use super::{kernel, program, refused, refused_as, returns};

pub(crate) fn add(suite: &mut Suite) {
    let admin = &[Need::Bpf, Need::SysAdmin, Need::Kernel(5, 8)];
    suite.test("ids::walk_all_kinds_upwards", admin, walk_all_kinds_upwards);
    suite.test("ids::of_what_is_gone", admin, of_what_is_gone);
    suite.test("ids::what_is_refused", admin, what_is_refused);
    suite.test("ids::need_privileges", admin, need_privileges);
    suite.test("ids::with_a_token_that_is_none", admin, with_a_token_that_is_none);
}

const KINDS: [ObjectKind; 4] = [ObjectKind::Prog, ObjectKind::Map, ObjectKind::Btf, ObjectKind::Link];

/// One of a kind, with its id. What it stands on is kept, too.
fn make(
    k: &Kernel,
    kind: ObjectKind,
) -> Result<(Vec<OwnedFd>, u32), Box<dyn std::error::Error + Send + Sync>> {
    let array = MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        flags: MapFlags::empty(),
        ..Default::default()
    };
    Ok(match kind {
        ObjectKind::Map => {
            let map = k.map_create(&array)?;
            let id = k.map_info(map.as_fd())?.id;
            (vec![map.into()], id)
        }
        ObjectKind::Prog => {
            let prog = k.prog_load(&program(ProgramType::SOCKET_FILTER, &returns(0)), None)?;
            let id = k.prog_info(prog.as_fd())?.id;
            (vec![prog], id)
        }
        ObjectKind::Btf => {
            let mut b = BtfBuilder::new();
            b.add_int("int", 4, IntEncoding::SIGNED)?;
            let btf = k.btf_load(&BtfLoad { btf: b.build()?.as_bytes(), ..Default::default() }, None)?;
            let id = k.btf_info(btf.as_fd())?.id;
            (vec![btf], id)
        }
        ObjectKind::Link => {
            let prog = k.prog_load(&program(ProgramType::RAW_TRACEPOINT, &returns(0)), None)?;
            let link = k.raw_tracepoint_open(Some("sched_process_exec"), prog.as_fd(), 0)?;
            let id = k.link_info(link.as_fd())?.id;
            (vec![link, prog], id)
        }
    })
}

fn id_of(k: &Kernel, kind: ObjectKind, fd: &OwnedFd) -> Result<u32, SysError> {
    Ok(match kind {
        ObjectKind::Map => k.map_info(fd.as_fd())?.id,
        ObjectKind::Prog => k.prog_info(fd.as_fd())?.id,
        ObjectKind::Btf => k.btf_info(fd.as_fd())?.id,
        ObjectKind::Link => k.link_info(fd.as_fd())?.id,
    })
}

fn walk_all_kinds_upwards() -> TestResult {
    let k = kernel();
    for kind in KINDS {
        let (_kept, id) = make(&k, kind)?;
        let (mut last, mut found) = (0, false);
        while let Some(next) = k.next_id(kind, last)? {
            assert!(next > last, "{kind:?}: {next} after {last}");
            found |= next == id;
            last = next;
        }
        assert!(found, "{kind:?} {id}");
        let again = k.fd_by_id(kind, id, OpenFlags::empty())?;
        assert_eq!(id_of(&k, kind, &again)?, id, "{kind:?}");
    }
    Ok(())
}

/// Between an id and its descriptor an object may go.
fn of_what_is_gone() -> TestResult {
    let k = kernel();
    for (kind, command, word) in [
        (ObjectKind::Prog, "BPF_PROG_GET_FD_BY_ID", "program"),
        (ObjectKind::Map, "BPF_MAP_GET_FD_BY_ID", "map"),
        (ObjectKind::Btf, "BPF_BTF_GET_FD_BY_ID", "BTF"),
        (ObjectKind::Link, "BPF_LINK_GET_FD_BY_ID", "link"),
    ] {
        let (kept, id) = make(&k, kind)?;
        drop(kept);
        let gone = || k.fd_by_id(kind, id, OpenFlags::empty());
        assert!(wait_until(std::time::Duration::from_secs(10), || gone().is_err()), "{kind:?} {id}");
        refused_as(
            gone(),
            &format!(
                "{command} of {word} {id} failed: ENOENT (No such file or directory): there is none with this id, or \
                 not any more"
            ),
        );
        refused(k.fd_by_id(kind, 0, OpenFlags::empty()), Errno::ENOENT);
    }
    Ok(())
}

fn what_is_refused() -> TestResult {
    let k = kernel();
    for kind in KINDS {
        let e = refused(k.next_id(kind, i32::MAX.cast_unsigned()), Errno::EINVAL);
        assert!(e.to_string().ends_with(": an id beyond all, or a kernel without this command"), "{e}");
        let (_kept, id) = make(&k, kind)?;
        let flags = if kind == ObjectKind::Map { OpenFlags::from_bits_retain(1) } else { OpenFlags::RDONLY };
        let e = refused(k.fd_by_id(kind, id, flags), Errno::EINVAL);
        let words =
            e.unsupported.is_some() || e.to_string().contains("flags that this kernel does not open it with");
        assert!(words, "{e}");
    }
    Ok(())
}

fn need_privileges() -> TestResult {
    let k = kernel();
    for kind in KINDS {
        let (_kept, id) = make(&k, kind)?;
        let (next, open) =
            without_capabilities(|| (k.next_id(kind, 0), k.fd_by_id(kind, id, OpenFlags::empty())))?;
        let e = refused(next, Errno::EPERM);
        assert!(e.to_string().ends_with(": walking the ids needs CAP_SYS_ADMIN"), "{e}");
        let e = refused(open, Errno::EPERM);
        assert!(e.to_string().ends_with(": opening by id needs CAP_SYS_ADMIN, or a token for BTF"), "{e}");
    }
    Ok(())
}

fn with_a_token_that_is_none() -> TestResult {
    let k = kernel();
    let file = rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::CLOEXEC)?;
    for kind in KINDS {
        let (_kept, id) = make(&k, kind)?;
        let how = FdById { token_fd: Some(file.as_fd()), ..Default::default() };
        refused(k.fd_by_id_with(kind, id, &how), Errno::EINVAL);
    }
    Ok(())
}
