//! What the two libraries made of an object, held against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use oxbpf_obj::Insn;
use serde::{Deserialize, Serialize};

use super::made::{Field, Made, Thing};

/// A difference: of which map or program, in what, and both sides of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Difference {
    /// `program handle_exec`.
    pub(super) what: String,
    /// `insns`, `max_entries`; `made` if only one of the libraries has it.
    pub(super) field: String,
    pub(super) libbpf: String,
    pub(super) oxbpf: String,
    /// Why that is no fault, if it is known.
    #[serde(skip_deserializing)]
    pub(super) known: Option<&'static str>,
}

/// In place of what came of it, where one of the libraries has not made something.
pub(super) const NOT_TRIED: &str = "not tried";

/// All the differences, in the order of what was made.
pub(super) fn compare(libbpf: &Made, oxbpf: &Made) -> Vec<Difference> {
    let names: BTreeSet<_> = libbpf.things.keys().chain(oxbpf.things.keys()).collect();
    let mut found = Vec::new();
    for name in names {
        let mut add = |field: &str, libbpf: String, oxbpf: String| {
            found.push(Difference {
                what: name.to_string(),
                field: field.to_owned(),
                libbpf,
                oxbpf,
                known: None,
            });
        };
        match (libbpf.things.get(name), oxbpf.things.get(name)) {
            (Some(a), Some(b)) => fields(a, b, &mut add),
            (a, b) => {
                let side = |thing: Option<&Thing>| {
                    thing.map_or(NOT_TRIED.to_owned(), |thing| show(thing.get("result")))
                };
                add("made", side(a), side(b));
            }
        }
    }
    found
}

/// How many things both have made, or tried to.
pub(super) fn compared(libbpf: &Made, oxbpf: &Made) -> usize {
    libbpf.things.keys().filter(|name| oxbpf.things.contains_key(name)).count()
}

fn fields(libbpf: &Thing, oxbpf: &Thing, add: &mut dyn FnMut(&str, String, String)) {
    let names: BTreeSet<_> = libbpf.keys().chain(oxbpf.keys()).collect();
    for name in names {
        match (libbpf.get(name), oxbpf.get(name)) {
            (a, b) if a == b => {}
            (Some(Field::Insns(a, a_notes)), Some(Field::Insns(b, b_notes))) => {
                let (a, b) = (lines(a, a_notes), lines(b, b_notes));
                let at = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
                add(name, excerpt(&a, at), excerpt(&b, at));
            }
            (Some(Field::Bytes(a)), Some(Field::Bytes(b))) => {
                let at = a.iter().zip(b).take_while(|(a, b)| a == b).count();
                add(name, bytes(a, at), bytes(b, at));
            }
            (Some(Field::Elements(a)), Some(Field::Elements(b))) => {
                let at = a.iter().zip(b).take_while(|(a, b)| a == b).count();
                add(name, element(a, at), element(b, at));
            }
            (a, b) => add(name, show(a), show(b)),
        }
    }
}

fn show(field: Option<&Field>) -> String {
    match field {
        None => "none".to_owned(),
        Some(Field::Number(number)) => number.to_string(),
        Some(Field::Text(text)) => text.clone(),
        Some(Field::Bytes(all)) => bytes(all, 0),
        Some(Field::Elements(all)) => element(all, 0),
        Some(Field::Insns(insns, notes)) => excerpt(&lines(insns, notes), 0),
    }
}

/// The bytes from where they differ on, and how many there are.
fn bytes(all: &[u8], at: usize) -> String {
    let from = at - at % 4;
    let mut text = format!("{} bytes, from {from} on:", all.len());
    for word in all.get(from..).unwrap_or_default().chunks(4).take(8) {
        text.push(' ');
        for byte in word {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

fn element(all: &[(Vec<u8>, Vec<u8>)], at: usize) -> String {
    let mut text = format!("{} elements", all.len());
    if let Some((key, value)) = all.get(at) {
        let _ = write!(text, ", key {key:02x?}: {}", bytes(value, 0));
    }
    text
}

/// Instructions as text, each slot a line, with what their descriptors stood for.
fn lines(insns: &[Insn], notes: &BTreeMap<usize, String>) -> Vec<String> {
    let line = |(at, insn): (usize, &Insn)| {
        let text = insn.disassemble(insns.get(at + 1).copied());
        let note = notes.get(&at).map(|note| format!(" ; {note}")).unwrap_or_default();
        format!("{at}: {text} [off {} imm {:#x}]{note}", insn.off, insn.imm)
    };
    insns.iter().enumerate().map(line).collect()
}

/// The lines from where they differ on, and how many there are.
fn excerpt(lines: &[String], at: usize) -> String {
    let some = lines.get(at..).unwrap_or_default().iter().take(4).map(String::as_str);
    format!("{} insns; {}", lines.len(), some.collect::<Vec<_>>().join(" / "))
}
