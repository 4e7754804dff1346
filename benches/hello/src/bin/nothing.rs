//! A program that does nothing: what any program in Rust has.

fn main() {}
