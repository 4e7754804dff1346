//! How far long work has come, on a terminal.

use std::io::{self, IsTerminal};
use std::ops::ControlFlow;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use oxbpf_btf::Progress;

/// A bar on standard error if that is a terminal; otherwise nothing. It is gone when this is dropped.
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    pub(super) fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg:10} [{bar:40}] {pos}/{len}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(Some(bar))
    }

    /// The same for work that prints as it goes: nothing if that is seen on the terminal.
    pub(super) fn beside_output() -> Self {
        if io::stdout().is_terminal() { Self(None) } else { Self::new() }
    }

    /// Shows how far the work has come, and lets it go on.
    pub(super) fn show(&mut self, progress: Progress) -> ControlFlow<()> {
        if let Some(bar) = &self.0 {
            bar.set_message(progress.phase);
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        }
        ControlFlow::Continue(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
