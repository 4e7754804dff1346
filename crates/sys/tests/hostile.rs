//! Kernels that lie: whatever a door answers, nothing is read or written beyond its end, nothing panics, and no memory
//! is had for the asking.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oxbpf_sys::doors::Fake;
use oxbpf_sys::uapi::{ElemFlags, OpenFlags};
use oxbpf_sys::{
    AttachType, BatchCursor, BtfLoad, Call, Door, Errno, Kernel, Layout, LinkTarget, LogBuf, MapCreate,
    MapFd, MapType, ObjectKind, OpenHow, ProgLoad, ProgQuery, ProgramParts, ProgramType, Prot, Reply,
    SysError, TestRun,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// What it lies about.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Lie {
    /// Every number is as large as it can be, every byte of an answer 0xff: no UTF-8, no end.
    Huge,
    /// Each number is one more than at the last call.
    Growing,
    /// Another kind of reply than asked for.
    WrongReply,
    /// All is well, and nothing was done.
    Nothing,
}

#[derive(Debug)]
struct Liar {
    inner: Fake,
    lie: Lie,
    // Maps are made and files are read before it starts.
    lies: AtomicBool,
}

#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Numbers([u64; 24]);

impl Layout for Numbers {}

// SAFETY: its descriptors are those of a fake, which are maps to no kernel.
unsafe impl Door for Liar {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        if !self.lies.load(Ordering::Relaxed) {
            return self.inner.call(call);
        }
        match (self.lie, call) {
            (Lie::WrongReply, Call::Bpf(_) | Call::Open(..)) => Ok(Reply::Names(vec!["x".into()])),
            (Lie::WrongReply, _) => {
                Ok(Reply::Fd(rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::empty())?))
            }
            (Lie::Nothing, _) => Ok(Reply::Value(0)),
            (Lie::Huge, Call::Bpf(attr)) => {
                let fields: Vec<&'static str> = attr.fields().map(|(name, _)| name).collect();
                for bytes in fields {
                    if let Some(bytes) = attr.bytes_mut(bytes) {
                        bytes.fill(0xff);
                    }
                }
                attr.answer(&Numbers([u64::MAX; 24]));
                Ok(Reply::Value(u64::MAX))
            }
            (Lie::Growing, Call::Bpf(attr)) => {
                let mut info = attr.bytes("info").map(<[u8]>::to_vec).unwrap_or_default();
                grow(&mut info);
                if let Some(out) = attr.bytes_mut("info") {
                    out.copy_from_slice(&info);
                }
                let mut numbers: Numbers = attr.view();
                grow(numbers.as_mut_bytes());
                attr.answer(&numbers);
                Ok(Reply::Value(1))
            }
            // More than there was room for, each time.
            (_, Call::Read(_, buf)) => Ok(Reply::Value(buf.len() as u64 + 1)),
            (_, Call::Write(..)) => Ok(Reply::Value(u64::MAX)),
            (_, call) => self.inner.call(call),
        }
    }
}

fn grow(bytes: &mut [u8]) {
    for word in bytes.chunks_exact_mut(4) {
        let n = u32::from_ne_bytes([word[0], word[1], word[2], word[3]]);
        word.copy_from_slice(&n.saturating_add(1).to_ne_bytes());
    }
}

/// A kernel that starts to lie after a map, a program and BTF were made.
struct Setting {
    kernel: Kernel,
    map: MapFd,
    per_cpu: MapFd,
    file: std::fs::File,
}

fn setting(lie: Lie) -> Setting {
    let door = Arc::new(Liar { inner: Fake::new(), lie, lies: AtomicBool::new(false) });
    let kernel = Kernel::with_door(door.clone());
    let hash = MapCreate {
        map_type: MapType::HASH,
        key_size: 4,
        value_size: 8,
        max_entries: 8,
        ..Default::default()
    };
    let map = kernel.map_create(&hash).expect("a hash table");
    let per_cpu = MapCreate { map_type: MapType::PERCPU_ARRAY, ..hash };
    let per_cpu = kernel.map_create(&per_cpu).expect("an array");
    // Errors tell of what a kernel is too old for, so its version is asked for while it can be.
    kernel.kernel_version().expect("its version");
    door.lies.store(true, Ordering::Relaxed);
    Setting { kernel, map, per_cpu, file: std::fs::File::open("/proc/self/maps").expect("a file") }
}

/// Whatever came of it, it came to an end.
fn any<T>(_: Result<T, SysError>) {}

const ALL: [Lie; 4] = [Lie::Huge, Lie::Growing, Lie::WrongReply, Lie::Nothing];
const NO: ElemFlags = ElemFlags::empty();

