//! `oxbpf plan`: what objects are and what they need, without a kernel.

mod json;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use oxbpf::obj::{Plan, PlanKernel};
use oxbpf_btf::Btf;

use crate::args::PlanArgs;
use crate::btf;
use crate::error::Error;
use crate::output::escaped;

pub(crate) fn run(args: &PlanArgs) -> Result<(), Error> {
    let read = |path: &PathBuf| Ok((path.to_string_lossy().into_owned(), btf::file(path, None)?));
    let types: Vec<(String, Btf)> = args.btf.iter().map(read).collect::<Result<_, Error>>()?;
    let targets: Vec<_> = types.iter().map(|(name, btf)| (name, btf::targets(name, btf))).collect();
    let kernels: Vec<_> = targets.iter().map(|(name, targets)| PlanKernel { name, targets }).collect();
    let (mut plans, mut failed) = (Vec::new(), None);
    for path in &args.objects {
        match oxbpf::open(path) {
            Ok(spec) => plans.push((path.as_path(), spec.plan(&kernels))),
            // One bad file does not hide what is known of the others; the last error is the command's.
            Err(error) => {
                if let Some(error) = failed.replace(error) {
                    eprintln!("oxbpf: {error}");
                }
            }
        }
    }
    let mut out = io::stdout().lock();
    let printed =
        if args.json { json::print(&plans, &mut out) } else { text(&plans, args.verbose, &mut out) };
    printed.and_then(|()| out.flush()).map_err(Error::Print)?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn text(plans: &[(&Path, Plan)], verbose: bool, to: &mut impl Write) -> io::Result<()> {
    for (n, (_, plan)) in plans.iter().enumerate() {
        if n > 0 {
            writeln!(to)?;
        }
        let told = if verbose { format!("{plan:#}") } else { plan.to_string() };
        // Names of a file may hold anything.
        told.lines().try_for_each(|line| writeln!(to, "{}", escaped(line)))?;
    }
    Ok(())
}
