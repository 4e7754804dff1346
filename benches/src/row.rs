//! What one run of the benchmarks says: a row a measurement.

use std::time::Duration;

use serde::Serialize;

/// Our number beside a peer's, and what we promised.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) peer: &'static str,
    pub(crate) unit: Unit,
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    /// Ours in theirs: less is better.
    pub(crate) ratio: f64,
    /// The ratio to reach; none where the row only informs.
    pub(crate) target: Option<f64>,
    pub(crate) met: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Unit {
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "ns")]
    Nanoseconds,
    #[serde(rename = "calls")]
    Calls,
    #[serde(rename = "KiB")]
    KiB,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Nanoseconds => "ns",
            Self::Calls => "calls",
            Self::KiB => "KiB",
        }
    }
}

impl Row {
    pub(crate) fn new(
        name: &'static str,
        peer: &'static str,
        unit: Unit,
        (ours, theirs): (f64, f64),
        target: Option<f64>,
    ) -> Self {
        let ratio = ours / theirs;
        Self { name, peer, unit, ours, theirs, ratio, target, met: target.map(|target| ratio <= target) }
    }

    /// A row of times, told in milliseconds.
    pub(crate) fn times(
        name: &'static str,
        peer: &'static str,
        (ours, theirs): (Duration, Duration),
        target: Option<f64>,
    ) -> Self {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        Self::new(name, peer, Unit::Milliseconds, (ms(ours), ms(theirs)), target)
    }
}

pub(crate) const HEADER: &str = concat!(
    "name                          peer              ours        theirs  unit    ratio   target  met\n",
    "----------------------------  ------------  ----------  ----------  -----  -------  ------  ---"
);

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = |n: f64| if n < 100.0 { format!("{n:.3}") } else { format!("{n:.1}") };
        let target = self.target.map_or_else(|| "-".to_owned(), |target| format!("{target:.3}"));
        let met = match self.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        };
        write!(
            f,
            "{:<28}  {:<12}  {:>10}  {:>10}  {:<5}  {:>7.4}  {:>6}  {}",
            self.name,
            self.peer,
            number(self.ours),
            number(self.theirs),
            self.unit.name(),
            self.ratio,
            target,
            met
        )
    }
}
