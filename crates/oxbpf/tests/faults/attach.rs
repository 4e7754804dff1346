//! Ways to attach what was loaded.

use std::fs::File;
use std::path::Path;

use oxbpf::sys::uapi::XdpFlags;
use oxbpf::{AttachFlags, Error, Link, Object, PerfEventOptions, UprobeOptions};

/// Attaches an object's programs.
pub(crate) type Attach = fn(Object) -> Result<Attached, Error>;

/// An object and its links.
pub(crate) struct Attached {
    pub(crate) object: Object,
    pub(crate) links: Vec<Link>,
}

/// By the sections of its programs.
pub(crate) fn by_section(object: Object) -> Result<Attached, Error> {
    let links = object.attach()?.into_iter().collect();
    Ok(Attached { object, links })
}

/// Not at all.
pub(crate) fn nowhere(object: Object) -> Result<Attached, Error> {
    Ok(Attached { object, links: Vec::new() })
}

fn first(
    object: Object,
    attach: impl FnOnce(&oxbpf::Program) -> Result<Link, Error>,
) -> Result<Attached, Error> {
    let link = attach(&object.programs()[0])?;
    Ok(Attached { object, links: vec![link] })
}

/// XDP on the loopback interface of the namespace at hand.
pub(crate) fn to_loopback(object: Object) -> Result<Attached, Error> {
    first(object, |program| program.attach_xdp("lo", XdpFlags::SKB_MODE))
}

/// To the cgroup at `path`.
pub(crate) fn to_cgroup(object: Object, path: &Path) -> Result<Attached, Error> {
    let dir = File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    first(object, |program| program.attach_cgroup(&dir, AttachFlags::empty()))
}

/// To the clocks of all CPUs.
pub(crate) fn to_clocks(object: Object) -> Result<Attached, Error> {
    first(object, |program| program.attach_perf_event(&PerfEventOptions::default()))
}

/// Both programs to this very program, where it has code for sure.
pub(crate) fn to_this_program(object: Object) -> Result<Attached, Error> {
    let exe =
        std::env::current_exe().map_err(|source| Error::Read { path: "/proc/self/exe".into(), source })?;
    let mut links = Vec::new();
    for program in object.programs() {
        let options = UprobeOptions {
            binary: exe.to_str().expect("a path in UTF-8"),
            function: Some("oxbpf_faults_probed"),
            on_return: program.section().starts_with("uret"),
            ..Default::default()
        };
        links.push(program.attach_uprobe(&options)?);
    }
    Ok(Attached { object, links })
}

/// What the uprobes are on.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn oxbpf_faults_probed(n: u64) -> u64 {
    std::hint::black_box(n)
}

/// Keeps the function in the program.
pub(crate) fn keep_probed() -> u64 {
    oxbpf_faults_probed(1)
}
