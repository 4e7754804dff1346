//! `bpf/tests/stream.bpf.c`: what a program says.

use std::io::Read;

use oxbpf::btf::Kind;
use oxbpf::{Errno, Kernel};
use oxbpf_testing::{Need, Skip, Suite, TestResult};

use crate::support::{Loaded, Result};

pub(crate) fn tests(suite: &mut Suite) {
    let prints = Need::That("needs bpf_stream_vprintk_impl(), which kernels have since 6.18", has_function);
    suite.test("stream::is_read_once", &[Need::Bpf, Need::KernelBtf, prints], is_read_once);
    suite.test("stream::of_old_kernels", &[Need::Bpf], of_old_kernels);
}

fn has_function() -> bool {
    Kernel::host().btf().is_ok_and(|btf| btf.find("bpf_stream_vprintk_impl", Kind::Func).is_some())
}

fn is_read_once() -> TestResult {
    let loaded = Loaded::new("tests/stream.bpf.o")?;
    let program = loaded.object.program("speak")?;
    let all = |mut stream: oxbpf::ProgramStream| -> Result<String> {
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    assert_eq!((all(program.stdout())?, all(program.stderr())?), (String::new(), String::new()));
    for number in [7u64, 8] {
        let told = program.test_run().ctx(&number).run()?.return_value.cast_signed();
        if told == -Errno::ENOMEM.0 {
            // Linux 6.18 allocates without locks, which not every CPU lets it do.
            return Err(Skip::because(
                "needs a kernel that can allocate memory in programs (kmalloc_nolock)",
            )
            .into());
        }
        assert_eq!(told, 0);
    }
    let mut first = [0; 6];
    program.stdout().read_exact(&mut first)?;
    assert_eq!(&first, b"number");
    assert_eq!(all(program.stdout())?, " 7\nnumber 8\n");
    assert_eq!((all(program.stderr())?, all(program.stdout())?), ("oops\noops\n".into(), String::new()));
    Ok(())
}

fn of_old_kernels() -> TestResult {
    let loaded = Loaded::new("xdp_counter.bpf.o")?;
    let program = loaded.object.program("count")?;
    let read = program.stdout().read(&mut [0; 8]);
    if program.kernel().kernel_version()?.at_least(6, 17) {
        assert_eq!(read?, 0);
    } else {
        let error = read.expect_err("there are no streams").to_string();
        assert!(error.contains("needs kernel >= 6.17"), "{error}");
    }
    Ok(())
}
