//! `oxbpf feature`: what the running kernel has, and which kernel brought it.

mod text;

use std::io::{self, Write};

use oxbpf::features::{self, Feature, Kfunc};
use oxbpf::obj::{insn, kfunc_config, kfuncs};
use oxbpf::sys::SysError;
use oxbpf::{Kernel, MapType, ProgramType};
use serde::Serialize;

use crate::args::FeatureArgs;
use crate::error::Error;

pub(crate) fn run(args: &FeatureArgs) -> Result<(), Error> {
    let args = args.asked();
    let kernel = Kernel::host();
    let mut report = Report::ask(&kernel, args.full)?;
    if args.missing {
        for rows in report.tables_mut() {
            rows.retain(|row| row.available != Some(true));
        }
    }
    let mut out = io::stdout().lock();
    let printed = if args.json {
        serde_json::to_writer(&mut out, &report).map_err(io::Error::from).and_then(|()| out.write_all(b"\n"))
    } else {
        text::print(&report, args.missing, &mut out)
    };
    printed.and_then(|()| out.flush()).map_err(Error::Print)?;
    if kernel.capabilities().is_ok_and(|have| !(have.may_bpf() && have.may_trace() && have.may_network())) {
        tracing::warn!(
            "most of it cannot be told without CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN: run as root"
        );
    }
    Ok(())
}

/// What a kernel has.
#[derive(Debug, Serialize)]
struct Report {
    /// The kernel's version.
    kernel: String,
    machine: String,
    program_types: Vec<Row>,
    map_types: Vec<Row>,
    /// What a loader does differently where it is not there.
    features: Vec<Row>,
    helpers: Vec<Row>,
    /// Functions of the kernel that programs may call; if asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kfuncs: Vec<Row>,
}

/// One thing.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// The first kernel that has it.
    since: String,
    /// Null if it cannot be told.
    available: Option<bool>,
    /// Why it is missing, or cannot be told; where a kernel function is.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Of a helper: the types of programs that may call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    program_types: Option<Vec<String>>,
}

impl Report {
    fn ask(kernel: &Kernel, full: bool) -> Result<Self, Error> {
        let version = kernel.kernel_version().map_err(oxbpf::Error::Kernel)?;
        let machine = kernel.uname().map_err(oxbpf::Error::Kernel)?.machine;
        let asker = Asker { kernel, running: (version.major, version.minor) };
        let program_types = ProgramType::ALL.iter().skip(1).map(|kind| {
            let found = features::loads_programs_of(kernel, *kind);
            asker.row(kind.to_string(), kind.since(), found, kind.config())
        });
        let map_types = MapType::ALL.iter().skip(1).map(|kind| {
            let found = features::makes_maps_of(kernel, *kind);
            asker.row(kind.to_string(), kind.since(), found, kind.config())
        });
        let features = Feature::ALL.iter().map(|feature| {
            let since = feature.since();
            let since = (u16::try_from(since.major).ok()).zip(u16::try_from(since.minor).ok());
            asker.row(feature.to_string(), since, features::probe(kernel, *feature), None)
        });
        let mut report = Self {
            kernel: version.to_string(),
            machine,
            program_types: program_types.collect(),
            map_types: map_types.collect(),
            features: features.collect(),
            helpers: Vec::new(),
            kfuncs: Vec::new(),
        };
        report.helpers = insn::helpers()
            .map(|(id, name)| {
                let found = features::has_helper(kernel, id);
                let mut row = asker.row(name.to_owned(), insn::helper_since(id), found, None);
                if full && row.available == Some(true) {
                    row.program_types = Some(asker.callers(id));
                }
                row
            })
            .collect();
        if full {
            let found = features::find_kfuncs(kernel, kfuncs().map(|(name, _)| name));
            report.kfuncs =
                kfuncs().zip(found).map(|((name, since), found)| asker.kfunc(name, since, found)).collect();
        }
        Ok(report)
    }

    fn tables_mut(&mut self) -> [&mut Vec<Row>; 5] {
        let Self { program_types, map_types, features, helpers, kfuncs, .. } = self;
        [program_types, map_types, features, helpers, kfuncs]
    }
}

/// Who asks a kernel.
struct Asker<'k> {
    kernel: &'k Kernel,
    running: (u32, u32),
}

impl Asker<'_> {
    fn row(
        &self,
        name: String,
        since: Option<(u16, u16)>,
        found: Result<bool, SysError>,
        option: Option<&str>,
    ) -> Row {
        let told = since.map(|(major, minor)| format!("{major}.{minor}"));
        let (available, why) = match found {
            Ok(true) => (Some(true), None),
            Ok(false) => (Some(false), self.why(since, option)),
            Err(error) => (None, Some(error.to_string())),
        };
        Row { name, since: told.unwrap_or_default(), available, why, program_types: None }
    }

    /// Why something is missing, where it can be told.
    fn why(&self, since: Option<(u16, u16)>, option: Option<&str>) -> Option<String> {
        let (major, minor) = since?;
        if self.running < (major.into(), minor.into()) {
            return Some("this kernel is older".to_owned());
        }
        let built = self.kernel.config(option?).ok()?;
        match built.as_deref() {
            Some("y") => None,
            Some("m") => option.map(|option| format!("{option} is a module, which is not loaded")),
            _ => option.map(|option| format!("built without {option}")),
        }
    }

    /// The types of programs that may call a helper, as far as that can be told.
    fn callers(&self, helper: u32) -> Vec<String> {
        let may =
            |kind: &&ProgramType| features::may_call_helper(self.kernel, **kind, helper).is_ok_and(|may| may);
        ProgramType::ALL.iter().skip(1).filter(may).map(ToString::to_string).collect()
    }

    fn kfunc(&self, name: &str, since: (u16, u16), found: Result<Option<Kfunc>, SysError>) -> Row {
        let (found, place) = match found {
            // Some were there before programs were allowed to call them.
            Ok(found) => {
                let old = self.running < (since.0.into(), since.1.into());
                (Ok(found.is_some() && !old), found.and_then(|found| found.module))
            }
            Err(error) => (Err(error), None),
        };
        let mut row = self.row(name.to_owned(), Some(since), found, kfunc_config(name));
        row.why = row.why.or(place.map(|module| format!("in the module {module}")));
        row
    }
}
