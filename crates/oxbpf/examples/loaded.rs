//! What is loaded on this machine: programs, maps, links and BTF, whoever loaded them.
//!
//! ```text
//! cargo run --example loaded
//! ```
#![allow(clippy::print_stdout, reason = "a command")]

use oxbpf::{Kernel, LoadedBtf, LoadedLink, Map, Program};

fn main() -> Result<(), oxbpf::Error> {
    let kernel = Kernel::host();
    for program in Program::iter_loaded(&kernel) {
        let info = program?.info()?;
        println!(
            "program {} {} {}: {} instructions verified, {} bytes of machine code, maps {:?}",
            info.id, info.prog_type, info.name, info.verified_insns, info.jited_prog_len, info.map_ids
        );
    }
    for map in Map::iter_loaded(&kernel) {
        let info = map?.info()?;
        let frozen = if info.frozen == Some(true) { ", frozen" } else { "" };
        println!(
            "map {} {} {}: {} x {} to {} bytes, {} bytes of memory{frozen}",
            info.id,
            info.map_type,
            info.name,
            info.max_entries,
            info.key_size,
            info.value_size,
            info.memlock.unwrap_or(0)
        );
    }
    for link in LoadedLink::iter_loaded(&kernel) {
        let info = link?.info()?;
        println!("link {} {} of program {}: {:?}", info.id, info.link_type, info.prog_id, info.details);
    }
    for btf in LoadedBtf::iter_loaded(&kernel) {
        let info = btf?.info()?;
        println!("BTF {} {}: {} bytes", info.id, info.name, info.size);
    }
    Ok(())
}
