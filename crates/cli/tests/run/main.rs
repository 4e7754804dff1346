//! The command as people use it, on the running kernel.

mod attach;
mod end;
mod errors;
mod output;
mod struct_ops;
mod support;

use std::process::ExitCode;

use oxbpf_testing::Suite;

fn main() -> ExitCode {
    let mut suite = Suite::new();
    output::add(&mut suite);
    end::add(&mut suite);
    attach::add(&mut suite);
    struct_ops::add(&mut suite);
    errors::add(&mut suite);
    suite.run()
}
