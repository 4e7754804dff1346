//! Functions of programs and libraries: `uprobe/FILE:FUNCTION+OFFSET`, `uretprobe/FILE:FUNCTION`.

use std::path::{Path, PathBuf};

use oxbpf_obj::{AttachKind, ProgramType};
use oxbpf_sys::uapi::RawPerfEventAttr;
use oxbpf_sys::{Errno, PerfEvent, SysError};

use super::binary_path::Search;
use super::elf_symbol;
use super::tracefs_probe::{Place, TracefsProbe};
use super::{AttachReason, Result, event, needs, parse_number, split_offset};
use crate::link::LinkKind;
use crate::{Error, Link, Program};

const FORM: &str = "FILE:FUNCTION+OFFSET";

/// Where in a program or library to attach a uprobe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UprobeOptions<'a> {
    /// The file. A name without a slash is looked for: `bash` in `PATH`, `libc.so.6` and `libc` where the dynamic
    /// linker looks.
    pub binary: &'a str,
    /// The function, by its name in the symbol table, which may have a version (`memcpy@GLIBC_2.2.5`). `None`: `offset`
    /// counts from the beginning of the file.
    pub function: Option<&'a str>,
    /// Bytes after the function's beginning, where an instruction begins.
    pub offset: u64,
    /// Run when the function returns instead (uretprobe). Takes no offset in the function.
    pub on_return: bool,
    /// Only this process; `None` for all, also those that are yet to start.
    pub pid: Option<u32>,
    /// Where in the file a counter is that must be raised while the probe is there (USDT semaphores, Linux 4.20); 0: none.
    pub ref_ctr_offset: u32,
    /// What `bpf_get_attach_cookie` gives the program (Linux 5.15).
    pub cookie: u64,
}

impl Program {
    /// Attaches the program to a place in a program or library.
    ///
    /// # Errors
    /// [`Error::Attach`]: no such file, no such function in it (the error offers names like it), a kernel without
    /// uprobes, no `CAP_PERFMON`.
    #[doc(alias = "bpf_program__attach_uprobe")]
    #[doc(alias = "bpf_program__attach_uprobe_opts")]
    pub fn attach_uprobe(&self, options: &UprobeOptions<'_>) -> std::result::Result<Link, Error> {
        self.attached(attach(self, options))
    }

    /// What its section (`uprobe/FILE:FUNCTION+OFFSET`) says of where it is to be attached, for those who want the
    /// same but for one process or with a cookie.
    ///
    /// # Errors
    /// [`Error::Attach`]: the section names no such place.
    pub fn uprobe_options(&self) -> std::result::Result<UprobeOptions<'_>, Error> {
        self.attached(of_section(self))
    }
}

pub(super) fn by_section(program: &Program) -> Result<Link> {
    attach(program, &of_section(program)?)
}

fn of_section(program: &Program) -> Result<UprobeOptions<'_>> {
    let on_return = program.def().is_some_and(|def| def.attach == AttachKind::Uretprobe);
    let form = if on_return { "uretprobe/FILE:FUNCTION" } else { "uprobe/FILE:FUNCTION+OFFSET" };
    let target = program.attach_to().ok_or_else(|| needs("function", "attach_uprobe", Some(form)))?;
    Ok(UprobeOptions { on_return, ..parse(target)? })
}

/// `FILE:FUNCTION+OFFSET` or `FILE:0x1234`.
fn parse(target: &str) -> Result<UprobeOptions<'_>> {
    let bad = || AttachReason::BadTarget { target: target.to_owned(), form: FORM };
    let (binary, place) = target.split_once(':').ok_or_else(bad)?;
    if binary.is_empty() || place.is_empty() {
        return Err(bad());
    }
    let options = UprobeOptions { binary, ..Default::default() };
    // No symbol begins with a digit.
    if place.starts_with(|c: char| c.is_ascii_digit()) {
        let offset = parse_number(place).ok_or_else(bad)?;
        return Ok(UprobeOptions { offset, ..options });
    }
    let (function, offset) = split_offset(place);
    Ok(UprobeOptions { function: Some(function), offset, ..options })
}

fn attach(program: &Program, options: &UprobeOptions<'_>) -> Result<Link> {
    program.expect_type(&[ProgramType::KPROBE], "kprobe", "attach_uprobe")?;
    if options.on_return && options.function.is_some() && options.offset != 0 {
        return Err(AttachReason::ReturnOffset);
    }
    let path = find(options.binary)?;
    let offset = match options.function {
        Some(function) => {
            let symbol = |source| AttachReason::Symbol { path: path.clone(), source };
            let begin = elf_symbol::function_offset(&path, function).map_err(symbol)?;
            begin.checked_add(options.offset).ok_or_else(|| too_far(options))?
        }
        None => options.offset,
    };
    let target = describe(&path, options);
    let kind = if options.on_return { LinkKind::Uretprobe } else { LinkKind::Uprobe };
    let part = open(program, &path, offset, options, &target)?;
    Ok(Link::new(program, kind, target, vec![part]))
}

