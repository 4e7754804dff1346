//! What is refused of programs to load, with the words of it.

use std::os::fd::AsFd;

use oxbpf_obj::insn::{Assembler, Cond, Reg::*, Size, helper_id};
use oxbpf_sys::{
    AttachType, Errno, InfoRecords, LogBuf, MapCreate, MapType, ProgLoad, ProgramFlags, ProgramType,
};
use oxbpf_testing::{Need, Suite, TestResult, without_capabilities};

use super::{bytes, kernel, nowhere, program, refused, refused_as, returns};

pub(crate) fn add(suite: &mut Suite) {
    let bpf = &[Need::Bpf];
    suite.test("loading::what_is_refused", bpf, what_is_refused);
    suite.test("loading::the_verifier_refuses", bpf, the_verifier_refuses);
    suite.test("loading::licenses_count", bpf, licenses_count);
    suite.test("loading::too_many_instructions", bpf, too_many_instructions);
    suite.test("loading::descriptors_that_are_none", &[Need::Bpf, Need::Kernel(5, 11)], descriptors);
    suite.test("loading::attach_types_count", &[Need::Bpf, Need::Kernel(4, 17)], attach_types_count);
    let unprivileged =
        Need::That("needs kernel.unprivileged_bpf_disabled", super::create::unprivileged_is_off);
    suite.test("loading::needs_privileges", &[Need::Bpf, unprivileged], needs_privileges);
    suite.test("loading::signatures", &[Need::Bpf, Need::Kernel(6, 18)], signatures);
    suite.test(
        "loading::binding_and_associating",
        &[Need::Bpf, Need::Kernel(5, 10)],
        binding_and_associating,
    );
    suite.test("loading::streams", &[Need::Bpf, Need::Kernel(6, 17)], streams);
}

const FILTER: ProgramType = ProgramType::SOCKET_FILTER;

fn what_is_refused() -> TestResult {
    let (k, insns) = (kernel(), returns(0));
    let load = |p: &ProgLoad<'_>| k.prog_load(p, None);
    let ok = || program(FILTER, &insns);
    let failed = "BPF_PROG_LOAD of program \"test\" failed: ";
    refused_as(
        load(&ProgLoad { insns: &insns[..12], ..ok() }),
        &format!("{failed}EINVAL (Invalid argument): instructions that are not 8 bytes each"),
    );
    refused_as(
        load(&ProgLoad { attach_prog_fd: Some(nowhere()), attach_btf_obj_fd: Some(nowhere()), ..ok() }),
        &format!("{failed}EINVAL (Invalid argument): a module and a program to attach to, both"),
    );
    for wrong in [
        ProgLoad { prog_type: ProgramType::UNSPEC, ..ok() },
        ProgLoad { flags: ProgramFlags::from_bits_retain(1 << 31), ..ok() },
        // Such programs do not sleep.
        ProgLoad { flags: ProgramFlags::SLEEPABLE, ..ok() },
    ] {
        refused(load(&wrong), Errno::EINVAL);
    }
    refused_as(
        load(&ProgLoad { insns: &[], ..ok() }),
        &format!(
            "{failed}E2BIG (Argument list too long): no instructions, too many of them or of paths through them, or a \
             field that this kernel does not know"
        ),
    );
    // A license is 127 bytes at most.
    load(&ProgLoad { license: &"x".repeat(300), ..ok() })?;
    // A long name is cut.
    let named = load(&ProgLoad { name: "a_name_that_is_too_long", ..ok() })?;
    assert_eq!(k.prog_info(named.as_fd())?.name, "a_name_that_is_");
    Ok(())
}

