//! What the kernel tests stand on.
//!
//! A kernel test needs privileges, a kernel that is new enough, or a feature that not every kernel was built
//! with. It says so by a list of [`Need`]s; where one is missing, the test is reported as ignored, with the
//! reason, and never as passed.
//!
//! ```no_run
//! use oxbpf_testing::{Need, Suite, TestResult};
//!
//! fn main() -> std::process::ExitCode {
//!     let mut suite = Suite::new();
//!     suite.test("ringbuf::every_record_arrives", &[Need::Bpf, Need::Kernel(5, 8)], every_record_arrives);
//!     suite.run()
//! }
//!
//! fn every_record_arrives() -> TestResult {
//!     let object = oxbpf_testing::testdata("tests/ringbufs.bpf.o");
//!     assert!(object.exists());
//!     Ok(())
//! }
//! ```
//!
//! Tests run in parallel, as those of `cargo test` do. Whatever they attach, they attach to what is theirs:
//! a [`Cgroup`], a network namespace ([`net::in_own_netns`]), a [`Held`] process.
#![forbid(unsafe_code)]
// The reasons are for whoever runs the tests.
#![allow(clippy::print_stdout)]

mod cgroup;
pub mod container;
mod files;
pub mod mounts;
mod need;
pub mod net;
mod privileges;
mod process;
mod suite;

pub use cgroup::Cgroup;
pub use files::{objects, testdata};
pub use need::Need;
pub use privileges::without_capabilities;
pub use process::{Held, wait_until};
pub use suite::{Skip, Suite, TestResult};

/// So that the code in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
