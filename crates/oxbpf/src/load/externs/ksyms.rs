//! Variables and functions of the kernel and its modules.

use std::collections::{BTreeMap, BTreeSet};

use oxbpf_obj::relo_core::{compatible, essential_name};
use oxbpf_obj::{Btf, ExternKind, ExternSpec, ObjectSpec, TypeId};
use oxbpf_sys::{Kernel, SysError};

use super::{Externs, Found, MissingExtern};
use crate::btf::Kind;
use crate::error::{Error, Result};
use crate::load::{LoadOptions, target};

/// Looks for the symbols among `used`: by type in the kernel's BTF and then in that of its modules, those that have
/// no type among the kernel's symbols.
pub(super) fn find(
    spec: &ObjectSpec,
    options: &LoadOptions,
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
        by_name(spec, &options.kernel, &untyped, externs, missing)?;
    }
    if !typed.is_empty() {
        by_type(spec, &options.kernel, &typed, externs, missing)?;
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
) -> Result<()> {
    let symbols = kernel.symbols().unwrap_or_default();
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for symbol in symbols.iter().filter(|symbol| wanted.contains_key(symbol.name)) {
        let known = *found.entry(symbol.name).or_insert(symbol.address);
        if known != symbol.address {
            let reason = format!("there are several: at {known:#x} and {:#x}", symbol.address);
            let missing = vec![MissingExtern { name: symbol.name.to_owned(), reason }];
            return Err(Error::Externs { object: spec.name.clone(), missing });
        }
    }
    for (name, indexes) in wanted {
        for &index in indexes {
            match found.get(name) {
                Some(0) => tracing::warn!(
                    symbol = name,
                    "its address is hidden (kptr_restrict, or no CAP_SYSLOG): programs see 0"
                ),
                Some(_) => {}
                None if is_weak(spec, index) => continue,
                None => {
                    let reason = "the kernel has no such symbol".to_owned();
                    missing.push(MissingExtern { name: (*name).to_owned(), reason });
                    continue;
                }
            }
            if let (Some(place), Some(address)) = (externs.found.get_mut(index), found.get(name)) {
                *place = Some(Found::Address(*address));
            }
        }
    }
    Ok(())
}

fn is_weak(spec: &ObjectSpec, index: usize) -> bool {
    spec.externs.get(index).is_some_and(|spec| spec.weak)
}

/// Symbols that the kernel's types tell about.
fn by_type(
    spec: &ObjectSpec,
    kernel: &Kernel,
    wanted: &[(usize, &ExternSpec)],
    externs: &mut Externs<'_>,
    missing: &mut Vec<MissingExtern>,
) -> Result<()> {
    let untold = |source| Error::KernelBtf { what: format!("object {} (ksyms)", spec.name), source };
    let Some(own) = &spec.btf else { return Ok(()) };
    let btf = match kernel.btf() {
        Ok(btf) => btf,
        Err(error) if wanted.iter().all(|(_, symbol)| symbol.weak) => {
            tracing::debug!(%error, "no types of the kernel: weak symbols count as missing");
            return Ok(());
        }
        Err(error) => return Err(untold(error)),
    };
    let mut modules = Modules { kernel, list: None };
    for &(index, symbol) in wanted {
        let found = match look(symbol, &btf, TypeId(1)) {
            Some(id) => Some(Declared { id, btf: &btf, module: None }),
            None => modules.look(symbol).map_err(untold)?,
        };
        let what = if symbol.kind == ExternKind::KsymFunc { "function" } else { "variable" };
        let reason = match found {
            None => format!("no {what} of that name in the types of the kernel and its modules"),
            Some(Declared { id, btf, module }) if is_compatible(own, symbol, btf, id) => {
                let module = match module {
                    None => None,
                    Some(name) => match place_of(externs, kernel, name).map_err(untold)? {
                        Some(place) => Some(place),
                        // It went meanwhile.
                        None => continue,
                    },
                };
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

/// Where a symbol was found.
struct Declared<'b> {
    id: TypeId,
    btf: &'b Btf,
    /// The module's name, unless it is the kernel itself.
    module: Option<&'b str>,
}

/// The types of the kernel's modules, read when they are first needed.
struct Modules<'k> {
    kernel: &'k Kernel,
    list: Option<Vec<(String, Btf)>>,
}

impl Modules<'_> {
    fn look(&mut self, symbol: &ExternSpec) -> Result<Option<Declared<'_>>, SysError> {
        let list = match &mut self.list {
            Some(list) => list,
            none => none.insert(self.kernel.module_btfs()?),
        };
        Ok(list.iter().find_map(|(name, btf)| {
            Some(Declared { id: look(symbol, btf, btf.first_id())?, btf, module: Some(name) })
        }))
    }
}

/// The place of a module's BTF among those that are open; `None` if the module is no longer there.
fn place_of(externs: &mut Externs<'_>, kernel: &Kernel, module: &str) -> Result<Option<usize>, SysError> {
    if let Some(place) = externs.module_names.iter().position(|name| name == module) {
        return Ok(Some(place));
    }
    let Some(fd) = target::module_fd(kernel, module)? else { return Ok(None) };
    externs.module_names.push(module.to_owned());
    externs.modules.push(fd);
    Ok(Some(externs.modules.len() - 1))
}
