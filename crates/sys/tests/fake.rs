//! The kernel that is not there, by the calls of a loader.

use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::sync::Arc;

use oxbpf_sys::doors::{Fake, Faults};
use oxbpf_sys::uapi::{ElemFlags, LinkType, OpenFlags};
use oxbpf_sys::{
    AttachType, BatchCursor, BtfLoad, Errno, Kernel, LinkCreate, LinkTarget, MapCreate, MapFlags, MapType,
    ObjectKind, PerfEvent, ProgAttach, ProgLoad, ProgQuery, ProgramType, Prot,
};

const ANY: ElemFlags = ElemFlags::empty();

fn kernel() -> Kernel {
    Kernel::with_door(Arc::new(Fake::new()))
}

fn hash<'a>(name: &'a str) -> MapCreate<'a> {
    MapCreate {
        map_type: MapType::HASH,
        key_size: 4,
        value_size: 8,
        max_entries: 3,
        name,
        ..Default::default()
    }
}

/// `r0 = 0; exit`.
const TRIVIAL: [u8; 16] = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];

fn program<'a>() -> ProgLoad<'a> {
    ProgLoad {
        prog_type: ProgramType::XDP,
        insns: &TRIVIAL,
        license: "GPL",
        name: "prog",
        ..Default::default()
    }
}

#[test]
fn hash_tables_hold_elements() {
    let k = kernel();
    let map = k.map_create(&hash("counts")).unwrap();
    let mut value = [0; 8];
    assert_eq!(k.map_lookup_elem(&map, &[1; 4], &mut value, ANY).unwrap_err().errno, Errno::ENOENT);
    assert_eq!(k.map_update_elem(&map, &[1; 4], &[1; 8], ElemFlags::EXIST).unwrap_err().errno, Errno::ENOENT);
    k.map_update_elem(&map, &[1; 4], &[1; 8], ElemFlags::NOEXIST).unwrap();
    assert_eq!(
        k.map_update_elem(&map, &[1; 4], &[1; 8], ElemFlags::NOEXIST).unwrap_err().errno,
        Errno::EEXIST
    );
    k.map_update_elem(&map, &[2; 4], &[2; 8], ANY).unwrap();
    k.map_update_elem(&map, &[3; 4], &[3; 8], ANY).unwrap();
    assert_eq!(k.map_update_elem(&map, &[4; 4], &[4; 8], ANY).unwrap_err().errno, Errno::E2BIG);
    k.map_lookup_elem(&map, &[2; 4], &mut value, ANY).unwrap();
    assert_eq!(value, [2; 8]);
    k.map_lookup_and_delete_elem(&map, &[2; 4], &mut value, ANY).unwrap();
    k.map_delete_elem(&map, &[1; 4], ANY).unwrap();
    let mut key = [0; 4];
    assert!(k.map_get_next_key(&map, None, &mut key).unwrap());
    assert_eq!(key, [3; 4]);
    assert!(!k.map_get_next_key(&map, Some(&[3; 4]), &mut key).unwrap());
}

#[test]
fn buffers_of_the_wrong_size_are_refused() {
    let k = kernel();
    let map = k.map_create(&hash("counts")).unwrap();
    let e = k.map_update_elem(&map, &[1; 3], &[1; 8], ANY).unwrap_err();
    assert_eq!(e.errno, Errno::EINVAL);
    assert_eq!(e.reason(), Some("a key of 3 bytes where the map's has 4"));
    let e = k.map_lookup_elem(&map, &[1; 4], &mut [0; 7], ANY).unwrap_err();
    assert_eq!(e.reason(), Some("a value of 7 bytes where the map's has 8"));
    let per_cpu = MapCreate { map_type: MapType::PERCPU_HASH, value_size: 12, ..hash("per_cpu") };
    let map = k.map_create(&per_cpu).unwrap();
    assert_eq!((map.value_size(), map.value_len()), (12, 4 * 16));
    assert!(k.map_lookup_elem(&map, &[1; 4], &mut [0; 12], ANY).is_err());
    let of_fds = MapCreate {
        map_type: MapType::PROG_ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..Default::default()
    };
    assert_eq!(k.map_create(&of_fds).unwrap().value_len(), 4);
}

