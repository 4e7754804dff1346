//! Attaching programs, by what their section says or by what the caller says. One kind of target, one file.

mod binary_path;
mod cgroup;
mod elf_symbol;
mod error;
mod event;
mod iter;
mod kprobe;
mod perf_event;
mod raw_tracepoint;
mod suggest;
mod tracefs_probe;
mod tracepoint;
mod tracing_link;
mod uprobe;
mod xdp;

use oxbpf_obj::{AttachKind, ProgramType};
use oxbpf_sys::{Errno, Kernel};

use crate::hint::Capability;
use crate::{Error, Hint, Link, Links, Object, Program};

pub use elf_symbol::SymbolError;
pub use error::{AttachError, AttachReason};
pub use iter::{CgroupOrder, IterReader, Walk};
pub use kprobe::KprobeOptions;
pub use perf_event::{PerfEventOptions, Sampling};
pub(crate) use tracefs_probe::TracefsProbe;
pub use uprobe::UprobeOptions;
pub use xdp::Interface;

type Result<T> = std::result::Result<T, AttachReason>;

impl Object {
    /// Attaches every program that is to be attached by what its section says, and every struct_ops map.
    ///
    /// Left out are programs and maps with [`Program::autoattach`] or [`Map::autoattach`](crate::Map::autoattach) off,
    /// those whose section says how to attach but not to what (`xdp`, `cgroup_skb/egress`, `perf_event`, a plain
    /// `kprobe`) or nothing at all, which wait for their `attach_` method, and those that are put to use in another way
    /// (`syscall`, `socket`).
    ///
    /// # Errors
    /// [`Error::Attach`] of the first program that cannot be attached; the others are detached again.
    #[doc(alias = "bpf_object__attach_skeleton")]
    pub fn attach(&self) -> std::result::Result<Links, Error> {
        let mut links = Links::new();
        // Programs of struct_ops maps are attached with them.
        let alone =
            |program: &&Program| program.autoattach() && program.prog_type() != ProgramType::STRUCT_OPS;
        for program in self.programs().iter().filter(alone) {
            match program.attach() {
                Ok(link) => links.push(link),
                Err(Error::Attach(e)) if e.reason.is_waiting() => {
                    tracing::debug!(program = program.name(), reason = %e.reason, "not attached");
                }
                Err(error) => return Err(error),
            }
        }
        for map in self.maps().iter().filter(|map| map.autoattach()) {
            links.push(map.attach_struct_ops()?);
        }
        Ok(links)
    }
}

impl Program {
    /// Attaches the program to what its section says.
    ///
    /// | section | attaches to |
    /// |---|---|
    /// | `tracepoint/CATEGORY/NAME`, `tp/…` | a tracepoint |
    /// | `raw_tracepoint/NAME`, `raw_tp/…`, `tp_btf/NAME` | a raw tracepoint |
    /// | `fentry/FUNCTION`, `fexit/…`, `fmod_ret/…` | a kernel function |
    /// | `iter/TARGET` | all there is of it |
    /// | `kprobe/FUNCTION+OFFSET`, `kretprobe/FUNCTION` | a kernel function |
    /// | `uprobe/FILE:FUNCTION+OFFSET`, `uretprobe/FILE:FUNCTION` | a function of a program or library |
    ///
    /// # Errors
    /// [`Error::Attach`]: the target does not exist, the kernel refuses, or the section does not say what to attach
    /// to; then the error names the method that takes the target.
    #[doc(alias = "bpf_program__attach")]
    pub fn attach(&self) -> std::result::Result<Link, Error> {
        if let Some(handler) = self.handler() {
            let result = handler.attach(self).map_err(AttachReason::Handler);
            return self.attached(result.and_then(|link| link.ok_or(AttachReason::NotByHandler)));
        }
        let result = match self.def().map(|def| def.attach) {
            Some(AttachKind::Tracepoint) => tracepoint::by_section(self),
            Some(AttachKind::RawTracepoint) => raw_tracepoint::by_section(self),
            Some(AttachKind::TpBtf | AttachKind::Fentry | AttachKind::Fexit | AttachKind::FmodRet) => {
                tracing_link::attach(self, 0)
            }
            Some(AttachKind::Iter) => iter::attach(self, Walk::All),
            Some(AttachKind::Kprobe | AttachKind::Kretprobe) => kprobe::by_section(self),
            Some(AttachKind::Uprobe | AttachKind::Uretprobe) => uprobe::by_section(self),
            Some(AttachKind::Xdp) => Err(needs("interface", "attach_xdp", None)),
            Some(AttachKind::Cgroup) => Err(needs("cgroup", "attach_cgroup", None)),
            Some(AttachKind::PerfEvent) => Err(needs("event", "attach_perf_event", None)),
            Some(AttachKind::StructOps | AttachKind::Socket | AttachKind::None) => {
                Err(AttachReason::NotAttached { how: other_use(self.prog_type()) })
            }
            Some(_) => Err(AttachReason::NotYet { section: self.section().to_owned() }),
            None => Err(AttachReason::UnknownSection),
        };
        self.attached(result)
    }

