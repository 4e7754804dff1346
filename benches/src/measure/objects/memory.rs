//! The memory of a load: the largest resident set of a whole process that opens, loads and attaches an object. With the
//! program itself and its libraries, then: what somebody sees who looks at the process.
//!
//! Beside it what of that is the process's own, which no other process shares and the kernel cannot drop, as it can what
//! is in files; and what it is more than a program of the same language and linkage has that does nothing: what the
//! library costs, without what the language and the C library do.

use std::path::{Path, PathBuf};

use super::super::{LIBBPF, Settings, fresh_kernel, hello};
use crate::generated;
use crate::pair::Outcome;
use crate::process;
use crate::row::{Row, Unit};

/// A program that loads an object, and one that does nothing.
struct Programs {
    hello: PathBuf,
    nothing: PathBuf,
}

/// For each object the names of its rows: the process, its own memory, and what it has over one that does nothing.
type Names = [[&'static str; 3]; 4];

/// Both linked to the libraries of the system. The target is for what one sees, and for what is the process's own.
pub(in super::super) fn rows(_: &Settings) -> Outcome<Vec<Row>> {
    let ours = Programs { hello: process::beside("hello-oxbpf")?, nothing: process::beside("nothing")? };
    let theirs =
        Programs { hello: hello::c_program()?, nothing: hello::compile("nothing", "nothing.c", &[])? };
    let names = [
        ["objects-memory-1-program", "objects-memory-own-1-program", "objects-memory-over-nothing-1-program"],
        [
            "objects-memory-200-programs",
            "objects-memory-own-200-programs",
            "objects-memory-over-nothing-200-programs",
        ],
        [
            "objects-memory-37-structs",
            "objects-memory-own-37-structs",
            "objects-memory-over-nothing-37-structs",
        ],
        [
            "objects-memory-800-structs",
            "objects-memory-own-800-structs",
            "objects-memory-over-nothing-800-structs",
        ],
    ];
    measure(&ours, &theirs, names, Some(1.0))
}

/// Both linked statically: ours with musl, theirs with the C library of the system, and its libelf and zlib.
pub(in super::super) fn static_rows(_: &Settings) -> Outcome<Vec<Row>> {
    let ours = Programs {
        hello: process::static_beside("hello-oxbpf")?,
        nothing: process::static_beside("nothing")?,
    };
    let elf = std::process::Command::new("pkg-config").args(["--static", "--libs", "libelf"]).output()?;
    let elf = String::from_utf8_lossy(&elf.stdout).into_owned();
    let mut args = vec!["-static", env!("LIBBPF_LIBRARY"), "-lelf"];
    args.extend(elf.split_whitespace());
    args.push("-lz");
    let theirs = Programs {
        hello: hello::compile("hello-libbpf-static", "hello.c", &args)?,
        nothing: hello::compile("nothing-static", "nothing.c", &["-static"])?,
    };
    let names = [
        [
            "objects-memory-static-1-program",
            "objects-memory-static-own-1-program",
            "objects-memory-static-over-nothing-1-program",
        ],
        [
            "objects-memory-static-200-programs",
            "objects-memory-static-own-200-programs",
            "objects-memory-static-over-nothing-200-programs",
        ],
        [
            "objects-memory-static-37-structs",
            "objects-memory-static-own-37-structs",
            "objects-memory-static-over-nothing-37-structs",
        ],
        [
            "objects-memory-static-800-structs",
            "objects-memory-static-own-800-structs",
            "objects-memory-static-over-nothing-800-structs",
        ],
    ];
    measure(&ours, &theirs, names, None)
}

fn measure(ours: &Programs, theirs: &Programs, names: Names, target: Option<f64>) -> Outcome<Vec<Row>> {
    let types = fresh_kernel().btf()?;
    let objects = [
        generated::hello()?,
        generated::trivial_file()?,
        generated::core_file(&types, 37)?,
        generated::core_file(&types, 800)?,
    ];
    let peak =
        |program: &Path, object: &Path| -> Outcome<f64> { Ok(hello::usage(program, object)?.peak as f64) };
    // What it is given does not matter.
    let nothing = (peak(&ours.nothing, &objects[0])?, peak(&theirs.nothing, &objects[0])?);
    let own_memory =
        |program: &Path, object: &Path| -> Outcome<f64> { Ok(hello::own_memory(program, object)? as f64) };
    let mut rows = Vec::new();
    for ([name, own, over_nothing], object) in names.into_iter().zip(&objects) {
        let whole = (peak(&ours.hello, object)?, peak(&theirs.hello, object)?);
        rows.push(Row::new(name, LIBBPF, Unit::KiB, whole, target));
        let of_its_own = (own_memory(&ours.hello, object)?, own_memory(&theirs.hello, object)?);
        rows.push(Row::new(own, LIBBPF, Unit::KiB, of_its_own, target));
        let more = (whole.0 - nothing.0, whole.1 - nothing.1);
        rows.push(Row::new(over_nothing, LIBBPF, Unit::KiB, more, None));
    }
    Ok(rows)
}
