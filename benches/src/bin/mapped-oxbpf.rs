//! Reads an array in memory as often as it is told: what its system calls are counted of.

use oxbpf::{Array, Kernel, Map, MapCreate, MapFlags, MapType};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let times: u32 = std::env::args().nth(1).ok_or("how often?")?.parse()?;
    let create = MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 8,
        max_entries: 1024,
        flags: MapFlags::MMAPABLE,
        ..MapCreate::default()
    };
    let array = Array::<u64>::new(&Map::create(&Kernel::host(), &create)?)?;
    array.set(7, &1)?;
    let live = array.mmap()?;
    let sum: u64 = (0..times).map(|_| live.get(std::hint::black_box(7)).unwrap_or_default()).sum();
    if sum == u64::from(times) { Ok(()) } else { Err(format!("{sum} of {times}").into()) }
}
