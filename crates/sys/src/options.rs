//! Which options the commands got after they came, and with which kernel.
//!
//! A kernel takes a longer attribute than its own as long as what it does not know is zero, so what a caller leaves
//! out is no trouble anywhere. What is asked for and came later is refused, with `EINVAL` or `E2BIG` and no word about
//! which of the fields it was. This table knows: [`Unsupported`] is made of it, and the older kernels of
//! [`doors`](crate::doors) refuse by it.

use crate::attr::Attr;
use crate::kernel::KernelVersion;
use crate::uapi::{AttachType, Cmd};

mod link;
mod number;
mod table;

/// The release that brought something.
pub(crate) type Since = (u16, u16);

/// Something that was asked for and that this kernel is too old for.
///
/// It says which of the options of a command came with a later kernel than this one, after the kernel refused the
/// command (`EINVAL` or `E2BIG`). A distribution may have carried the option back to its kernel; then the refusal has
/// another reason.
///
/// `Display`: `needs kernel >= 5.8 (ring buffer), this is 5.7.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsupported {
    /// What it is: `ring buffer`, `cookies of raw tracepoints`.
    pub feature: String,
    /// The first kernel that has it.
    pub since: KernelVersion,
    /// The kernel at hand.
    pub running: KernelVersion,
}

impl std::fmt::Display for Unsupported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { feature, since: KernelVersion { major, minor, .. }, running } = self;
        write!(f, "needs kernel >= {major}.{minor} ({feature}), this is {running}")
    }
}

/// An option of a command: a field of its attribute that is set, or flags in one.
#[derive(Debug, Clone, Copy)]
struct Opt {
    at: usize,
    len: usize,
    mask: u64,
    /// Of these attach types only.
    of: Option<fn(AttachType) -> bool>,
    feature: &'static str,
    since: Since,
}

/// `len` bytes that are not zero.
const fn field(at: usize, len: usize, feature: &'static str, since: Since) -> Opt {
    Opt { at, len, mask: u64::MAX, of: None, feature, since }
}

/// One of these bits in a field of 32.
const fn flags(at: usize, bits: u32, feature: &'static str, since: Since) -> Opt {
    Opt { at, len: 4, mask: bits as u64, of: None, feature, since }
}

/// One of these bits in a field of 64.
const fn wide_flags(at: usize, bits: u64, feature: &'static str, since: Since) -> Opt {
    Opt { at, len: 8, mask: bits, of: None, feature, since }
}

impl Opt {
    /// The same, of these attach types only.
    const fn of(self, kind: fn(AttachType) -> bool) -> Self {
        Self { of: Some(kind), ..self }
    }

    fn is_set(&self, attr: &Attr<'_>) -> bool {
        let bytes = attr.numbers().get(self.at..self.at + self.len).unwrap_or_default();
        let set = match *bytes {
            [a, b, c, d] => u64::from(u32::from_ne_bytes([a, b, c, d])) & self.mask != 0,
            [a, b, c, d, e, f, g, h] => u64::from_ne_bytes([a, b, c, d, e, f, g, h]) & self.mask != 0,
            _ => bytes.iter().any(|b| *b != 0),
        };
        set && self.of.is_none_or(|of| number::attach_type(attr).is_some_and(of))
    }
}

/// Something that a call asks for, and the release that brought it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) feature: String,
    pub(crate) since: Since,
    /// Where its field ends; 0 for types and flags, which kernels look at once they know all fields.
    pub(crate) end: usize,
}

/// All that a call asks for and that not every kernel has, the command itself included.
pub(crate) fn asked(attr: &Attr<'_>) -> Vec<Asked> {
    let cmd = attr.cmd();
    let command = cmd.since().map(|since| (cmd.name().to_owned(), since));
    let numbers = command.into_iter().chain(link::asked(attr)).chain(number::asked(attr));
    let options = table::of(cmd).iter().filter(|o| o.is_set(attr));
    let common =
        attr.has_common().then(|| ("attributes that all commands have in common".to_owned(), (7, 2)));
    numbers
        .chain(common)
        .map(|(feature, since)| Asked { feature, since, end: 0 })
        .chain(options.map(|o| Asked { feature: o.feature.to_owned(), since: o.since, end: o.at + o.len }))
        .collect()
}

/// What a call asks for that came last, and after `running`.
pub(crate) fn too_new(attr: &Attr<'_>, running: KernelVersion) -> Option<Unsupported> {
    let youngest = youngest(attr)?;
    let (major, minor) = youngest.since;
    let since = KernelVersion::new(major.into(), minor.into(), 0);
    (running < since).then_some(Unsupported { feature: youngest.feature, since, running })
}

/// Of those of one release the more general, which come first.
fn youngest(attr: &Attr<'_>) -> Option<Asked> {
    asked(attr).into_iter().rev().max_by_key(|a| a.since)
}

/// How long the attribute of a kernel is, as far as it matters here: up to the last field of its longest command.
pub(crate) fn union_end(version: KernelVersion) -> usize {
    /// That of the first kernels.
    const FIRST: usize = 48;
    let known = |o: &&Opt| version.at_least(o.since.0.into(), o.since.1.into());
    Cmd::ALL
        .iter()
        .flat_map(|c| table::of(*c))
        .filter(known)
        .map(|o| o.at + o.len)
        .fold(FIRST, usize::max)
        .next_multiple_of(8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uapi::{MapCreateAttr, MapFlags, MapType, ProgAttachAttr};

    fn newest(attr: &Attr<'_>) -> Option<(String, Since)> {
        youngest(attr).map(|a| (a.feature, a.since))
    }

    #[test]
    fn the_youngest_option_is_what_is_missing() {
        let map = MapCreateAttr { map_type: MapType::RINGBUF.0, max_entries: 4096, ..Default::default() };
        let attr = Attr::new(Cmd::MAP_CREATE, &map);
        let text = too_new(&attr, KernelVersion::new(5, 7, 3)).unwrap().to_string();
        assert_eq!(text, "needs kernel >= 5.8 (ring buffer), this is 5.7.3");
        assert_eq!(too_new(&attr, KernelVersion::new(5, 8, 0)), None);
        let newer = MapCreateAttr { map_flags: MapFlags::RB_OVERWRITE.bits(), ..map };
        let newest = newest(&Attr::new(Cmd::MAP_CREATE, &newer)).unwrap();
        assert_eq!(newest, ("ring buffers that overwrite".to_owned(), (6, 19)));
    }

    #[test]
    fn numbers_from_the_future_demand_nothing_known() {
        let map = MapCreateAttr { map_type: 4000, ..Default::default() };
        let attr = Attr::new(Cmd::MAP_CREATE, &map);
        assert_eq!(too_new(&attr, KernelVersion::new(3, 18, 0)), None);
    }

    #[test]
    fn an_option_may_be_of_some_attach_types_only() {
        let of = |t: AttachType| {
            let a = ProgAttachAttr { attach_type: t.0, expected_revision: 1, ..Default::default() };
            newest(&Attr::new(Cmd::PROG_ATTACH, &a)).unwrap().1
        };
        assert_eq!((of(AttachType::TCX_INGRESS), of(AttachType::CGROUP_DEVICE)), ((6, 6), (6, 17)));
    }

    #[test]
    fn the_attribute_has_grown_release_by_release() {
        let ends = [(4, 4), (4, 15), (5, 0), (5, 17), (6, 1), (6, 9), (6, 18)]
            .map(|(major, minor)| union_end(KernelVersion::new(major, minor, 0)));
        assert_eq!(ends, [48, 64, 112, 144, 144, 152, 168]);
    }
}