fn the_verifier_refuses() -> TestResult {
    let k = kernel();
    let why = |program: Assembler| -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let insns = bytes(program);
        let mut log = LogBuf::new(LogBuf::ERRORS, 64 << 10);
        let e = k.prog_load(&super::program(FILTER, &insns), Some(&mut log)).expect_err("it is wrong");
        assert!(matches!(e.errno, Errno::EACCES | Errno::EINVAL), "{e}");
        Ok(log.text().into_owned())
    };
    let out_of_stack = Assembler::new().store_imm(Size::Dw, R10, -520, 0).mov64_imm(R0, 0).exit();
    assert!(why(out_of_stack)?.contains("stack"), "of the stack");
    let no_exit = Assembler::new().mov64_imm(R0, 0);
    assert!(why(no_exit)?.contains("last insn"), "of the last instruction");
    let outside = Assembler::new().if64_imm(Cond::Eq, R1, 0, "out").mov64_imm(R0, 0).exit().label("out");
    assert!(why(outside)?.contains("jump out of range"), "of the jump");
    let no_such_helper = Assembler::new().call(99_999).exit();
    assert!(why(no_such_helper)?.contains("invalid func"), "of the helper");
    // For XDP, not for sockets.
    let adjust_head = Assembler::new().call(helper_id("bpf_xdp_adjust_head").ok_or("a helper")?).exit();
    let text = why(adjust_head)?;
    assert!(text.contains("unknown func") || text.contains("cannot use helper"), "{text}");
    Ok(())
}

fn licenses_count() -> TestResult {
    let k = kernel();
    let gpl_only = helper_id("bpf_trace_printk").ok_or("a helper")?;
    let insns = bytes(
        Assembler::new()
            .store_imm(Size::Dw, R10, -8, 0)
            .mov64_reg(R1, R10)
            .add64_imm(R1, -8)
            .mov64_imm(R2, 8)
            .call(gpl_only)
            .mov64_imm(R0, 0)
            .exit(),
    );
    let load = program(ProgramType::TRACEPOINT, &insns);
    for license in ["GPL", "GPL v2", "Dual BSD/GPL", "Dual MIT/GPL"] {
        k.prog_load(&ProgLoad { license, ..load.clone() }, None)?;
    }
    let mut log = LogBuf::new(LogBuf::ERRORS, 4096);
    refused(k.prog_load(&ProgLoad { license: "Proprietary", ..load }, Some(&mut log)), Errno::EINVAL);
    assert!(log.text().contains("GPL"), "{}", log.text());
    Ok(())
}

fn too_many_instructions() -> TestResult {
    let k = kernel();
    let insns = returns(0).repeat(500_001);
    refused(k.prog_load(&program(FILTER, &insns), None), Errno::E2BIG);
    // Few instructions, many paths: 2^20 of them.
    let maze = (0..20).fold(Assembler::new().mov64_reg(R6, R1), |p, i| {
        let after = format!("after {i}");
        p.call(7).if64_imm(Cond::Set, R0, 1, &after).mov64_imm(R7, i).label(&after).mov64_reg(R8, R0)
    });
    // What the verifier makes of it differs; it never says anything else.
    if let Err(e) = k.prog_load(&program(FILTER, &bytes(maze.mov64_imm(R0, 0).exit())), None) {
        assert!(matches!(e.errno, Errno::E2BIG | Errno::EACCES | Errno::EINVAL), "{e}");
    }
    Ok(())
}

fn descriptors() -> TestResult {
    let (k, insns) = (kernel(), returns(0));
    let ok = || program(FILTER, &insns);
    let map = k.map_create(&MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..Default::default()
    })?;
    let by_fd = |fd| bytes(Assembler::new().ld_map_fd(R1, fd).mov64_imm(R0, 0).exit());
    let ebadf = "BPF_PROG_LOAD of program \"test\" failed: EBADF (Bad file descriptor): one of the descriptors (map, \
                 BTF, program, token) is none";
    refused_as(k.prog_load(&program(FILTER, &by_fd(1_000_000)), None), ebadf);
    // Records of functions need the BTF that they are about.
    let records = InfoRecords { rec_size: 8, records: &[0; 8] };
    refused_as(k.prog_load(&ProgLoad { btf_fd: Some(nowhere()), func_info: records, ..ok() }, None), ebadf);
    // A map is no BTF.
    refused(
        k.prog_load(&ProgLoad { btf_fd: Some(map.as_fd()), func_info: records, ..ok() }, None),
        Errno::EINVAL,
    );
    // Attaching to another program is for programs of other types.
    let to = ProgLoad { attach_prog_fd: Some(map.as_fd()), attach_btf_id: 1, ..ok() };
    refused(k.prog_load(&to, None), Errno::EINVAL);
    Ok(())
}

