//! A program as it is offered to the kernel.

use std::borrow::Cow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use oxbpf_obj::{
    AttachKind, AttachType, FuncInfo, Insn, LineInfo, ProgramFlags, ProgramSpec, ProgramType, TypeId,
};
use oxbpf_sys::{Cmd, InfoRecords, Kernel, KernelVersion, LogBuf, ProgLoad, SysError};

use super::hints::refused;
use super::kernel_types::ModuleTypes;
use super::{memlock, names};
use crate::features::{Feature, lacks, running};
use crate::program::Program;

/// A program as it will be offered to the kernel: what its spec, its image and the kernel's types come to. A
/// [`SectionHandler`](crate::SectionHandler) may change it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoadRequest<'i> {
    /// The instructions, relocated, with the functions they call.
    #[doc(alias = "bpf_program__set_insns")]
    pub insns: Cow<'i, [Insn]>,
    /// The types of the functions; to be changed with the instructions, or emptied.
    pub func_info: Cow<'i, [FuncInfo]>,
    /// The source lines; to be changed with the instructions, or emptied.
    pub line_info: Cow<'i, [LineInfo]>,
    /// The name, of which kernels keep 15 bytes.
    pub name: String,
    /// The type.
    pub prog_type: ProgramType,
    /// The attach type.
    pub attach_type: Option<AttachType>,
    /// The flags.
    pub flags: ProgramFlags,
    /// The kernel's version code, for kprobes before Linux 5.0.
    pub kernel_version: u32,
    /// The network device it is bound to; 0 for none.
    pub ifindex: u32,
    /// The function of the kernel, of a module or of [`attach_program`](Self::attach_program) that it is for, by its BTF
    /// id; 0 for none.
    pub attach_btf_id: TypeId,
    /// The program whose function it is for.
    pub attach_program: Option<Program>,
    /// The module whose function it is for.
    pub(super) module: Option<Arc<ModuleTypes>>,
    /// Level of the verifier's log: 0 for a log of failures only.
    pub log_level: u32,
}

/// What all programs of an object come with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) license: &'a str,
    /// What `func_info` and `line_info` are about, where the kernel takes them.
    pub(super) btf: Option<BorrowedFd<'a>>,
    /// What calls of functions of modules refer to.
    pub(super) fd_array: &'a [BorrowedFd<'a>],
}

impl LoadRequest<'_> {
    /// Offers it, with room for a log if one is asked for.
    pub(super) fn send(
        &self,
        kernel: &Kernel,
        common: Common<'_>,
        mut log: Option<&mut LogBuf>,
    ) -> Result<OwnedFd, SysError> {
        let name = names::for_kernel(&self.name);
        let functions: Vec<u8> = self
            .func_info
            .iter()
            .flat_map(|info| [info.insn_off, info.ty.0])
            .flat_map(u32::to_ne_bytes)
            .collect();
        let lines: Vec<u8> = self
            .line_info
            .iter()
            .flat_map(|info| [info.insn_off, info.file_name_off, info.line_off, info.line_col])
            .flat_map(u32::to_ne_bytes)
            .collect();
        let mut load = ProgLoad {
            prog_type: self.prog_type,
            expected_attach_type: self.attach_type,
            insns: Insn::native_bytes(&self.insns),
            license: common.license,
            name: &name,
            flags: self.flags,
            kern_version: self.kernel_version,
            ifindex: self.ifindex,
            attach_btf_id: self.attach_btf_id.0,
            attach_btf_obj_fd: self.module.as_ref().map(|module| module.fd.as_fd()),
            attach_prog_fd: self.attach_program.as_ref().map(AsFd::as_fd),
            fd_array: common.fd_array,
            ..ProgLoad::default()
        };
        if let Some(btf) = common.btf {
            load.btf_fd = Some(btf);
            load.func_info = InfoRecords { rec_size: 8, records: &functions };
            load.line_info = InfoRecords { rec_size: 16, records: &lines };
        }
        memlock::retried(kernel, || kernel.prog_load(&load, log.as_deref_mut()))
    }

    /// Takes back one thing that this kernel lacks; false if there is none left.
    pub(super) fn lower(&mut self, kernel: &Kernel, spec: &ProgramSpec, error: &SysError) -> bool {
        if !refused(error, Cmd::PROG_LOAD) {
            return false;
        }
        if !self.name.is_empty() && lacks(kernel, Feature::ObjectNames) {
            self.name.clear();
        } else if spec.def.is_some_and(|def| def.attach_type_optional)
            && self.attach_type.is_some_and(|attach| is_new_to(kernel, attach))
        {
            self.attach_type = None;
        } else if self.prog_type == ProgramType::KPROBE
            && let Some(code) = version_code_needed(kernel)
            && self.kernel_version != code
        {
            self.kernel_version = code;
        } else if self.insns.iter().any(|insn| older_helper(*insn).is_some())
            && lacks(kernel, Feature::ProbeReadKernel)
        {
            for insn in self.insns.to_mut() {
                insn.imm = older_helper(*insn).unwrap_or(insn.imm);
            }
        } else {
            return false;
        }
        true
    }
}

/// What the kernel is told a program is for. Probes of USDT are attached many at a time where the kernel can.
pub(super) fn attach_type(kernel: &Kernel, spec: &ProgramSpec) -> Option<AttachType> {
    let is_usdt = spec.def.is_some_and(|def| def.attach == AttachKind::Usdt);
    if is_usdt && !lacks(kernel, Feature::UprobeMultiLink) {
        return Some(AttachType::TRACE_UPROBE_MULTI);
    }
    spec.attach_type
}

/// Whether this kernel is from before `attach`, or from before attach types mattered at load.
fn is_new_to(kernel: &Kernel, attach: AttachType) -> bool {
    let older = |(major, minor): (u16, u16)| {
        running(kernel).is_some_and(|running| !running.at_least(major.into(), minor.into()))
    };
    attach.since().is_some_and(older) || lacks(kernel, Feature::ExpectedAttachType)
}

/// The version that kprobe programs must name before 5.0.
fn version_code_needed(kernel: &Kernel) -> Option<u32> {
    running(kernel).filter(|running| !running.at_least(5, 0)).map(KernelVersion::code)
}

/// The helper that reads memory of either kind, in place of one that says which (5.5).
fn older_helper(insn: Insn) -> Option<i32> {
    const PROBE_READ: i32 = 4;
    const PROBE_READ_STR: i32 = 45;
    if !insn.is_helper_call() {
        return None;
    }
    match insn.imm {
        112 | 113 => Some(PROBE_READ),
        114 | 115 => Some(PROBE_READ_STR),
        _ => None,
    }
}
