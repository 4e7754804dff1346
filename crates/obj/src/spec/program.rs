use std::any::Any;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::code::Code;
use crate::insn::Insn;
use crate::sections::SectionDef;
use crate::uapi::{AttachType, ProgramFlags, ProgramType};

/// A program that an object defines.
#[doc(alias = "bpf_program")]
#[derive(Clone)]
#[non_exhaustive]
pub struct ProgramSpec {
    /// Name: that of the function.
    pub name: String,
    /// The section's name, without a leading `?`; programs of a section share it.
    pub section: Arc<str>,
    /// The row of the table of section names; `None` for a name that is not in it.
    pub def: Option<&'static SectionDef>,
    /// Type; `UNSPEC` (which no kernel takes) for a section that is not in the table.
    pub prog_type: ProgramType,
    /// Attach type expected at load.
    #[doc(alias = "bpf_program__set_expected_attach_type")]
    pub attach_type: Option<AttachType>,
    /// What follows the section's prefix: `sched/sched_switch`, `do_unlinkat`, `/bin/sh:main`.
    #[doc(alias = "bpf_program__set_attach_target")]
    pub attach_to: Option<Arc<str>>,
    /// Flags at load; those that follow from the section (sleepable, XDP fragments) are set.
    #[doc(alias = "bpf_program__set_flags")]
    pub flags: ProgramFlags,
    /// Whether it is loaded; off for a section that begins with `?`.
    #[doc(alias = "bpf_program__set_autoload")]
    pub autoload: bool,
    /// Whether attaching the whole object attaches it.
    #[doc(alias = "bpf_program__set_autoattach")]
    pub autoattach: bool,
    /// Network device it is offloaded or bound to; 0 for none.
    #[doc(alias = "bpf_program__set_ifindex")]
    pub ifindex: u32,
    /// Level of the verifier's log at load: 0 for a log of failures only, 1, 2, or 4 for statistics.
    #[doc(alias = "bpf_program__set_log_level")]
    pub log_level: u32,
    /// Room for that log, in bytes; `None`: as much as it takes.
    pub log_size: Option<NonZeroU32>,
    /// Something to go along with the program, for whoever loads it: `oxbpf` keeps there what handles sections of one's
    /// own.
    pub extra: Option<Arc<dyn Any + Send + Sync>>,
    /// The code it is part of, and which function of that it is.
    pub(crate) code: Arc<Code>,
    pub(crate) function: usize,
}

impl ProgramSpec {
    /// Makes it a program of another type. What its section says of the old type no longer holds: how it is attached
    /// ([`def`](Self::def)), and the flags that follow from it.
    ///
    /// ```
    /// use oxbpf_obj::{AttachType, ObjectSpec, ProgramFlags, ProgramType};
    ///
    /// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/xdp_counter.bpf.o");
    /// let mut spec = ObjectSpec::parse(&std::fs::read(file)?)?;
    /// let program = &mut spec.programs[0];
    /// program.set_type(ProgramType::SCHED_CLS);
    /// program.attach_type = Some(AttachType::TCX_INGRESS);
    /// assert!(program.def.is_none() && program.flags == ProgramFlags::empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "bpf_program__set_type")]
    pub fn set_type(&mut self, prog_type: ProgramType) {
        if self.prog_type == prog_type {
            return;
        }
        self.prog_type = prog_type;
        if let Some(def) = self.def.take() {
            self.flags.remove(def.flags());
        }
    }

    /// Its own instructions as the file has them: not relocated, without the functions it calls.
    #[doc(alias = "bpf_program__insns")]
    pub fn insns(&self) -> &[Insn] {
        let function = self.code.functions.get(self.function);
        let section = function.and_then(|f| self.code.sections.get(f.section));
        function.zip(section).and_then(|(f, section)| section.insns.get(f.start..f.end)).unwrap_or_default()
    }
}

impl std::fmt::Debug for ProgramSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgramSpec")
            .field("name", &self.name)
            .field("section", &self.section)
            .field("prog_type", &self.prog_type)
            .field("attach_type", &self.attach_type)
            .field("attach_to", &self.attach_to)
            .field("flags", &self.flags)
            .field("autoload", &self.autoload)
            .field("autoattach", &self.autoattach)
            .field("insns", &self.insns().len())
            .finish_non_exhaustive()
    }
}
