//! The memory of a load: the largest resident set of a whole process that opens, loads and attaches an object. With the
//! program itself and its libraries, then: what somebody sees who looks at the process.

use super::super::{LIBBPF, Settings, fresh_kernel, hello};
use crate::generated;
use crate::pair::Outcome;
use crate::process;
use crate::row::{Row, Unit};

pub(in super::super) fn rows(_: &Settings) -> Outcome<Vec<Row>> {
    let types = fresh_kernel().btf()?;
    let objects = [
        ("objects-memory-1-program", generated::hello()?),
        ("objects-memory-200-programs", generated::trivial_file()?),
        ("objects-memory-37-structs", generated::core_file(&types, 37)?),
        ("objects-memory-800-structs", generated::core_file(&types, 800)?),
    ];
    let (ours, theirs) = (process::beside("hello-oxbpf")?, hello::c_program()?);
    let mut rows = Vec::new();
    for (name, object) in objects {
        let peak = |program| Ok::<_, Box<dyn std::error::Error>>(hello::usage(program, &object)?.peak as f64);
        rows.push(Row::new(name, LIBBPF, Unit::KiB, (peak(&ours)?, peak(&theirs)?), Some(1.0)));
    }
    Ok(rows)
}