#[test]
fn elements_keep_to_their_buffers() {
    for lie in ALL {
        let s = setting(lie);
        let k = &s.kernel;
        let (mut key, mut value) = ([0; 4], vec![0; s.per_cpu.value_len()]);
        any(k.map_lookup_elem(&s.map, &[0; 4], &mut value[..8], NO));
        any(k.map_lookup_elem(&s.per_cpu, &[0; 4], &mut value, NO));
        any(k.map_lookup_elem(&s.per_cpu, &[0; 4], &mut value[..8], ElemFlags::on_cpu(1)));
        any(k.map_lookup_and_delete_elem(&s.map, &[0; 4], &mut value[..8], NO));
        any(k.map_update_elem(&s.map, &[0; 4], &[0; 8], NO));
        any(k.map_delete_elem(&s.map, &[0; 4], NO));
        any(k.map_get_next_key(&s.map, None, &mut key));
        any(k.map_freeze(s.map.as_fd()));
        // Sizes are refused before anyone can lie about them.
        let e = k.map_lookup_elem(&s.map, &[0; 4], &mut [0; 7], NO).unwrap_err();
        assert_eq!(e.errno, Errno::EINVAL);
    }
}

#[test]
fn batches_have_no_more_than_there_is_room_for() {
    for lie in ALL {
        let s = setting(lie);
        let (mut keys, mut values, mut cursor) = ([0; 8], [0; 16], BatchCursor::new());
        for _ in 0..3 {
            if let Ok((n, _)) = s.kernel.map_lookup_batch(&s.map, &mut cursor, &mut keys, &mut values, NO) {
                assert!(n <= 2, "{lie:?}: {n}");
            }
        }
        for done in [
            s.kernel.map_update_batch(&s.map, &[0; 8], &[0; 16], NO).unwrap_or_else(|(n, _)| n),
            s.kernel.map_delete_batch(&s.map, &[0; 8], NO).unwrap_or_else(|(n, _)| n),
        ] {
            assert!(done <= 2, "{lie:?}: {done}");
        }
    }
}

#[test]
fn info_is_not_believed_without_bounds() {
    for lie in ALL {
        let s = setting(lie);
        let (k, fd) = (&s.kernel, s.file.as_fd());
        any(k.map_info(fd));
        any(k.map_info_with_fdinfo(fd));
        any(k.map_hash(fd));
        any(k.prog_info(fd));
        any(k.prog_dump(fd, ProgramParts::all()));
        any(k.btf_info(fd));
        any(k.btf_data(fd));
        any(k.link_info(fd));
        any(k.task_fd_query(1, 1, 64));
        for kind in [ObjectKind::Prog, ObjectKind::Map, ObjectKind::Btf, ObjectKind::Link] {
            any(k.next_id(kind, 0));
            any(k.fd_by_id(kind, 1, OpenFlags::empty()));
        }
    }
    let s = setting(Lie::Huge);
    let e = s.kernel.prog_dump(s.file.as_fd(), ProgramParts::all()).unwrap_err();
    assert_eq!(e.errno, Errno::EPROTO, "{e}");
}

#[test]
fn links_of_all_kinds() {
    /// Says that a descriptor is of a link of a kind, with numbers that are as large as can be.
    #[derive(Debug)]
    struct OfKind(u32, u8);
    // SAFETY: it makes no maps.
    unsafe impl Door for OfKind {
        fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
            let Call::Bpf(attr) = call else { return Err(Errno::ENOENT) };
            if let Some(info) = attr.bytes_mut("info") {
                info.fill(self.1);
                info[..4].copy_from_slice(&self.0.to_ne_bytes());
            }
            Ok(Reply::Value(0))
        }
    }
    let file = std::fs::File::open("/proc/self/maps").expect("a file");
    for fill in [0xff, 0x7f, 0x01] {
        for kind in 0..20 {
            any(Kernel::with_door(Arc::new(OfKind(kind, fill))).link_info(file.as_fd()));
        }
    }
}

#[test]
fn questions_end() {
    for lie in ALL {
        let s = setting(lie);
        let (k, fd) = (&s.kernel, s.file.as_fd());
        for attach_type in [AttachType::CGROUP_INET_EGRESS, AttachType::TCX_INGRESS] {
            let query = ProgQuery { target: LinkTarget::Fd(fd), attach_type, effective: false };
            any(k.prog_query(&query));
        }
        let mut out = [0; 16];
        let mut run = TestRun { data_in: &[0; 64], data_out: &mut out, ..Default::default() };
        if let Ok(answer) = k.prog_test_run(fd, &mut run) {
            assert!(answer.truncated || answer.data_size <= 16, "{lie:?}: {answer:?}");
        }
        let mut buf = [0; 16];
        if let Ok(n) = k.prog_stream_read(fd, 1, &mut buf) {
            assert!(n <= 16, "{lie:?}: {n}");
        }
    }
}

