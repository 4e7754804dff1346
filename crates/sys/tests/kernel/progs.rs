//! Loading programs, BTF, and running them by hand.

use std::os::fd::AsFd;

use oxbpf_btf::{BtfBuilder, IntEncoding};
use oxbpf_obj::insn::{Assembler, Reg::*, Size};
use oxbpf_sys::{
    BtfLoad, Errno, InfoRecords, LogBuf, MapCreate, MapType, ProgLoad, ProgramParts, ProgramType, TestRun,
};
use oxbpf_testing::{Need, Suite, TestResult};

use super::{bytes, kernel, program, refused, returns};

pub(crate) fn add(suite: &mut Suite) {
    let bpf = &[Need::Bpf];
    suite.test("progs::loads", bpf, loads);
    suite.test("progs::the_verifier_says_why", bpf, the_verifier_says_why);
    suite.test("progs::a_short_log", bpf, a_short_log);
    suite.test(
        "progs::a_short_log_tells_its_length",
        &[Need::Bpf, Need::Kernel(6, 4)],
        a_short_log_tells_its_length,
    );
    suite.test("progs::btf_and_func_info", &[Need::Bpf, Need::Kernel(5, 0)], btf_and_func_info);
    suite.test(
        "progs::bad_btf_is_refused_with_a_log",
        &[Need::Bpf, Need::Kernel(4, 18)],
        bad_btf_is_refused_with_a_log,
    );
    suite.test("progs::test_run", &[Need::Bpf, Need::NetAdmin, Need::Kernel(4, 12)], test_run);
    suite.test(
        "progs::test_run_tells_of_too_little_room",
        &[Need::Bpf, Need::NetAdmin, Need::Kernel(4, 12)],
        test_run_tells_of_too_little_room,
    );
    suite.test("progs::maps_are_bound", &[Need::Bpf, Need::Kernel(5, 10)], maps_are_bound);
    suite.test("progs::maps_by_index", &[Need::Bpf, Need::Kernel(5, 14)], maps_by_index);
    suite.test("progs::fd_array_is_bound", &[Need::Bpf, Need::Kernel(6, 14)], fd_array_is_bound);
    suite.test("progs::streams_are_read", &[Need::Bpf, Need::Kernel(6, 17)], streams_are_read);
}

const FILTER: ProgramType = ProgramType::SOCKET_FILTER;

fn loads() -> TestResult {
    let k = kernel();
    let prog = k.prog_load(&program(FILTER, &returns(0)), None)?;
    let info = k.prog_info(prog.as_fd())?;
    assert_eq!((info.prog_type, info.name.as_str(), info.gpl_compatible), (FILTER, "test", true));
    assert_eq!(info.xlated_prog_len, 16);
    let closed = k.prog_load(&ProgLoad { license: "Proprietary", ..program(FILTER, &returns(0)) }, None)?;
    assert!(!k.prog_info(closed.as_fd())?.gpl_compatible);
    refused(k.prog_load(&program(ProgramType(9999), &returns(0)), None), Errno::EINVAL);
    refused(k.prog_load(&program(FILTER, &[]), None), Errno::E2BIG);
    refused(k.prog_load(&ProgLoad { license: "a\0b", ..program(FILTER, &returns(0)) }, None), Errno::EINVAL);
    Ok(())
}

/// Reads from a register that nobody wrote: `r0 = *(u64 *)(r5 + 0); exit`.
fn bad() -> Vec<u8> {
    bytes(Assembler::new().load(Size::Dw, R0, R5, 0).exit())
}

fn the_verifier_says_why() -> TestResult {
    let k = kernel();
    let mut log = LogBuf::new(LogBuf::ERRORS, 1 << 16);
    let e = refused(k.prog_load(&program(FILTER, &bad()), Some(&mut log)), Errno::EACCES);
    assert_eq!(e.to_string(), "BPF_PROG_LOAD of program \"test\" failed: EACCES (Permission denied)");
    assert!(log.text().contains("R5 !read_ok"), "{}", log.text());
    assert!(!log.is_truncated());
    // The same buffer again, for a program that is fine.
    k.prog_load(&program(FILTER, &returns(0)), Some(&mut log))?;
    assert!(!log.text().contains("R5 !read_ok"), "{}", log.text());
    Ok(())
}

