//! The time between attaching and detaching: events are read and printed until something ends it.

use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use oxbpf::{Object, RingBuffer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::child::Child;
use super::stop::{StopSignal, StopSignals};
use super::totals::{CommandTotals, EndedBy, MapTotals};
use crate::args::RunArgs;
use crate::error::Error;
use crate::events::Source;
use crate::output::Printer;

/// The programs are taken to have said all when nothing came for this long …
const QUIET: Duration = Duration::from_millis(10);
/// … or when so much time has passed: what they watch may never be quiet.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) struct Session {
    /// None if the object has no ring buffer.
    ring: Option<RingBuffer>,
    sources: Vec<Source>,
    seen: Vec<MapTotals>,
    printer: Box<dyn Printer>,
}

/// How a run ended.
pub(super) struct End {
    pub(super) by: EndedBy,
    pub(super) command: Option<CommandTotals>,
}

impl Session {
    pub(super) fn new(
        object: &Object,
        sources: Vec<Source>,
        printer: Box<dyn Printer>,
    ) -> Result<Self, Error> {
        let mut ring = None;
        if !sources.is_empty() {
            let mut builder = RingBuffer::builder();
            for (index, source) in sources.iter().enumerate() {
                builder = builder.add_tagged(object.map(&source.map)?, index)?;
            }
            ring = Some(builder.build()?);
        }
        let seen = sources.iter().map(|source| MapTotals { map: source.map.clone(), events: 0, bytes: 0 });
        Ok(Self { ring, seen: seen.collect(), sources, printer })
    }

    /// Starts the command, if there is one, and reads until it has ended or the run is to stop.
    pub(super) fn run(&mut self, args: &RunArgs, signals: &StopSignals) -> Result<End, Error> {
        let deadline = args.run_for.and_then(|time| Instant::now().checked_add(time));
        let mut child = match args.command.first() {
            Some(_) => Some(Child::start(&args.command).map_err(|source| command_error(args, source))?),
            None => None,
        };
        let mut ended_by = None;
        loop {
            self.drain()?;
            if let Some(running) = &mut child {
                let status = running.status().map_err(|source| command_error(args, source))?;
                if let Some(status) = status {
                    let command = Some(CommandTotals::new(command_name(args), running.pid(), status));
                    return Ok(End { by: ended_by.unwrap_or(EndedBy::Command), command });
                }
            }
            if ended_by.is_none() {
                let signal = signals.seen();
                let late = deadline.is_some_and(|at| at <= Instant::now());
                ended_by = match signal {
                    Some(_) => Some(EndedBy::Signal),
                    None => late.then_some(EndedBy::Duration),
                };
                match (&mut child, ended_by) {
                    (Some(running), Some(_)) => running.end(signal == Some(StopSignal::Interrupt)),
                    (None, Some(by)) => return Ok(End { by, command: None }),
                    (_, None) => {}
                }
            }
            let stopping = ended_by.is_some();
            if let Some(running) = child.as_mut().filter(|_| stopping) {
                running.urge();
            }
            let wake = if stopping { child.as_ref().and_then(Child::next_step) } else { deadline };
            self.wait((!stopping).then_some(signals), child.as_ref(), wake)?;
        }
    }

    /// Reads until the programs have nothing more to say.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        let end = Instant::now() + PATIENCE;
        self.drain()?;
        while let Some(ring) = &self.ring {
            let mut fds = [PollFd::new(ring, PollFlags::IN)];
            let quiet = Timespec::try_from(QUIET).ok();
            let ready = match poll(&mut fds, quiet.as_ref()) {
                Ok(ready) => ready,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(poll_error(error)),
            };
            self.drain()?;
            if ready == 0 || Instant::now() >= end {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> (Box<dyn Printer>, Vec<MapTotals>) {
        (self.printer, self.seen)
    }

    /// Prints what is in the ring buffers.
    fn drain(&mut self) -> Result<(), Error> {
        let Some(ring) = &mut self.ring else { return Ok(()) };
        let (sources, seen, printer) = (&self.sources, &mut self.seen, &mut self.printer);
        let mut outcome = Ok(());
        let count = ring.drain(|index, data: &[u8]| {
            let (Some(source), Some(seen)) = (sources.get(index), seen.get_mut(index)) else {
                return ControlFlow::Continue(());
            };
            seen.events += 1;
            seen.bytes += data.len() as u64;
            outcome = printer.event(index, source, &source.read(data));
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if count > 0 && outcome.is_ok() {
            outcome = printer.flush();
        }
        outcome.map_err(Error::Print)
    }

    /// Sleeps until there is something to do.
    fn wait(
        &self,
        signals: Option<&StopSignals>,
        child: Option<&Child>,
        wake: Option<Instant>,
    ) -> Result<(), Error> {
        let ring = self.ring.as_ref().map(AsFd::as_fd);
        let fds = [ring, signals.map(AsFd::as_fd), child.map(AsFd::as_fd)];
        let mut fds: Vec<PollFd<'_>> =
            fds.into_iter().flatten().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let left = wake.map(|at| at.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut fds, left.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(poll_error(error)),
        }
    }
}

fn poll_error(error: Errno) -> Error {
    Error::System { what: "cannot wait for events", source: error.into() }
}

fn command_name(args: &RunArgs) -> String {
    args.command.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn command_error(args: &RunArgs, source: std::io::Error) -> Error {
    Error::Command { program: command_name(args), source }
}