fn attach_types_count() -> TestResult {
    let (k, insns) = (kernel(), returns(1));
    let load = |prog_type, expected| {
        let expected_attach_type = Some(expected);
        k.prog_load(&ProgLoad { expected_attach_type, ..program(prog_type, &insns) }, None)
    };
    load(ProgramType::CGROUP_SOCK_ADDR, AttachType::CGROUP_INET4_CONNECT)?;
    refused(load(ProgramType::CGROUP_SOCK_ADDR, AttachType::CGROUP_SYSCTL), Errno::EINVAL);
    refused(load(ProgramType::CGROUP_SOCK, AttachType::CGROUP_INET4_CONNECT), Errno::EINVAL);
    // A tracing program has to say for which function.
    let tracing = load(ProgramType::TRACING, AttachType::TRACE_ITER);
    refused(tracing, Errno::EINVAL);
    Ok(())
}

fn needs_privileges() -> TestResult {
    let (k, insns) = (kernel(), returns(0));
    let refusal = without_capabilities(|| k.prog_load(&program(ProgramType::XDP, &insns), None))?;
    refused_as(refusal, "BPF_PROG_LOAD of program \"test\" failed: EPERM (Operation not permitted)");
    Ok(())
}

fn signatures() -> TestResult {
    let (k, insns) = (kernel(), returns(0));
    let signed = ProgLoad { signature: b"no PKCS#7", keyring_id: -1, ..program(FILTER, &insns) };
    let e = k.prog_load(&signed, None).expect_err("it is no signature");
    assert_ne!(e.errno, Errno::E2BIG, "this kernel knows signatures: {e}");
    Ok(())
}

fn binding_and_associating() -> TestResult {
    let k = kernel();
    let prog = k.prog_load(&program(FILTER, &returns(0)), None)?;
    let array = MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..Default::default()
    };
    let map = k.map_create(&array)?;
    k.prog_bind_map(prog.as_fd(), map.as_fd())?;
    k.prog_bind_map(prog.as_fd(), map.as_fd())?;
    assert_eq!(k.prog_info(prog.as_fd())?.map_ids, [k.map_info(map.as_fd())?.id], "once");
    refused_as(
        k.prog_bind_map(prog.as_fd(), nowhere()),
        "BPF_PROG_BIND_MAP failed: EBADF (Bad file descriptor): not a descriptor",
    );
    refused_as(
        k.prog_bind_map(map.as_fd(), map.as_fd()),
        "BPF_PROG_BIND_MAP failed: EINVAL (Invalid argument): no descriptors of a program and of a map",
    );
    // No struct_ops map, or a kernel that knows nothing of this.
    let e = refused(k.prog_assoc_struct_ops(prog.as_fd(), map.as_fd()), Errno::EINVAL);
    assert!(e.to_string().contains("6.19"), "{e}");
    Ok(())
}

fn streams() -> TestResult {
    let k = kernel();
    let prog = k.prog_load(&program(FILTER, &returns(0)), None)?;
    let map = k.map_create(&MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..Default::default()
    })?;
    for stream in [oxbpf_sys::Kernel::STDOUT, oxbpf_sys::Kernel::STDERR] {
        assert_eq!(k.prog_stream_read(prog.as_fd(), stream, &mut [0; 100])?, 0);
    }
    refused_as(
        k.prog_stream_read(prog.as_fd(), 3, &mut [0; 100]),
        "BPF_PROG_STREAM_READ_BY_FD failed: ENOENT (No such file or directory): programs have the streams 1 and 2",
    );
    refused_as(
        k.prog_stream_read(map.as_fd(), 1, &mut [0; 100]),
        "BPF_PROG_STREAM_READ_BY_FD failed: EINVAL (Invalid argument): no descriptor of a program, or a kernel before \
         Linux 6.17",
    );
    refused(k.prog_stream_read(nowhere(), 1, &mut [0; 100]), Errno::EBADF);
    Ok(())
}