fn a_short_log() -> TestResult {
    let k = kernel();
    let long = bytes((0..101).fold(Assembler::new(), |p, _| p.mov64_imm(R0, 0)).exit());
    // Kernels before 6.4 know no fixed log; they have no other.
    let level = if k.kernel_version()?.at_least(6, 4) { LogBuf::ALL | LogBuf::FIXED } else { LogBuf::ALL };
    let mut all = LogBuf::new(level, 128);
    refused(k.prog_load(&program(FILTER, &long), Some(&mut all)), Errno::ENOSPC);
    assert!(all.is_truncated(), "{:?}", all.text());
    assert!(all.text().len() >= 100);
    Ok(())
}

fn a_short_log_tells_its_length() -> TestResult {
    let k = kernel();
    let mut short = LogBuf::new(LogBuf::ALL, 64);
    refused(k.prog_load(&program(FILTER, &returns(0)), Some(&mut short)), Errno::ENOSPC);
    let needed = short.true_size().ok_or("no true size")?;
    assert!(needed > 64 && short.is_truncated());
    let mut long = LogBuf::new(LogBuf::ALL, needed as usize + 64);
    k.prog_load(&program(FILTER, &returns(0)), Some(&mut long))?;
    assert!(!long.is_truncated());
    assert!(long.text().ends_with(short.text().trim_start_matches(|c| c != '\n')), "it keeps the end");
    Ok(())
}

/// `int test(void)`, as BTF and as function info.
fn types() -> Result<(Vec<u8>, Vec<u8>), oxbpf_btf::Error> {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
    let proto = b.add_func_proto(int, [])?;
    let func = b.add_func("test", 0, proto)?;
    let btf = b.build()?.as_bytes().to_vec();
    Ok((btf, [0u32.to_ne_bytes(), func.0.to_ne_bytes()].concat()))
}

fn btf_and_func_info() -> TestResult {
    let k = kernel();
    let (btf, func_info) = types()?;
    let fd = k.btf_load(&BtfLoad { btf: &btf, ..Default::default() }, None)?;
    let insns = returns(0);
    let load = ProgLoad {
        btf_fd: Some(fd.as_fd()),
        func_info: InfoRecords { rec_size: 8, records: &func_info },
        ..program(FILTER, &insns)
    };
    let prog = k.prog_load(&load, None)?;
    let info = k.prog_info(prog.as_fd())?;
    assert_eq!((info.btf_id, info.nr_func_info), (k.btf_info(fd.as_fd())?.id, 1));
    let dump = k.prog_dump(prog.as_fd(), ProgramParts::all())?;
    assert_eq!((dump.func_info, dump.func_info_rec_size), (func_info.clone(), 8));
    assert_eq!(dump.xlated.len(), info.xlated_prog_len as usize);
    assert_eq!(dump.tags, [info.tag]);
    assert_eq!((dump.line_info.len(), dump.jited_line_info.len()), (0, 0));
    assert!(dump.jited.len() == info.jited_prog_len as usize || dump.jited.is_empty());
    let some = k.prog_dump(prog.as_fd(), ProgramParts::XLATED)?;
    assert_eq!((some.xlated, some.jited.len(), some.tags.len()), (dump.xlated, 0, 0));
    // A function that is not where the info says.
    let wrong = [8u32.to_ne_bytes(), func_info[4..].try_into()?].concat();
    let load = ProgLoad { func_info: InfoRecords { rec_size: 8, records: &wrong }, ..load };
    assert!(k.prog_load(&load, None).is_err());
    Ok(())
}

fn bad_btf_is_refused_with_a_log() -> TestResult {
    let k = kernel();
    let (mut btf, _) = types()?;
    // The size of the int: no integer has 3 bytes.
    let size_at = 24 + 8;
    btf[size_at..size_at + 4].copy_from_slice(&3u32.to_ne_bytes());
    let mut log = LogBuf::new(LogBuf::ERRORS, 4096);
    refused(k.btf_load(&BtfLoad { btf: &btf, ..Default::default() }, Some(&mut log)), Errno::EINVAL);
    assert!(log.text().contains("INT"), "{}", log.text());
    refused(k.btf_load(&BtfLoad::default(), None), Errno::EINVAL);
    Ok(())
}

