//! How things are shown: as text for people, as lines of JSON for programs.

pub(crate) mod columns;
mod escape;
pub(crate) mod hist;
mod json;
mod text;
pub(crate) mod value;

use std::io::{self, Write};

use crate::events::{Event, Source};
use crate::maps::{Histogram, Rows};
use crate::run::totals::Totals;

pub(crate) use escape::{escaped, hex};
pub(crate) use json::JsonPrinter;
pub(crate) use text::TextPrinter;

/// A way to show what a run sees. What is printed reaches its reader with `flush` at the latest.
pub(crate) trait Printer {
    /// An event of the `index`th source.
    fn event(&mut self, index: usize, source: &Source, event: &Event<'_>) -> io::Result<()>;
    fn histogram(&mut self, histogram: &Histogram<'_>) -> io::Result<()>;
    fn rows(&mut self, rows: &Rows<'_>) -> io::Result<()>;
    /// The last thing that is printed.
    fn totals(&mut self, totals: &Totals) -> io::Result<()>;
    fn flush(&mut self) -> io::Result<()>;
}

/// Where a printer writes to.
pub(crate) type Sink = Box<dyn Write>;
