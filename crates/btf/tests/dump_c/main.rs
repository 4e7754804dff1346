//! Types written as C go through compilers and come back the same.
//!
//! clang compiles the text for BPF, and its BTF is read and held against the one that was written. gcc compiles it
//! for this machine, with an assertion for each size and offset.
//!
//! The list of differences is empty, but for these, which are C's own and which the tests look for:
//!
//! - A `va_list` is what the compiler says it is: 24 bytes for x86-64, 8 for BPF. So the kernel's `struct warn_args`,
//!   which holds one, is smaller in a BPF program.
//! - Integers of 3 bytes and the like are arrays of bytes.
//! - A union of more bytes than its members, where no alignment accounts for it, needs another member.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests and their helpers")]

mod compilers;
mod inputs;
mod random;
mod same;
mod source;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use oxbpf_btf::Btf;

use compilers::Missing;

/// What is written as C, with names.
type Inputs = Result<Vec<(String, Btf)>, Missing>;

/// What each test gives: differences, if any, each told by the name of the type.
type Differences = Result<Vec<String>, Missing>;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    let mut test = |name: &str, input: fn() -> Inputs| {
        type Check = fn(&Btf) -> Differences;
        for (compiler, check) in
            [("clang", same::through_clang as Check), ("gcc", same::through_gcc as Check)]
        {
            let name = format!("{name}::{compiler}");
            let told = name.clone();
            trials.push(Trial::ignorable_test(name, move || match all(input, check) {
                Ok(differences) if differences.is_empty() => Ok(Completion::Completed),
                Ok(differences) => Err(Failed::from(differences.join("\n"))),
                Err(Missing(reason)) => {
                    println!("skipped: {told}: {reason}");
                    Ok(Completion::ignored_with(reason))
                }
            }));
        }
    };
    test("kernel", inputs::kernel);
    test("objects", inputs::objects);
    test("random", random::graphs);
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn all(input: fn() -> Inputs, check: fn(&Btf) -> Differences) -> Differences {
    let mut found = Vec::new();
    for (name, btf) in input()? {
        found.extend(check(&btf)?.into_iter().map(|difference| format!("{name}: {difference}")));
    }
    Ok(found)
}
