//! Statistics, the limit of locked memory, and loading BTF: what is refused.

use std::os::fd::AsFd;

use oxbpf_btf::{BtfBuilder, IntEncoding};
use oxbpf_sys::{BtfLoad, Errno, LogBuf};
use oxbpf_testing::{Need, Suite, TestResult, without_capabilities};

use super::{kernel, refused, refused_as};

pub(crate) fn add(suite: &mut Suite) {
    let admin = &[Need::Bpf, Need::SysAdmin, Need::Kernel(5, 8)];
    suite.test("limits::statistics", admin, statistics);
    let bpf = &[Need::Bpf, Need::Kernel(4, 18)];
    suite.test("limits::btf_is_refused", bpf, btf_is_refused);
    suite.test(
        "limits::btf_log_that_does_not_fit",
        &[Need::Bpf, Need::Kernel(6, 4)],
        btf_log_that_does_not_fit,
    );
    suite.test("limits::btf_needs_privileges", bpf, btf_needs_privileges);
    // It changes the limit of this process, which older kernels count all maps against.
    suite.test("limits::locked_memory", &[Need::Kernel(5, 11)], locked_memory);
}

fn statistics() -> TestResult {
    let k = kernel();
    let both = (k.enable_stats(0)?, k.enable_stats(0)?);
    drop(both);
    refused_as(
        k.enable_stats(7),
        "BPF_ENABLE_STATS failed: EINVAL (Invalid argument): this kernel has no statistics of this type",
    );
    refused_as(
        without_capabilities(|| k.enable_stats(0))?,
        "BPF_ENABLE_STATS failed: EPERM (Operation not permitted): statistics need CAP_SYS_ADMIN",
    );
    Ok(())
}

fn int() -> Result<Vec<u8>, oxbpf_btf::Error> {
    let mut b = BtfBuilder::new();
    b.add_int("int", 4, IntEncoding::SIGNED)?;
    Ok(b.build()?.as_bytes().to_vec())
}

fn load(btf: &[u8]) -> BtfLoad<'_> {
    BtfLoad { btf, token_fd: None }
}

fn btf_is_refused() -> TestResult {
    let k = kernel();
    let good = int()?;
    let changed = |at: usize, to: u8| {
        let mut btf = good.clone();
        btf[at] = to;
        btf
    };
    // The magic number, the header's length, and the kind of the type.
    for wrong in [changed(0, 0), changed(4, 7), changed(24 + 7, 31), good[..20].to_vec()] {
        let mut log = LogBuf::new(LogBuf::ERRORS, 4096);
        refused_as(
            k.btf_load(&load(&wrong), Some(&mut log)),
            "BPF_BTF_LOAD failed: EINVAL (Invalid argument): no valid BTF, or with a kind of type that this kernel \
             does not know; its log says which",
        );
        assert!(!log.text().is_empty());
    }
    // The version, the flags.
    for at in [2, 3] {
        refused(k.btf_load(&load(&changed(at, 9)), None), Errno::ENOTSUPP);
    }
    refused_as(
        k.btf_load(&load(&vec![0; (16 << 20) + 1]), None),
        "BPF_BTF_LOAD failed: E2BIG (Argument list too long): BTF of more than 16 MiB, or a field that this kernel does \
         not know",
    );
    // A log with room and no level, and with one that there is not.
    for level in [0, 1 << 10] {
        refused(k.btf_load(&load(&good), Some(&mut LogBuf::new(level, 4096))), Errno::EINVAL);
    }
    let fd = k.btf_load(&load(&good), Some(&mut LogBuf::new(LogBuf::ALL, 4096)))?;
    assert_eq!(k.btf_data(fd.as_fd())?, good);
    Ok(())
}

fn btf_log_that_does_not_fit() -> TestResult {
    let k = kernel();
    let btf = int()?;
    let mut short = LogBuf::new(LogBuf::ALL | LogBuf::FIXED, 16);
    refused_as(
        k.btf_load(&load(&btf), Some(&mut short)),
        "BPF_BTF_LOAD failed: ENOSPC (No space left on device): its log did not fit: ask with more room, or for none",
    );
    let needed = short.true_size().ok_or("no true size")? as usize;
    assert!(short.is_truncated() && needed > 16);
    let mut long = LogBuf::new(LogBuf::ALL, needed);
    k.btf_load(&load(&btf), Some(&mut long))?;
    assert!(!long.is_truncated());
    assert!(long.text().starts_with(short.text().as_ref()), "a fixed log keeps its beginning");
    Ok(())
}

fn btf_needs_privileges() -> TestResult {
    let k = kernel();
    let btf = int()?;
    let refusal = without_capabilities(|| k.btf_load(&load(&btf), None))?;
    refused_as(refusal, "BPF_BTF_LOAD failed: EPERM (Operation not permitted)");
    Ok(())
}

fn locked_memory() -> TestResult {
    let k = kernel();
    let hard = rustix::process::getrlimit(rustix::process::Resource::Memlock).maximum;
    let now = k.memlock()?;
    assert_eq!(k.raise_memlock(0)?, now);
    assert_eq!(k.raise_memlock(now.min(4096))?, now);
    assert_eq!(k.memlock()?, now, "what is high enough stays");
    if let Some(hard) = hard {
        refused_as(
            without_capabilities(|| k.raise_memlock(hard + 4096))?,
            "prlimit(RLIMIT_MEMLOCK) failed: EPERM (Operation not permitted): raising the hard limit needs \
             CAP_SYS_RESOURCE",
        );
        assert_eq!(k.memlock()?, now);
    }
    // Lower and up again, as far as the hard limit allows.
    if now > 8192 {
        assert_eq!(k.set_memlock(4096)?, now);
        assert_eq!(k.raise_memlock(now)?, 4096);
        assert_eq!(k.memlock()?, now);
        let after = rustix::process::getrlimit(rustix::process::Resource::Memlock).maximum;
        assert_eq!(after, hard, "the hard limit is never lowered");
    }
    Ok(())
}
