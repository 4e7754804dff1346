//! What things need of a kernel: its release, how it was built, and the privileges of who asks.
//!
//! Releases of types, attach types and helpers stand with their numbers ([`ProgramType::since`](crate::ProgramType::since)
//! and so on).

mod config;
mod kfuncs;
mod privileges;

pub use config::kfunc_config;
pub use kfuncs::{kfunc_since, kfuncs};
pub use privileges::{Capability, helper_capability};
