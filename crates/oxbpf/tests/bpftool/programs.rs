//! Programs.

use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

use oxbpf::btf::{Endian, Kind};
use oxbpf::sys::{ProgLoad, TestRun};
use oxbpf::{AttachType, Kernel, LoadOptions, Object, Program, ProgramParts, ProgramType, enable_stats};
use oxbpf_testing::{Need, Skip, Suite, TestResult, testdata};

use crate::tool::{BPFTOOL, Result, Told, bpftool, hex, show};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::SysAdmin, BPFTOOL, Need::Kernel(5, 8)];
    suite.test("programs::fields", &needs, fields);
    suite.test("programs::code_and_lines", &needs, code_and_lines);
    suite.test("programs::functions_in_memory", &needs, functions_in_memory);
    suite.test("programs::counted_runs", &needs, counted_runs);
    suite.test("programs::what_it_is_for", &needs, what_it_is_for);
}

/// Of several types, with subprograms, callbacks, globals, CO-RE; one without types.
const FILES: &[&str] = &[
    "xdp_counter.bpf.o",
    "cgroup_egress.bpf.o",
    "opensnoop.bpf.o",
    "tests/callbacks.bpf.o",
    "tests/core_kinds.bpf.o",
    "tests/no_btf.bpf.o",
    "tests/perf_event.bpf.o",
    "tests/raw_tp.bpf.o",
    "tests/subprogs.bpf.o",
];

/// Those of them that this kernel is new enough for.
pub(crate) fn loaded() -> Result<Vec<Object>> {
    let load = |file: &&str| Object::load(&oxbpf::open(testdata(file))?, &LoadOptions::default());
    let all: Vec<Object> = FILES.iter().map(load).filter_map(oxbpf::Result::ok).collect();
    let new = Kernel::host().kernel_version()?.at_least(6, 1);
    assert!(all.len() == FILES.len() || !new, "{} of {} objects", all.len(), FILES.len());
    Ok(all)
}

fn fields() -> TestResult {
    for program in loaded()?.iter().flat_map(Object::programs) {
        let info = program.info()?;
        let told = show("prog", info.id)?;
        told.has("id", info.id);
        told.has("type", info.prog_type.to_string());
        told.has("tag", hex(&info.tag));
        told.has("gpl_compatible", info.gpl_compatible);
        told.has("uid", info.created_by_uid);
        told.has("bytes_xlated", info.xlated_prog_len);
        told.has("jited", info.jited_prog_len > 0);
        told.has("jited", info.jited.ok_or("fdinfo tells")?);
        told.same("bytes_jited", info.jited_prog_len, 0);
        told.same("bytes_memlock", info.memlock, None);
        told.same("map_ids", info.map_ids.clone(), vec![]);
        told.same("btf_id", info.btf_id, 0);
        told.same("run_time_ns", info.run_time_ns, 0);
        told.same("run_cnt", info.run_cnt, 0);
        told.same("recursion_misses", info.recursion_misses, 0);
        assert!(told.value.get("dev").is_none() && info.ifindex == 0 && info.netns_ino == 0);
        // bpftool completes the name from the BTF, too.
        told.has("name", program.full_name()?);
        let opened = Program::from_id(program.kernel(), info.id)?;
        told.has("name", opened.full_name()?);
        assert!(opened.full_name()?.starts_with(&info.name));
        let since_boot = time(rustix::time::ClockId::Boottime);
        let loaded = SystemTime::now() - (since_boot - Duration::from_nanos(info.load_time));
        let loaded = loaded.duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let theirs = told.value["loaded_at"].as_u64().ok_or("a time")?;
        assert!(loaded.abs_diff(theirs) <= 2, "loaded at {loaded}, they say {theirs}");

        let told = Told::proc(&program.kernel().fdinfo(program.as_fd())?);
        told.has("prog_type", info.prog_type.0);
        told.has("prog_id", info.id);
        told.has("prog_tag", hex(&info.tag));
        told.same("verified_insns", info.verified_insns, 0);
        told.same("run_cnt", info.run_cnt, 0);
        told.same("recursion_misses", info.recursion_misses, 0);
    }
    Ok(())
}

fn time(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}

/// Instructions byte by byte, source lines one by one, functions where they begin.
fn code_and_lines() -> TestResult {
    let mut lines = 0;
    for program in loaded()?.iter().flat_map(Object::programs) {
        let info = program.info()?;
        let dump = program.dump(ProgramParts::all() - ProgramParts::JITED)?;
        let id = info.id.to_string();
        let theirs = bpftool(&["prog", "dump", "xlated", "id", &id, "opcodes"])?;
        let theirs = theirs.as_array().ok_or("a list")?;
        let bytes: Vec<u8> = theirs.iter().flat_map(|insn| opcodes(&insn["opcodes"])).collect();
        // Addresses in instructions of two are shown to some and not to others; so each as the kernel gives it to us.
        assert_eq!(hex(&dump.xlated), hex(&bytes), "{}", info.name);

        let ours: Vec<u32> = dump.functions().map(|f| f.insn_off).collect();
        assert_eq!(ours.len(), info.nr_func_info as usize);
        let mut at = 0;
        let mut begins = Vec::new();
        let theirs = bpftool(&["prog", "dump", "xlated", "id", &id, "linum"])?;
        let btf = oxbpf::LoadedBtf::from_id(program.kernel(), info.btf_id);
        let btf = btf.and_then(|btf| btf.btf());
        assert_eq!(dump.lines().count(), info.nr_line_info as usize);
        for (insn, code) in theirs.as_array().ok_or("a list")?.iter().zip(bytes_of(&dump.xlated)) {
            if insn.get("proto").is_some() {
                begins.push(at);
            }
            if let (Some(line), Ok(btf)) = (insn["line_num"].as_u64(), &btf) {
                let ours = dump.line_of(at).ok_or("a line that we have not")?;
                assert_eq!((ours.insn_off, u64::from(ours.line())), (at, line), "{}", info.name);
                assert_eq!(u64::from(ours.column()), insn["line_col"].as_u64().unwrap_or(0));
                assert_eq!(btf.str_at(ours.file_name_off).ok(), insn["file"].as_str());
                lines += 1;
            }
            at += code.len() as u32;
        }
        assert_eq!(ours, begins, "{}", info.name);
    }
    assert!(lines > 50, "{lines} lines compared");
    Ok(())
}