    /// Puts the program's name and advice around a reason.
    fn attached<T>(&self, result: Result<T>) -> std::result::Result<T, Error> {
        result.map_err(|mut reason| {
            let hint = hint(self.kernel(), self.prog_type(), &mut reason);
            let (program, section) = (self.name().to_owned(), self.section().to_owned());
            Box::new(AttachError { program, section, reason, hint }).into()
        })
    }

    /// Refuses a program of a type that `method` cannot attach before the kernel says a bare `EINVAL`.
    fn expect_type(&self, types: &[ProgramType], expected: &'static str, method: &'static str) -> Result<()> {
        if types.contains(&self.prog_type()) {
            return Ok(());
        }
        Err(AttachReason::WrongType { method, expected, found: self.prog_type() })
    }
}

/// What is done with programs that are not attached.
fn other_use(prog_type: ProgramType) -> &'static str {
    match prog_type {
        ProgramType::STRUCT_OPS => "its map is, by `Map::attach_struct_ops`",
        ProgramType::SYSCALL => "run it with `Program::test_run`",
        ProgramType::XDP => "put it into a `DevMap` or `CpuMap`",
        ProgramType::SOCKET_FILTER => "give it to a socket with setsockopt(2), SO_ATTACH_BPF",
        ProgramType::SK_REUSEPORT => "give it to a socket with setsockopt(2), SO_ATTACH_REUSEPORT_EBPF",
        _ => "give it to a route with ip-route(8)",
    }
}

fn needs(what: &'static str, method: &'static str, section_form: Option<&'static str>) -> AttachReason {
    AttachReason::NeedsTarget { what, method, section_form }
}

/// What the caller lacks, or what the kernel is too old for.
fn hint(kernel: &Kernel, prog_type: ProgramType, reason: &mut AttachReason) -> Option<Hint> {
    let (AttachReason::Kernel(e) | AttachReason::NoTracefs(e) | AttachReason::Refused { source: e, .. }) =
        reason
    else {
        return None;
    };
    let network = matches!(prog_type, ProgramType::XDP) || is_cgroup(prog_type);
    match e.errno {
        Errno::EPERM | Errno::EACCES => {
            let has = kernel.capabilities().ok()?;
            let lacks = if network { !has.may_network() } else { !has.may_trace() };
            let needs = if network { Capability::NetAdmin } else { Capability::Perfmon };
            lacks.then(|| Hint::Capabilities(vec![needs]))
        }
        _ => Hint::too_old(e),
    }
}

/// Program types that are attached to cgroups.
const CGROUP_TYPES: &[ProgramType] = &[
    ProgramType::CGROUP_SKB,
    ProgramType::CGROUP_SOCK,
    ProgramType::CGROUP_SOCK_ADDR,
    ProgramType::CGROUP_SOCKOPT,
    ProgramType::CGROUP_SYSCTL,
    ProgramType::CGROUP_DEVICE,
    ProgramType::SOCK_OPS,
];

fn is_cgroup(prog_type: ProgramType) -> bool {
    CGROUP_TYPES.contains(&prog_type)
}

/// `function+0x10` as `("function", 16)`; without a number at the end, the whole is the name. Numbers as in C:
/// `0x` is hexadecimal, a leading `0` octal.
fn split_offset(text: &str) -> (&str, u64) {
    match text.rsplit_once('+').and_then(|(name, offset)| Some((name, parse_number(offset)?))) {
        Some((name, offset)) if !name.is_empty() => (name, offset),
        _ => (text, 0),
    }
}

fn parse_number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    // `from_str_radix` takes a sign, too.
    digits.bytes().all(|b| b.is_ascii_alphanumeric()).then(|| u64::from_str_radix(digits, radix).ok())?
}

#[cfg(test)]
pub(crate) mod tests;