#[test]
fn logs_are_text_whatever_comes() {
    for lie in ALL {
        let s = setting(lie);
        let mut log = LogBuf::new(LogBuf::ERRORS, 64);
        any(s.kernel.btf_load(&BtfLoad { btf: &[0; 24], ..Default::default() }, Some(&mut log)));
        assert!(log.text().chars().count() <= 64, "{lie:?}");
        let load =
            ProgLoad { prog_type: ProgramType::XDP, insns: &[0; 16], license: "GPL", ..Default::default() };
        any(s.kernel.prog_load(&load, Some(&mut log)));
        assert!(log.text().chars().count() <= 64, "{lie:?}");
        let map = MapCreate { map_type: MapType::QUEUE, value_size: 4, max_entries: 1, ..Default::default() };
        any(s.kernel.map_create_logged(&map, &mut log));
        assert!(log.text().chars().count() <= 64 && format!("{log:?}").len() > 64, "{lie:?}");
    }
}

#[test]
fn descriptors_that_did_not_come() {
    for lie in [Lie::Huge, Lie::Growing, Lie::Nothing] {
        let s = setting(lie);
        let (k, fd) = (&s.kernel, s.file.as_fd());
        let results = [
            k.enable_stats(0).map(drop),
            k.token_create(fd).map(drop),
            k.obj_get(Path::new("/sys/fs/bpf/x"), OpenFlags::empty()).map(drop),
            k.iter_create(fd).map(drop),
            k.map_create(&MapCreate::default()).map(drop),
        ];
        for result in results {
            assert_eq!(result.unwrap_err().errno, Errno::EPROTO, "{lie:?}");
        }
    }
}

#[test]
fn files_end() {
    let s = setting(Lie::Huge);
    let fd = memory();
    let mut buf = [0; 16];
    assert_eq!(s.kernel.read(fd.as_fd(), &mut buf).unwrap(), 16, "no more than there is room for");
    assert_eq!(s.kernel.read_file("/proc/thread-self/mounts").unwrap_err().errno, Errno::EFBIG);
    assert_eq!(s.kernel.write_file("/proc/thread-self/mounts", b"x", false).unwrap_err().errno, Errno::EIO);
    let s = setting(Lie::WrongReply);
    assert_eq!(s.kernel.open(Path::new("/proc/version"), OpenHow::Read).unwrap_err().errno, Errno::EPROTO);
    assert_eq!(s.kernel.read(fd.as_fd(), &mut buf).unwrap_err().errno, Errno::EPROTO);
    assert_eq!(s.kernel.mmap(fd.as_fd(), 4096, 0, Prot::Read).unwrap_err().errno, Errno::EPROTO);
    assert_eq!(s.kernel.interface_index("lo").unwrap_err().errno, Errno::EPROTO);
    assert_eq!(s.kernel.interface_name(1).unwrap_err().errno, Errno::EPROTO);
    assert_eq!(s.kernel.route_netlink(&[]).unwrap_err().errno, Errno::EPROTO);
    any(s.kernel.memlock());
    any(s.kernel.is_bpffs(Path::new("/")));
}

fn memory() -> std::os::fd::OwnedFd {
    rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::CLOEXEC).expect("memory")
}

/// What was changed by a door is not for a kernel: its addresses and lengths would be anyone's.
#[test]
fn an_answered_attribute_reaches_no_kernel() {
    /// Answers in the kernel's stead, and asks it all the same.
    #[derive(Debug)]
    struct Both;
    // SAFETY: all replies are the kernel's.
    unsafe impl Door for Both {
        fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
            match call {
                Call::Bpf(attr) => {
                    attr.answer(&Numbers([u64::MAX; 24]));
                    oxbpf_sys::HostDoor.call(Call::Bpf(attr))
                }
                call => oxbpf_sys::HostDoor.call(call),
            }
        }
    }
    let kernel = Kernel::with_door(Arc::new(Both));
    let fd = memory();
    let borrowed: BorrowedFd<'_> = fd.as_fd();
    assert_eq!(kernel.map_freeze(borrowed).unwrap_err().errno, Errno::EPROTO);
    assert_eq!(kernel.map_info(borrowed).unwrap_err().errno, Errno::EPROTO);
    let log = &mut LogBuf::new(LogBuf::ERRORS, 64);
    assert_eq!(kernel.map_create_logged(&MapCreate::default(), log).unwrap_err().errno, Errno::EPROTO);
}
