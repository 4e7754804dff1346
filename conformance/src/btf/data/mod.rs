//! Data printed as text.
//!
//! The types and bytes are such that C libbpf prints all there is. It loses something, and oxbpf does not, where
//! - a struct's first member is zero and others are not: it leaves out the struct;
//! - an array of one-byte integers that are no `char` has a zero: it leaves out that and, with zeroes, the rest;
//! - something comes behind an array of one-byte integers: it goes on to take single bytes for characters and
//!   to leave out zeroes of arrays;
//! - there are letters behind the NUL of a `char` array: without zeroes it prints them as if there were no NUL;
//! - a string is a member: no comma and no new line follow it;
//! - an enumerator is unsigned and above 2^31, or signed in a bit-field: it has no name;
//! - a value of a signed enum has no name: no comma and no new line follow it;
//! - a float has 2 or 12 bytes, or a bit-field a type of more than 8: an error.
//!
//! Where the data ends too early libbpf stops, or leaves out elements of an array without a word; oxbpf says so.

pub(super) mod dump;
mod types;

use oxbpf_btf::{Btf, Endian, TextOptions};

use crate::random::Random;
use crate::tally::{Tally, Verdict};
use crate::{Outcome, Settings, libbpf};
use dump::Dump;
use types::{Case, Focus};

pub(super) fn run(settings: &Settings, tally: &mut Tally) -> Outcome<()> {
    for n in 0..settings.cases {
        let seed = settings.seed.wrapping_add(n);
        let told = || format!("seed {seed}");
        for (input, focus) in [
            ("values", Focus::Values),
            ("byte arrays", Focus::Bytes),
            ("strings", Focus::String),
            ("sections", Focus::Section),
        ] {
            let mut random = Random::new(seed);
            let zeroes = random.percent(50);
            let case = Case::new(&mut random, focus, zeroes)?;
            let options = options(&mut random, focus, zeroes);
            tally.add(input, told, whole(&case, &options)?);
            if focus == Focus::Values {
                let len = random.below(case.data.len() as u32) as usize;
                tally.add("data cut short", told, cut(&case, len)?);
            }
        }
    }
    Ok(())
}

fn options(random: &mut Random, focus: Focus, zeroes: bool) -> TextOptions {
    // libbpf indents strings and the values of variables once more, in the middle of a line.
    let once = matches!(focus, Focus::Section | Focus::String);
    let indent_level = if once { 0 } else { random.below(3) as usize };
    TextOptions {
        compact: random.percent(50),
        skip_names: random.percent(30),
        zeroes,
        strings: focus == Focus::String,
        indent_level,
        indent: (*random.pick(&["\t", "  ", ""])).to_owned(),
    }
}

/// What both print of all the data, and of how many bytes.
fn whole(case: &Case, options: &TextOptions) -> Outcome<Verdict> {
    let btf = Btf::parse(case.btf.build_as(Endian::Little)?.as_bytes().to_vec())?;
    let data = btf.data(case.ty, &case.data);
    let (ours, extent) = (data.to_text(options)?, data.extent()?);
    let theirs = libbpf::Btf::parse(btf.as_bytes(), None)?;
    let (result, theirs) = Dump::new(&theirs)?.data(case.ty.0, &case.data, case.data.len(), options)?;
    if i64::from(result) != i64::try_from(extent.size)? || extent.cut.is_some() {
        return Ok(Verdict::Different(format!("oxbpf {extent:?}, libbpf {result}")));
    }
    Ok(match ours == theirs {
        true => Verdict::Equal,
        false => Verdict::Different(format!("{options:?}\noxbpf:\n{ours}\nlibbpf:\n{theirs}\n")),
    })
}

/// What both print of the first `len` bytes: the same, up to the line that says that something is missing.
fn cut(case: &Case, len: usize) -> Outcome<Verdict> {
    const E2BIG: i32 = -7;
    let options = TextOptions { zeroes: true, ..TextOptions::default() };
    let btf = case.btf.build_as(Endian::Little)?;
    let data = btf.data(case.ty, &case.data[..len]);
    let (ours, extent) = (data.to_text(&options)?, data.extent()?);
    let theirs = libbpf::Btf::parse(btf.as_bytes(), None)?;
    let (result, theirs) = Dump::new(&theirs)?.data(case.ty.0, &case.data, len, &options)?;
    let both = match extent.cut {
        None => ours == theirs && i64::from(result) == i64::try_from(extent.size)?,
        Some(_) => {
            let (before, _) = ours.split_once("<truncated>").unwrap_or_default();
            let lines = before.rfind('\n').map_or("", |at| &before[..=at]);
            theirs.starts_with(lines) && (result == E2BIG || i64::from(result) == i64::try_from(extent.size)?)
        }
    };
    Ok(match both {
        true => Verdict::Equal,
        false => Verdict::Different(format!(
            "{len} of {} bytes; oxbpf {extent:?}:\n{ours}\nlibbpf {result}:\n{theirs}\n",
            case.data.len()
        )),
    })
}
