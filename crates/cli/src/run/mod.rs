//! `oxbpf run`: an object goes in, its events come out.

mod attach;
mod child;
mod globals;
mod losses;
mod prepare;
mod session;
mod stop;
pub(crate) mod totals;

use std::fs::File;
use std::io::{self, BufWriter};
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};
use oxbpf::{LoadOptions, Object, ObjectSpec, Program};

use crate::args::RunArgs;
use crate::btf;
use crate::error::Error;
use crate::maps::{self, Shown};
use crate::output::{JsonPrinter, Printer, Sink, TextPrinter};
use session::Session;
use stop::StopSignals;
use totals::{ProgramTotals, Totals};

/// Runs the object until what was asked for ends it.
pub(crate) fn run(args: &RunArgs) -> Result<(), Error> {
    let spec = prepare::open(args)?;
    let sources = prepare::sources(&spec, args)?;
    let btf = args.btf.as_deref().map(|path| btf::file(path, None)).transpose()?;
    let options = LoadOptions { btf, ..LoadOptions::default() };
    let object = Object::load(&spec, &options)?;

    // Statistics cost a little for every program on the machine: they are kept only while this is open.
    let statistics = oxbpf::enable_stats(object.kernel());
    if let Err(error) = &statistics {
        tracing::warn!(%error, "the kernel keeps no run counts and times");
    }
    let signals = StopSignals::catch(!attach::stays(&object))
        .map_err(|source| Error::System { what: "cannot catch signals", source })?;
    let printer = printer(args, sources.len() > 1)?;
    let mut session = Session::new(&object, sources, printer)?;

    let links = attach::attach(&object, args)?;
    let start = Instant::now();
    let end = session.run(args, &signals)?;
    // What the programs said until now, what they say while they are detached, and no more.
    session.settle()?;
    let duration = start.elapsed();
    links.detach()?;
    session.settle()?;

    let programs = object.programs().iter().map(|program| program_totals(program, statistics.is_ok()));
    let counters = losses::read(&spec, &object)?;
    let (mut printer, maps) = session.finish();
    if !args.no_maps {
        print_maps(&spec, &object, args, printer.as_mut())?;
    }
    let totals = Totals {
        duration,
        ended_by: end.by,
        command: end.command,
        events: maps.iter().map(|map| map.events).sum(),
        lost: (!counters.is_empty()).then(|| counters.iter().map(|counter| counter.value).sum()),
        maps,
        counters,
        programs: programs.collect::<Result<_, _>>()?,
    };
    printer.totals(&totals).map_err(Error::Print)
}

fn printer(args: &RunArgs, many_sources: bool) -> Result<Box<dyn Printer>, Error> {
    let (out, color): (Sink, bool) = match &args.output {
        Some(path) => {
            let file = File::create(path).map_err(|source| Error::Create { path: path.clone(), source })?;
            (Box::new(BufWriter::new(file)), false)
        }
        None => {
            let stdout = io::stdout();
            // Knows terminals, NO_COLOR, CLICOLOR and TERM=dumb.
            let color = AutoStream::choice(&stdout) != ColorChoice::Never;
            (Box::new(BufWriter::new(stdout)), color)
        }
    };
    if args.json {
        return Ok(Box::new(JsonPrinter::new(out)));
    }
    let err: Sink = Box::new(BufWriter::new(io::stderr()));
    Ok(Box::new(TextPrinter::new(out, err, color, many_sources)))
}

fn program_totals(program: &Program, has_statistics: bool) -> Result<ProgramTotals, Error> {
    let stats = program.stats()?;
    let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    Ok(ProgramTotals {
        program: program.name().to_owned(),
        section: program.section().to_owned(),
        runs: has_statistics.then_some(stats.runs),
        time: has_statistics.then(|| ns(stats.time)),
        average: stats.mean().filter(|_| has_statistics).map(ns),
        missed: stats.missed,
    })
}

fn print_maps(
    spec: &ObjectSpec,
    object: &Object,
    args: &RunArgs,
    printer: &mut dyn Printer,
) -> Result<(), Error> {
    let Some(btf) = &spec.btf else { return Ok(()) };
    let choice = maps::Choice { named: &args.map, rows: args.rows };
    for map in object.maps() {
        // Global variables are no tables.
        if spec.map(map.name()).is_none_or(oxbpf::MapSpec::is_global_data) {
            continue;
        }
        match maps::read(map, btf, choice)? {
            Some(Shown::Histograms(found)) => {
                found.iter().try_for_each(|histogram| printer.histogram(histogram))
            }
            Some(Shown::Rows(rows)) => printer.rows(&rows),
            None => Ok(()),
        }
        .map_err(Error::Print)?;
    }
    printer.flush().map_err(Error::Print)
}
