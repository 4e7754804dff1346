//! Running programs by hand: what the kernel refuses of the raw command. `crates/oxbpf` has the rest.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf_obj::insn::{Assembler, Reg::*, Size};
use oxbpf_sys::uapi::TestRunFlags;
use oxbpf_sys::{Errno, Kernel, ProgLoad, ProgramFlags, ProgramType, SysError, TestRun, TestRunAnswer};
use oxbpf_testing::{Need, Suite, TestResult, without_capabilities};

use super::{bytes, kernel, nowhere, program, refused, refused_as, returns};

pub(crate) fn add(suite: &mut Suite) {
    let since = |major, minor| [Need::Bpf, Need::NetAdmin, Need::Kernel(major, minor)];
    suite.test("running::what_xdp_refuses", &since(5, 18), what_xdp_refuses);
    suite.test("running::what_packets_refuse", &since(5, 18), what_packets_refuse);
    suite.test("running::what_raw_tracepoints_refuse", &since(5, 18), what_raw_tracepoints_refuse);
    suite.test("running::a_syscall_program_writes_its_context", &since(5, 14), a_context_is_written);
    suite.test("running::not_every_type", &since(5, 9), not_every_type);
    suite.test("running::on_nothing", &since(5, 9), on_nothing);
}

const PACKET: [u8; 64] = [0x5a; 64];
const EINVAL: &str = "BPF_PROG_TEST_RUN failed: EINVAL (Invalid argument): the data, the context or an option is not for \
                      programs of this type";

fn load(k: &Kernel, prog_type: ProgramType) -> Result<OwnedFd, SysError> {
    k.prog_load(&program(prog_type, &returns(1)), None)
}

fn run(k: &Kernel, prog: &OwnedFd, mut run: TestRun<'_>) -> Result<TestRunAnswer, SysError> {
    k.prog_test_run(prog.as_fd(), &mut run)
}

fn what_xdp_refuses() -> TestResult {
    let k = kernel();
    let xdp = load(&k, ProgramType::XDP)?;
    let on = |more: TestRun<'_>| run(&k, &xdp, TestRun { data_in: &PACKET, ..more });
    refused_as(run(&k, &xdp, TestRun { data_in: &PACKET[..13], ..Default::default() }), EINVAL);
    refused_as(on(TestRun { flags: TestRunFlags::ON_CPU, ..Default::default() }), EINVAL);
    refused_as(on(TestRun { batch_size: 1, ..Default::default() }), EINVAL);
    let live = TestRunFlags::XDP_LIVE_FRAMES;
    refused_as(
        on(TestRun { flags: live, batch_size: 257, ..Default::default() }),
        "BPF_PROG_TEST_RUN failed: E2BIG (Argument list too long): the context, or the batch, is larger than that of \
         programs of this type",
    );
    // A context longer than the kernel's has to end in zeros.
    let mut long = [0; 40];
    long[4] = 64;
    on(TestRun { ctx_in: &mut long, ..Default::default() })?;
    long[39] = 1;
    refused(on(TestRun { ctx_in: &mut long, ..Default::default() }), Errno::E2BIG);
    Ok(())
}

fn what_packets_refuse() -> TestResult {
    let k = kernel();
    let tc = load(&k, ProgramType::SCHED_CLS)?;
    let on = |more: TestRun<'_>| run(&k, &tc, TestRun { data_in: &PACKET, ..more });
    on(TestRun::default())?;
    refused_as(run(&k, &tc, TestRun::default()), EINVAL);
    refused_as(on(TestRun { cpu: 1, ..Default::default() }), EINVAL);
    refused_as(on(TestRun { flags: TestRunFlags::XDP_LIVE_FRAMES, ..Default::default() }), EINVAL);
    // Room for too little of the context.
    let mut context = [0; 192];
    let mut out = [0; 8];
    let answer = on(TestRun { ctx_in: &mut context, ctx_out: &mut out, ..Default::default() })?;
    assert_eq!((answer.truncated, answer.ctx_size), (true, 192));
    Ok(())
}

fn what_raw_tracepoints_refuse() -> TestResult {
    let k = kernel();
    let prog = load(&k, ProgramType::RAW_TRACEPOINT)?;
    let on = |more: TestRun<'_>| run(&k, &prog, more);
    assert_eq!(on(TestRun::default())?.retval, 1);
    refused_as(on(TestRun { data_in: &PACKET, ..Default::default() }), EINVAL);
    refused_as(on(TestRun { repeat: 2, ..Default::default() }), EINVAL);
    refused_as(on(TestRun { cpu: 1, ..Default::default() }), EINVAL);
    refused_as(on(TestRun { ctx_in: &mut [0; 104], ..Default::default() }), EINVAL);
    refused_as(
        on(TestRun { cpu: 99_999, flags: TestRunFlags::ON_CPU, ..Default::default() }),
        "BPF_PROG_TEST_RUN failed: ENXIO (No such device or address): no such CPU, or it is offline",
    );
    Ok(())
}

fn a_context_is_written() -> TestResult {
    let k = kernel();
    let insns = bytes(Assembler::new().mov64_imm(R2, 42).store(Size::Dw, R1, 8, R2).mov64_imm(R0, 7).exit());
    let load = ProgLoad { flags: ProgramFlags::SLEEPABLE, ..program(ProgramType::SYSCALL, &insns) };
    let prog = k.prog_load(&load, None)?;
    let mut context = [1u8; 16];
    let answer = run(&k, &prog, TestRun { ctx_in: &mut context, ..Default::default() })?;
    assert_eq!(answer.retval, 7);
    assert_eq!((context[..8].to_vec(), u64::from_ne_bytes(context[8..].try_into()?)), (vec![1; 8], 42));
    refused_as(run(&k, &prog, TestRun { ctx_in: &mut context[..8], ..Default::default() }), EINVAL);
    refused_as(run(&k, &prog, TestRun { ctx_in: &mut context, repeat: 2, ..Default::default() }), EINVAL);
    Ok(())
}

fn not_every_type() -> TestResult {
    let k = kernel();
    for prog_type in [ProgramType::PERF_EVENT, ProgramType::TRACEPOINT, ProgramType::CGROUP_DEVICE] {
        refused_as(
            run(&k, &load(&k, prog_type)?, TestRun::default()),
            "BPF_PROG_TEST_RUN failed: ENOTSUPP (Operation not supported by the kernel object): programs of this type \
             cannot be run by hand",
        );
    }
    Ok(())
}

fn on_nothing() -> TestResult {
    let k = kernel();
    let e = k.prog_test_run(nowhere(), &mut TestRun::default());
    refused_as(e, "BPF_PROG_TEST_RUN failed: EBADF (Bad file descriptor): not a descriptor");
    let xdp = load(&k, ProgramType::XDP)?;
    // Whoever has the descriptor may run it, where loading is not for everybody.
    let answer = without_capabilities(|| run(&k, &xdp, TestRun { data_in: &PACKET, ..Default::default() }))?;
    assert!(answer.is_ok() || answer.is_err_and(|e| e.errno == Errno::EPERM));
    Ok(())
}
