//! What programs have in common: an object may have many, of a few kinds.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use oxbpf_obj::{AttachType, ProgramFlags, ProgramType, SectionDef};
use oxbpf_sys::Kernel;

use super::{Inner, Program};
use crate::load::handlers::Bound;

/// What an object says of a program.
pub(crate) struct About<'a> {
    pub(crate) name: &'a str,
    pub(crate) section: &'a str,
    pub(crate) def: Option<&'static SectionDef>,
    pub(crate) prog_type: ProgramType,
    pub(crate) attach_type: Option<AttachType>,
    pub(crate) attach_to: Option<&'a str>,
    pub(crate) flags: ProgramFlags,
    pub(crate) autoattach: bool,
    pub(crate) ifindex: u32,
    pub(crate) log: Option<String>,
    pub(crate) handler: Option<&'a Bound>,
}

/// What programs of a section most often share: those with a log or a handler share it with no other.
pub(super) struct Kind {
    pub(super) kernel: Kernel,
    pub(super) section: Box<str>,
    pub(super) attach_to: Option<Box<str>>,
    pub(super) def: Option<&'static SectionDef>,
    pub(super) prog_type: ProgramType,
    pub(super) flags: ProgramFlags,
    pub(super) autoattach: bool,
    pub(super) ifindex: u32,
    pub(super) log: Option<Box<str>>,
    pub(super) handler: Option<Bound>,
}

impl Kind {
    fn new(kernel: Kernel, about: About<'_>) -> Self {
        Self {
            kernel,
            section: about.section.into(),
            attach_to: about.attach_to.map(Into::into),
            def: about.def,
            prog_type: about.prog_type,
            flags: about.flags,
            autoattach: about.autoattach,
            ifindex: about.ifindex,
            log: about.log.map(String::into_boxed_str),
            handler: about.handler.cloned(),
        }
    }

    /// Whether a program is of this kind.
    fn is_of(&self, about: &About<'_>) -> bool {
        *self.section == *about.section
            && self.attach_to.as_deref() == about.attach_to
            && self.def.map(std::ptr::from_ref) == about.def.map(std::ptr::from_ref)
            && self.prog_type == about.prog_type
            && self.flags == about.flags
            && self.autoattach == about.autoattach
            && self.ifindex == about.ifindex
            && self.log.is_none()
            && about.log.is_none()
            && self.handler.is_none()
            && about.handler.is_none()
    }
}

/// Makes programs of one kernel, each of the kind of the one before it if it can be.
pub(crate) struct Kinds {
    kernel: Kernel,
    last: Mutex<Option<Arc<Kind>>>,
}

impl Kinds {
    pub(crate) fn new(kernel: &Kernel) -> Self {
        Self { kernel: kernel.clone(), last: Mutex::default() }
    }

    /// The program behind a descriptor.
    pub(crate) fn program(&self, fd: OwnedFd, about: About<'_>) -> Program {
        let (name, attach_type) = (about.name.into(), about.attach_type);
        Program { inner: Arc::new(Inner { fd, name, kind: self.kind(about) }), attach_type }
    }

    fn kind(&self, about: About<'_>) -> Arc<Kind> {
        // What is there is whole, whoever panicked.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(kind) if kind.is_of(&about) => kind.clone(),
            _ => last.insert(Arc::new(Kind::new(self.kernel.clone(), about))).clone(),
        }
    }
}