#[test]
fn arrays_share_memory_with_their_mapping() {
    let k = kernel();
    let array = MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 12,
        max_entries: 3,
        flags: MapFlags::MMAPABLE,
        ..Default::default()
    };
    let map = k.map_create(&array).unwrap();
    k.map_update_elem(&map, &2u32.to_ne_bytes(), b"twelve bytes", ANY).unwrap();
    let mapping = k.mmap(map.as_fd(), 48, 0, Prot::ReadWrite).unwrap();
    let mut value = [0; 12];
    assert!(mapping.read(32, &mut value));
    assert_eq!(&value, b"twelve bytes");
    assert!(mapping.write(16, b"another one."));
    k.map_lookup_elem(&map, &1u32.to_ne_bytes(), &mut value, ANY).unwrap();
    assert_eq!(&value, b"another one.");
    assert_eq!(k.map_update_elem(&map, &3u32.to_ne_bytes(), &value, ANY).unwrap_err().errno, Errno::E2BIG);
    assert_eq!(k.map_delete_elem(&map, &1u32.to_ne_bytes(), ANY).unwrap_err().errno, Errno::EINVAL);
    let closed = k.map_create(&MapCreate { flags: MapFlags::empty(), ..array }).unwrap();
    assert!(k.mmap(closed.as_fd(), 48, 0, Prot::Read).is_err());
}

#[test]
fn frozen_maps_are_not_written() {
    let k = kernel();
    let map = k.map_create(&hash("frozen")).unwrap();
    k.map_update_elem(&map, &[1; 4], &[1; 8], ANY).unwrap();
    k.map_freeze(map.as_fd()).unwrap();
    assert_eq!(k.map_freeze(map.as_fd()).unwrap_err().errno, Errno::EPERM);
    assert_eq!(k.map_update_elem(&map, &[1; 4], &[2; 8], ANY).unwrap_err().errno, Errno::EPERM);
    assert_eq!(k.map_delete_elem(&map, &[1; 4], ANY).unwrap_err().errno, Errno::EPERM);
    k.map_lookup_elem(&map, &[1; 4], &mut [0; 8], ANY).unwrap();
}

