//! What the verifier says of each program of an object that it rejects, each loaded by itself.
//!
//! ```text
//! cargo run --example verifier_logs -- [--level N] OBJECT [PROGRAM...]
//! ```
//!
//! The logs under `tests/verifier_logs` were made with it; what the library makes of them, `{:#}` of the error shows.
#![allow(clippy::print_stdout, reason = "a command")]

use std::error::Error;

use oxbpf::{LoadOptions, Object};

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = LoadOptions::default();
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    if names.first().is_some_and(|arg| arg == "--level") {
        options.log_level = names.get(1).ok_or("--level needs a number")?.parse()?;
        names.drain(..2);
    }
    let object = names.first().ok_or("which object?")?;
    let spec = oxbpf::open(object)?;
    for (index, program) in spec.programs.iter().enumerate() {
        if names.len() > 1 && !names.contains(&program.name) {
            continue;
        }
        let mut alone = spec.clone();
        for (other, program) in alone.programs.iter_mut().enumerate() {
            program.autoload = other == index;
        }
        match Object::load(&alone, &options) {
            Err(oxbpf::Error::Rejected(why)) => {
                println!("=== {} {} {}\n{}", program.name, program.section, why.errno.0, why.log.trim_end());
            }
            Err(other) => println!("=== {} {} 0\n{other}", program.name, program.section),
            Ok(_) => {}
        }
    }
    Ok(())
}