/// An Ethernet header and then some.
const PACKET: [u8; 64] = [0x5a; 64];

fn test_run() -> TestResult {
    let k = kernel();
    let prog = k.prog_load(&program(ProgramType::XDP, &returns(2)), None)?;
    let mut out = [0; 64];
    let mut run = TestRun { data_in: &PACKET, data_out: &mut out, repeat: 10, ..Default::default() };
    let answer = k.prog_test_run(prog.as_fd(), &mut run)?;
    assert_eq!((answer.retval, answer.data_size, answer.truncated), (2, 64, false));
    assert_eq!(out, PACKET);
    let on_packets = k.prog_load(&program(ProgramType::SCHED_CLS, &returns(0)), None)?;
    let mut too_short = TestRun { data_in: &PACKET[..3], ..Default::default() };
    refused(k.prog_test_run(on_packets.as_fd(), &mut too_short), Errno::EINVAL);
    let filter = k.prog_load(&program(ProgramType::CGROUP_SOCK_ADDR, &returns(1)), None);
    if let Ok(filter) = filter {
        let e =
            k.prog_test_run(filter.as_fd(), &mut TestRun::default()).expect_err("no such thing for its type");
        assert!(matches!(e.errno, Errno::ENOTSUPP | Errno::EINVAL | Errno::EOPNOTSUPP), "{e}");
    }
    Ok(())
}

fn test_run_tells_of_too_little_room() -> TestResult {
    let k = kernel();
    let prog = k.prog_load(&program(ProgramType::XDP, &returns(1)), None)?;
    let mut out = [0; 16];
    let answer = k.prog_test_run(
        prog.as_fd(),
        &mut TestRun { data_in: &PACKET, data_out: &mut out, ..Default::default() },
    )?;
    assert_eq!((answer.data_size, answer.truncated), (64, true));
    assert_eq!(out, PACKET[..16]);
    Ok(())
}

fn array() -> MapCreate<'static> {
    MapCreate { map_type: MapType::ARRAY, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() }
}

fn maps_are_bound() -> TestResult {
    let k = kernel();
    let prog = k.prog_load(&program(FILTER, &returns(0)), None)?;
    assert!(k.prog_info(prog.as_fd())?.map_ids.is_empty());
    let map = k.map_create(&array())?;
    k.prog_bind_map(prog.as_fd(), map.as_fd())?;
    assert_eq!(k.prog_info(prog.as_fd())?.map_ids, [k.map_info(map.as_fd())?.id]);
    refused(k.prog_bind_map(map.as_fd(), prog.as_fd()), Errno::EINVAL);
    Ok(())
}

fn maps_by_index() -> TestResult {
    let k = kernel();
    let map = k.map_create(&array())?;
    // r1 = map number 1 of the array.
    let insns = bytes(Assembler::new().ld_map_index(R1, 1).mov64_imm(R0, 0).exit());
    let other = k.map_create(&array())?;
    let fds = [other.as_fd(), map.as_fd()];
    let prog = k.prog_load(&ProgLoad { fd_array: &fds, ..program(FILTER, &insns) }, None)?;
    assert_eq!(k.prog_info(prog.as_fd())?.map_ids, [k.map_info(map.as_fd())?.id]);
    Ok(())
}

fn fd_array_is_bound() -> TestResult {
    let k = kernel();
    let map = k.map_create(&array())?;
    let (fds, insns) = ([map.as_fd()], returns(0));
    let load = ProgLoad { fd_array: &fds, bind_fd_array: true, ..program(FILTER, &insns) };
    let prog = k.prog_load(&load, None)?;
    assert_eq!(k.prog_info(prog.as_fd())?.map_ids, [k.map_info(map.as_fd())?.id]);
    Ok(())
}

fn streams_are_read() -> TestResult {
    let k = kernel();
    let prog = k.prog_load(&program(FILTER, &returns(0)), None)?;
    assert_eq!(k.prog_stream_read(prog.as_fd(), 1, &mut [0; 100])?, 0);
    refused(k.prog_stream_read(prog.as_fd(), 3, &mut [0; 100]), Errno::ENOENT);
    Ok(())
}
