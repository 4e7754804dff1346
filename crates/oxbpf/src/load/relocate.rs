//! Programs relocated against the types of a kernel.

use std::cell::OnceCell;

use oxbpf_obj::{CoreTarget, LinkOptions, Linker, ObjectSpec};
use oxbpf_sys::SysError;

use super::LoadOptions;
use super::kernel_types::KernelTypes;
use crate::error::{Error, Result};

/// Relocates the code of the programs. The kernel is asked for its types only if there is something to relocate against
/// them, and for those of its modules only if it has no type of a name that is looked for.
pub(super) fn link<'s>(
    spec: &'s ObjectSpec,
    options: &LoadOptions,
    types: &KernelTypes,
) -> Result<Linker<'s>> {
    let failed = |source| Error::Link { object: spec.name.clone(), source };
    if !spec.needs_core_targets() {
        return spec.linker(&LinkOptions::default()).map_err(failed);
    }
    if let Some(btf) = &options.btf {
        let targets = [CoreTarget { name: "vmlinux", btf }];
        return spec.linker(&LinkOptions::with_targets(&targets)).map_err(failed);
    }
    let untold = |source| Error::KernelBtf { what: format!("object {} (CO-RE)", spec.name), source };
    let btf = types.vmlinux().map_err(untold)?;
    let targets = [CoreTarget { name: "vmlinux", btf: &btf }];
    let modules = OnceCell::new();
    let module_targets = OnceCell::new();
    let ask = || {
        let asked: &Result<Vec<_>, SysError> = modules.get_or_init(|| types.modules());
        let found = asked.as_deref().unwrap_or_default();
        let targets: &Vec<_> = module_targets
            .get_or_init(|| found.iter().map(|(name, btf): &(String, _)| CoreTarget { name, btf }).collect());
        targets.as_slice()
    };
    let linked = spec.linker(&LinkOptions::with_targets(&targets).with_modules(&ask));
    match modules.get() {
        // Programs would be told that what they look for is not there.
        Some(Err(error)) => Err(untold(error.clone())),
        _ => linked.map_err(failed),
    }
}
