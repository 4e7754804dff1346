//! What the libraries log, on standard error.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;

/// Shows what is logged at `level` and above, for the rest of the process.
pub(crate) fn start(level: LevelFilter) {
    let color =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(color)
        .without_time()
        .init();
}
