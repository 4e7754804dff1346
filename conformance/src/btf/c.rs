//! Types printed as C.
//!
//! The text is the same, byte for byte, but where what libbpf prints means something else than the BTF says, or does
//! not compile. Some of that is a matter of lines and attributes that only say where things are; cases that are equal
//! without those count as the same types:
//!
//! - Unions of more or fewer bytes than C gives them are filled, aligned or packed; libbpf only packs structs. That is
//!   `release_pages_arg` of the kernel, a transparent union that gcc describes without its members.
//! - Structs whose bit-fields cross a multiple of their type, or with members where only other compilers would put
//!   them, are packed and have every gap filled.
//! - Enums of two bytes have an attribute for it, and those of eight all of whose values fit in four.
//!
//! The other differences are in names and words. Random types that have them are left out:
//!
//! - Numbers by names that compilers do not know have a typedef.
//! - A struct and a union (or enum) of the same name never share it, even where one is only declared.
//! - Members without a name that have a type with a tag are written without the tag.
//! - An enum of 64-bit values without values is only declared, and shares its name as others do.
//! - A qualifier of a type tag stands apart from the word before the tag; an attribute that would end its own
//!   parentheses is left out.

use std::collections::HashMap;

use oxbpf_btf::{Btf, CDump, Error, Kind, Type, TypeId, TypeProblem};

use super::data::dump::Dump;
use crate::generate::{self, Sample};
use crate::tally::{Tally, Verdict};
use crate::{Outcome, Settings, inputs, libbpf};

pub(super) fn run(settings: &Settings, tally: &mut Tally) -> Outcome<()> {
    for n in 0..settings.cases {
        let seed = settings.seed.wrapping_add(n);
        for (input, sample) in [("random", generate::plain(seed)), ("random, split", generate::split(seed))] {
            let ours = parse(&sample)?;
            if is_sized(&ours) && is_plain(&ours) {
                tally.add(input, || format!("seed {seed}"), compare(&sample, &ours)?);
            }
        }
    }
    let mut add = |input, what: String, raw| -> Outcome<()> {
        let sample = Sample { base: None, raw };
        tally.add(input, || what, compare(&sample, &parse(&sample)?)?);
        Ok(())
    };
    add("vmlinux", String::new(), inputs::vmlinux()?)?;
    for (input, paths) in
        [("testdata", inputs::objects()?), ("pahole", inputs::pahole()?), ("clang", inputs::clang()?)]
    {
        for path in paths {
            add(input, path.display().to_string(), libbpf::Btf::of_elf(&path)?.0.raw()?)?;
        }
    }
    Ok(())
}

fn parse(sample: &Sample) -> Outcome<Btf> {
    Ok(match &sample.base {
        Some(base) => Btf::parse_split(&sample.raw[..], &Btf::parse(&base[..])?)?,
        None => Btf::parse(&sample.raw[..])?,
    })
}

fn compare(sample: &Sample, ours: &Btf) -> Outcome<Verdict> {
    let base = sample.base.as_ref().map(|base| libbpf::Btf::parse(base, None)).transpose()?;
    let theirs = libbpf::Btf::parse(&sample.raw, base.as_ref())?;
    let theirs = Dump::new(&theirs)?.types(ours.end_id().0);
    Ok(verdict(&print(ours)?, &theirs))
}

/// All types, those of the base included.
fn types(btf: &Btf) -> impl Iterator<Item = Type<'_>> {
    (1..btf.end_id().0).filter_map(|id| btf.get(TypeId(id)).ok())
}

/// Whether every member has a size: libbpf divides by the alignment of those that have none, which is zero.
fn is_sized(btf: &Btf) -> bool {
    let mut members = types(btf).flat_map(|ty| ty.members().map(|m| m.ty));
    members.all(|ty| btf.align_of(ty).is_ok() && btf.size_of(ty).is_ok())
}

