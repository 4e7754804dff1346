//! The types of the kernel and its modules, as one load looks through them: each is read once, and not before it is
//! needed.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use oxbpf_obj::{Btf, TypeId};
use oxbpf_sys::{Errno, Kernel, ObjectKind, SysError};

type Result<T> = std::result::Result<T, SysError>;

/// All types of a kernel.
#[derive(Debug)]
pub(super) struct KernelTypes {
    kernel: Kernel,
    modules: Learnt<Arc<[Module]>>,
}

/// What was looked for, and the types that it is in.
#[derive(Debug)]
pub(crate) struct Declared<T> {
    pub(crate) found: T,
    pub(crate) btf: Btf,
    /// The module whose types these are; `None` for the kernel's own.
    pub(crate) module: Option<Arc<ModuleTypes>>,
}

/// The types of a module, as the kernel knows them.
#[derive(Debug)]
pub(crate) struct ModuleTypes {
    pub(crate) name: String,
    pub(crate) fd: OwnedFd,
}

#[derive(Debug)]
struct Module {
    name: String,
    /// `None` once it is gone.
    btf: Learnt<Option<Btf>>,
    opened: Learnt<Option<Arc<ModuleTypes>>>,
}

impl KernelTypes {
    pub(super) fn new(kernel: &Kernel) -> Self {
        Self { kernel: kernel.clone(), modules: Learnt::default() }
    }

    /// The kernel's own.
    pub(super) fn vmlinux(&self) -> Result<Btf> {
        self.kernel.btf()
    }

    /// The types of all modules, by name.
    pub(super) fn modules(&self) -> Result<Vec<(String, Btf)>> {
        let mut all = Vec::new();
        for module in &*self.list()? {
            all.extend(module.btf(&self.kernel)?.map(|btf| (module.name.clone(), btf)));
        }
        Ok(all)
    }

    /// What `look` finds: in the kernel's own types or else in those of the first module that has it; or only in those
    /// of `only`, a module or `vmlinux`. `look` gets types and the first id that is theirs and not of their base.
    pub(super) fn find<T>(
        &self,
        only: Option<&str>,
        look: impl Fn(&Btf, TypeId) -> Option<T>,
    ) -> Result<Option<Declared<T>>> {
        if only.is_none_or(|only| only == VMLINUX) {
            let btf = self.vmlinux()?;
            if let Some(found) = look(&btf, TypeId(1)) {
                return Ok(Some(Declared { found, btf, module: None }));
            }
            if only.is_some() {
                return Ok(None);
            }
        }
        for module in self.list()?.iter().filter(|module| only.is_none_or(|only| only == module.name)) {
            let Some(btf) = module.btf(&self.kernel)? else { continue };
            if let Some(found) = look(&btf, btf.first_id()) {
                // It may go meanwhile.
                let Some(types) = module.open(&self.kernel)? else { continue };
                return Ok(Some(Declared { found, btf, module: Some(types) }));
            }
        }
        Ok(None)
    }

    /// The modules that have types; none where there is no place to look for them.
    fn list(&self) -> Result<Arc<[Module]>> {
        self.modules.get(|| match self.kernel.btf_modules() {
            Ok(names) => Ok(names.into_iter().map(Module::new).collect()),
            Err(error) if error.errno == Errno::ENOENT => Ok(Arc::default()),
            Err(error) => Err(error),
        })
    }
}

/// The kernel itself, where a module may be named.
const VMLINUX: &str = "vmlinux";

impl Module {
    fn new(name: String) -> Self {
        Self { name, btf: Learnt::default(), opened: Learnt::default() }
    }

    fn btf(&self, kernel: &Kernel) -> Result<Option<Btf>> {
        self.btf.get(|| match kernel.module_btf(&self.name) {
            Ok(btf) => Ok(Some(btf)),
            Err(error) if error.errno == Errno::ENOENT => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn open(&self, kernel: &Kernel) -> Result<Option<Arc<ModuleTypes>>> {
        self.opened.get(|| {
            for loaded in kernel.loaded(ObjectKind::Btf) {
                let (_, fd) = loaded?;
                let info = kernel.btf_info(fd.as_fd())?;
                if info.kernel_btf && info.name == self.name {
                    return Ok(Some(Arc::new(ModuleTypes { name: info.name, fd })));
                }
            }
            Ok(None)
        })
    }
}

/// Something that takes a while to learn. An error is not remembered.
#[derive(Debug)]
struct Learnt<T>(Mutex<Option<T>>);

impl<T> Default for Learnt<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Learnt<T> {
    fn get(&self, learn: impl FnOnce() -> Result<T>) -> Result<T> {
        // Held meanwhile: other threads would do the same work.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        let learnt = learn()?;
        *known = Some(learnt.clone());
        Ok(learnt)
    }
}
