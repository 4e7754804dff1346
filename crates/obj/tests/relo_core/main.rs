//! CO-RE relocation: each kind and each rule, over types written for it.
#![allow(clippy::unwrap_used, reason = "tests panic; the lint's own exception knows test functions only")]

mod arrays;
mod bitfields;
mod candidates;
mod compat;
mod decl;
mod enums;
mod fields;
mod hostile;
mod matches;
mod objects;
mod patch;
mod run;
mod types;
