//! Options that came later than their commands.

use oxbpf_testing::{Need, Suite, TestResult};

use super::{kernel, newer};

pub(crate) fn add(suite: &mut Suite) {
    let needs = &[Need::Bpf, Need::SysAdmin, Need::NetAdmin, Need::Kernel(4, 15)];
    suite.test("options::what_is_too_new_is_named", needs, what_is_too_new_is_named);
}

/// What stable kernels got later, from newer ones.
const CARRIED_BACK: &[&str] = &["test runs with complete checksums"];

/// The kernel at hand has what its version says, and of what it lacks the error says since when there is such a thing.
fn what_is_too_new_is_named() -> TestResult {
    let k = kernel();
    let version = k.kernel_version()?;
    newer::make_all(&k, version, |n, has, result| {
        let has = has || (result.is_ok() && CARRIED_BACK.contains(&n.feature));
        newer::expect(n, has, version, result);
    })?;
    Ok(())
}
