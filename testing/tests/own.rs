//! The test tools tested: what they promise to have to themselves, they have.

use std::fs;
use std::process::{Command, ExitCode};
use std::time::Duration;

use oxbpf_testing::{Cgroup, Held, Need, Skip, Suite, TestResult, net, objects, testdata, wait_until};

/// Set for the run inside a test, of tests that are not to pass.
const INSIDE: &str = "OXBPF_TESTING_INSIDE";

fn main() -> ExitCode {
    if std::env::var_os(INSIDE).is_some() {
        let mut suite = Suite::new();
        suite.test("of_the_future", &[Need::Kernel(1000, 0)], || Err("it ran".into()));
        suite.test("skips_itself", &[], || Err(Skip::because("no luck").into()));
        suite.test("fails", &[], || Err("as it should".into()));
        suite.test("panics", &[], || panic!("as it should"));
        return suite.run();
    }
    let mut suite = Suite::new();
    suite.test("objects_are_found", &[], objects_are_found);
    suite.test("a_netns_is_empty", &[Need::SysAdmin], a_netns_is_empty);
    suite.test("a_veth_pair_carries_packets", &[Need::SysAdmin, Need::Veth], a_veth_pair_carries_packets);
    suite.test("a_cgroup_holds_its_process", &[Need::SysAdmin, Need::Cgroup2], a_cgroup_holds_its_process);
    suite.test("trampolines_are_known_to_be_there", &[Need::Bpf, Need::Trampolines], || Ok(()));
    suite.test("what_cannot_run_is_never_passed", &[], what_cannot_run_is_never_passed);
    suite.run()
}

fn objects_are_found() -> TestResult {
    assert!(testdata("execsnoop.bpf.o").exists());
    assert!(objects("").contains(&testdata("").join("execsnoop.bpf.o")));
    assert!(!objects("tests").is_empty());
    Ok(())
}

fn a_netns_is_empty() -> TestResult {
    let interfaces = net::in_own_netns(|| fs::read_to_string("/proc/thread-self/net/dev"))??;
    let names: Vec<&str> = interfaces.lines().skip(2).filter_map(|line| line.split(':').next()).collect();
    assert!(names.iter().any(|name| name.trim() == "lo"));
    assert!(!names.iter().any(|name| name.contains("eth")), "{names:?}");
    Ok(())
}

fn a_veth_pair_carries_packets() -> TestResult {
    let received = net::in_own_netns(|| -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
        let veth = net::Veth::create()?;
        assert_ne!(veth.near, veth.far);
        let before = received_bytes()?;
        veth.send(10, 1000)?;
        wait_until(Duration::from_secs(2), || received_bytes().is_ok_and(|bytes| bytes >= before + 10_000));
        Ok(received_bytes()? - before)
    })??;
    assert!(received >= 10 * 1042, "{received}");
    Ok(())
}

/// What the far end has received.
fn received_bytes() -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    let interfaces = fs::read_to_string("/proc/thread-self/net/dev")?;
    let far = interfaces.lines().find_map(|line| line.trim().strip_prefix("far:")).ok_or("no far end")?;
    Ok(far.split_whitespace().next().ok_or("no count")?.parse()?)
}

fn a_cgroup_holds_its_process() -> TestResult {
    let cgroup = Cgroup::create()?;
    let path = cgroup.path().to_path_buf();
    let mut inside: Held = cgroup.spawn(&["sleep", "60"])?;
    let procs = || fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    let pid = inside.pid().to_string();
    assert!(wait_until(Duration::from_secs(5), || procs().trim() == pid), "{}", procs());
    inside.start()?;
    drop(inside);
    drop(cgroup);
    assert!(!path.exists());
    Ok(())
}

fn what_cannot_run_is_never_passed() -> TestResult {
    let output = Command::new(std::env::current_exe()?).env(INSIDE, "1").output()?;
    let text = String::from_utf8(output.stdout)?;
    assert!(!output.status.success());
    assert!(text.contains("0 passed; 2 failed; 2 ignored"), "{text}");
    assert!(text.contains("\nskipped: of_the_future: needs kernel 1000.0; this is "), "{text}");
    assert!(text.ends_with("\nskipped: skips_itself: no luck\n"), "{text}");
    Ok(())
}
