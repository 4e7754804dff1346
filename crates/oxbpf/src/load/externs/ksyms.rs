//! Variables and functions of the kernel and its modules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oxbpf_obj::relo_core::{compatible, essential_name};
use oxbpf_obj::{Btf, ExternKind, ExternSpec, ObjectSpec, TypeId};
use oxbpf_sys::{Errno, Kernel, Symbol, Symbols};

use super::{Externs, Found, MissingExtern};
use crate::btf::Kind;
use crate::error::{Error, Result};
use crate::load::LoadOptions;
use crate::load::kernel_types::{Declared, KernelTypes, ModuleTypes};

/// Looks for the symbols among `used`: by type in the kernel's BTF and then in that of its modules, those that have
/// no type among the kernel's symbols.
pub(super) fn find(
    spec: &ObjectSpec,
    options: &LoadOptions,
    types: &KernelTypes,
    used: &BTreeSet<usize>,
    externs: &mut Externs<'_>,
    missing: &mut Vec<MissingExtern>,
) -> Result<()> {
    let mut typed = Vec::new();
    let mut untyped = BTreeMap::new();
    for &index in used {
        let Some(symbol) = spec.externs.get(index) else { continue };
        match symbol.kind {
            ExternKind::KsymVar if symbol.value_type == TypeId(0) => {
                untyped.entry(symbol.name.as_str()).or_insert_with(Vec::new).push(index);
            }
            ExternKind::KsymVar | ExternKind::KsymFunc => typed.push((index, symbol)),
            _ => {}
        }
    }
    if !untyped.is_empty() {
        by_name(spec, &options.kernel, &untyped, externs, missing);
    }
    if !typed.is_empty() {
        by_type(spec, types, &typed, externs, missing)?;
    }
    Ok(())
}

/// Symbols that are nothing but an address.
fn by_name(
    spec: &ObjectSpec,
    kernel: &Kernel,
    wanted: &BTreeMap<&str, Vec<usize>>,
    externs: &mut Externs<'_>,
    missing: &mut Vec<MissingExtern>,
) {
    let symbols = kernel.symbols();
    let mut found: BTreeMap<&str, (u64, Option<u64>)> = BTreeMap::new();
    for symbol in symbols.iter().flat_map(Symbols::iter) {
        let Some((name, _)) = wanted.get_key_value(source_name(&symbol)) else { continue };
        let known = found.entry(name).or_insert((symbol.address, None));
        if known.0 != symbol.address {
            known.1.get_or_insert(symbol.address);
        }
    }
    for (name, indexes) in wanted {
        let found = found.get(name);
        // Which one was meant is not for the loader to say, weak or not.
        let is_ambiguous = matches!(found, Some((_, Some(_))));
        let address = match (found, &symbols) {
            (Some((address, None)), _) => {
                if *address == 0 {
                    tracing::warn!(
                        symbol = name,
                        "its address is hidden (kptr_restrict, or no CAP_SYSLOG): programs see 0"
                    );
                }
                Ok(*address)
            }
            (Some((address, Some(other))), _) => {
                Err(format!("there are several: at {address:#x} and {other:#x}"))
            }
            (None, Err(error)) => Err(format!("the kernel's symbols cannot be read: {error}")),
            (None, Ok(_)) => Err("the kernel has no such symbol".to_owned()),
        };
        for &index in indexes {
            match &address {
                Ok(address) => {
                    if let Some(place) = externs.found.get_mut(index) {
                        *place = Some(Found::Address(*address));
                    }
                }
                Err(reason) if is_weak(spec, index) && !is_ambiguous => {
                    tracing::debug!(symbol = name, reason, "weak symbol left out");
                }
                Err(reason) => {
                    missing.push(MissingExtern { name: (*name).to_owned(), reason: reason.clone() });
                }
            }
        }
    }
}

/// What the source calls a symbol: optimizing at link time gives static variables names of their own.
fn source_name<'s>(symbol: &Symbol<'s>) -> &'s str {
    match symbol.name.split_once(".llvm.") {
        Some((name, _)) if matches!(symbol.kind, 'd' | 'b' | 'r') => name,
        _ => symbol.name,
    }
}

fn is_weak(spec: &ObjectSpec, index: usize) -> bool {
    spec.externs.get(index).is_some_and(|spec| spec.weak)
}

/// Symbols that the kernel's types tell about.
fn by_type(
    spec: &ObjectSpec,
    types: &KernelTypes,
    wanted: &[(usize, &ExternSpec)],
    externs: &mut Externs<'_>,
    missing: &mut Vec<MissingExtern>,
) -> Result<()> {
    let untold = |source| Error::KernelBtf { what: format!("object {} (ksyms)", spec.name), source };
    let Some(own) = &spec.btf else { return Ok(()) };
    if let Err(error) = types.vmlinux() {
        if error.errno == Errno::ENOENT && wanted.iter().all(|(_, symbol)| symbol.weak) {
            tracing::debug!(%error, "no types of the kernel: weak symbols count as missing");
            return Ok(());
        }
        return Err(untold(error));
    }
    for &(index, symbol) in wanted {
        let what = if symbol.kind == ExternKind::KsymFunc { "function" } else { "variable" };
        let found = types.find(None, |btf, first| look(symbol, btf, first)).map_err(untold)?;
        let reason = match found {
            None => format!("no {what} of that name in the types of the kernel and its modules"),
            Some(Declared { found: id, btf, module }) if is_compatible(own, symbol, &btf, id) => {
                let module = module.map(|module| place_of(externs, module));
                if let Some(place) = externs.found.get_mut(index) {
                    *place = Some(Found::Type { id, module });
                }
                continue;
            }
            Some(_) => format!("the kernel's {what} has another type"),
        };
        if symbol.weak {
            tracing::debug!(symbol = symbol.name, reason, "weak symbol left out");
        } else {
            missing.push(MissingExtern { name: symbol.name.clone(), reason });
        }
    }
    Ok(())
}

/// The symbol in these types, from `first` on.
fn look(symbol: &ExternSpec, btf: &Btf, first: TypeId) -> Option<TypeId> {
    let found = match symbol.kind {
        // Several prototypes of one function are told apart by what follows `___`.
        ExternKind::KsymFunc => btf.find(essential_name(&symbol.name), Kind::Func),
        _ => btf.find(&symbol.name, Kind::Var),
    };
    found.filter(|id| *id >= first)
}

fn is_compatible(own: &Btf, symbol: &ExternSpec, btf: &Btf, id: TypeId) -> bool {
    let stripped = |btf: &Btf, id| btf.resolve(id).map(|ty| ty.id()).unwrap_or(id);
    let Some(target) = btf.get(id).ok().and_then(|ty| ty.target()) else { return false };
    let (a, b) = (stripped(own, symbol.value_type), stripped(btf, target));
    compatible(own, a, btf, b).unwrap_or(false)
}

/// The place of a module's types among those that programs refer to.
fn place_of(externs: &mut Externs<'_>, module: Arc<ModuleTypes>) -> usize {
    let known = externs.modules.iter().position(|known| known.name == module.name);
    known.unwrap_or_else(|| {
        externs.modules.push(module);
        externs.modules.len() - 1
    })
}
