//! Types of the kernel: parsing them, and finding them by name.

use std::ffi::CString;

use aya_obj::btf as aya;
use oxbpf_btf::{Btf, Kind};

use super::{AYA, LIBBPF, Settings, fresh_kernel};
use crate::libbpf;
use crate::pair::{Outcome, medians, timed};
use crate::row::Row;

/// The kernel's types, read anew.
fn fresh() -> Outcome<Btf> {
    Ok(fresh_kernel().btf()?)
}

/// From the file of sysfs to types that can be looked at.
pub(super) fn parse(settings: &Settings) -> Outcome<Vec<Row>> {
    let ours = || timed(fresh);
    let c = medians(settings.rounds(41), ours, || timed(|| Ok(libbpf::Btf::vmlinux()?)))?;
    let aya = medians(settings.rounds(11), ours, || timed(|| Ok(aya::Btf::from_sys_fs()?)))?;
    Ok(vec![Row::times("btf-parse", LIBBPF, c, Some(0.5)), Row::times("btf-parse", AYA, aya, None)])
}

/// How many names are looked up.
const NAMES: usize = 1000;

/// A thousand names with their kinds, in types that were just parsed: the index is made within the time.
pub(super) fn lookup(settings: &Settings) -> Outcome<Vec<Row>> {
    let names = names(&fresh()?);
    let c_names: Vec<(CString, u32)> = names
        .iter()
        .map(|(name, kind)| Ok((CString::new(name.as_str())?, *kind as u32)))
        .collect::<Outcome<_>>()?;
    let aya_names: Vec<(&str, aya::BtfKind)> =
        names.iter().filter_map(|(name, kind)| Some((name.as_str(), aya_kind(*kind)?))).collect();

    let ours = |names: &[(String, Kind)]| {
        let btf = fresh()?;
        timed(|| {
            let found = names.iter().filter(|(name, kind)| btf.find(name, *kind).is_some()).count();
            all(found, names.len())
        })
    };
    let c = medians(
        settings.rounds(11),
        || ours(&names),
        || {
            let btf = libbpf::Btf::vmlinux()?;
            timed(|| {
                all(c_names.iter().filter(|(name, kind)| btf.find(name, *kind).is_some()).count(), NAMES)
            })
        },
    )?;
    let common: Vec<(String, Kind)> =
        names.iter().filter(|(_, kind)| aya_kind(*kind).is_some()).cloned().collect();
    let parsed = aya::Btf::from_sys_fs()?;
    let aya = medians(
        settings.rounds(5),
        || ours(&common),
        || {
            timed(|| {
                let found =
                    aya_names.iter().filter(|(name, kind)| parsed.id_by_type_name_kind(name, *kind).is_ok());
                all(found.count(), common.len())
            })
        },
    )?;
    Ok(vec![
        Row::times("btf-lookup-1000", LIBBPF, c, Some(0.02)),
        Row::times("btf-lookup-1000", AYA, aya, None),
    ])
}

/// One name in types that were just parsed: no index is there yet. Each round takes another of the names.
pub(super) fn first_lookup(settings: &Settings) -> Outcome<Vec<Row>> {
    let names = names(&fresh()?);
    let c_names: Vec<CString> =
        names.iter().map(|(name, _)| Ok(CString::new(name.as_str())?)).collect::<Outcome<_>>()?;
    // Far apart, and the same on both sides.
    let turn = |n: &mut usize| {
        *n = (*n + 617) % NAMES;
        *n
    };
    let (mut a, mut b) = (0, 0);
    let times = medians(
        settings.rounds(61),
        || {
            let (btf, (name, kind)) = (fresh()?, &names[turn(&mut a)]);
            timed(|| all(usize::from(btf.find(name, *kind).is_some()), 1))
        },
        || {
            let (btf, n) = (libbpf::Btf::vmlinux()?, turn(&mut b));
            timed(|| all(usize::from(btf.find(&c_names[n], names[n].1 as u32).is_some()), 1))
        },
    )?;
    Ok(vec![Row::times("btf-first-lookup", LIBBPF, times, Some(1.0))])
}

fn all(found: usize, of: usize) -> Outcome<usize> {
    if found == of { Ok(found) } else { Err(format!("{found} of {of} names were found").into()) }
}

/// Evenly from all named types.
fn names(btf: &Btf) -> Vec<(String, Kind)> {
    let named: Vec<_> = btf
        .types()
        .filter(|ty| {
            matches!(
                ty.kind(),
                Kind::Struct | Kind::Union | Kind::Enum | Kind::Typedef | Kind::Func | Kind::Int
            ) && !ty.name().is_empty()
        })
        .collect();
    (0..NAMES)
        .filter_map(|n| named.get(n * named.len() / NAMES))
        .map(|ty| (ty.name().to_owned(), ty.kind()))
        .collect()
}

fn aya_kind(kind: Kind) -> Option<aya::BtfKind> {
    Some(match kind {
        Kind::Struct => aya::BtfKind::Struct,
        Kind::Union => aya::BtfKind::Union,
        Kind::Enum => aya::BtfKind::Enum,
        Kind::Typedef => aya::BtfKind::Typedef,
        Kind::Func => aya::BtfKind::Func,
        Kind::Int => aya::BtfKind::Int,
        _ => return None,
    })
}