fn find(binary: &str) -> Result<PathBuf> {
    let path = if binary.contains('/') { Some(PathBuf::from(binary)) } else { Search::host().find(binary) };
    path.ok_or_else(|| AttachReason::NoBinary { name: binary.to_owned() })
}

fn too_far(options: &UprobeOptions<'_>) -> AttachReason {
    AttachReason::BadTarget { target: format!("{}+{:#x}", options.binary, options.offset), form: FORM }
}

fn describe(path: &Path, options: &UprobeOptions<'_>) -> String {
    let path = path.display();
    match options.function {
        Some(function) if options.offset == 0 => format!("{path}:{function}"),
        Some(function) => format!("{path}:{function}+{:#x}", options.offset),
        None => format!("{path}:{:#x}", options.offset),
    }
}

fn open(
    program: &Program,
    path: &Path,
    offset: u64,
    options: &UprobeOptions<'_>,
    target: &str,
) -> Result<crate::link::Part> {
    let kernel = program.kernel();
    // The kernel takes a process or a CPU; with all processes, one CPU stands for all.
    let pid = options.pid.map_or(-1, |pid| i32::try_from(pid).unwrap_or(i32::MAX));
    let pmu = match kernel.uprobe_pmu() {
        Ok(pmu) => Some(pmu),
        Err(e) if e.errno == Errno::ENOENT => None,
        Err(e) => return Err(e.into()),
    };
    let Some(pmu) = pmu else {
        let place = Place::File { path, offset, ref_ctr_offset: options.ref_ctr_offset };
        let probe = TracefsProbe::add(kernel, &place, options.on_return).map_err(|e| match e.errno {
            Errno::ENOENT if kernel.tracefs().is_err() => AttachReason::NoTracefs(e),
            Errno::ENOENT if e.op == "open" => AttachReason::NoUprobes,
            _ => refused(e),
        })?;
        let mut part = event::attach(program, probe.open(pid)?, options.cookie, target)?;
        part.probe = Some(probe);
        return Ok(part);
    };
    let attr = RawPerfEventAttr {
        event_type: pmu.event_type,
        config: u64::from(options.on_return) << pmu.retprobe_bit
            | u64::from(options.ref_ctr_offset) << pmu.ref_ctr_shift,
        config2: offset,
        ..Default::default()
    };
    let Some(name) = path.to_str() else {
        return Err(AttachReason::BadTarget { target: target.to_owned(), form: "a path in UTF-8" });
    };
    let cpu = if pid == -1 { 0 } else { -1 };
    let event = PerfEvent { attr, probe: Some(name) };
    let opened = kernel.perf_event_open(&event, pid, cpu, Default::default()).map_err(refused)?;
    event::attach(program, opened, options.cookie, target)
}

fn refused(e: SysError) -> AttachReason {
    match e.errno {
        Errno::EINVAL => AttachReason::Refused {
            why: "there is no code at this place in the file, or its file system takes no probes",
            source: e,
        },
        Errno::ENOTSUPP | Errno::EOPNOTSUPP => {
            AttachReason::Refused { why: "the instruction at this place cannot be probed", source: e }
        }
        Errno::ESRCH => AttachReason::Refused { why: "there is no such process", source: e },
        _ => e.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_taken_apart() {
        let o = parse("/usr/bin/bash:readline+0x10").unwrap();
        assert_eq!((o.binary, o.function, o.offset), ("/usr/bin/bash", Some("readline"), 16));
        let o = parse("libc.so.6:memcpy@@GLIBC_2.14").unwrap();
        assert_eq!((o.binary, o.function, o.offset), ("libc.so.6", Some("memcpy@@GLIBC_2.14"), 0));
        let o = parse("./a.out:0x1234").unwrap();
        assert_eq!((o.binary, o.function, o.offset), ("./a.out", None, 0x1234));
        let o = parse("prog:operator+").unwrap();
        assert_eq!((o.function, o.offset), (Some("operator+"), 0));
        for bad in ["libc", "libc:", ":f", "", "a:0xzz"] {
            assert!(matches!(parse(bad), Err(AttachReason::BadTarget { .. })), "{bad}");
        }
    }
}
