//! Logs of the verifier, handed on as they come.

use std::fmt;
use std::sync::Arc;

/// What is to be done with the verifier's logs: called with a program's name and what the kernel wrote about it, for
/// programs that load (where a log is asked for) and those that do not, by whichever thread loads them.
///
/// ```
/// use oxbpf::{LoadOptions, LogSink};
///
/// let print = LogSink::new(|program, log| eprintln!("{program}:\n{log}"));
/// let options = LoadOptions { log_level: 1, on_log: Some(print), ..LoadOptions::default() };
/// ```
#[derive(Clone)]
#[doc(alias = "kernel_log_buf")]
#[doc(alias = "bpf_program__set_log_buf")]
pub struct LogSink(Arc<Sink>);

type Sink = dyn Fn(&str, &str) + Send + Sync;

impl LogSink {
    /// Calls `sink` with each log.
    pub fn new(sink: impl Fn(&str, &str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    pub(super) fn tell(&self, program: &str, log: &str) {
        (self.0)(program, log);
    }
}

impl fmt::Debug for LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogSink")
    }
}
