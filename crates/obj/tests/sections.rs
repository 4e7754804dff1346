//! The table of section names, row by row.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

use oxbpf_obj::{ProgramFlags, ProgramType, SectionDef};

/// The rows in the order of matching: the name, with `+` where a target may follow; the program type; the attach type;
/// then `sleepable`, `frags`, `btf` (the target is a BTF id), `optional` (old kernels load it without the attach type),
/// `attach` (BPF_PROG_ATTACH takes it); and how it is attached.
const ROWS: &str = include_str!("sections.txt");

#[test]
fn rows() {
    let text = |def: &SectionDef| {
        let target = if def.takes_target { "+" } else { "" };
        let attach = def.attach_type.map_or("-".to_owned(), |a| a.to_string());
        let mut line = format!("{}{target} {} {attach}", def.prefix(), def.prog_type);
        let words = [
            (def.sleepable, " sleepable"),
            (def.xdp_frags, " frags"),
            (def.attach_btf, " btf"),
            (def.attach_type_optional, " optional"),
            (def.prog_attach, " attach"),
        ];
        line.extend(words.into_iter().filter(|(set, _)| *set).map(|(_, word)| word));
        format!("{line} {:?}", def.attach)
    };
    let rows: Vec<_> = SectionDef::table().iter().map(text).collect();
    assert_eq!(rows.len(), 116);
    for (row, expected) in rows.iter().zip(ROWS.lines()) {
        assert_eq!(row, expected);
    }
    assert_eq!(rows.len(), ROWS.lines().count());
}

/// Attach types, flags and ways of attaching say the same thing.
#[test]
fn rows_agree_with_themselves() {
    for def in SectionDef::table() {
        let name = def.prefix();
        assert_eq!(
            def.sleepable,
            name.split('/').next().unwrap().ends_with(".s") || name == "syscall",
            "{name}"
        );
        assert_eq!(def.xdp_frags, name.starts_with("xdp.frags"), "{name}");
        assert_eq!(def.flags().contains(ProgramFlags::SLEEPABLE), def.sleepable, "{name}");
        assert_eq!(def.flags().contains(ProgramFlags::XDP_HAS_FRAGS), def.xdp_frags, "{name}");
        let tracing = matches!(def.prog_type, ProgramType::TRACING | ProgramType::LSM | ProgramType::EXT);
        assert_eq!(def.attach_btf, tracing && !name.contains(".multi"), "{name}");
        if name.contains(".multi") || name.contains(".session") {
            assert!(def.attach_type.unwrap().to_string().contains("trace_"), "{name}");
        }
        let sibling = name.strip_suffix(".s").and_then(SectionDef::find).map(|(def, _)| def);
        if let Some(plain) = sibling {
            let of = |def: &SectionDef| (def.prog_type, def.attach_type, def.attach, def.takes_target);
            assert_eq!(of(def), of(plain), "{name}");
        }
    }
}
