//! What came of the cases: a row for each subject and kind of input.
#![allow(dead_code, reason = "for the subjects that come next")]

use serde::Serialize;

#[derive(Debug, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) subject: &'static str,
    pub(crate) input: &'static str,
    pub(crate) cases: u64,
    /// Byte for byte.
    pub(crate) equal: u64,
    /// The same types in another order, or with other string offsets; only where libbpf leaves that open.
    pub(crate) same_types: u64,
    pub(crate) different: u64,
}

pub(crate) enum Verdict {
    Equal,
    SameTypes,
    /// With what a person needs to see it again.
    Different(String),
}

pub(crate) struct Tally {
    subject: &'static str,
    rows: Vec<Row>,
}

/// Of so many differences of a row is told what they are.
const TOLD: u64 = 30;

impl Tally {
    pub(crate) fn new(subject: &'static str) -> Tally {
        Tally { subject, rows: Vec::new() }
    }

    /// Counts a case; `what` names it if it has to be talked about.
    pub(crate) fn add(&mut self, input: &'static str, what: impl FnOnce() -> String, verdict: Verdict) {
        let at = self.rows.iter().position(|row| row.input == input).unwrap_or_else(|| {
            self.rows.push(Row { subject: self.subject, input, ..Row::default() });
            self.rows.len() - 1
        });
        let row = &mut self.rows[at];
        row.cases += 1;
        match verdict {
            Verdict::Equal => row.equal += 1,
            Verdict::SameTypes => row.same_types += 1,
            Verdict::Different(why) => {
                row.different += 1;
                if row.different <= TOLD {
                    eprintln!("{}: {input}: {}: {why}", self.subject, what());
                }
            }
        }
    }

    pub(crate) fn into_rows(self) -> Vec<Row> {
        self.rows
    }
}

pub(crate) const HEADER: &str = "\
subject     input                       cases     equal  same types  different
----------  -----------------------  --------  --------  ----------  ---------";

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Row { subject, input, cases, equal, same_types, different } = self;
        write!(f, "{subject:<10}  {input:<23}  {cases:>8}  {equal:>8}  {same_types:>10}  {different:>9}")
    }
}
