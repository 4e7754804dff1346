//! What a map or a program asks of a kernel, and which release brought it: for the advice in errors.

use oxbpf_obj::{AttachType, MapFlags, MapType, ProgramFlags, ProgramType};

use super::{Requirement, version};

/// What a map of this kind needs, the youngest demand first.
pub(crate) fn map_demands(map_type: MapType, flags: MapFlags) -> Vec<Requirement> {
    let mut all = Vec::new();
    if let Some((major, minor)) = map_type.since() {
        let what = match map_type {
            MapType::RINGBUF => "ring buffer".to_owned(),
            other => format!("maps of type {other}"),
        };
        all.push(Requirement { what, since: version(major.into(), minor.into()) });
    }
    let named = [
        (MapFlags::MMAPABLE, "maps in memory", 5, 5),
        (MapFlags::RDONLY_PROG, "maps that programs may only read", 5, 2),
        (MapFlags::INNER_MAP, "inner maps of any size", 5, 10),
        (MapFlags::RB_OVERWRITE, "ring buffers that overwrite", 6, 19),
    ];
    for (flag, what, major, minor) in named {
        if flags.contains(flag) {
            all.push(Requirement { what: what.to_owned(), since: version(major, minor) });
        }
    }
    youngest_first(all)
}

/// What a program of this kind needs, the youngest demand first.
pub(crate) fn program_demands(
    prog_type: ProgramType,
    attach: Option<AttachType>,
    flags: ProgramFlags,
) -> Vec<Requirement> {
    let mut all = Vec::new();
    if let Some((major, minor)) = prog_type.since() {
        let since = version(major.into(), minor.into());
        all.push(Requirement { what: format!("programs of type {prog_type}"), since });
    }
    if let Some(attach) = attach
        && let Some((major, minor)) = attach.since()
        && ties_to_release(attach)
    {
        let since = version(major.into(), minor.into());
        all.push(Requirement { what: format!("attach type {attach}"), since });
    }
    let named = [
        (ProgramFlags::SLEEPABLE, "sleepable programs", 5, 10),
        (ProgramFlags::XDP_HAS_FRAGS, "XDP programs for packets of several fragments", 5, 18),
        (ProgramFlags::XDP_DEV_BOUND_ONLY, "XDP programs bound to a device", 6, 3),
    ];
    for (flag, what, major, minor) in named {
        if flags.contains(flag) {
            all.push(Requirement { what: what.to_owned(), since: version(major, minor) });
        }
    }
    youngest_first(all)
}

/// Older kernels load these programs all the same: they do not look at the attach type.
fn ties_to_release(attach: AttachType) -> bool {
    !matches!(
        attach,
        AttachType::XDP
            | AttachType::PERF_EVENT
            | AttachType::SK_REUSEPORT_SELECT
            | AttachType::STRUCT_OPS
            | AttachType::TCX_INGRESS
            | AttachType::TCX_EGRESS
            | AttachType::NETKIT_PRIMARY
            | AttachType::NETKIT_PEER
    )
}

fn youngest_first(mut all: Vec<Requirement>) -> Vec<Requirement> {
    all.sort_by_key(|demand| std::cmp::Reverse(demand.since));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_youngest_demand_comes_first() {
        let ringbuf = map_demands(MapType::RINGBUF, MapFlags::empty());
        assert_eq!(ringbuf[0].to_string(), "kernel >= 5.8 (ring buffer)");

        let data = map_demands(MapType::ARRAY, MapFlags::MMAPABLE | MapFlags::RDONLY_PROG);
        let since: Vec<_> = data.iter().map(|demand| demand.since.minor).collect();
        assert_eq!(since, [5, 2, 19]);

        let lsm = program_demands(ProgramType::LSM, Some(AttachType::LSM_MAC), ProgramFlags::SLEEPABLE);
        assert_eq!(lsm[0].to_string(), "kernel >= 5.10 (sleepable programs)");
        let xdp = program_demands(ProgramType::XDP, Some(AttachType::XDP), ProgramFlags::empty());
        assert_eq!(xdp[0].to_string(), "kernel >= 4.8 (programs of type xdp)");
    }

    #[test]
    fn numbers_from_the_future_demand_nothing_known() {
        assert!(map_demands(MapType(4000), MapFlags::empty()).is_empty());
        assert!(program_demands(ProgramType(4000), Some(AttachType(4000)), ProgramFlags::empty()).is_empty());
    }
}