/// Whether nothing in it has a name, or a place, that makes libbpf's text something other than C.
fn is_plain(btf: &Btf) -> bool {
    let numbers = ["__", "n0", "n1", "n2"];
    let mut tags = HashMap::new();
    types(btf).all(|ty| match ty.kind() {
        Kind::Enum64 if ty.vlen() == 0 => false,
        // Every reference but a tag's and a section's is to a type of C.
        Kind::DeclTag | Kind::Datasec => true,
        _ if references(ty).any(|id| !btf.get(id).is_ok_and(is_of_c)) => false,
        Kind::Int | Kind::Float => !numbers.contains(&ty.name()),
        Kind::Struct | Kind::Union | Kind::Fwd | Kind::Enum | Kind::Enum64 => {
            let keyword = match ty.kind() {
                Kind::Enum | Kind::Enum64 => "enum",
                Kind::Union => "union",
                Kind::Fwd if ty.kind_flag() => "union",
                _ => "struct",
            };
            let alike = ty.name().is_empty() || *tags.entry(ty.name()).or_insert(keyword) == keyword;
            alike && ty.members().all(|m| !m.name.is_empty() || is_part(btf, m.ty))
        }
        Kind::Const | Kind::Volatile | Kind::Restrict => {
            ty.target().and_then(|id| btf.get(id).ok()).is_some_and(|to| to.kind() != Kind::TypeTag)
        }
        _ => true,
    })
}

fn references(ty: Type<'_>) -> impl Iterator<Item = TypeId> {
    let entries = ty.members().map(|m| m.ty).chain(ty.params().map(|p| p.ty));
    ty.target().into_iter().chain(ty.array().map(|a| a.elem)).chain(entries)
}

fn is_of_c(ty: Type<'_>) -> bool {
    !matches!(ty.kind(), Kind::Func | Kind::Var | Kind::Datasec | Kind::DeclTag)
}

/// Whether a member without a name can be of this type.
fn is_part(btf: &Btf, ty: TypeId) -> bool {
    btf.get(ty).is_ok_and(|ty| ty.kind().is_composite() && ty.name().is_empty())
        || btf.resolve(ty).is_ok_and(|ty| !ty.kind().is_composite())
}

/// The text up to the first type that cannot be printed, and which that is.
fn print(btf: &Btf) -> Outcome<(String, Option<u32>)> {
    let (mut dump, mut text) = (CDump::new(btf), String::new());
    for id in 1..btf.end_id().0 {
        match dump.dump_type(TypeId(id), &mut text) {
            Ok(()) => {}
            Err(Error::Type(e)) if matches!(e.problem, TypeProblem::PartOfItself) => {
                return Ok((text, Some(id)));
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok((text, None))
}

fn verdict(ours: &(String, Option<u32>), theirs: &(String, Option<u32>)) -> Verdict {
    if ours == theirs {
        return Verdict::Equal;
    }
    if ours.1 != theirs.1 {
        return Verdict::Different(format!("ours fails at {:?}, theirs at {:?}", ours.1, theirs.1));
    }
    let (a, b) = (without_layout(&ours.0), without_layout(&theirs.0));
    if a == b {
        return Verdict::SameTypes;
    }
    let at = a.iter().zip(&b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
    Verdict::Different(format!("ours has {:?}, theirs {:?}", a.get(at), b.get(at)))
}

/// The lines without those that are only padding, and without attributes about places.
fn without_layout(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !is_padding(line)) {
        let mut line = line.replace(" __attribute__((packed))", "");
        for mode in ["HI", "word"] {
            line = line.replace(&format!(" __attribute__((mode({mode})))"), "");
        }
        while let Some((before, after)) = line.split_once(" __attribute__((aligned(") {
            let after = after.split_once(")))").map_or("", |(_, after)| after);
            line = format!("{before}{after}");
        }
        // What fills a union is a struct of nothing else.
        if line.trim() == "};" && lines.last().is_some_and(|last| last.trim() == "struct {") {
            lines.pop();
        } else {
            lines.push(line);
        }
    }
    lines
}

fn is_padding(line: &str) -> bool {
    let Some((unit, width)) = line.trim_start().split_once(": ") else { return false };
    ["long", "int", "short", "char"].contains(&unit) && width.ends_with(';')
}
