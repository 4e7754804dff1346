//! The smallest program with aya: open, load, attach, end.

use aya::programs::RawTracePoint;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: hello-aya OBJECT")?;
    let mut object = aya::Ebpf::load_file(path)?;
    let program: &mut RawTracePoint = object.program_mut("hello").ok_or("no program `hello`")?.try_into()?;
    program.load()?;
    program.attach("sys_enter")?;
    Ok(())
}