#[test]
fn batches() {
    let k = kernel();
    let map = k.map_create(&MapCreate { max_entries: 10, ..hash("batch") }).unwrap();
    let keys: Vec<u8> = (0..10u32).flat_map(u32::to_ne_bytes).collect();
    let values: Vec<u8> = (0..10u64).flat_map(u64::to_ne_bytes).collect();
    assert_eq!(k.map_update_batch(&map, &keys, &values, ANY).unwrap(), 10);
    let mut cursor = BatchCursor::new();
    let (mut some_keys, mut some_values) = (vec![0; 4 * 4], vec![0; 4 * 8]);
    let mut seen = Vec::new();
    loop {
        let (n, more) = k.map_lookup_batch(&map, &mut cursor, &mut some_keys, &mut some_values, ANY).unwrap();
        for i in 0..n as usize {
            let key = u32::from_ne_bytes(some_keys[i * 4..i * 4 + 4].try_into().unwrap());
            let value = u64::from_ne_bytes(some_values[i * 8..i * 8 + 8].try_into().unwrap());
            assert_eq!(u64::from(key), value);
            seen.push(key);
        }
        if !more {
            break;
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
    assert_eq!(k.map_delete_batch(&map, &keys[..8], ANY).unwrap(), 2);
    let (done, e) =
        k.map_delete_batch(&map, &keys[4..12], ANY).map(|n| (n, None)).unwrap_or_else(|(n, e)| (n, Some(e)));
    assert_eq!((done, e.unwrap().errno), (0, Errno::ENOENT));
    let uneven = k.map_update_batch(&map, &keys[..8], &values[..8], ANY).unwrap_err();
    assert_eq!((uneven.0, uneven.1.errno), (0, Errno::EINVAL));
}

#[test]
fn maps_of_maps_want_a_map() {
    let k = kernel();
    let inner = k.map_create(&hash("inner")).unwrap();
    let outer = MapCreate {
        map_type: MapType::ARRAY_OF_MAPS,
        key_size: 4,
        value_size: 4,
        max_entries: 2,
        inner_map_fd: Some(inner.as_fd()),
        ..Default::default()
    };
    let map = k.map_create(&outer).unwrap();
    let key = 1u32.to_ne_bytes();
    k.map_update_elem(&map, &key, &inner.as_raw_fd().to_ne_bytes(), ANY).unwrap();
    let mut id = [0; 4];
    k.map_lookup_elem(&map, &key, &mut id, ANY).unwrap();
    assert_eq!(u32::from_ne_bytes(id), k.map_info(inner.as_fd()).unwrap().id);
    assert_eq!(k.map_update_elem(&map, &key, &1000i32.to_ne_bytes(), ANY).unwrap_err().errno, Errno::EBADF);
    assert!(k.map_create(&MapCreate { inner_map_fd: None, ..outer }).is_err());
}

#[test]
fn programs_links_and_their_ids() {
    let k = kernel();
    let prog = k.prog_load(&program(), None).unwrap();
    let info = k.prog_info(prog.as_fd()).unwrap();
    assert_eq!((info.name.as_str(), info.prog_type, info.xlated_prog_len), ("prog", ProgramType::XDP, 16));
    let link =
        k.link_create(&LinkCreate::new(prog.as_fd(), LinkTarget::Ifindex(7), AttachType::XDP)).unwrap();
    let info_of_link = k.link_info(link.as_fd()).unwrap();
    assert_eq!((info_of_link.link_type, info_of_link.prog_id), (LinkType::XDP, info.id));
    assert_eq!(k.next_id(ObjectKind::Prog, 0).unwrap(), Some(info.id));
    assert_eq!(k.next_id(ObjectKind::Prog, info.id).unwrap(), None);
    let again = k.fd_by_id(ObjectKind::Prog, info.id, OpenFlags::empty()).unwrap();
    assert_eq!(k.prog_info(again.as_fd()).unwrap().id, info.id);
    drop((prog, again));
    assert_eq!(k.fd_by_id(ObjectKind::Prog, info.id, OpenFlags::empty()).unwrap_err().errno, Errno::ENOENT);
    assert!(k.prog_load(&ProgLoad { insns: &[], ..program() }, None).is_err());
    assert!(k.prog_load(&ProgLoad { insns: &TRIVIAL[..12], ..program() }, None).is_err());
}

#[test]
fn raw_tracepoints_and_perf_events() {
    let k = kernel();
    let prog = k.prog_load(&program(), None).unwrap();
    let link = k.raw_tracepoint_open(Some("sched_switch"), prog.as_fd(), 0).unwrap();
    assert_eq!(k.link_info(link.as_fd()).unwrap().link_type, LinkType::RAW_TRACEPOINT);
    let event = k.perf_event_open(&PerfEvent::default(), -1, 0, Default::default()).unwrap();
    k.perf_event_set_bpf(event.as_fd(), prog.as_fd()).unwrap();
    k.perf_event_enable(event.as_fd()).unwrap();
    k.perf_event_disable(event.as_fd()).unwrap();
    assert_eq!(k.perf_event_enable(prog.as_fd()).unwrap_err().errno, Errno::ENOTTY);
    let link = LinkCreate::new(prog.as_fd(), LinkTarget::Fd(event.as_fd()), AttachType::PERF_EVENT);
    k.link_create(&link).unwrap();
    let wrong = LinkCreate::new(prog.as_fd(), LinkTarget::Fd(prog.as_fd()), AttachType::PERF_EVENT);
    assert_eq!(k.link_create(&wrong).unwrap_err().errno, Errno::EINVAL);
    assert!(k.tracepoint_id("sched", "sched_switch").unwrap() > 0);
    assert_eq!(k.uprobe_pmu().unwrap().ref_ctr_shift, 32);
}

#[test]
fn attached_programs_are_listed() {
    let k = kernel();
    let prog = k.prog_load(&program(), None).unwrap();
    let cgroup = k.open(Path::new("/proc/thread-self/mounts"), oxbpf_sys::OpenHow::Read).unwrap();
    let target = LinkTarget::Fd(cgroup.as_fd());
    let attach = ProgAttach::new(prog.as_fd(), target, AttachType::CGROUP_INET_EGRESS);
    k.prog_attach(&attach).unwrap();
    let query = ProgQuery { target, attach_type: AttachType::CGROUP_INET_EGRESS, effective: false };
    assert_eq!(k.prog_query(&query).unwrap().prog_ids, [k.prog_info(prog.as_fd()).unwrap().id]);
    k.prog_detach(&attach).unwrap();
    assert_eq!(k.prog_detach(&attach).unwrap_err().errno, Errno::ENOENT);
    assert!(k.prog_query(&query).unwrap().prog_ids.is_empty());
}

#[test]
fn pins() {
    let k = kernel();
    let map = k.map_create(&hash("pinned")).unwrap();
    let path = Path::new("/sys/fs/bpf/pinned");
    assert_eq!(k.obj_get(path, OpenFlags::empty()).unwrap_err().errno, Errno::ENOENT);
    k.obj_pin(map.as_fd(), path).unwrap();
    assert_eq!(k.obj_pin(map.as_fd(), path).unwrap_err().errno, Errno::EEXIST);
    assert_eq!(k.obj_pin(map.as_fd(), Path::new("/tmp/x")).unwrap_err().errno, Errno::EPERM);
    k.map_update_elem(&map, &[1; 4], &[9; 8], ANY).unwrap();
    drop(map);
    let again = k.map_from_fd(k.obj_get(path, OpenFlags::empty()).unwrap()).unwrap();
    let mut value = [0; 8];
    k.map_lookup_elem(&again, &[1; 4], &mut value, ANY).unwrap();
    assert_eq!(value, [9; 8]);
    k.unpin(path).unwrap();
    assert_eq!(k.unpin(path).unwrap_err().errno, Errno::ENOENT);
}

#[test]
fn btf_is_parsed() {
    let k = kernel();
    let e = k.btf_load(&BtfLoad { btf: &[1, 2, 3], ..Default::default() }, None).unwrap_err();
    assert_eq!(e.errno, Errno::EINVAL);
    assert_eq!(k.btf().unwrap_err().errno, Errno::ENOENT);
    // A header, and a string table with nothing but the empty string.
    let mut empty = vec![0x9f, 0xeb, 1, 0, 24, 0, 0, 0];
    empty.extend([0u32, 0, 0, 1].iter().flat_map(|w| w.to_le_bytes()));
    empty.push(0);
    if cfg!(target_endian = "little") {
        let fd = k.btf_load(&BtfLoad { btf: &empty, ..Default::default() }, None).unwrap();
        assert_eq!(k.btf_info(fd.as_fd()).unwrap().size, 25);
        assert_eq!(k.btf_data(fd.as_fd()).unwrap(), empty);
    }
    let with = Kernel::with_door(Arc::new(Fake::new().with_file("/sys/kernel/btf/vmlinux", empty)));
    assert_eq!(with.btf().unwrap().types().count(), 0);
    k.assume_btf(with.btf().unwrap());
    assert_eq!(k.btf().unwrap().types().count(), 0);
    assert!(with.module_btfs().unwrap().is_empty());
}

#[test]
fn what_is_closed_is_gone() {
    let fake = Arc::new(Fake::new());
    let k = Kernel::with_door(fake.clone());
    let map = k.map_create(&hash("one")).unwrap();
    let prog = k.prog_load(&program(), None).unwrap();
    let copy = map.try_clone().unwrap();
    assert_eq!(fake.open_objects(), 2);
    drop(map);
    assert_eq!(fake.open_objects(), 2);
    drop((copy, prog));
    assert_eq!(fake.open_objects(), 0);
}

/// What goes between being listed and being opened is left out; what cannot be opened is told, and the next follows.
#[test]
fn loaded_objects_are_listed_whatever_happens_to_them() {
    let maps = |kernel: &Kernel| {
        let create = |_| kernel.map_create(&hash("")).unwrap();
        (0..3).map(create).collect::<Vec<_>>()
    };
    // After three calls that make them: list, open, list, open.
    let listed = |n: u64, errno: Errno| {
        let kernel = Kernel::with_door(Arc::new(Faults::nth(Arc::new(Fake::new()), 3 + n, errno)));
        let maps = maps(&kernel);
        let items: Vec<_> =
            kernel.loaded(ObjectKind::Map).map(|r| r.map(|(id, _)| id).map_err(|e| e.errno)).collect();
        (maps.len(), items)
    };
    assert_eq!(listed(99, Errno::EPERM), (3, vec![Ok(1), Ok(2), Ok(3)]));
    assert_eq!(listed(1, Errno::ENOENT), (3, vec![Ok(2), Ok(3)]));
    assert_eq!(listed(3, Errno::EPERM), (3, vec![Ok(1), Err(Errno::EPERM), Ok(3)]));
    assert_eq!(listed(2, Errno::EPERM), (3, vec![Ok(1), Err(Errno::EPERM)]), "the list itself");
}
