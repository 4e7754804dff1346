//! `bpf/cgroup_egress.bpf.c`: what the processes of a cgroup send.

use oxbpf::{AttachFlags, AttachReason, Error, LinkKind, PerCpuHashMap};
use oxbpf_testing::{Cgroup, Need, Suite, TestResult, wait_until};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::support::{Loaded, PATIENCE, Result, refs, this_program};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Cgroup2, Need::Kernel(5, 7)];
    suite.test("cgroup_egress::counts_what_its_processes_send", &needs, counts);
    suite.test("cgroup_egress::wants_a_cgroup_v2", &needs, wants_a_cgroup_v2);
}

#[derive(FromBytes, IntoBytes, Immutable, Clone, Copy)]
#[repr(C)]
struct Traffic {
    packets: u64,
    bytes: u64,
}

const IPV4: u16 = 0x0800;

fn sent(loaded: &Loaded) -> Result<(u64, u64)> {
    let map = PerCpuHashMap::<u16, Traffic>::new(loaded.map("sent")?)?;
    let traffic = map.get(&IPV4)?.unwrap_or_default();
    Ok(traffic.iter().fold((0, 0), |(packets, bytes), t| (packets + t.packets, bytes + t.bytes)))
}

fn counts() -> TestResult {
    let cgroup = Cgroup::create()?;
    let loaded = Loaded::new("cgroup_egress.bpf.o")?;
    let command = this_program(&["send", "25", "100"])?;
    let link = loaded.object.program("count")?.attach_cgroup(&cgroup, AttachFlags::empty())?;
    assert_eq!(link.kind(), LinkKind::Cgroup);

    // The same outside of the cgroup does not count.
    assert!(oxbpf_testing::Held::spawn(&refs(&command))?.go()?.success());
    assert_eq!(sent(&loaded)?, (0, 0));

    assert!(cgroup.spawn(&refs(&command))?.go()?.success());
    wait_until(PATIENCE, || sent(&loaded).is_ok_and(|(packets, _)| packets >= 25));
    // 20 bytes of IP and 8 of UDP before each 100.
    assert_eq!(sent(&loaded)?, (25, 25 * 128));

    link.detach()?;
    assert!(cgroup.spawn(&refs(&command))?.go()?.success());
    assert_eq!(sent(&loaded)?.0, 25, "it is detached");

    let link = loaded.object.program("count")?.attach_cgroup_path(cgroup.path(), AttachFlags::empty())?;
    assert!(cgroup.spawn(&refs(&command))?.go()?.success());
    assert_eq!(sent(&loaded)?.0, 50);
    drop(link);
    Ok(())
}

fn wants_a_cgroup_v2() -> TestResult {
    let loaded = Loaded::new("cgroup_egress.bpf.o")?;
    let program = loaded.object.program("count")?;
    for not_one in ["/tmp", "/proc"] {
        let Err(Error::Attach(error)) = program.attach_cgroup_path(not_one, AttachFlags::empty()) else {
            panic!()
        };
        assert!(matches!(error.reason, AttachReason::NotCgroup2 { .. }), "{error}");
        assert!(error.to_string().contains(not_one), "{error}");
    }
    let Err(Error::Attach(error)) = program.attach_cgroup_path("/no/such/cgroup", AttachFlags::empty())
    else {
        panic!()
    };
    assert_eq!(error.errno(), Some(oxbpf::Errno::ENOENT), "{error}");
    Ok(())
}
