//! An object's way into the kernel, step by step: opened, prepared, its programs loaded.

mod load;
mod memory;
mod open;
mod prepare;

pub(super) use load::rows as load;
pub(super) use memory::{rows as memory, static_rows as static_memory};
pub(super) use open::rows as open;
pub(super) use prepare::{few_structs, many_structs};
