//! Attaching, events and typed maps, on the kernel at hand: every example of `bpf/` does what it says.

mod attach_errors;
mod attach_options;
mod attached;
mod cgroup_egress;
mod execsnoop;
mod funclat;
mod iter;
mod kprobe;
mod links;
mod loaded;
mod opensnoop;
mod perf_event;
mod raw_tp;
mod reopened;
mod ringbuf;
mod schedlat;
mod stats;
mod stream;
mod struct_ops;
mod support;
mod test_run;
mod typed_maps;
mod uprobe;
mod xdp_counter;

use std::process::ExitCode;

use oxbpf_testing::Suite;

fn main() -> ExitCode {
    if let Some(code) = support::act_as_told() {
        return code;
    }
    let mut suite = Suite::new();
    attach_errors::tests(&mut suite);
    attach_options::tests(&mut suite);
    attached::tests(&mut suite);
    cgroup_egress::tests(&mut suite);
    execsnoop::tests(&mut suite);
    funclat::tests(&mut suite);
    iter::tests(&mut suite);
    kprobe::tests(&mut suite);
    links::tests(&mut suite);
    loaded::tests(&mut suite);
    opensnoop::tests(&mut suite);
    perf_event::tests(&mut suite);
    raw_tp::tests(&mut suite);
    reopened::tests(&mut suite);
    ringbuf::tests(&mut suite);
    schedlat::tests(&mut suite);
    stats::tests(&mut suite);
    stream::tests(&mut suite);
    struct_ops::tests(&mut suite);
    test_run::tests(&mut suite);
    typed_maps::tests(&mut suite);
    uprobe::tests(&mut suite);
    xdp_counter::tests(&mut suite);
    suite.run()
}
