//! The part of a kernel's types that the CO-RE relocations of some objects need.
//!
//! - `mark`: which types and members one relocation needs.

mod mark;

use foldhash::fast::RandomState;
use hashbrown::HashSet;
use oxbpf_btf::{CoreReloKind, ProgressFn, Reporter};

use crate::relo_core::{CoreError, Relocator, Trace, describe};
use crate::{Btf, CoreTarget, Error, ObjectSpec, TypeId};
use mark::Marks;

/// Cuts from `target` what the CO-RE relocations of `objects` need, those of programs that are not to be loaded
/// included: for systems whose kernel has no BTF, a few kilobytes in place of megabytes. The objects relocate
/// against the result as they do against `target`.
///
/// Of structs and unions that are accessed only the accessed members are kept; of types whose size, existence or
/// number is asked for all that they refer to, without members; enums whole; of types that are to match everything.
///
/// The result is not split, has the byte order of `target`, and its types in the order of `target`. Types that the
/// objects want and `target` lacks are no error: they will be lacking in the result too.
///
/// # Errors
/// Names the function and the relocation if one makes no sense, or could mean several types of `target`.
///
/// ```
/// use oxbpf_obj::{Btf, ObjectSpec, min_core_btf};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let spec = ObjectSpec::parse(&std::fs::read("../../testdata/opensnoop.bpf.o")?)?;
/// // On a kernel these would be its types, from /sys/kernel/btf/vmlinux.
/// let kernel: Btf = spec.btf.clone().ok_or("no types")?;
/// let small = min_core_btf(&[&spec], &kernel)?;
/// assert!(small.as_bytes().len() < kernel.as_bytes().len() / 4);
/// std::fs::write(std::env::temp_dir().join("opensnoop.btf"), small.as_bytes())?;
/// # Ok(()) }
/// ```
pub fn min_core_btf(objects: &[&ObjectSpec], target: &Btf) -> Result<Btf, Error> {
    cut(objects, target, Reporter::new(None))
}

/// The same, with a callback that is told now and then how far the work has come, and can stop it.
///
/// # Errors
/// As [`min_core_btf`], and [`Error::Cancelled`] if the callback says so.
pub fn min_core_btf_with_progress(
    objects: &[&ObjectSpec],
    target: &Btf,
    progress: &mut ProgressFn<'_>,
) -> Result<Btf, Error> {
    cut(objects, target, Reporter::new(Some(progress)))
}

fn cut(objects: &[&ObjectSpec], target: &Btf, mut report: Reporter<'_>) -> Result<Btf, Error> {
    let relos = objects.iter().fold(0usize, |n, object| n.saturating_add(object.code.core_relos.len()));
    report.phase("relocations", relos).map_err(Error::Cancelled)?;
    let mut marks = Marks::new(target);
    for object in objects {
        mark_object(object, target, &mut marks, &mut report)?;
    }
    target.subset(&marks.selection).map_err(Error::btf)
}

fn mark_object(
    object: &ObjectSpec,
    target: &Btf,
    marks: &mut Marks<'_>,
    report: &mut Reporter<'_>,
) -> Result<(), Error> {
    let Some(btf) = &object.btf else { return Ok(()) };
    let code = &object.code;
    // A split BTF counts as a module of its base.
    let mut targets: Vec<CoreTarget<'_>> = std::iter::successors(Some(target), |btf| btf.base())
        .map(|btf| CoreTarget { name: "the target", btf })
        .collect();
    targets.reverse();
    let all = || code.core_relos.iter().filter(|(_, relo)| relo.kind != CoreReloKind::TypeIdLocal);
    let mut relocator = Relocator::new(btf, all().map(|(_, relo)| relo), &targets);
    let mut seen: HashSet<(TypeId, u32, CoreReloKind), RandomState> = HashSet::default();
    for (section, relo) in all() {
        report.step().map_err(Error::Cancelled)?;
        if !seen.insert((relo.ty, relo.access_str_off, relo.kind)) {
            continue;
        }
        let traced = relocator.trace(&relo).and_then(|trace| match trace {
            Trace::To { found, .. } => marks.relocation(relo.kind, &found),
            Trace::Value(_) | Trace::Nowhere(_) => Ok(()),
        });
        traced.map_err(|problem| {
            let function =
                code.function_at(section, relo.insn_off as usize).and_then(|f| code.functions.get(f));
            let start = function.map_or(0, |f| f.start);
            Error::Core {
                function: function.map_or("?", |f| code.name(f)).into(),
                source: Box::new(CoreError {
                    relo: describe(btf, &relo),
                    insn: (relo.insn_off as usize).saturating_sub(start),
                    problem,
                }),
            }
        })?;
    }
    Ok(())
}
