//! The table of commands, `docs/commands.md`, is whole and true.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

type TestResult = Result<(), Box<dyn Error>>;

/// The functions of libbpf's `bpf.h`.
const FUNCTIONS: &str = include_str!("commands/functions.txt");
/// The fields of the kernel's info structures.
const FIELDS: &str = include_str!("commands/fields.txt");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A row of one of the tables: its name in C, what it is here, and its tests.
struct Row {
    name: String,
    here: Vec<Link>,
    tests: Vec<String>,
}

/// `[`Kernel::map_create`](../crates/sys/src/kernel/map.rs)`.
struct Link {
    path: String,
    file: String,
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn links(cell: &str) -> Vec<Link> {
    let link = |part: &str| {
        let (path, rest) = part.split_once("`](../")?;
        Some(Link { path: path.to_owned(), file: rest.split_once(')')?.0.to_owned() })
    };
    cell.split("[`").skip(1).filter_map(link).collect()
}

fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let text = fs::read_to_string(root().join("docs/commands.md"))?;
    let rows = text.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let mut cells = line.trim_matches('|').split(" | ");
        let name = quoted(cells.next().unwrap_or_default()).pop().ok_or("a row without a name")?;
        let (mut here, mut tests) = (Vec::new(), Vec::new());
        for cell in cells {
            if cell.contains("](") {
                here.extend(links(cell));
            } else {
                tests.extend(quoted(cell));
            }
        }
        Ok(Row { name, here, tests })
    });
    rows.collect()
}

/// The text of all tests: those of the kernel, and those without.
fn tests() -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    let mut folders = vec![root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && path.iter().any(|part| part == "tests") {
                text += &fs::read_to_string(path)?;
            }
        }
    }
    Ok(text)
}

/// What stands right before a function: its documentation and attributes.
fn head<'t>(text: &'t str, function: &str) -> Option<&'t str> {
    let starts = [format!("pub fn {function}("), format!("pub fn {function}<")];
    let at = starts.iter().find_map(|start| text.find(start))?;
    let before = text.get(..at)?;
    Some(before.get(before.rfind("\n\n").unwrap_or(0)..).unwrap_or(before))
}

/// The body of a struct or an enum, or of an enum's variant.
fn body<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    let rest = text.get(text.find(start)?..)?;
    let indent = start.len() - start.trim_start().len();
    let end = rest.find(&format!("\n{:indent$}}}", "")).unwrap_or(rest.len());
    rest.get(..end)
}

/// Whether `Type.field`, `Enum::Variant` or `Enum::Variant.field` is in the text.
fn has_field(text: &str, path: &str) -> bool {
    let (owner, field) = path.split_once('.').map_or((path, None), |(o, f)| (o, Some(f)));
    let Some((owner, variant)) = owner.split_once("::") else {
        let field = format!("\n    pub {}:", field.unwrap_or_default());
        return body(text, &format!("pub struct {owner} {{")).is_some_and(|b| b.contains(&field));
    };
    let Some(all) = body(text, &format!("pub enum {owner} {{")) else { return false };
    match field {
        None => all.contains(&format!("\n    {variant}")),
        Some(field) => body(all, &format!("    {variant} {{"))
            .is_some_and(|b| b.contains(&format!("\n        {field}:"))),
    }
}

#[test]
fn no_function_and_no_field_is_missing() -> TestResult {
    let known: BTreeSet<&str> = FUNCTIONS.lines().chain(FIELDS.lines()).collect();
    let rows = rows()?;
    let there: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(known.difference(&there).collect::<Vec<_>>(), Vec::<&&str>::new(), "not in docs/commands.md");
    assert_eq!(there.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "in no header");
    assert_eq!(there.len(), rows.len(), "something is there twice");
    Ok(())
}

#[test]
fn every_function_is_what_the_table_says() -> TestResult {
    for row in rows()?.iter().filter(|row| FUNCTIONS.lines().any(|f| f == row.name)) {
        assert!(
            row.here.iter().any(|link| link.path.starts_with("Kernel::")),
            "{}: what is it here?",
            row.name
        );
        for link in &row.here {
            let text = fs::read_to_string(root().join(&link.file))?;
            let function = link.path.rsplit("::").next().unwrap_or_default();
            let head = head(&text, function)
                .ok_or_else(|| format!("{}: no {function} in {}", row.name, link.file))?;
            let alias = format!("#[doc(alias = \"{}\")]", row.name);
            assert!(head.contains(&alias), "{}: {} is not found by that name", row.name, link.path);
        }
    }
    Ok(())
}

#[test]
fn every_function_has_tests() -> TestResult {
    let tests = tests()?;
    for row in rows()?.iter().filter(|row| FUNCTIONS.lines().any(|f| f == row.name)) {
        assert!(!row.tests.is_empty(), "{}: no test", row.name);
        for test in &row.tests {
            assert!(tests.contains(&format!("\"{test}\"")), "{}: no test {test}", row.name);
        }
    }
    Ok(())
}

#[test]
fn every_field_is_where_the_table_says() -> TestResult {
    for row in rows()?.iter().filter(|row| FIELDS.lines().any(|f| f == row.name)) {
        assert!(!row.here.is_empty(), "{}: where is it?", row.name);
        for link in &row.here {
            let text = fs::read_to_string(root().join(&link.file))?;
            let there = match link.path.strip_prefix("Kernel::") {
                Some(function) => head(&text, function).is_some(),
                None => has_field(&text, &link.path),
            };
            assert!(there, "{}: no {} in {}", row.name, link.path, link.file);
        }
    }
    Ok(())
}

#[test]
fn fields_are_told_from_others() {
    let text = "pub struct A {\n    pub one: u32,\n}\npub struct B {\n    pub two: u32,\n}\n\
                pub enum E {\n    V {\n        three: u32,\n    },\n    W(u32),\n}\n";
    assert!(has_field(text, "A.one") && has_field(text, "B.two") && !has_field(text, "A.two"));
    assert!(has_field(text, "E::V.three") && has_field(text, "E::W") && !has_field(text, "E::W.three"));
    assert!(!has_field(text, "E::X") && !has_field(text, "C.one"));
}
