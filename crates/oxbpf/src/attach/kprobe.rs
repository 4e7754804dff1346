//! Kernel functions, by breakpoint or ftrace: `kprobe/FUNCTION+OFFSET`, `kretprobe/FUNCTION`.

use oxbpf_obj::{AttachKind, ProgramType};
use oxbpf_sys::uapi::RawPerfEventAttr;
use oxbpf_sys::{Errno, Kernel, PerfEvent, ProbePmu, Symbol, SysError};

use super::tracefs_probe::{Place, TracefsProbe};
use super::{AttachReason, Result, event, needs, split_offset, suggest};
use crate::link::LinkKind;
use crate::{Error, Link, Program};

/// Where in the kernel to attach a kprobe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KprobeOptions<'a> {
    /// The function, a symbol of the kernel or of a loaded module.
    pub function: &'a str,
    /// Bytes after the function's beginning, where an instruction begins.
    pub offset: u64,
    /// Run when the function returns instead (kretprobe). Takes no offset.
    pub on_return: bool,
    /// What `bpf_get_attach_cookie` gives the program (Linux 5.15).
    pub cookie: u64,
}

impl Program {
    /// Attaches the program to a place in the kernel.
    ///
    /// # Errors
    /// [`Error::Attach`]: no such function (the error offers names like it), one that may not be probed, a kernel
    /// without kprobes, no `CAP_PERFMON`.
    #[doc(alias = "bpf_program__attach_kprobe")]
    #[doc(alias = "bpf_program__attach_kprobe_opts")]
    pub fn attach_kprobe(&self, options: &KprobeOptions<'_>) -> std::result::Result<Link, Error> {
        self.attached(attach(self, options))
    }
}

pub(super) fn by_section(program: &Program) -> Result<Link> {
    let on_return = program.def().is_some_and(|def| def.attach == AttachKind::Kretprobe);
    let form = if on_return { "kretprobe/FUNCTION" } else { "kprobe/FUNCTION+OFFSET" };
    let target = program.attach_to().ok_or_else(|| needs("function", "attach_kprobe", Some(form)))?;
    let (function, offset) = split_offset(target);
    attach(program, &KprobeOptions { function, offset, on_return, cookie: 0 })
}

fn attach(program: &Program, options: &KprobeOptions<'_>) -> Result<Link> {
    program.expect_type(&[ProgramType::KPROBE], "kprobe", "attach_kprobe")?;
    let KprobeOptions { function, offset, on_return, cookie } = *options;
    if on_return && offset != 0 {
        return Err(AttachReason::ReturnOffset);
    }
    // A NUL would end the name early in the kernel's eyes, a blank the line in tracefs.
    if function.is_empty() || function.contains(|c: char| c.is_whitespace() || c == '\0') {
        return Err(AttachReason::BadTarget { target: function.to_owned(), form: "FUNCTION+OFFSET" });
    }
    let target = if offset == 0 { function.to_owned() } else { format!("{function}+{offset:#x}") };
    let kind = if on_return { LinkKind::Kretprobe } else { LinkKind::Kprobe };
    let kernel = program.kernel();
    let part = match kernel.kprobe_pmu() {
        Ok(pmu) => {
            let opened = open(kernel, pmu, options).map_err(|e| refused(kernel, e, function))?;
            event::attach(program, opened, cookie, &target)?
        }
        Err(e) if e.errno != Errno::ENOENT => return Err(e.into()),
        Err(_) => {
            let place = Place::Kernel { function, offset };
            let probe = TracefsProbe::add(kernel, &place, on_return).map_err(|e| match e.errno {
                // The list of kprobes is not there: tracefs is missing, or kprobes are.
                Errno::ENOENT if kernel.tracefs().is_err() => AttachReason::NoTracefs(e),
                Errno::ENOENT if e.op == "open" => AttachReason::NoKprobes,
                _ => refused(kernel, e, function),
            })?;
            let mut part = event::attach(program, probe.open(-1)?, cookie, &target)?;
            part.probe = Some(probe);
            part
        }
    };
    Ok(Link::new(program, kind, target, vec![part]))
}

fn open(
    kernel: &Kernel,
    pmu: ProbePmu,
    options: &KprobeOptions<'_>,
) -> std::result::Result<std::os::fd::OwnedFd, SysError> {
    let attr = RawPerfEventAttr {
        event_type: pmu.event_type,
        config: u64::from(options.on_return) << pmu.retprobe_bit,
        config2: options.offset,
        ..Default::default()
    };
    kernel.perf_event_open(&PerfEvent { attr, probe: Some(options.function) }, -1, 0, Default::default())
}

fn refused(kernel: &Kernel, e: SysError, function: &str) -> AttachReason {
    if matches!(e.errno, Errno::ENOENT | Errno::EINVAL) {
        let symbols = kernel.symbols().unwrap_or_default();
        let functions = || symbols.iter().filter(Symbol::is_function).map(|symbol| symbol.name);
        // tracefs says EINVAL for a function that is not there, too.
        let missing = functions().next().is_some() && functions().all(|name| name != function);
        if e.errno == Errno::ENOENT || missing {
            let near = suggest::nearest(function, functions());
            return AttachReason::NoFunction { function: function.to_owned(), near };
        }
    }
    let why = match e.errno {
        Errno::EINVAL => "the kernel forbids probes in this function, or at this place",
        Errno::EILSEQ => "no instruction begins at this offset",
        Errno::EADDRNOTAVAIL => "there are several functions of this name",
        _ => return e.into(),
    };
    AttachReason::Refused { why, source: e }
}
