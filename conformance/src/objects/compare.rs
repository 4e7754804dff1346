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

/// How much was compared.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Compared {
    /// Maps, programs and BTFs that both have made, or tried to.
    pub(super) things: usize,
    /// Instructions in them.
    pub(super) insns: usize,
}

impl Compared {
    pub(super) fn of(libbpf: &Made, oxbpf: &Made) -> Compared {
        let both = libbpf.things.iter().filter(|(name, _)| oxbpf.things.contains_key(name));
        let mut compared = Compared::default();
        for (_, thing) in both {
            compared.things += 1;
            if let Some(Field::Insns(insns, _)) = thing.get("insns") {
                compared.insns += insns.len();
            }
        }
        compared
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn made(fields: &[(&'static str, Field)]) -> Made {
        Made::with_program("exec", fields.iter().cloned().collect())
    }

    fn insns(imm: i32, note: &str) -> Field {
        let insns = vec![Insn::mov64_imm(0, 1), Insn::mov64_imm(1, imm), Insn::exit()];
        Field::Insns(insns, BTreeMap::from([(1, note.to_owned())]))
    }

    #[test]
    fn an_instruction_that_differs_is_shown_from_both_sides() {
        let (a, b) = (made(&[("insns", insns(2, "map a"))]), made(&[("insns", insns(3, "map a"))]));
        let found = compare(&a, &b);
        assert_eq!((found[0].what.as_str(), found[0].field.as_str()), ("program exec", "insns"));
        assert!(found[0].libbpf.starts_with("3 insns; 1: (b7) r1 = 2"), "{}", found[0].libbpf);
        assert!(found[0].oxbpf.starts_with("3 insns; 1: (b7) r1 = 3"), "{}", found[0].oxbpf);
        assert_eq!((Compared::of(&a, &b).things, Compared::of(&a, &b).insns), (1, 3));
    }

    #[test]
    fn an_instruction_that_refers_to_another_map_differs() {
        let (a, b) = (made(&[("insns", insns(0, "map a"))]), made(&[("insns", insns(0, "map b"))]));
        assert_eq!(compare(&a, &b).len(), 1);
        assert!(compare(&a, &a).is_empty());
    }

    #[test]
    fn what_only_one_has_differs() {
        let all = made(&[("prog_type", Field::Number(6)), ("license", Field::Bytes(vec![1, 2, 3]))]);
        let found = compare(&all, &made(&[("prog_type", Field::Number(7))]));
        let shown: Vec<_> = found.iter().map(|it| (&*it.field, &*it.libbpf, &*it.oxbpf)).collect();
        assert_eq!(shown, [("license", "3 bytes, from 0 on: 010203", "none"), ("prog_type", "6", "7")]);
        let found = compare(&all, &Made::default());
        assert_eq!((&*found[0].field, &*found[0].oxbpf), ("made", NOT_TRIED));
    }
}
