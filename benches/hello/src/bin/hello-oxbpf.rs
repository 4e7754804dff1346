//! The smallest program with oxbpf: open, load, attach, end.

use std::ffi::OsString;
use std::process::ExitCode;

use oxbpf::{LoadOptions, Object};

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: hello-oxbpf OBJECT");
        return ExitCode::from(2);
    };
    match run(path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(path: OsString) -> oxbpf::Result<()> {
    let object = Object::load(&oxbpf::open(path)?, &LoadOptions::default())?;
    let links = object.attach()?;
    drop(links);
    Ok(())
}
