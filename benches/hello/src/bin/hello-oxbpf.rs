//! The smallest program with oxbpf: open, load, attach, end.

use oxbpf::{LoadOptions, Object};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: hello-oxbpf OBJECT")?;
    let object = Object::load(&oxbpf::open(path)?, &LoadOptions::default())?;
    let links = object.attach()?;
    drop(links);
    Ok(())
}
