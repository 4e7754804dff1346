//! What a program is verified against.

use std::fmt;

use oxbpf_btf::Kind;

use super::ProgramSpec;
use crate::uapi::{AttachType, ProgramType};

/// Something of the kernel, known by its name in the kernel's types, that a program is verified against.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelTarget<'a> {
    /// The module that has it (`vmlinux` is the kernel itself); any if `None`.
    pub module: Option<&'a str>,
    /// Its name: of a function, a tracepoint, an LSM hook, an iterator.
    pub name: &'a str,
    /// What the name of its type begins with.
    pub prefix: &'static str,
    /// The kind of its type.
    pub kind: Kind,
}

impl<'a> KernelTarget<'a> {
    /// What programs of this attach type mean by `name`, which may be `module:name`.
    pub fn new(attach_type: Option<AttachType>, name: &'a str) -> Self {
        let (module, name) = match name.split_once(':') {
            Some((module, name)) => (Some(module), name),
            None => (None, name),
        };
        let (prefix, kind) = match attach_type {
            Some(AttachType::TRACE_RAW_TP) => ("btf_trace_", Kind::Typedef),
            Some(AttachType::LSM_MAC | AttachType::LSM_CGROUP) => ("bpf_lsm_", Kind::Func),
            Some(AttachType::TRACE_ITER) => ("bpf_iter_", Kind::Func),
            _ => ("", Kind::Func),
        };
        Self { module, name, prefix, kind }
    }

    /// The name of its type.
    pub fn btf_name(&self) -> String {
        format!("{}{}", self.prefix, self.name)
    }
}

impl fmt::Display for KernelTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.prefix {
            "btf_trace_" => "tracepoint",
            "bpf_lsm_" => "LSM hook",
            "bpf_iter_" => "iterator",
            _ => "function",
        };
        write!(f, "{what} {}", self.name)?;
        match self.module {
            Some(module) => write!(f, " in {module}"),
            None => f.write_str(" in its BTF"),
        }
    }
}

impl ProgramSpec {
    /// Whether the program is verified against something that it is attached to.
    pub fn needs_target(&self) -> bool {
        match self.def {
            Some(def) => def.attach_btf,
            None => matches!(self.prog_type, ProgramType::TRACING | ProgramType::LSM | ProgramType::EXT),
        }
    }

    /// What of the kernel the program is verified against; `None` if nothing, if it is of another program, or if its
    /// section does not say what.
    pub fn kernel_target(&self) -> Option<KernelTarget<'_>> {
        if !self.needs_target() || self.prog_type == ProgramType::EXT {
            return None;
        }
        self.attach_to.as_deref().map(|name| KernelTarget::new(self.attach_type, name))
    }
}
