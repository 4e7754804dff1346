//! The table for people.

use std::collections::BTreeMap;

use super::Row;
use super::compare::Difference;
use super::verdict::{Stage, Verdict};

pub(super) fn print(rows: &[Row], failed: &[String]) {
    println!("{:<44} {:<16} {:<16} {:>8} {:>9}", "OBJECT", "LIBBPF", "OXBPF", "COMPARED", "DIFFERENT");
    let cell = |verdict: &Verdict| {
        let stage = format!("{:?}", verdict.stage).to_lowercase();
        verdict.errno.map_or(stage.clone(), |errno| format!("{stage} ({errno})"))
    };
    for row in rows {
        println!(
            "{:<44} {:<16} {:<16} {:>8} {:>9}",
            row.name,
            cell(&row.libbpf),
            cell(&row.oxbpf),
            row.compared.things,
            row.differences.len()
        );
        if row.differs() {
            println!("    {}", row.known.unwrap_or("DIFFERENT"));
            if !row.oxbpf.text.is_empty() {
                println!("    {}", row.oxbpf.text);
            }
        }
        for Difference { what, field, libbpf, oxbpf, .. } in unknown(row) {
            println!("    DIFFERENT: {what}, {field}");
            println!("        libbpf: {libbpf}");
            println!("        oxbpf:  {oxbpf}");
        }
        for (reason, what) in known(row) {
            println!("    {what}: {reason}");
        }
    }
    let count = |stage| rows.iter().filter(|row| row.libbpf.stage == stage && !row.differs()).count();
    let differ = rows.iter().filter(|row| row.differs()).count();
    let known = rows.iter().filter(|row| row.differs() && row.known.is_some()).count();
    println!();
    println!(
        "{} objects: {} load with both, {} with neither, {} are refused by both; {differ} differ, {known} of \
         them for a known reason; {} sources do not compile",
        rows.len(),
        count(Stage::Loads),
        count(Stage::Opens),
        count(Stage::Refused),
        failed.len()
    );
    let things: usize = rows.iter().map(|row| row.compared.things).sum();
    let insns: usize = rows.iter().map(|row| row.compared.insns).sum();
    let differences = || rows.iter().flat_map(|row| &row.differences);
    let known = differences().filter(|difference| difference.known.is_some()).count();
    println!(
        "{things} maps, programs and BTFs compared, {insns} instructions: {} differences, {known} of them for a \
         known reason",
        differences().count()
    );
}

fn unknown(row: &Row) -> impl Iterator<Item = &Difference> {
    row.differences.iter().filter(|difference| difference.known.is_none())
}

/// The reasons for differences, and of how many of which field.
fn known(row: &Row) -> BTreeMap<&'static str, String> {
    let mut counts: BTreeMap<_, BTreeMap<&str, usize>> = BTreeMap::new();
    for difference in &row.differences {
        if let Some(reason) = difference.known.filter(|reason| Some(*reason) != row.known) {
            *counts.entry(reason).or_default().entry(difference.field.as_str()).or_default() += 1;
        }
    }
    let told = |fields: BTreeMap<&str, usize>| {
        fields.iter().map(|(field, count)| format!("{count} × {field}")).collect::<Vec<_>>().join(", ")
    };
    counts.into_iter().map(|(reason, fields)| (reason, told(fields))).collect()
}