/// The instructions, those of two as one.
fn bytes_of(code: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    let mut rest = code;
    while let [first, ..] = rest {
        let (one, more) = rest.split_at(if *first == 0x18 { 16 } else { 8 });
        all.push(one);
        rest = more;
    }
    all
}

/// An instruction from its parts.
fn opcodes(parts: &serde_json::Value) -> Vec<u8> {
    let byte = |v: &serde_json::Value| {
        let text = v.as_str().unwrap_or_default().trim_start_matches("0x");
        u8::from_str_radix(text, 16).expect("a byte")
    };
    let list = |v: &serde_json::Value| v.as_array().into_iter().flatten().map(byte).collect::<Vec<u8>>();
    let (src, dst) = (byte(&parts["src_reg"]), byte(&parts["dst_reg"]));
    let regs = if Endian::NATIVE == Endian::Little { src << 4 | dst } else { dst << 4 | src };
    let (off, imm) = (list(&parts["off"]), list(&parts["imm"]));
    let mut insn = vec![byte(&parts["code"]), regs];
    insn.extend(&off);
    // Of those of two, all that follows.
    insn.extend(&imm);
    insn
}

/// Each function is in /proc/kallsyms under its tag and name, at its address.
fn functions_in_memory() -> TestResult {
    let objects = loaded()?;
    let symbols = std::fs::read_to_string("/proc/kallsyms")?;
    let mut seen = 0;
    for program in objects.iter().flat_map(Object::programs) {
        let info = program.info()?;
        let dump = program.dump(ProgramParts::all())?;
        assert_eq!(dump.jited.len(), info.jited_prog_len as usize);
        assert_eq!(dump.func_lens.iter().sum::<u32>(), info.jited_prog_len, "{}", info.name);
        let counts = [dump.ksyms.len(), dump.func_lens.len(), dump.tags.len()];
        let told = [info.nr_jited_ksyms, info.nr_jited_func_lens, info.nr_prog_tags].map(|n| n as usize);
        assert_eq!(counts, told, "{}", info.name);
        assert_eq!(dump.jited_line_info.len(), info.nr_jited_line_info as usize);
        for (i, (address, tag)) in dump.ksyms.iter().zip(&dump.tags).enumerate() {
            // The first function stands for the whole program.
            let tag = if i == 0 { &info.tag } else { tag };
            let line = format!("{address:016x} t bpf_prog_{}", hex(tag));
            let at = format!("{address:016x}");
            let found = symbols.lines().find(|l| l.starts_with(&at));
            assert!(found.is_some_and(|l| l.starts_with(&line)), "{line} of {}: {found:?}", info.name);
            seen += 1;
        }
        // Each line is found by its address, unless the next one stands there, too.
        let shared = |at: &u64| dump.jited_line_info.iter().filter(|other| *other == at).count() > 1;
        for (line, at) in dump.lines().zip(&dump.jited_line_info).filter(|(_, at)| !shared(at)) {
            assert_eq!(dump.line_at(*at), Some(line), "{}", info.name);
        }
    }
    match seen {
        0 => Err(Skip::because("needs programs as machine code whose addresses are shown").into()),
        _ => Ok(()),
    }
}

fn counted_runs() -> TestResult {
    let kernel = Kernel::host();
    let object = Object::load(&oxbpf::open(testdata("cgroup_egress.bpf.o"))?, &LoadOptions::default())?;
    let program = object.programs().iter().next().ok_or("a program")?;
    let counting = enable_stats(&kernel)?;
    let mut run = TestRun { data_in: &[0; 64], repeat: 17, ..TestRun::default() };
    kernel.prog_test_run(program.as_fd(), &mut run)?;
    drop(counting);
    let info = program.info()?;
    assert_eq!(info.run_cnt, 17);
    let told = show("prog", info.id)?;
    told.has("run_cnt", info.run_cnt);
    told.has("run_time_ns", info.run_time_ns);
    Ok(())
}

/// The function of the kernel that an iterator is for, by its id in the kernel's types.
fn what_it_is_for() -> TestResult {
    let kernel = Kernel::host();
    let function = kernel.btf()?.find("bpf_iter_task", Kind::Func);
    let function = function.ok_or_else(|| Skip::because("needs iterators of tasks"))?;
    let insns = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    let load = ProgLoad {
        prog_type: ProgramType::TRACING,
        expected_attach_type: Some(AttachType::TRACE_ITER),
        attach_btf_id: function.0,
        insns: &insns,
        license: "MIT",
        ..ProgLoad::default()
    };
    let program = Program::from_fd(&kernel, kernel.prog_load(&load, None)?)?;
    let info = program.info()?;
    assert!(!info.gpl_compatible);
    show("prog", info.id)?.has("gpl_compatible", false);
    if kernel.kernel_version()?.at_least(6, 0) {
        // The kernel's own types are the first ones it has.
        assert_eq!((info.attach_btf_id, info.attach_btf_obj_id), (function.0, 1));
    }
    Ok(())
}
