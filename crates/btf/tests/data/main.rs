//! Data printed: as text, as JSON, cut short, of several CPUs.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]
#![allow(unreachable_pub, reason = "modules of a test")]

#[path = "../common/mod.rs"]
mod common;
mod floats;
mod json;
mod short;
mod text;
mod types;
