//! The memory of a load: how much more a process has at its peak that opens and loads an object, than the same program
//! when it only reads the file.

use super::super::{LIBBPF, Settings, fresh_kernel};
use crate::generated;
use crate::pair::{Outcome, median};
use crate::process;
use crate::row::{Row, Unit};

pub(in super::super) fn rows(settings: &Settings) -> Outcome<Vec<Row>> {
    let types = fresh_kernel().btf()?;
    let objects = [
        ("objects-memory-1-program", generated::hello()?),
        ("objects-memory-200-programs", generated::trivial_file()?),
        ("objects-memory-37-structs", generated::core_file(&types, 37)?),
        ("objects-memory-800-structs", generated::core_file(&types, 800)?),
    ];
    let program = std::env::current_exe()?.with_file_name("load-object").to_string_lossy().into_owned();
    let mut rows = Vec::new();
    for (name, object) in objects {
        let peak = |who: &str| -> Outcome<u64> {
            let command = [program.clone(), who.to_owned(), object.to_string_lossy().into_owned()];
            let runs = (0..settings.rounds(5)).map(|_| Ok(process::usage(&command)?.peak));
            Ok(median(runs.collect::<Outcome<_>>()?))
        };
        let nothing = peak("nothing")?;
        let above =
            |who: &str| Ok::<_, Box<dyn std::error::Error>>(peak(who)?.saturating_sub(nothing) as f64);
        rows.push(Row::new(name, LIBBPF, Unit::KiB, (above("oxbpf")?, above("libbpf")?), Some(1.0)));
    }
    Ok(rows)
}
