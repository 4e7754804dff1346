//! What objects are and what they need, without a kernel.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod kernels;
mod memory;
mod needs;
mod parts;
mod text;
