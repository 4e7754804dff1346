//! What the kernel tells, field by field, beside what bpftool and /proc tell of the same objects.

mod btf;
mod disasm;
mod features;
mod links;
mod made;
mod maps;
mod programs;
mod tool;

use std::process::ExitCode;

use oxbpf_testing::Suite;

fn main() -> ExitCode {
    let mut suite = Suite::new();
    programs::tests(&mut suite);
    maps::tests(&mut suite);
    btf::tests(&mut suite);
    links::tests(&mut suite);
    disasm::tests(&mut suite);
    features::tests(&mut suite);
    suite.run()
}
