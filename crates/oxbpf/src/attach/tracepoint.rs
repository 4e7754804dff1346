//! Tracepoints: `tracepoint/CATEGORY/NAME`.

use oxbpf_obj::ProgramType;
use oxbpf_sys::uapi::{PERF_TYPE_TRACEPOINT, RawPerfEventAttr};
use oxbpf_sys::{Errno, Kernel, PerfEvent};

use super::{AttachReason, Result, event, needs, suggest};
use crate::link::LinkKind;
use crate::{Error, Link, Program};

const FORM: &str = "tracepoint/CATEGORY/NAME";

impl Program {
    /// Attaches the program to a tracepoint: `("sched", "sched_switch")`.
    ///
    /// # Errors
    /// [`Error::Attach`]: no such tracepoint (the error offers names like it), tracefs is not mounted, no
    /// `CAP_PERFMON`.
    #[doc(alias = "bpf_program__attach_tracepoint")]
    pub fn attach_tracepoint(&self, category: &str, name: &str) -> std::result::Result<Link, Error> {
        self.attached(attach(self, category, name, 0))
    }

    /// As [`attach_tracepoint`](Self::attach_tracepoint); `bpf_get_attach_cookie` gives the program the cookie
    /// (Linux 5.15).
    ///
    /// # Errors
    /// As there, and [`AttachReason::NoCookies`].
    #[doc(alias = "bpf_program__attach_tracepoint_opts")]
    pub fn attach_tracepoint_with_cookie(
        &self,
        category: &str,
        name: &str,
        cookie: u64,
    ) -> std::result::Result<Link, Error> {
        self.attached(attach(self, category, name, cookie))
    }
}

pub(super) fn by_section(program: &Program) -> Result<Link> {
    let target = program.attach_to().ok_or_else(|| needs("tracepoint", "attach_tracepoint", Some(FORM)))?;
    let (category, name) = target
        .split_once('/')
        .ok_or_else(|| AttachReason::BadTarget { target: target.to_owned(), form: "CATEGORY/NAME" })?;
    attach(program, category, name, 0)
}

fn attach(program: &Program, category: &str, name: &str, cookie: u64) -> Result<Link> {
    program.expect_type(&[ProgramType::TRACEPOINT], "tracepoint", "attach_tracepoint")?;
    let kernel = program.kernel();
    let id = match kernel.tracepoint_id(category, name) {
        Ok(id) => id,
        Err(e) => {
            // Which of the two is missing?
            kernel.tracefs().map_err(AttachReason::NoTracefs)?;
            return Err(match e.errno {
                Errno::ENOENT => not_found(kernel, &format!("{category}/{name}")),
                Errno::EACCES | Errno::EPERM => AttachReason::NoTracefs(
                    e.because("tracefs is root's, unless it was mounted for a group (gid=, mode=)"),
                ),
                _ => e.into(),
            });
        }
    };
    let attr = RawPerfEventAttr { event_type: PERF_TYPE_TRACEPOINT, config: id, ..Default::default() };
    // The program runs on every CPU, whichever one the event is opened for.
    let opened = kernel.perf_event_open(&PerfEvent { attr, probe: None }, -1, 0, Default::default())?;
    let target = format!("{category}/{name}");
    let part = event::attach(program, opened, cookie, &target)?;
    Ok(Link::new(program, LinkKind::Tracepoint, target, vec![part]))
}

/// The error of a tracepoint that is not there, with those that have names like it.
pub(super) fn not_found(kernel: &Kernel, wanted: &str) -> AttachReason {
    // `category:name` a line.
    let list = kernel.tracefs().and_then(|tracefs| kernel.read_text(tracefs.join("available_events")));
    let list = list.unwrap_or_default();
    let near = match wanted.split_once('/') {
        Some((_, name)) => {
            let same_name: Vec<String> = list
                .lines()
                .filter(|line| line.split_once(':').is_some_and(|(_, n)| n == name))
                .map(|line| line.replacen(':', "/", 1))
                .take(3)
                .collect();
            if same_name.is_empty() {
                let all: Vec<String> = list.lines().map(|line| line.replacen(':', "/", 1)).collect();
                suggest::nearest(wanted, all.iter().map(String::as_str))
            } else {
                same_name
            }
        }
        None => suggest::nearest(wanted, list.lines().filter_map(|line| Some(line.split_once(':')?.1))),
    };
    AttachReason::NoTracepoint { name: wanted.to_owned(), near }
}
