//! Attaching: by section names, and to what the command line tells where a section does not.

use oxbpf::{
    AttachFlags, AttachKind, AttachReason, Links, Map, MapFlags, Object, PerfEventOptions, Program,
    ProgramType, Sampling, UprobeOptions, XdpFlags,
};

use crate::args::{PerfEventChoice, PerfEventName, RunArgs};
use crate::error::Error;

/// Attaches every program and struct_ops map of the object that is to be attached. Dropping the links detaches.
pub(super) fn attach(object: &Object, args: &RunArgs) -> Result<Links, Error> {
    let mut links = Links::new();
    let mut left_out = Vec::new();
    // Programs of struct_ops maps are attached with them.
    let alone = |program: &&Program| program.autoattach() && program.prog_type() != ProgramType::STRUCT_OPS;
    for program in object.programs().iter().filter(alone) {
        match attach_one(program, args, &mut links) {
            Err(Error::Library(oxbpf::Error::Attach(error)))
                if matches!(error.reason, AttachReason::NotAttached { .. }) =>
            {
                left_out.push(error);
            }
            attached => attached?,
        }
    }
    for map in object.maps().iter().filter(|map| map.autoattach()) {
        links.push(map.attach_struct_ops()?);
        if is_by_value(map) {
            tracing::warn!(
                "map {} is registered by its value: if this process is killed it stays with the kernel, until \
                 `bpftool struct_ops unregister id {}`; maps of .struct_ops.link go with the process (Linux 6.4)",
                map.name(),
                map.info()?.id
            );
        }
    }
    for error in left_out {
        if links.is_empty() {
            return Err(oxbpf::Error::Attach(error).into());
        }
        tracing::warn!("program {} ({}): {}", error.program, error.section, error.reason);
    }
    for link in links.iter() {
        tracing::info!(program = link.program(), kind = %link.kind(), target = link.target(), "attached");
    }
    Ok(links)
}

/// Whether something of the object stays attached if nobody detaches it before the process ends.
pub(super) fn stays(object: &Object) -> bool {
    object.maps().iter().any(|map| map.autoattach() && is_by_value(map))
}

/// Whether a struct_ops map is registered without a link.
fn is_by_value(map: &Map) -> bool {
    !map.flags().contains(MapFlags::LINK)
}

fn attach_one(program: &Program, args: &RunArgs, links: &mut Links) -> Result<(), Error> {
    let needs = |what, option| Error::NoTarget {
        program: program.name().to_owned(),
        section: program.section().to_owned(),
        what,
        option,
    };
    match program.def().map(|def| def.attach) {
        Some(AttachKind::Xdp) => {
            if args.xdp.is_empty() {
                return Err(needs("a network interface", "--xdp INTERFACE"));
            }
            for interface in &args.xdp {
                links.push(program.attach_xdp(interface.as_str(), XdpFlags::empty())?);
            }
        }
        Some(AttachKind::Cgroup) => {
            let path = args.cgroup.as_ref().ok_or_else(|| needs("a cgroup", "--cgroup PATH"))?;
            links.push(program.attach_cgroup_path(path, AttachFlags::empty())?);
        }
        Some(AttachKind::PerfEvent) => {
            let choice = args.perf_event.ok_or_else(|| needs("an event", "--perf-event[=EVENT@FREQ]"))?;
            links.push(program.attach_perf_event(&perf_event(choice, args.pid))?);
        }
        Some(AttachKind::Uprobe | AttachKind::Uretprobe) => {
            let options = UprobeOptions { pid: args.pid, ..program.uprobe_options()? };
            links.push(program.attach_uprobe(&options)?);
        }
        _ => links.push(program.attach()?),
    }
    Ok(())
}

fn perf_event(choice: PerfEventChoice, pid: Option<u32>) -> PerfEventOptions {
    // The numbers of linux/perf_event.h: a type (0 hardware, 1 software), and an event of that type.
    let (event_type, config) = match choice.event {
        PerfEventName::Cycles => (0, 0),
        PerfEventName::Instructions => (0, 1),
        PerfEventName::CpuClock => (1, 0),
        PerfEventName::TaskClock => (1, 1),
        PerfEventName::PageFaults => (1, 2),
        PerfEventName::ContextSwitches => (1, 3),
    };
    let sampling = Sampling::Frequency(choice.frequency);
    PerfEventOptions { event_type, config, sampling, pid, ..PerfEventOptions::default() }
}
