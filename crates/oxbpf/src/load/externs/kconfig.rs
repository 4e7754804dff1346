//! Values of the kernel's configuration.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use oxbpf_obj::ObjectSpec;

use super::MissingExtern;
use crate::error::{Error, Result};
use crate::features::{self, Feature};
use crate::load::LoadOptions;

/// The value of the map `.kconfig`. What is used, must be there and is not goes to `missing`.
pub(super) fn values(
    spec: &ObjectSpec,
    options: &LoadOptions,
    used: &BTreeSet<usize>,
    missing: &mut Vec<MissingExtern>,
) -> Result<Vec<u8>> {
    let kernel = &options.kernel;
    let untold = OnceCell::new();
    let number = |name: &str| match name {
        // As a program would write it: KERNEL_VERSION(6, 1, 0).
        "LINUX_KERNEL_VERSION" => {
            let version = kernel.kernel_version().inspect_err(|error| drop(untold.set(error.clone())));
            version.ok().map(|version| version.code().into())
        }
        "LINUX_HAS_BPF_COOKIE" => Some(features::supported(kernel, Feature::BpfCookie).into()),
        "LINUX_HAS_SYSCALL_WRAPPER" => Some(features::supported(kernel, Feature::SyscallWrapper).into()),
        _ => None,
    };
    let failed = |source| Error::Link { object: spec.name.clone(), source };
    let given = options.kconfig.as_deref().unwrap_or_default();
    let mut values = spec.kconfig_values(&[given], &number).map_err(failed)?;
    let is_used = |index: &usize| used.contains(index);
    let is_option = |index: &usize| spec.externs.get(*index).is_some_and(|s| s.name.starts_with("CONFIG_"));
    // Reading the kernel's own takes a while.
    let mut unread = None;
    if values.unset.iter().any(|index| is_used(index) && is_option(index)) {
        match kernel.config_text() {
            Ok(text) => spec.add_kconfig(&mut values, &text).map_err(failed)?,
            Err(error) => unread = Some(error),
        }
    }
    for index in values.unset.iter().filter(|index| is_used(index)) {
        let Some(spec) = spec.externs.get(*index).filter(|spec| !spec.weak) else { continue };
        let reason = match &unread {
            _ if let (Some(error), "LINUX_KERNEL_VERSION") = (untold.get(), spec.name.as_str()) => {
                format!("the kernel's version cannot be told: {error}")
            }
            _ if !is_option(index) => "neither a CONFIG_ option nor a value that loaders know".into(),
            Some(error) => format!("the kernel's configuration cannot be read: {error}"),
            None => "not set in the kernel's configuration".into(),
        };
        missing.push(MissingExtern { name: spec.name.clone(), reason });
    }
    Ok(values.bytes)
}
