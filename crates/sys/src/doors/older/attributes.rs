//! How far the attributes of kernels went.

use crate::{Attr, Cmd, Errno, KernelVersion};

/// Where the known fields of a command end, from which version on.
type Ends = &'static [((u32, u32), usize)];

fn ends(cmd: Cmd) -> Ends {
    match cmd {
        Cmd::MAP_CREATE => &[
            ((3, 18), 16),
            ((4, 6), 20),
            ((4, 12), 24),
            ((4, 14), 28),
            ((4, 15), 44),
            ((4, 16), 48),
            ((4, 18), 60),
            ((5, 6), 64),
            ((5, 16), 72),
            ((6, 9), 80),
            ((6, 18), 92),
        ],
        Cmd::PROG_LOAD => &[
            ((3, 18), 40),
            ((4, 1), 44),
            ((4, 12), 48),
            ((4, 15), 64),
            ((4, 16), 68),
            ((4, 17), 72),
            ((5, 0), 108),
            ((5, 5), 116),
            ((5, 14), 128),
            ((5, 17), 140),
            ((6, 4), 144),
            ((6, 9), 148),
            ((6, 14), 152),
            ((6, 18), 168),
        ],
        Cmd::OBJ_PIN | Cmd::OBJ_GET => &[((4, 4), 12), ((4, 15), 16), ((6, 5), 20)],
        Cmd::PROG_ATTACH => &[((4, 10), 16), ((5, 6), 20), ((6, 6), 32)],
        Cmd::PROG_DETACH => &[((4, 10), 12), ((6, 6), 32)],
        Cmd::PROG_TEST_RUN => &[((4, 12), 40), ((5, 2), 64), ((5, 10), 72), ((5, 18), 76)],
        Cmd::PROG_QUERY => &[((4, 15), 28), ((6, 0), 40), ((6, 6), 64)],
        Cmd::RAW_TRACEPOINT_OPEN => &[((4, 17), 12), ((6, 10), 24)],
        Cmd::BTF_LOAD => &[((4, 18), 28), ((6, 4), 32), ((6, 9), 40)],
        Cmd::LINK_CREATE => &[((5, 7), 16), ((5, 8), 28), ((5, 18), 48), ((6, 6), 64)],
        Cmd::MAP_GET_FD_BY_ID => &[((4, 13), 4), ((4, 15), 12), ((6, 15), 16)],
        _ => &[],
    }
}

/// Where the fields of a command end in a version; `None` if that never changed.
fn end(version: KernelVersion, cmd: Cmd) -> Option<usize> {
    ends(cmd).iter().rfind(|((major, minor), _)| version.at_least(*major, *minor)).map(|e| e.1)
}

/// How long the whole union is: as long as its longest part.
fn union_end(version: KernelVersion) -> usize {
    Cmd::ALL.iter().filter_map(|c| end(version, *c)).max().unwrap_or(0).max(48)
}

/// Refuses fields that are set and came later.
pub(super) fn check(version: KernelVersion, attr: &Attr<'_>) -> Result<(), Errno> {
    let set = attr.as_bytes().iter().rposition(|b| *b != 0).map_or(0, |i| i + 1);
    if set > union_end(version) {
        return Err(Errno::E2BIG);
    }
    match end(version, attr.cmd()) {
        Some(end) if set > end => Err(Errno::EINVAL),
        _ => Ok(()),
    }
}
