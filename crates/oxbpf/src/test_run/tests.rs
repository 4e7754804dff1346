use std::sync::Arc;

use oxbpf_sys::doors::Fake;
use oxbpf_sys::uapi::ProgTestRunAttr;
use oxbpf_sys::{Call, Cmd, Door, Kernel, Reply};

use super::{SkBuff, SkLookup, TestRun, XdpMd};
use crate::attach::tests::program;
use crate::{Errno, Program};

fn of(section: &str) -> Program {
    program(&Kernel::with_door(Arc::new(Fake::new())), section)
}

#[track_caller]
fn refused(run: TestRun<'_>, why: &str) {
    let error = run.run().expect_err("it is refused");
    assert_eq!(error.to_string().split_once(" by hand: ").expect("the reason").1, why);
}

#[test]
fn what_a_type_does_not_take_is_refused_before_the_kernel_says_einval() {
    let packet = [0; 64];
    let (xdp, tc, raw_tp) = (of("xdp"), of("tc"), of("raw_tp/sys_enter"));
    refused(xdp.test_run().data(&packet[..3]), "the packet has 3 bytes, and needs at least 14");
    refused(xdp.test_run(), "the packet has 0 bytes, and needs at least 14");
    refused(xdp.test_run().data(&packet).on_cpu(0), "programs of this type take no CPU");
    let no_batch = "programs of this type take no batch size without live frames";
    refused(xdp.test_run().data(&packet).batch_size(8), no_batch);
    refused(
        xdp.test_run().data(&packet).checksum_complete(),
        "programs of this type take no complete checksum",
    );
    refused(
        xdp.test_run().data(&packet).ctx(&[0u8; 25]),
        "the context has 25 bytes, of which programs of this type take at most 24",
    );
    refused(tc.test_run().data(&packet).live_frames(), "programs of this type take no live frames");
    refused(raw_tp.test_run().data(&packet), "programs of this type take no packet");
    refused(raw_tp.test_run().repeat(2), "programs of this type take no number of repeats");
    refused(
        raw_tp.test_run().ctx(&[0u64; 13]),
        "the context has 104 bytes, of which programs of this type take at most 96",
    );
    let lookup = of("sk_lookup");
    refused(lookup.test_run(), "programs of this type need a context: `TestRun::ctx`");
    refused(
        lookup.test_run().ctx(&SkLookup::default()).data(&packet),
        "programs of this type take no packet",
    );
    refused(of("fentry/f").test_run().ctx(&0u64), "programs of this type take no context");
    refused(of("netfilter").test_run().data(&packet[..19]), "the packet has 19 bytes, and needs at least 20");
    for section in ["kprobe/f", "perf_event", "tp/a/b", "sockops", "cgroup/connect4", "lsm/f"] {
        refused(of(section).test_run(), "the kernel runs no programs of this type by hand");
    }
}

#[test]
fn what_the_kernel_refuses_names_program_and_type() {
    // Nothing runs in a kernel that is played.
    let error = of("xdp").test_run().data(&[0; 64]).run().expect_err("refused");
    assert_eq!(
        error.to_string(),
        "cannot run program p (xdp) by hand: BPF_PROG_TEST_RUN failed: ENOTSUPP (Operation not supported by the \
         kernel object): programs of this type cannot be run by hand"
    );
    assert_eq!(error.errno(), Some(Errno::ENOTSUPP));
}

#[test]
fn the_end_of_the_packet_is_filled_in() {
    let xdp = of("xdp");
    let run = xdp.test_run().data(&[0; 64]);
    let end = |md: XdpMd| {
        let mut ctx = zerocopy::IntoBytes::as_bytes(&md).to_vec();
        run.end_of_packet(&mut ctx);
        u32::from_ne_bytes(ctx[4..8].try_into().expect("4 bytes"))
    };
    assert_eq!(end(XdpMd::default()), 64);
    assert_eq!(end(XdpMd { data_end: 14, ..Default::default() }), 14);
    run.end_of_packet(&mut []);
}

/// Runs nothing, and has contexts of 100 bytes.
#[derive(Debug)]
struct Short(Fake);

// SAFETY: all replies are those of the fake, or numbers.
unsafe impl Door for Short {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        match call {
            Call::Bpf(attr) if attr.cmd() == Cmd::PROG_TEST_RUN => {
                let asked: ProgTestRunAttr = attr.view();
                let context = attr.bytes_mut("ctx_out").unwrap_or_default();
                context[..100].fill(7);
                attr.answer(&ProgTestRunAttr { ctx_size_out: 100, data_size_out: 0, ..asked });
                Ok(Reply::Value(0))
            }
            call => self.0.call(call),
        }
    }
}

/// Older kernels have fewer fields.
#[test]
fn a_context_that_is_shorter_here_than_in_the_kernel_at_hand() {
    let program = program(&Kernel::with_door(Arc::new(Short(Fake::new()))), "tc");
    let run = program.test_run().data(&[0; 64]).ctx(&SkBuff::default()).run().unwrap();
    let context: SkBuff = run.ctx().unwrap();
    assert_eq!((context.mark, context.hwtstamp), (0x0707_0707, 0));
    assert_eq!((run.ctx_out.len(), &run.ctx_out[99..101]), (size_of::<SkBuff>(), &[7, 0][..]));
}
