//! Over the kernel at hand, in a container that may do only what a token allows.

use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;

use oxbpf::{LoadOptions, Object, Token};
use oxbpf_testing::container::{self, ALL, BPFFS, Container};
use oxbpf_testing::{Need, Suite, TestResult};

use crate::{Case, attach, host, sweep};

/// The arguments that make this program one of the containers.
const FOUND: &str = "--as-a-container";
const NAMED: &str = "--as-a-container-with-a-path";

pub(crate) fn add(suite: &mut Suite) {
    let needs = &[Need::Bpf, Need::SysAdmin, Need::Kernel(6, 9)];
    suite.test("tokens::found", needs, || container::outside(FOUND, &[], &[ALL], |_| Ok(())));
    suite.test("tokens::named", needs, || container::outside(NAMED, &[], &[ALL], |_| Ok(())));
}

/// If this is one of the containers: its end of it all.
pub(crate) fn container() -> Option<ExitCode> {
    let start = std::env::args().nth(1)?;
    let token: fn() -> Token = match start.as_str() {
        FOUND => || Token::Auto,
        NAMED => || Token::At(BPFFS.into()),
        _ => return None,
    };
    container::inside(&start, |container| loads(container, token))
}

fn loads(container: &Container, token: fn() -> Token) -> TestResult {
    let mount = container.mount()?;
    container.show(mount.as_fd(), Path::new(BPFFS))?;
    let case = Case { file: "tests/subprogs.bpf.o", load: Object::load, attach: &attach::nowhere, links: 0 };
    sweep(&case, host::door, |_, kernel| {
        let kernel = host::with_types(kernel);
        LoadOptions { kernel, token: token(), ..LoadOptions::default() }
    })
}
