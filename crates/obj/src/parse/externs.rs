use foldhash::fast::FixedState;
use hashbrown::HashMap;
use oxbpf_btf::{Kind, TypeId};

use super::Parser;
use crate::elf::Binding;
use crate::error::ExternProblem;
use crate::spec::{ExternKind, ExternSpec};
use crate::{Btf, Error};

/// Bytes of all configuration values together. A line of a configuration is far shorter, but the array for it may be said
/// to be of any length.
const MOST_KCONFIG: u32 = 1 << 20;

/// Linkage of an extern variable or function in BTF.
const LINKAGE_EXTERN: u32 = 2;

/// What the object expects from outside.
#[derive(Default)]
pub(super) struct Externs {
    pub(super) specs: Vec<ExternSpec>,
    /// Index in `specs` by index of the symbol.
    pub(super) by_symbol: HashMap<usize, usize, FixedState>,
    /// Bytes of all configuration values together.
    pub(super) kconfig_size: u32,
}

/// An extern before its place is known.
struct Found {
    symbol: usize,
    /// Alignment of a configuration value.
    align: u64,
    spec: ExternSpec,
}

impl Parser<'_> {
    pub(super) fn externs(&mut self, btf: Option<&Btf>) -> Result<Externs, Error> {
        if self.symbols.externs.is_empty() {
            return Ok(Externs::default());
        }
        let types = btf.map(Declared::collect).unwrap_or_default();
        let mut found = Vec::with_capacity(self.symbols.externs.len());
        for symbol in std::mem::take(&mut self.symbols.externs) {
            let name = self.elf.symbol_name(&symbol)?;
            if name.is_empty() {
                continue;
            }
            let problem = |problem| Error::Extern { name: name.to_owned(), problem };
            let (kind, align, ty, value_type) = match (types.by_name.get(name), btf) {
                // Without types: it fails when a program that is loaded needs it.
                (None, _) | (_, None) => (ExternKind::Unknown, 1, TypeId(0), TypeId(0)),
                (Some(declared), _) if declared.linkage != LINKAGE_EXTERN => {
                    return Err(problem(ExternProblem::NotExtern));
                }
                (Some(declared), Some(btf)) => {
                    let (kind, align) = declared.extern_kind(btf, &types).map_err(problem)?;
                    let value_type = btf.get(declared.id).ok().and_then(|ty| ty.target()).unwrap_or_default();
                    // `const void`: it has an address, that is all.
                    let is_void = btf.resolve(value_type).is_ok_and(|ty| ty.kind() == Kind::Void);
                    (kind, align, declared.id, if is_void { TypeId(0) } else { value_type })
                }
            };
            let weak = symbol.binding == Binding::Weak;
            let spec = ExternSpec { name: self.names.copy(name)?, kind, weak, ty, value_type };
            found.push(Found { symbol: symbol.index, align, spec });
        }
        lay_out(found)
    }
}

/// Orders externs, configuration values first, and gives these their places: the largest alignment first, so
/// that little is lost between them. libbpf has the same order.
fn lay_out(mut found: Vec<Found>) -> Result<Externs, Error> {
    found.sort_by(|a, b| {
        let key = |f: &Found| match f.spec.kind {
            ExternKind::Kconfig { size, .. } => (0, u64::MAX.saturating_sub(f.align), size),
            _ => (1, 0, 0),
        };
        key(a).cmp(&key(b)).then_with(|| a.spec.name.cmp(&b.spec.name))
    });
    let mut all = Externs::default();
    let mut next: u64 = 0;
    for Found { symbol, align, mut spec } in found {
        if let ExternKind::Kconfig { offset, size } = &mut spec.kind {
            let too_large = |size| {
                let problem = ExternProblem::TooLarge { size };
                Error::Extern { name: spec.name.clone(), problem }
            };
            let at = next.next_multiple_of(align.max(1));
            next = at.saturating_add(u64::from(*size));
            *offset = u32::try_from(at).map_err(|_| too_large(at))?;
            let fits = u32::try_from(next).ok().filter(|end| *end <= MOST_KCONFIG);
            all.kconfig_size = fits.ok_or_else(|| too_large(next))?;
        }
        all.by_symbol.insert(symbol, all.specs.len());
        all.specs.push(spec);
    }
    Ok(all)
}

/// The variables and functions that BTF declares.
#[derive(Default)]
struct Declared<'b> {
    by_name: HashMap<&'b str, Declaration, FixedState>,
    /// Name of the section by id of the variable or function.
    section: HashMap<TypeId, &'b str, FixedState>,
}

struct Declaration {
    id: TypeId,
    kind: Kind,
    linkage: u32,
}

impl<'b> Declared<'b> {
    fn collect(btf: &'b Btf) -> Self {
        let mut all = Self::default();
        for ty in btf.types() {
            match ty.kind() {
                kind @ (Kind::Var | Kind::Func) => {
                    let linkage = ty.linkage().unwrap_or_default();
                    all.by_name.entry(ty.name()).or_insert(Declaration { id: ty.id(), kind, linkage });
                }
                Kind::Datasec => all.section.extend(ty.variables().map(|v| (v.ty, ty.name()))),
                _ => {}
            }
        }
        all
    }
}

impl Declaration {
    /// What it is, and the alignment of a configuration value.
    fn extern_kind(&self, btf: &Btf, types: &Declared<'_>) -> Result<(ExternKind, u64), ExternProblem> {
        match (types.section.get(&self.id).copied(), self.kind) {
            (Some(".kconfig"), Kind::Func) => Err(ExternProblem::KconfigFunction),
            (Some(".kconfig"), _) => {
                let broken = |source| ExternProblem::Type(Box::new(source));
                let var = btf.get(self.id).map_err(broken)?;
                let target = var.target().unwrap_or_default();
                if !is_kconfig(btf, target, true) {
                    return Err(ExternProblem::KconfigType);
                }
                let size = btf.size_of(target).map_err(broken)?;
                let align = btf.align_of(target).map_err(broken)?;
                let size = u32::try_from(size).map_err(|_| ExternProblem::TooLarge { size })?;
                Ok((ExternKind::Kconfig { offset: 0, size }, align))
            }
            (Some(".ksyms"), Kind::Func) => Ok((ExternKind::KsymFunc, 1)),
            (Some(".ksyms"), _) => Ok((ExternKind::KsymVar, 1)),
            (None | Some(".maps"), _) => Err(ExternProblem::Elsewhere),
            (Some(section), _) => Err(ExternProblem::Section(section.to_owned())),
        }
    }
}

/// Whether a configuration value can be of a type.
fn is_kconfig(btf: &Btf, ty: TypeId, may_be_array: bool) -> bool {
    let Ok(ty) = btf.resolve(ty) else { return false };
    let size = ty.size().unwrap_or_default();
    match ty.kind() {
        Kind::Int if ty.int().is_some_and(|int| int.bool) => size == 1 && may_be_array,
        Kind::Int if may_be_array => size.is_power_of_two() && size <= 8,
        Kind::Int => size == 1,
        Kind::Enum => size == 4 && ty.name() == "libbpf_tristate" && may_be_array,
        Kind::Enum64 => ty.name() == "libbpf_tristate" && may_be_array,
        Kind::Array if may_be_array => {
            ty.array().is_some_and(|array| array.len != 0 && is_kconfig(btf, array.elem, false))
        }
        _ => false,
    }
}
